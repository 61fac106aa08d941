"""Figures and the report: plain arrays and traces in, pictures out; nothing is computed here."""
