"""Figures and the report: plain arrays and traces in, pictures out; nothing is computed here.

==============  ==================================================================
``style``       colours, panels, numbers on axes; ``save`` and ``svg``
``fits``        what a model says: line, coefficients, predictions
``one_run``     how a run went
``rates``       several runs down one valley
``one_weight``  the loss along one weight, its minima
``valleys``     over two weights, or on the plane of a path
``ground``      starts that escape, sharpness
``report``      all of it as one page
==============  ==================================================================
"""
