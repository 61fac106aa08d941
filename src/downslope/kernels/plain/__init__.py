"""Kernels in NumPy: the same functions, arguments and numbers to rounding, for little work.

Nothing is compiled and no compiler is loaded here. ``form.form`` chooses between both.
"""
