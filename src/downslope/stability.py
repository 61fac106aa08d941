"""Stability: what one rate does to a quadratic under each rule.

==================== ======================== ========================================
rule                 largest stable x         contraction per step
==================== ======================== ========================================
plain                2                        abs(1 - x)
momentum             2 (1 + b) / (1 - d)      roots of z^2 - (1 + b - (1 - d) x) z + b
nesterov             2 (1 + b) / (1 + 2 b)    roots of z^2 - (1 - x) ((1 + b) z - b)
adam, amsgrad, adamw 2 (1 + b) / (1 - b)      momentum's, with d = b
adagrad, rmsprop     2 (1 + b)                momentum's, with d = 0
==================== ======================== ========================================

Here ``x`` is rate times curvature, b the share of momentum and d its dampening; for the last two
rows the curvature is that of the Hessian rescaled by the rule's own step sizes.

References
----------
Goh (2017), Why momentum really works; Cohen et al. (2022), arXiv 2207.14484, for the rescaled
Hessian.
"""

import math
from typing import Any

from downslope.rules import (
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    Nesterov,
    Plain,
    RMSProp,
    Rule,
)

Array = Any


def steps_per_decade(factor: float) -> float:
    """Steps in which an error that shrinks by ``factor`` per step falls to a tenth.

    Examples
    --------
    >>> round(steps_per_decade(0.9), 2)
    21.85
    """
    if factor <= 0.0:
        return 1.0
    return math.log(10.0) / -math.log(factor) if factor < 1.0 else math.inf


def contraction(rule: Rule, product: float) -> float | None:
    """Spectral radius of the rule's step on a quadratic, at ``product`` = rate times curvature.

    None for rules whose step is not linear there (AdaDelta, NAdam).

    Examples
    --------
    >>> contraction(Plain(), 1.8), contraction(Momentum(beta=0.81), 1.0)
    (0.8, 0.9)
    """
    match rule:
        case Plain() | AdaGrad():
            return abs(1.0 - product)
        case Momentum(beta=b, dampening=d):
            return _largest_root(1.0 + b - (1.0 - d) * product, b)
        case Nesterov(beta=b):
            return _largest_root((1.0 + b) * (1.0 - product), b * (1.0 - product))
        case RMSProp(momentum=b):
            return _largest_root(1.0 + b - product, b)
        case Adam(beta1=b) | AMSGrad(beta1=b) | AdamW(beta1=b):
            return _largest_root(1.0 + b - (1.0 - b) * product, b)
    return None


def _largest_root(trace: float, determinant: float) -> float:
    """Largest root, in size, of ``z^2 - trace z + determinant``."""
    under = trace * trace - 4.0 * determinant
    if under <= 0.0:
        return math.sqrt(determinant)
    return (abs(trace) + math.sqrt(under)) / 2.0


def best_product(rule: Rule, condition: float) -> float | None:
    """Rate times largest curvature that contracts fastest: both ends of the spectrum alike.

    Examples
    --------
    >>> best_product(Plain(), 3.0)
    1.5
    """
    limit = rule.stable_product
    if limit is None or contraction(rule, 1.0) is None:
        return None
    if not isinstance(rule, Nesterov):
        return limit / (1.0 + 1.0 / condition)  # the contraction is symmetric about half the limit
    low, high = 1.0, limit  # fastest at 1 for a round bowl; the steep end slows from there on
    for _ in range(60):
        middle = (low + high) / 2.0
        steep, flat = contraction(rule, middle), contraction(rule, middle / condition)
        assert steep is not None
        assert flat is not None
        low, high = (middle, high) if steep < flat else (low, middle)
    return low


def preconditioner(rule: Rule, memory: Any, k: int) -> Array | None:
    """What an adaptive rule divides each coordinate by after ``k`` steps; None for the others.

    Near a minimum the gradients, and with them these numbers, shrink until the rescaled Hessian
    meets the rule's limit: Adam with a constant rate always ends there, and it is no fault.
    """
    match rule:
        case AdaGrad(eps=eps):
            return memory.total**0.5 + eps
        case RMSProp(eps=eps, centered=centered):
            return (memory.squares - centered * memory.mean * memory.mean) ** 0.5 + eps
        case Adam(beta2=b, eps=eps) | AdamW(beta2=b, eps=eps) if k > 0:
            return memory.squares**0.5 / (1.0 - b**k) ** 0.5 + eps
        case AMSGrad(beta2=b, eps=eps) if k > 0:
            return memory.extra**0.5 / (1.0 - b**k) ** 0.5 + eps
    return None
