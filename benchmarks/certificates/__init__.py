"""Nasty problems, solved through the public estimators, and another walk that tries to go lower.

==========  =============================================================================
``draw``    a problem for every number: scales, duplicates, heavy tails, rare levels, ...
``precise`` its objective, written apart from the product, in extended precision
``lower``   walks on from an answer: Newton and coordinates in extended precision, a programme
``hold``    solves a problem, walks on, and says whether the bound that was told is true
==========  =============================================================================
"""
