"""The ground around a walk: the loss along a line and over a plane, and how far to trust it.

With more than two weights every picture is a cut. A plane through the two main directions of a path
may hold nearly all of its movement and still show losses that the walk never had, since a little
movement across a steep direction matters most; so a path always comes with its true losses and the
gap between them and the plane beneath.

Directions at random say little when weights differ in size: ``filter_normalised`` ones are scaled
unit by unit to the weights themselves, so that networks can be compared.

References
----------
Goodfellow, Vinyals and Saxe (2015) for lines; Li et al. (2018), Visualizing the loss landscape of
neural nets, for planes, main directions and filter normalisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.descend import Problem
from downslope.errors import InputError, SettingError
from downslope.problems.formula import Formula

Array = Any
ROOM = 0.2
"""Share of a path's extent that is shown around it."""


@dataclass(frozen=True)
class Line:
    """Loss along a line, ``losses[i]`` at ``center + t[i] * direction``."""

    center: Array
    direction: Array
    t: Array
    losses: Array


@dataclass(frozen=True)
class PathOnPlane:
    """A walk laid on a plane.

    Attributes
    ----------
    points : array of shape (n_points, 2)
        Where each step stands in the plane's two directions.
    true : array of shape (n_points,)
        Loss of each step.
    seen : array of shape (n_points,)
        Loss of the plane beneath it: what the picture shows there.
    shares : tuple of float
        Share of the walk's squared movement along each direction.
    """

    points: Array
    true: Array
    seen: Array
    shares: tuple[float, float]

    @property
    def gap(self) -> float:
        """Largest difference between the true loss and the one that the picture shows."""
        return float(np.max(np.abs(self.true - self.seen)))

    @property
    def sentence(self) -> str:
        """How far to trust the picture."""
        worst = int(np.argmax(np.abs(self.true - self.seen)))
        return (
            f"The plane holds {100 * sum(self.shares):.1f}% of the walk's movement; at step "
            f"{worst} it shows a loss of {self.seen[worst]:.4g} where the true one is "
            f"{self.true[worst]:.4g}."
        )


@dataclass(frozen=True)
class Plane:
    """Loss over a plane.

    ``losses[j, i]`` belongs to ``center + a[i] * directions[0] + b[j] * directions[1]``.

    Attributes
    ----------
    center : array of shape (n_weights,)
    directions : array of shape (2, n_weights)
    a, b : array
        Grid along each direction.
    losses : array of shape (len(b), len(a))
    path : PathOnPlane or None
    """

    center: Array
    directions: Array
    a: Array
    b: Array
    losses: Array
    path: PathOnPlane | None = None


def heights(problem: Problem, points: Array) -> Array:
    """Whole objective at each of many points of shape (n_points, n_weights)."""
    if isinstance(problem, Formula):
        return problem.many(np.asarray(points, dtype=float).T)[0]
    with np.errstate(all="ignore"):
        return np.array([problem.value_and_gradient(w)[0] + problem.rest(w) for w in points])


def along(
    problem: Problem,
    center: Array,
    direction: Array,
    span: tuple[float, float] = (-1.0, 1.0),
    points: int = 101,
) -> Line:
    """Loss along a line through ``center``.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> along(parse("u^2 + 9*v^2"), [0, 0], [0, 1], (-1, 1), points=3).losses
    array([9., 0., 9.])
    """
    center, direction = _vector(center), _vector(direction)
    t = _grid(span, points)
    return Line(center, direction, t, heights(problem, center + t[:, None] * direction))


def along_weight(
    problem: Problem, w: Array, index: int, span: tuple[float, float], points: int = 101
) -> Line:
    """Loss against one weight, all others as they are; ``t`` is the weight itself."""
    center = _vector(w).copy()
    center[_index(index, len(center))] = 0.0
    return along(problem, center, np.eye(len(center))[index], span, points)


def over_weights(
    problem: Problem,
    w: Array,
    pair: tuple[int, int],
    box: tuple[tuple[float, float], tuple[float, float]],
    resolution: int = 61,
) -> Plane:
    """Loss over two weights, all others as they are; ``a`` and ``b`` are the weights themselves.

    Raises
    ------
    InputError
        If the pair names a weight that is not there, or the same one twice.
    """
    center = _vector(w).copy()
    i, j = (_index(index, len(center)) for index in pair)
    if i == j:
        raise InputError(f"The pair {pair} names one weight twice; a plane needs two.")
    center[[i, j]] = 0.0
    axes = np.eye(len(center))[[i, j]]
    return _plane(problem, center, axes, _grid(box[0], resolution), _grid(box[1], resolution))


def over_path(problem: Problem, weights: Array, resolution: int = 61) -> Plane:
    """Loss over the two directions in which a walk moved most, seen from where it ended.

    Parameters
    ----------
    problem : Problem
    weights : array of shape (n_points, n_weights)
        The walk, such as ``result.trace.weights``.
    resolution : int, default 61

    Raises
    ------
    InputError
        If there are fewer than two weights or two points, or points that are not finite.

    Examples
    --------
    >>> from downslope.minimizing.minimize import minimize
    >>> from downslope.problems.formula import parse
    >>> steep = parse("a^2 + b^2 + 3000*(c - 0.03*a)^2")
    >>> walk = minimize(steep, [3, 2, 1.5], rule="plain", learning_rate=3e-4, max_steps=400)
    >>> print(over_path(steep, walk.trace.weights, resolution=5).path.sentence)
    The plane holds 100.0% of the walk's movement; at step ...
    """
    path = np.asarray(weights, dtype=float)
    if path.ndim != 2 or path.shape[0] < 2 or path.shape[1] < 2:
        raise InputError(
            f"A path of shape {path.shape} has no plane; it needs two points or more, and two "
            "weights or more."
        )
    if not np.isfinite(path).all():
        raise InputError("The path has points that are not finite; cut it where it diverged.")
    center = path[-1]
    _, sizes, directions = np.linalg.svd(path - center, full_matrices=len(path) < 3)
    sizes = np.append(sizes, 0.0)[:2] ** 2
    total = max(float(((path - center) ** 2).sum()), 1e-300)
    axes = directions[:2]
    flat = (path - center) @ axes.T
    seen = heights(problem, center + flat @ axes)
    laid = PathOnPlane(
        flat, heights(problem, path), seen, (float(sizes[0] / total), float(sizes[1] / total))
    )
    a, b = (_around(flat[:, k], np.ptp(flat), resolution) for k in (0, 1))
    return _plane(problem, center, axes, a, b, laid)


def over_random(
    problem: Problem,
    w: Array,
    shapes: Sequence[tuple[int, ...]],
    span: float = 1.0,
    resolution: int = 31,
    seed: int = 0,
    unit_axis: int = -1,
) -> Plane:
    """Loss over two filter-normalised random directions around ``w``.

    Parameters
    ----------
    problem : Problem
    w : array of shape (n_weights,)
    shapes : sequence of tuple
        Shapes of the arrays that ``w`` is made of, in order.
    span : float, default 1
        Half the width; at 1 every unit changes by as much as its own weights.
    resolution, seed : int
    unit_axis : int, default -1
        Which axis of an array counts the units: the last one here, the first one in PyTorch.
    """
    center = _vector(w)
    random = np.random.default_rng(seed)
    axes = np.stack([filter_normalised(center, shapes, random, unit_axis) for _ in range(2)])
    grid = _grid((-span, span), resolution)
    return _plane(problem, center, axes, grid, grid)


def filter_normalised(
    w: Array,
    shapes: Sequence[tuple[int, ...]],
    random: np.random.Generator,
    unit_axis: int = -1,
) -> Array:
    """A random direction in which each unit's part is as long as the unit's weights.

    Arrays of one axis (biases) do not move, as in Li et al.

    Examples
    --------
    >>> w = np.array([3.0, 0.0, 4.0, 1.0, 7.0])  # two inputs, two units; one bias
    >>> d = filter_normalised(w, [(2, 2), (1,)], np.random.default_rng(0))
    >>> np.linalg.norm(d[:4].reshape(2, 2), axis=0), d[4]
    (array([5., 1.]), np.float64(0.0))
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    if sum(sizes) != len(w):
        raise InputError(f"The shapes {list(shapes)} hold {sum(sizes)} weights, not {len(w)}.")
    parts = []
    for shape, part in zip(shapes, np.split(w, np.cumsum(sizes)[:-1]), strict=True):
        if len(shape) < 2:
            parts.append(np.zeros(part.size))
            continue
        weights, direction = part.reshape(shape), random.standard_normal(shape)
        others = tuple(k for k in range(len(shape)) if k != unit_axis % len(shape))
        lengths = np.sqrt((direction**2).sum(axis=others, keepdims=True))
        scale = np.sqrt((weights**2).sum(axis=others, keepdims=True)) / lengths
        parts.append((direction * scale).ravel())
    return np.concatenate(parts)


def _plane(
    problem: Problem,
    center: Array,
    axes: Array,
    a: Array,
    b: Array,
    path: PathOnPlane | None = None,
) -> Plane:
    # Row by row, so that a network's grid never holds all of its points at once.
    rows = [heights(problem, center + a[:, None] * axes[0] + v * axes[1]) for v in b]
    return Plane(center, axes, a, b, np.stack(rows), path)


def _vector(w: Array) -> Array:
    vector = np.asarray(w, dtype=float)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InputError(f"Weights of shape {vector.shape} must be one list of finite numbers.")
    return vector


def _index(index: int, size: int) -> int:
    if not -size <= index < size:
        raise InputError(f"There is no weight {index}: there are {size}, counted from 0.")
    return index % size


def _grid(span: tuple[float, float], points: int) -> Array:
    low, high = span
    if not (np.isfinite([low, high]).all() and low < high):
        raise SettingError(f"The span {span} must run from a lower to a higher finite number.")
    if points < 2:
        raise SettingError(f"{points} points draw nothing; use 2 or more.")
    return np.linspace(low, high, points)


def _around(coordinate: Array, extent: float, resolution: int) -> Array:
    """A grid over a path's extent and some room, also where it hardly moves."""
    room = ROOM * max(float(np.ptp(coordinate)), 0.25 * extent, 1e-12)
    return _grid((float(coordinate.min()) - room, float(coordinate.max()) + room), resolution)
