"""A Python function as a problem to descend.

The slope comes from whoever knows it: a gradient that the user wrote, automatic differentiation
where the function takes PyTorch tensors, or else central differences whose widths are checked.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from downslope.errors import InputError

Array = Any
Evaluate = Callable[[Array], tuple[float, Array]]
WIDTHS = tuple(10.0**-k for k in range(1, 9))
"""Widths tried for a difference, in units of the weight (or of 1, where the weight is smaller)."""
BEST_WIDTH = 2.0 ** (-52 / 3)
"""Where a central difference of a smooth function loses as much to rounding as to curvature."""
DIFFERENCE_ERROR = 1e-9
"""What a central difference can tell of a slope, as a share of the slopes at the start."""
REMEMBERED = 4


@dataclass(frozen=True)
class Function:
    """A function, its gradient and, where there are constraints, the projection onto them.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(w) -> (value, gradient)``.
    project : callable or None
        Nearest allowed point; the walk's proximal step.

    Examples
    --------
    >>> bowl = Function(lambda w: (float(w @ w), 2.0 * w))
    >>> bowl.value_and_gradient(np.array([1.0, 2.0]))
    (5.0, array([2., 4.]))
    """

    evaluate: Evaluate
    project: Callable[[Array], Array] | None = None

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]:
        return self.evaluate(w)

    @property
    def has_rest(self) -> bool:
        return self.project is not None

    def rest(self, w: Array) -> float:
        return 0.0

    def moved(self, w: Array, direction: Array, length: float) -> Array:
        w = w - length * direction
        return w if self.project is None else self.project(w)

    def penalty_value(self, w: Array) -> float:
        return 0.0

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[None]:
        """A function has no rows: one batch, the whole of it."""
        yield None

    def count(self, rows: Any) -> int:
        return 1


@dataclass(frozen=True)
class Remembered:
    """Evaluations that are not made twice: a search ends where the next step begins.

    ``seen`` holds the last few answers by the bytes of their weights.
    """

    evaluate: Evaluate
    seen: dict[bytes, tuple[float, Array]] = field(default_factory=dict)

    def __call__(self, w: Array) -> tuple[float, Array]:
        key = w.tobytes()
        if key not in self.seen:
            if len(self.seen) >= REMEMBERED:
                del self.seen[next(iter(self.seen))]
            self.seen[key] = self.evaluate(w)
        return self.seen[key]


def value_of(fun: Callable[[Array], Any], w: Array) -> float:
    """Value of the user's function as a number.

    Raises
    ------
    InputError
        If it does not answer one number.
    """
    answer = np.asarray(fun(w))
    if answer.size != 1 or answer.dtype.kind not in "fiub":
        raise InputError(
            f"The function answered {answer.dtype} of shape {answer.shape} at {w}; it must answer "
            "one real number."
        )
    return float(answer.reshape(()))


def with_gradient(fun: Callable[[Array], Any], gradient: Callable[[Array], Any]) -> Evaluate:
    """The function with the gradient that the user wrote."""

    def evaluate(w: Array) -> tuple[float, Array]:
        slope = np.asarray(gradient(w), dtype=float)
        if slope.shape != w.shape:
            raise InputError(
                f"The gradient has shape {slope.shape}, but the weights have {w.shape}; it must "
                "hold one number per weight."
            )
        return value_of(fun, w), slope

    return evaluate


def with_autograd(fun: Callable[[Any], Any]) -> Evaluate:
    """A function of a PyTorch tensor, differentiated by PyTorch in double precision."""
    import torch

    def evaluate(w: Array) -> tuple[float, Array]:
        tensor = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        value = fun(tensor)
        (slope,) = torch.autograd.grad(value, tensor)
        return float(value.detach()), slope.numpy()

    return evaluate


def with_differences(
    fun: Callable[[Array], Any],
    w: Array,
    low: Array | float = -math.inf,
    high: Array | float = math.inf,
) -> Evaluate:
    """The function with central differences, of widths that were checked at ``w``.

    Points stay between ``low`` and ``high``, so a function that is undefined outside its bounds is
    never asked there.

    Examples
    --------
    >>> evaluate = with_differences(lambda w: w[0] ** 3, np.array([2.0]))
    >>> evaluate(np.array([2.0]))[1].round(6)
    array([12.])
    """
    low, high = np.broadcast_to(low, w.shape), np.broadcast_to(high, w.shape)
    relative = np.array([_checked_width(fun, w, j, low, high) for j in range(len(w))])

    def evaluate(w: Array) -> tuple[float, Array]:
        widths = relative * np.maximum(np.abs(w), 1.0)
        slopes = [_difference(fun, w, j, widths[j], low, high) for j in range(len(w))]
        return value_of(fun, w), np.array(slopes)

    return evaluate


def _checked_width(fun: Callable[[Array], Any], w: Array, j: int, low: Array, high: Array) -> float:
    """The usual relative width if a wider one agrees; else the one where a tenth changes least."""
    scale = max(abs(w[j]), 1.0)

    def slope(width: float) -> float:
        return _difference(fun, w, j, width * scale, low, high)

    usual = slope(BEST_WIDTH)
    if abs(slope(10.0 * BEST_WIDTH) - usual) <= 1e-6 * abs(usual):
        return BEST_WIDTH
    changes = np.abs(np.diff([slope(width) for width in WIDTHS]))
    changes[~np.isfinite(changes)] = math.inf
    return WIDTHS[int(np.argmin(changes)) + 1] if changes.min() > 0.0 else BEST_WIDTH


def _difference(
    fun: Callable[[Array], Any], w: Array, j: int, width: float, low: Array, high: Array
) -> float:
    ahead, behind = w.copy(), w.copy()
    ahead[j], behind[j] = min(w[j] + width, high[j]), max(w[j] - width, low[j])
    apart = ahead[j] - behind[j]
    return (value_of(fun, ahead) - value_of(fun, behind)) / apart if apart > 0.0 else 0.0
