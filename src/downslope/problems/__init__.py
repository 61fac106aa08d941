"""Problems that are no table: a formula, a Python function, a surface to practise on.

Each answers a value and a gradient, which is all that a walk asks.

==============  =====================================================
``grammar``     text to a checked tree; nothing is evaluated as code
``formula``     a typed formula with its exact derivatives
``callables``   a Python function, its slope by whoever knows it
``surfaces``    the standard test surfaces, with their minima
==============  =====================================================
"""
