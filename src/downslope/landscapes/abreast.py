"""Many starts walking abreast: one walk whose weights are a matrix, one column per start.

The rules use operators only, so plain descent on a matrix of shape (n_weights, n_starts) is plain
descent of each column; what is needed besides is a problem that answers all columns at once and a
length for each of them.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import numpy as np

from downslope.descend import Problem, begin, steps
from downslope.problems.callables import Function
from downslope.problems.formula import Formula
from downslope.rates import Look
from downslope.rules import Plain

Array = Any
ROUNDING = 2.0**-52


def abreast(problem: Problem) -> Function:
    """The problem for many columns of weights: values (m,) and gradients (n, m).

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> values, slopes = abreast(parse("w^2")).value_and_gradient(np.array([[1.0, 3.0]]))
    >>> values, slopes
    (array([1., 9.]), array([[2., 6.]]))
    """
    if isinstance(problem, Formula):
        return Function(problem.many)

    def one_by_one(points: Array) -> tuple[Any, Array]:
        pairs = [problem.value_and_gradient(w) for w in np.asarray(points, dtype=float).T]
        values = np.array(
            [float(value) + problem.rest(w) for (value, _), w in zip(pairs, points.T, strict=True)]
        )
        return values, np.stack([slope for _, slope in pairs], axis=1)

    return Function(one_by_one)


class Lengths(NamedTuple):
    """Memory of ``EachDown``: last places and gradients of all columns, and the first slopes."""

    w: Array
    gradient: Array
    first: Array


@dataclass(frozen=True)
class EachDown:
    """A length for each column: Barzilai and Borwein's, halved until the value falls.

    No step is longer than ``reach``: each column follows the slope through the valley that it
    stands in, instead of jumping over a ridge.
    """

    reach: float
    name: ClassVar[str] = "each_down"
    needs: ClassVar[str] = "all rows and the plain rule"

    def init(self, w: Array) -> Lengths:
        return Lengths(w, 0.0 * w, np.zeros(w.shape[1]))

    def length(self, look: Look, memory: Lengths) -> tuple[Any, Lengths]:
        squares = (look.gradient * look.gradient).sum(axis=0)
        longest = self.reach / np.maximum(np.sqrt(squares), 1e-300)
        step, change = look.w - memory.w, look.gradient - memory.gradient
        bend = (step * change).sum(axis=0)
        curved = (step * step).sum(axis=0) / np.where(bend > 0.0, bend, np.nan)
        lengths: Any = np.fmin(curved, longest)
        first = squares if look.k == 0 else memory.first
        settled = (squares <= 1e-24 * first) | (lengths * squares <= ROUNDING * abs(look.value))
        if look.k > 0:
            settled |= (step == 0.0).all(axis=0)
        for _ in range(60):
            value = look.probe(lengths).value
            high = ~((value <= look.value - 1e-4 * lengths * squares) | settled)
            if not high.any():
                break
            lengths = np.where(high, lengths / 4.0, lengths)
        return np.where(high | settled, 0.0, lengths), Lengths(look.w, look.gradient, first)


def walk_down(problem: Problem, starts: Array, reach: float, n_steps: int) -> tuple[Array, Array]:
    """Where plain descent by short steps leads from each start, and whether it came to rest.

    Returns arrays of shape (m, n), like ``starts``, and (m,).
    """
    rule, rate, wide = Plain(), EachDown(reach), abreast(problem)
    state = begin(np.ascontiguousarray(starts.T), rule, rate)
    with np.errstate(all="ignore"):
        for step in islice(steps(wide, state, rule, rate), n_steps + 1):
            if not np.any(step.length):
                break
    return step.w.T, np.broadcast_to(np.asarray(step.length) == 0.0, len(starts))
