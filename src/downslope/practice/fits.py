"""Two steps of linear regression by hand: slope and intercept, both moved from one place."""

from collections.abc import Callable
from urllib.parse import urlencode

import numpy as np

from downslope.practice.item import Blank, Item, Slip, distinct_slips, show
from downslope.practice.traces import WALKED

Pair = tuple[float, float]


def two_steps_of_a_line(seed: int) -> Item:
    """Two steps of ``y = w x + b`` on three points by MSE, from w = b = 0."""
    rng = np.random.default_rng((9, seed))
    x = np.sort(rng.choice(np.arange(-2, 4), size=3, replace=False)).astype(float)
    y = float(rng.choice([-2, -1, 1, 2, 3])) * x + rng.integers(-2, 4, size=3)
    rate = float(rng.choice([0.03, 0.05, 0.06]))
    points = [(show(float(a)), show(float(b))) for a, b in zip(x, y, strict=True)]

    def slopes(w: float, b: float, factor: float = 2.0 / 3.0) -> Pair:
        residual = w * x + b - y
        return factor * float(residual @ x), factor * float(residual.sum())

    def walk(
        sign: float = -1.0, factor: float = 2.0 / 3.0, *, fresh: bool = True, at_once: bool = True
    ) -> tuple[float, ...]:
        """Two steps, right or with one slip."""
        w = b = 0.0
        found: list[float] = []
        along = slopes(w, b, factor)
        for _ in range(2):
            along = slopes(w, b, factor) if fresh else along
            moved = w + sign * rate * along[0]
            b += sign * rate * (along[1] if at_once else slopes(moved, b, factor)[1])
            w = moved
            found += [w, b]
        return tuple(round(value, 9) for value in found)

    solution = walk()
    blanks = tuple(Blank(f"{name} after step {k}") for k in (1, 2) for name in "wb")
    steps = [(0.0, 0.0), solution[:2], solution[2:]]
    return Item(
        "fit",
        seed,
        f"The line y = w x + b, points {', '.join(f'({a}, {b})' for a, b in points)}, MSE (the "
        f"mean of the squared residuals, no factor 1/2). Start at w = 0, b = 0 with learning rate "
        f"{show(rate)}. What are w and b after one step, and after two? (3 decimals)",
        blanks,
        solution,
        "\n".join(
            _step(k, x, y, steps[k - 1], steps[k], rate, slopes(*steps[k - 1])) for k in (1, 2)
        ),
        (
            "A residual is prediction minus target: r = w x + b - y, point by point.",
            "dL/dw = 2/3 * sum of r x, and dL/db = 2/3 * sum of r.",
            "At the start the slopes are "
            + " and ".join(f"{value:.4f}" for value in slopes(0.0, 0.0))
            + ".",
        ),
        distinct_slips(blanks, solution, _slips(walk)),
        reveal=(_losses(x, y, rate),),
        sandbox=urlencode(
            {
                "scene": "line",
                "points": ",".join(f"{a}_{b}" for a, b in points),
                "rate": show(rate),
                "k": 2,
            }
        ),
    )


def _slips(walk: Callable[..., tuple[float, ...]]) -> tuple[Slip, ...]:
    """What people do wrong here, each with the answers that it leads to."""
    return (
        Slip("sign", walk(sign=1.0), "You went uphill: subtract rate * slope."),
        Slip(
            "factor",
            walk(factor=1.0 / 3.0),
            "The factor 2 is missing: the derivative of a square r^2 is 2 r r'.",
        ),
        Slip("sum", walk(factor=2.0), "Divide by the 3 points: MSE is a mean, not a sum."),
        Slip(
            "stale gradient",
            walk(fresh=False),
            "The second step used the slopes of the start; measure them again where you stand.",
        ),
        Slip(
            "one after the other",
            walk(at_once=False),
            "Both slopes belong to the same place: measure dL/db before you move w.",
        ),
    )


def _losses(x: np.ndarray, y: np.ndarray, rate: float) -> tuple[float, ...]:
    """The loss as the walk goes on, to be seen with the answer."""
    w = b = 0.0
    found = []
    for _ in range(WALKED):
        residual = w * x + b - y
        found.append(float(residual @ residual) / 3)
        w -= rate * 2 / 3 * float(residual @ x)
        b -= rate * 2 / 3 * float(residual.sum())
    return tuple(found)


def _step(
    k: int,
    x: np.ndarray,
    y: np.ndarray,
    here: tuple[float, ...],
    there: tuple[float, ...],
    rate: float,
    slope: Pair,
) -> str:
    """One step with its numbers put in."""
    residual = here[0] * x + here[1] - y
    products = " + ".join(f"({r:.4g})*({show(float(a))})" for r, a in zip(residual, x, strict=True))
    sums = " + ".join(f"({r:.4g})" for r in residual)
    return (
        f"step {k}: residuals {', '.join(f'{r:.4g}' for r in residual)}\n"
        f"  dL/dw = 2/3 * [{products}] = {slope[0]:.4f}\n"
        f"  dL/db = 2/3 * [{sums}] = {slope[1]:.4f}\n"
        f"  w = {here[0]:.4f} - {show(rate)} * ({slope[0]:.4f}) = {there[0]:.4f}\n"
        f"  b = {here[1]:.4f} - {show(rate)} * ({slope[1]:.4f}) = {there[1]:.4f}"
    )
