"""The walk: measure the error, feel the slope, step downhill, repeat.

``steps`` is an endless iterator; every algorithm goes through it. Batch, stochastic and mini-batch
descent differ only in the batches that the problem hands out, rules in the direction, rates in the
length. Stopping, recording and progress bars read the steps and never change them::

    rule, rate = Plain(), Constant(0.1)
    for step in steps(problem, begin(w0, rule, rate), rule, rate):
        ...

``run`` is the usual reader: it records, asks the stops, and answers a ``Result``.

============  ==================================================================
``walk``      ``steps``, from one state to the next
``pairs``     what is refused before the first
``recorded``  ``run``, what it keeps and what it answers
============  ==================================================================
"""

from downslope.descend.pairs import check_pair
from downslope.descend.recorded import FEW_WEIGHTS, Keeper, Result, Snapshot, run
from downslope.descend.walk import Problem, State, Step, begin, steps

__all__ = [  # noqa: RUF022 -- as they are read, which is how the reference shows them
    "FEW_WEIGHTS",
    "Problem",
    "State",
    "Step",
    "Result",
    "begin",
    "steps",
    "check_pair",
    "Snapshot",
    "Keeper",
    "run",
]
