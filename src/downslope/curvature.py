"""Curvature: how sharply the valley bends, and so how far a step may go.

Near a minimum every smooth objective is a bowl with Hessian H, and all that a learning rate needs
to know are H's largest and smallest eigenvalues: the largest says which rate blows up, the smallest
how long the last digits take, their ratio how hard the problem is.

Small problems are decomposed whole; large ones by Lanczos iterations on Hessian-vector products, so
nothing of size weights x weights is made for them. Any problem with ``curvature_product(w, v)`` can
be asked; one that has only a gradient is wrapped in ``ByDifferences``.

References
----------
Golub and Van Loan (2013), section 10.1, for Lanczos.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.linalg import eigh_tridiagonal

from downslope.losses import MeanSquares, SquaredError
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.rules import Rule
from downslope.stability import best_product, contraction, preconditioner, steps_per_decade
from downslope.trace import Trace

Array = Any
EXACT_SIZE = 128
"""Up to so many weights the whole Hessian is made and decomposed."""


class Problem(Protocol):
    """What curvature needs to know of a problem."""

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]:
        """Smooth part of the objective and its gradient."""
        ...

    def curvature_product(self, w: Array, v: Array) -> Array:
        """Hessian of the smooth part at ``w`` times ``v``."""
        ...


@dataclass(frozen=True)
class ByDifferences:
    """Curvature of a problem that has only a gradient, by central differences of it.

    Six to ten digits where the gradient is exact; costs two gradients per product.
    """

    problem: Any

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]:
        value, gradient = self.problem.value_and_gradient(w, rows)
        return float(value), gradient

    def curvature_product(self, w: Array, v: Array) -> Array:
        length = math.sqrt(float((v * v).sum()))
        if length == 0.0:
            return 0.0 * v
        h = np.finfo(float).eps ** (1 / 3) * (1.0 + math.sqrt(float((w * w).sum()))) / length
        ahead = self.problem.value_and_gradient(w + h * v)[1]
        behind = self.problem.value_and_gradient(w - h * v)[1]
        return (ahead - behind) / (2.0 * h)


@dataclass(frozen=True)
class Curvature:
    """Extreme eigenvalues of a Hessian, and what follows from them for learning rates.

    Attributes
    ----------
    largest, smallest : float
        Extreme eigenvalues; a negative ``smallest`` means a saddle or a ridge.
    slowest : float
        Smallest positive eigenvalue above rounding; it sets the pace of the last digits. 0 where
        no direction bends upwards.
    steepest, flattest : array of shape (n_weights,)
        Unit vectors along which ``largest`` and ``smallest`` are met.
    holds : str
        Where these numbers are true: ``"everywhere"`` (a quadratic), ``"here"`` (at the weights
        asked about), or ``"bound"`` (nowhere is ``largest`` exceeded).
    error : float
        Bound on the error of ``largest``; 0 where the whole matrix was decomposed.
    settled : bool
        Whether ``smallest`` and ``slowest`` can be trusted to two digits.

    Examples
    --------
    >>> from downslope.rules import Plain
    >>> bowl = Curvature(8.0, 2.0, 2.0, np.array([1.0, 0.0]), np.array([0.0, 1.0]), "everywhere")
    >>> bowl.condition, bowl.stable_rate(Plain()), bowl.best_rate(Plain())
    (4.0, 0.25, 0.2)
    >>> round(bowl.steps_per_decade(Plain(), 0.2), 1)
    4.5
    """

    largest: float
    smallest: float
    slowest: float
    steepest: Array
    flattest: Array
    holds: str
    error: float = 0.0
    settled: bool = True

    @property
    def condition(self) -> float:
        """Largest over slowest: about so many steps of plain descent per e-fold."""
        return self.largest / self.slowest if self.slowest > 0.0 else math.inf

    def stable_rate(self, rule: Rule) -> float | None:
        """Largest rate that does not diverge; None where the rule or the curvature has no limit."""
        top = self.largest + self.error
        return rule.stable_product / top if rule.stable_product is not None and top > 0.0 else None

    def best_rate(self, rule: Rule) -> float | None:
        """Constant rate with the fastest last digits: ``2 / (largest + slowest)`` for plain."""
        product = best_product(rule, self.condition)
        return product / self.largest if product is not None and self.largest > 0.0 else None

    def contraction(self, rule: Rule, rate: float) -> float | None:
        """Factor by which the error shrinks per step in the end (above 1 it grows)."""
        fast = contraction(rule, rate * self.largest)
        slow = contraction(rule, rate * self.slowest)
        return None if fast is None or slow is None else max(fast, slow)

    def steps_per_decade(self, rule: Rule, rate: float) -> float | None:
        """Steps until the error is a tenth; infinite where it does not shrink."""
        factor = self.contraction(rule, rate)
        return None if factor is None else steps_per_decade(factor)


def curvature(
    problem: Problem, w: Array, *, divide_by: Array | None = None, seed: int = 0
) -> Curvature:
    """Curvature of the smooth part of a problem at ``w``.

    Parameters
    ----------
    problem : Problem
        Anything with ``curvature_product``; see ``ByDifferences`` for the rest.
    w : array of shape (n_weights,)
        Where; it does not matter for squared errors.
    divide_by : array of shape (n_weights,), optional
        Step scales D of an adaptive rule, from ``preconditioner``; the answer is then about
        ``D^-1/2 H D^-1/2``, which decides that rule's stability.
    seed : int, default 0
        Start of the Lanczos iterations.

    Returns
    -------
    Curvature

    Examples
    --------
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.array([[1.0], [-1.0], [3.0], [-3.0]]), np.zeros(4))
    >>> bend = curvature(Objective(rows, MeanSquares()), np.zeros(2))
    >>> bend.largest, bend.smallest, bend.holds  # 2 mean(x^2), and 2 for the intercept
    (10.0, 2.0, 'everywhere')
    """
    holds = "everywhere" if _is_quadratic(problem, w) else "here"
    root = None if divide_by is None else np.sqrt(to_numpy(divide_by))
    if len(w) <= EXACT_SIZE:
        H = hessian(problem, w)
        return _decompose(H if root is None else H / np.outer(root, root), holds)

    def product(v: Array) -> Array:
        if root is None:
            return to_numpy(problem.curvature_product(w, like(v, w)))
        return to_numpy(problem.curvature_product(w, like(v / root, w))) / root

    return lanczos(product, len(w), seed=seed, holds=holds)


def bound(problem: Objective) -> Curvature | None:
    """Curvature that a linear model's objective exceeds nowhere, whatever the weights.

    ``loss.max_curvature * eigenvalue(X'X / n) + l2``; None where the loss has no bound.
    """
    if problem.loss.max_curvature is None:
        return None
    plain = replace(problem, loss=SquaredError(), penalty=NO_PENALTY, n_outputs=1)
    gram, l2 = curvature(plain, plain.start()), problem.penalty.l2
    top = problem.loss.max_curvature
    return replace(
        gram,
        largest=top * gram.largest + l2,
        smallest=0.0,
        slowest=l2,
        error=top * gram.error,
        holds="everywhere" if _is_quadratic(problem, plain.start()) else "bound",
    )


def hessian(problem: Problem, w: Array) -> Array:
    """The whole Hessian at ``w``, for few weights: one pass for linear models, else by columns."""
    if isinstance(problem, Objective):
        return problem.hessian(w)
    columns = [to_numpy(problem.curvature_product(w, like(unit, w))) for unit in np.eye(len(w))]
    return (np.array(columns) + np.array(columns).T) / 2.0


def lanczos(
    product: Callable[[Array], Array],
    size: int,
    *,
    steps: int = 100,
    tol: float = 1e-6,
    seed: int = 0,
    holds: str = "here",
) -> Curvature:
    """Extreme eigenvalues of a symmetric matrix known by its products with vectors.

    Every new vector is made orthogonal to all before it, twice, so no ghost copies of eigenvalues
    appear. Ends when both ends are known (``largest`` to ``tol``, ``smallest`` to a hundredth),
    after ``steps`` products, or when the space is used up.

    Examples
    --------
    >>> scale = np.arange(1.0, 501.0)
    >>> bend = lanczos(lambda v: scale * v, 500)
    >>> round(bend.largest, 3)
    500.0
    """
    vector = np.random.default_rng(seed).standard_normal(size)
    basis = [vector / np.linalg.norm(vector)]
    diagonal: list[float] = []
    beside: list[float] = []
    for k in range(min(steps, size)):
        image = np.asarray(product(basis[-1]), dtype=float)
        diagonal.append(float(basis[-1] @ image))
        Q = np.array(basis)
        for _ in range(2):
            image = image - Q.T @ (Q @ image)
        length = float(np.linalg.norm(image))
        values, vectors = eigh_tridiagonal(np.array(diagonal), np.array(beside))
        missing = length * np.abs(vectors[-1])
        scale = max(abs(values[0]), abs(values[-1]))
        complete = length <= 1e-13 * scale or k + 1 == size
        known = missing[-1] <= tol * scale and missing[0] <= 1e-2 * abs(values[0])
        if complete or known:
            break
        beside.append(length)
        basis.append(image / length)
    Q = np.array(basis[: len(diagonal)])
    positive = values[values > 10.0 * size * np.finfo(float).eps * scale]
    return Curvature(
        largest=float(values[-1]),
        smallest=float(values[0]),
        slowest=float(positive[0]) if len(positive) else 0.0,
        steepest=vectors[:, -1] @ Q,
        flattest=vectors[:, 0] @ Q,
        holds=holds,
        error=0.0 if complete else float(missing[-1]),
        settled=bool(complete or known),
    )


def _decompose(H: Array, holds: str) -> Curvature:
    values, vectors = np.linalg.eigh(H)
    scale = float(np.abs(values).max(initial=0.0))
    positive = values[values > 10.0 * len(values) * np.finfo(float).eps * scale]
    return Curvature(
        largest=float(values[-1]),
        smallest=float(values[0]),
        slowest=float(positive[0]) if len(positive) else 0.0,
        steepest=vectors[:, -1],
        flattest=vectors[:, 0],
        holds=holds,
    )


def _is_quadratic(problem: Problem, w: Array) -> bool:
    """Whether the Hessian is the same everywhere: by the loss, or by a look at another place."""
    if isinstance(problem, Objective):
        return isinstance(problem.loss, (MeanSquares, SquaredError))
    random = np.random.default_rng(0)
    v, away = random.standard_normal(len(w)), random.standard_normal(len(w))
    shift = like(away * (1.0 + np.abs(to_numpy(w))), w)
    with np.errstate(all="ignore"):
        here = to_numpy(problem.curvature_product(w, like(v, w)))
        there = to_numpy(problem.curvature_product(w + shift, like(v, w)))
        return bool(np.linalg.norm(here - there) <= 1e-6 * np.linalg.norm(here) > 0.0)


def stable_limit(
    problem: Problem, rule: Rule, w: Array, memory: Any = None, k: int = 0
) -> float | None:
    """Largest learning rate at ``w`` that does not diverge: ``rule.stable_product / largest``.

    Adaptive rules have one only once they have a ``memory`` (``result.state.rule_memory`` after
    ``k = result.state.k`` steps). None where there is no limit to name.

    Parameters
    ----------
    problem : Problem
    rule : Rule
    w : array of shape (n_weights,)
        Where; it does not matter for squared errors.
    memory : optional
        The rule's, after ``k`` steps.
    k : int, default 0
        Steps taken.

    Returns
    -------
    float or None
        In units of weight per slope.

    Examples
    --------
    >>> from downslope.rules import Plain
    >>> from downslope.sources.memory import MemoryRows
    >>> rows = MemoryRows(np.array([[1.0], [-1.0]]), np.array([1.0, -1.0]))
    >>> stable_limit(Objective(rows, MeanSquares()), Plain(), np.zeros(2))
    1.0
    """
    if not rule.scales_coordinates:
        return curvature(problem, w).stable_rate(rule)
    scales = preconditioner(rule, memory, k) if memory is not None else None
    return None if scales is None else curvature(problem, w, divide_by=scales).stable_rate(rule)


@dataclass(frozen=True)
class SharpnessPath:
    """Largest curvature along a run.

    Attributes
    ----------
    steps : array of shape (n_points,)
        Steps that were looked at.
    largest : array of shape (n_points,)
        Largest curvature there.
    products : array of shape (n_points,)
        Rate times largest curvature; a plain full-batch run holds itself near 2 at the edge of
        stability.
    """

    steps: Array
    largest: Array
    products: Array


def sharpness(
    problem: Problem, trace: Trace, points: int = 9, *, sample: Array | None = None
) -> SharpnessPath | None:
    """Largest curvature at ``points`` places along a recorded run; None without kept weights.

    ``sample`` is any vector of the problem's library, where that is not NumPy.

    References
    ----------
    Cohen et al. (2021), Gradient descent on neural networks typically occurs at the edge of
    stability.
    """
    if trace.weights is None or len(trace) == 0:
        return None
    finite = np.flatnonzero(np.isfinite(trace.weights).all(axis=1))
    if len(finite) == 0:
        return None
    chosen = finite[np.unique(np.linspace(0, len(finite) - 1, points).round().astype(int))]
    places = [
        trace.weights[i] if sample is None else like(trace.weights[i], sample) for i in chosen
    ]
    largest = np.array([curvature(problem, place).largest for place in places])
    return SharpnessPath(trace["step"][chosen], largest, trace["rate"][chosen] * largest)


def to_numpy(v: Array) -> Array:
    """A vector of any library as a NumPy array, where eigenvalues are computed."""
    return v if isinstance(v, np.ndarray) else np.asarray(v.detach().cpu(), dtype=float)


def like(v: Array, w: Array) -> Array:
    """A NumPy vector in the library of ``w``."""
    return v if isinstance(w, np.ndarray) else w.new_tensor(v)
