"""Kernels for the passes over rows: plain arrays and scalars, nothing else.

====================  =====================================================================
``form``              which form of a kernel does a piece of work, by its size
files of this folder  machine code, made by numba; see ``machine_code``
``plain``             the same functions in NumPy, for little work: nothing is compiled there
``making``            the time that machine code takes to be made, and who wants to know
``team``, ``views``   chunks of rows for several threads; arrays as kernels want them
====================  =====================================================================

Importing this package loads no compiler.
"""
