"""Downslope: gradient descent you can see, trust and scale."""

__version__ = "0.1.0"
