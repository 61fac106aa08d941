"""Update rules: which way to step, given the gradient.

A rule is two pure functions: ``init(w)`` makes its memory, ``direction(gradient, w, memory, k)``
answers the direction of step ``k`` (counted from 0) and the next memory. The walk then moves to
``w - rate * direction``. Only ``+ - * / **`` and comparisons are used, so NumPy arrays and torch
tensors both pass through.

============  ==================================================================
``rule``      what every rule answers
``velocity``  one length for all weights: plain, momentum, Nesterov
``squares``   a length for each weight: AdaGrad, AdaDelta, RMSProp
``adam``      both: Adam, AMSGrad, NAdam, AdamW
============  ==================================================================

Same-named rules differ between libraries; these are PyTorch's (``torch.optim``), bias corrections
and places of ``eps`` included. Optax differs for NAdam (no momentum decay schedule), AMSGrad
(maximum taken after bias correction), AdaGrad (accumulator starts at 0.1) and RMSProp (decay 0.9,
eps inside the root).

Adam-like rules divide by the gradient's own size, so a coordinate whose exact gradient is zero but
whose computed one is rounding noise (1e-19, say) walks at full speed on that noise. These rules do
not hide it: they step as PyTorch does. It matters only where a weight starts exactly at its
optimum, as the intercept of standardised columns does, and it dies with a decaying rate.
"""

from dataclasses import fields
from typing import Any

from downslope.errors import SettingError
from downslope.rules.adam import Adam, AdamW, AMSGrad, Moments, NAdam
from downslope.rules.rule import Rule
from downslope.rules.squares import AdaDelta, AdaGrad, RMSProp, Spread, Squares, TwoSquares
from downslope.rules.velocity import Momentum, Nesterov, Nothing, Plain, Velocity

__all__ = [  # noqa: RUF022 -- as they are read, which is how the reference shows them
    "Rule",
    "Nothing",
    "Velocity",
    "Plain",
    "Momentum",
    "Nesterov",
    "Squares",
    "AdaGrad",
    "TwoSquares",
    "AdaDelta",
    "Spread",
    "RMSProp",
    "Moments",
    "Adam",
    "AMSGrad",
    "NAdam",
    "AdamW",
    "RULES",
    "make_rule",
]

RULES: dict[str, type[Any]] = {
    cls.name: cls
    for cls in (
        Plain,
        Momentum,
        Nesterov,
        AdaGrad,
        AdaDelta,
        RMSProp,
        Adam,
        AMSGrad,
        NAdam,
        AdamW,
    )
}


def make_rule(name: str, **settings: float) -> Rule:
    """Rule of that name.

    Raises
    ------
    SettingError
        If no rule has that name, or the rule has no such setting.

    Examples
    --------
    >>> make_rule("momentum", beta=0.8)
    Momentum(beta=0.8, dampening=0.0)
    """
    if name not in RULES:
        raise SettingError(f"rule={name!r} is unknown; choose one of {', '.join(RULES)}.")
    try:
        rule: Rule = RULES[name](**settings)
    except TypeError:
        known = ", ".join(field.name for field in fields(RULES[name])) or "none"
        raise SettingError(
            f"rule {name!r} was given {', '.join(settings)}; the settings it has: {known}."
        ) from None
    return rule
