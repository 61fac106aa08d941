"""How far above the lowest point: a bound that the walk can compute, and when it is small enough.

In round coordinates the Hessian's eigenvalues are at least some c near 1, so by strong convexity
the height above the lowest point is at most |gradient|^2 / (2 c). With a sketch of s rows c is
1/(1 + rho)^2, rho = sqrt(m/s), at the point where it was taken; where the walk has met a smaller
curvature since, that takes its place.

For losses whose curvature changes the bound is multiplied by a doubt. It is 4 where curvature falls
by e per unit of raw prediction, as for logistic, Poisson and gamma losses: a Newton step of up to
one unit gains up to twice its quadratic estimate (Bach 2010), and twice that where curvature is
told from a step before, when there was more of it. It is 20 where curvature jumps to zero, as for
Huber's loss and the squared hinge, whose rows may leave their parabola.
"""

import math
from dataclasses import dataclass

import numpy as np

from downslope import clock
from downslope.stopping import Reason, out_of_time

DEFAULT_TOL = 1e-6


@dataclass(frozen=True)
class Target:
    """When the rest is too small to matter.

    Parameters
    ----------
    tol : float or None, default None
        Stop when the bound is at most ``tol`` times what was gained over the best intercept alone.
        None: at most 1e-6 of it, and the coefficients within a thousandth of their standard errors,
        root mean square: decrement <= 1e-6 m/n, times the variance of slopes (``in_units``).
    n_rows : int
    null_value : float
        Objective of the best intercept alone.
    in_units : bool
        Whether the loss is in the units of the targets, squared, so that only 2 f, the residual
        variance, tells how much a row's slope varies. For others, likelihoods and losses of targets
        1 and -1, that is about their curvature.
    enough : float or None, default None
        Bound that is small enough, instead of all that.
    kind : type, default numpy.float64
        Numbers that products with the rows are made in.
    steepest : float, default infinity
        Largest slope of a row, as Huber's loss has one.
    """

    tol: float | None
    n_rows: int
    null_value: float
    in_units: bool
    enough: float | None = None
    kind: type = np.float64
    steepest: float = math.inf

    def spread(self, value: float) -> float:
        """Variance of a row's slope, in units of its curvature: the noise that no model removes."""
        if not self.in_units:
            return 1.0
        return min(2.0 * max(value, 1e-9 * self.null_value), self.steepest**2)

    def gap(self, value: float, rank: int) -> float:
        """Bound on the height that is small enough."""
        if self.enough is not None:
            return self.enough
        noise = 0.5 * self.spread(value) * min(1.0, rank / self.n_rows)
        gained = max(self.null_value - value, noise)
        return (DEFAULT_TOL if self.tol is None else self.tol) * gained

    def wanted(self, value: float, rank: int, slack: float) -> float:
        """Decrement at which to stop."""
        enough = 2.0 * self.gap(value, rank) / slack
        if self.tol is not None or self.enough is not None:
            return enough
        error = DEFAULT_TOL * min(1.0, rank / self.n_rows) * self.spread(value)
        return min(enough, error)

    def reached(self, decrement: float, value: float, rank: int, slack: float) -> Reason | None:
        """Whether this is low enough, or as low as the rounding of the slope lets anyone tell."""
        bound, size = height(decrement, slack), max(abs(value), abs(self.null_value))
        if decrement <= self.wanted(value, rank, slack):
            return converged(bound)
        if decrement <= 4.0 * rank * size * float(np.finfo(self.kind).eps) ** 2:
            return at_rounding(bound)
        return None

    def rounding(self, value: float) -> float:
        """Differences of the value below this are rounding."""
        return rounding(max(abs(value), abs(self.null_value)), self.n_rows, self.kind)

    def no_lower(self, bound: float) -> Reason:
        """No lower point was found: as low as sums over the rows can tell, or a stall."""
        return no_lower(bound, self.rounding(0.0))


def slack_of(rho: float, lowest_curvature: float, doubt: float) -> float:
    """Factor by which half the decrement may underestimate the height.

    ``doubt`` is 1 where curvature is the same everywhere; see ``smooth.doubt_of``.
    """
    return doubt * max((1.0 + rho) ** 2, 1.0 / lowest_curvature)


def doubt_within(reach: float) -> float:
    """The doubt where a Newton step changes raw predictions by ``reach`` at most.

    Where curvature falls by at most e per unit, the value along a step of decrement d is at least
    -d t + d (exp(-reach t) - 1 + reach t) / reach^2 at its share t; this is the lowest of it, over
    -d / 2. It is 1 where the step is short, and 2 at a reach of 1.

    >>> [round(doubt_within(reach), 2) for reach in (0.0, 0.1, 0.5, 1.0)]
    [1.0, 1.04, 1.23, 2.0]
    """
    if reach >= 1.0:
        return 2.0
    if reach < 1e-3:  # the formula is a difference of large numbers there
        return 1.0 + reach / 3.0
    lowest = -math.log1p(-reach) / reach
    return 2.0 * (lowest * (1.0 - 1.0 / reach) + 1.0 / reach)


def height(decrement: float, slack: float) -> float:
    """Bound on the height above the lowest point."""
    return 0.5 * slack * decrement


def rounding(value: float, n_rows: int, kind: type = np.float64) -> float:
    """Differences of the value below this are rounding.

    Sums over rows are float64 always; what is summed has the digits of ``kind``.
    """
    ours, double = float(np.finfo(kind).eps), float(np.finfo(float).eps)
    return 4.0 * max(ours, math.sqrt(n_rows) * double) * abs(value)


def converged(bound: float) -> Reason:
    """The end that was asked for."""
    return Reason(
        "converged", f"At most {bound:.1e} above the lowest possible loss.", converged=True
    )


def at_rounding(bound: float) -> Reason:
    """No lower point can be told from this one."""
    return Reason(
        "converged",
        f"At most {bound:.1e} above the lowest possible loss, which is the rounding of the sums: "
        "no lower point can be told from this one.",
        converged=True,
    )


def verdict(bound: float, enough: float, read: float, most_passes: float) -> Reason | None:
    """The reason to stop, if there is one: the bound is small enough, or passes are used up."""
    if bound <= enough:
        return converged(bound)
    return used_up(read, most_passes, bound)


def used_up(read: float, most_passes: float, bound: float) -> Reason | None:
    """The reason to stop where passes or time are used up."""
    if read >= most_passes:
        return out_of_passes(read, most_passes, bound)
    spent = clock.overdue()
    return None if spent is None else out_of_time(spent, bound)


def separable(value: float) -> Reason:
    """Every row is on the right side, so larger weights are always better."""
    return Reason(
        "separable",
        "The classes can be separated without an error, so the loss falls towards 0 for ever "
        f"while the weights grow (it is {value:.1e} here); a penalty such as penalty='l2' gives "
        "finite weights.",
        converged=False,
    )


def out_of_passes(passes: float, most: float, bound: float) -> Reason:
    """The cap on passes was reached first; a step, or a look with its curvature, costs several.

    Examples
    --------
    >>> print(out_of_passes(2.0, 1.0, 0.5).sentence[:55])
    Stopped after 2 passes over the rows, the cap being 1,
    """
    told = round(passes)
    cap = "the cap" if told <= most else f"the cap being {most:.0f}"
    return Reason(
        "max_epochs",
        f"Stopped after {told} passes over the rows, {cap}, at most {bound:.1e} above the "
        "lowest possible loss as far as the curvature met so far tells.",
        converged=False,
    )


def stalled(bound: float) -> Reason:
    """Neither the round walk nor plain descent finds a lower point."""
    return Reason(
        "stalled",
        f"No lower point was found, though the loss may be up to {bound:.1e} above the lowest; "
        "values of very different size in one column can do this.",
        converged=False,
    )


def no_lower(bound: float, rounding: float) -> Reason:
    """No lower point was found: the walk is as low as sums can tell, or it stalled."""
    return at_rounding(bound) if bound <= rounding else stalled(bound)
