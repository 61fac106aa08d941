"""Learning rates: how far to step.

A constant, a schedule and a line search are one kind of thing: ``init(w)`` makes a memory,
``length(look, memory)`` answers the length of this step and the next memory. ``look`` shows all
that the walk knows at the step: its number, the value, gradient and direction there, and a
``probe(length)`` that says what a step of that length would lead to.

=============  ==================================================================
``rate``       what every rate answers, and what it is shown
``schedules``  given beforehand: constant, falling, cyclic, warmed up
``feedback``   measured on the way: plateaus, line search, curvature, Polyak's
=============  ==================================================================

Schedules count updates (not epochs) from 0 and are PyTorch's where PyTorch has them
(``torch.optim.lr_scheduler``).
"""

from typing import Any

from downslope.rates.feedback import (
    Adaptive,
    AdaptiveDescent,
    Armijo,
    LastLength,
    Pair,
    Polyak,
    Stall,
)
from downslope.rates.rate import Look, Nothing, Probe, Rate
from downslope.rates.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    Optimal,
    Stairs,
    WarmUp,
    schedule,
)

__all__ = [  # noqa: RUF022 -- as they are read, which is how the reference shows them
    "Probe",
    "Look",
    "Rate",
    "Nothing",
    "Constant",
    "InverseScaling",
    "Optimal",
    "Stall",
    "Adaptive",
    "Stairs",
    "Exponential",
    "Cosine",
    "WarmUp",
    "OneCycle",
    "LastLength",
    "Armijo",
    "Pair",
    "AdaptiveDescent",
    "Polyak",
    "RATES",
    "schedule",
]

RATES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        Constant,
        InverseScaling,
        Optimal,
        Adaptive,
        Stairs,
        Exponential,
        Cosine,
        WarmUp,
        OneCycle,
        Armijo,
        AdaptiveDescent,
        Polyak,
    )
}
