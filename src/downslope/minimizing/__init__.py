"""Minimise anything: ``minimize`` for problems and functions, ``curves`` for fits through data,
``straight`` for those of their weights that need no walk.

``quasi_newton`` and ``spectral`` are rules of the walk; ``standstill`` says why one stands still.
"""
