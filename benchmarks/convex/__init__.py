"""Objective gap against time, for every solver on every convex problem.

``python -m benchmarks.convex --quick`` runs the small ones; see ``benchmarks/README.md``.
"""
