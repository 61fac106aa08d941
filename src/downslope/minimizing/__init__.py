"""Minimise anything: ``minimize`` for problems and functions, ``curves`` for fits through data.

``quasi_newton`` and ``spectral`` are rules of the walk; ``standstill`` says why one stands still.
"""
