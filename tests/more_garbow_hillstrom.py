"""The 35 problems of Moré, Garbow and Hillstrom (1981).

"Testing unconstrained optimization software", ACM Transactions on Mathematical Software 7.
Each is a sum of squared residuals, written as the paper writes it. Gradients are exact to rounding
by the complex step: residuals are analytic, so ``Im r(x + ih) / h`` is the derivative, without the
cancellation of a difference (Squire and Trapp 1998).

``minima`` lists the values of the local minima that the paper names. Where it prints six digits,
the twelve given here were found by Gauss-Newton from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
TINY = 1e-30


@dataclass(frozen=True)
class Case:
    """One problem: its residuals, the standard start, and the values of its minima."""

    name: str
    residuals: Callable[[Array], Array]
    start: Array
    minima: tuple[float, ...]

    def value(self, x):
        r = np.asarray(self.residuals(x))
        return float(r @ r)

    def jacobian(self, x):
        columns = [self.residuals(x + 1j * TINY * unit).imag / TINY for unit in np.eye(len(x))]
        return np.column_stack(columns)

    def gradient(self, x):
        return 2.0 * self.jacobian(x).T @ self.residuals(x)

    def solved(self, value: float) -> bool:
        """Residuals within 1e-6 of zero, or a value within 1e-6 of a minimum above zero."""
        return any(abs(value - low) <= (1e-6 * low if low > 0.0 else 1e-12) for low in self.minima)


def counted(first: int, last: int) -> Array:
    return np.arange(float(first), last + 1.0)


def stack(*parts: Any) -> Array:
    return np.array(parts)


def join(*parts: Any) -> Array:
    return np.concatenate([np.atleast_1d(part) for part in parts])


def rosenbrock(x):
    return stack(10.0 * (x[1] - x[0] ** 2), 1.0 - x[0])


def freudenstein_roth(x):
    return stack(
        -13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1],
        -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1],
    )


def powell_badly_scaled(x):
    return stack(1e4 * x[0] * x[1] - 1.0, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001)


def brown_badly_scaled(x):
    return stack(x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0)


def beale(x):
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1.0 - x[1] ** counted(1, 3))


def jennrich_sampson(x):
    i = counted(1, 10)
    return 2.0 + 2.0 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def helical_valley(x):
    angle = np.arctan(x[1] / x[0]) / (2.0 * np.pi) + 0.5 * (x[0].real < 0.0)
    return stack(10.0 * (x[2] - 10.0 * angle), 10.0 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1.0), x[2])


BARD = "0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39"
GAUSSIAN = "0.0009 0.0044 0.0175 0.0540 0.1295 0.2420 0.3521 0.3989"
MEYER = "34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872"
KOWALIK = "0.1957 0.1947 0.1735 0.1600 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246"
KOWALIK_U = "4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625"
OSBORNE_1 = (
    "0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628 "
    "0.603 0.580 0.558 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 "
    "0.414 0.411 0.406"
)
OSBORNE_2 = (
    "1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608 0.655 0.616 "
    "0.606 0.602 0.626 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661 0.612 0.558 0.533 0.495 "
    "0.500 0.423 0.395 0.375 0.372 0.391 0.396 0.405 0.428 0.429 0.523 0.562 0.607 0.653 0.672 "
    "0.708 0.633 0.668 0.645 0.632 0.591 0.559 0.597 0.625 0.739 0.710 0.729 0.720 0.636 0.581 "
    "0.428 0.292 0.162 0.098 0.054"
)


def numbers(text: str) -> Array:
    return np.array([float(word) for word in text.split()])


def bard(x):
    u = counted(1, 15)
    v = 16.0 - u
    return numbers(BARD) - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def gaussian(x):
    half = numbers(GAUSSIAN)
    t = (8.0 - counted(1, 15)) / 2.0
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2.0) - join(half, half[-2::-1])


def meyer(x):
    t = 45.0 + 5.0 * counted(1, 16)
    return x[0] * np.exp(x[1] / (t + x[2])) - numbers(MEYER)


def gulf(x):
    t = counted(1, 99) / 100.0
    y = 25.0 + (-50.0 * np.log(t)) ** (2.0 / 3.0)
    return np.exp(-(((y - x[1]) ** 2) ** (x[2] / 2.0)) / x[0]) - t


def box(x):
    t = 0.1 * counted(1, 10)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10.0 * t))


def powell_singular(x):
    return stack(
        x[0] + 10.0 * x[1],
        np.sqrt(5.0) * (x[2] - x[3]),
        (x[1] - 2.0 * x[2]) ** 2,
        np.sqrt(10.0) * (x[0] - x[3]) ** 2,
    )


def wood(x):
    return stack(
        10.0 * (x[1] - x[0] ** 2),
        1.0 - x[0],
        np.sqrt(90.0) * (x[3] - x[2] ** 2),
        1.0 - x[2],
        np.sqrt(10.0) * (x[1] + x[3] - 2.0),
        (x[1] - x[3]) / np.sqrt(10.0),
    )


def kowalik_osborne(x):
    u = numbers(KOWALIK_U)
    return numbers(KOWALIK) - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = counted(1, 20) / 5.0
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def osborne_1(x):
    t = 10.0 * counted(0, 32)
    return numbers(OSBORNE_1) - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def biggs_exp6(x):
    t = 0.1 * counted(1, 13)
    y = np.exp(-t) - 5.0 * np.exp(-10.0 * t) + 3.0 * np.exp(-4.0 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


def osborne_2(x):
    t = counted(0, 64) / 10.0
    peaks = sum(x[j] * np.exp(-((t - x[j + 7]) ** 2) * x[j + 4]) for j in (1, 2, 3))
    return numbers(OSBORNE_2) - (x[0] * np.exp(-t * x[4]) + peaks)


def watson(x):
    t, j = counted(1, 29)[:, None] / 29.0, np.arange(len(x))
    slope = (j[1:] * t ** (j[1:] - 1)) @ x[1:]
    return join(slope - (t**j @ x) ** 2 - 1.0, x[0], x[1] - x[0] ** 2 - 1.0)


def extended_rosenbrock(x):
    return join(10.0 * (x[1::2] - x[::2] ** 2), 1.0 - x[::2])


def extended_powell_singular(x):
    return powell_singular(x.reshape(-1, 4).T).ravel()


def penalty_1(x):
    return join(np.sqrt(1e-5) * (x - 1.0), x @ x - 0.25)


def penalty_2(x):
    n, a = len(x), np.sqrt(1e-5)
    e, i = np.exp(x / 10.0), counted(1, n) / 10.0
    return join(
        x[0] - 0.2,
        a * (e[1:] + e[:-1] - np.exp(i[1:]) - np.exp(i[:-1])),
        a * (e[1:] - np.exp(-0.1)),
        counted(1, n)[::-1] @ x**2 - 1.0,
    )


def variably_dimensioned(x):
    sum_of = counted(1, len(x)) @ (x - 1.0)
    return join(x - 1.0, sum_of, sum_of**2)


def trigonometric(x):
    n = len(x)
    return n - np.cos(x).sum() + counted(1, n) * (1.0 - np.cos(x)) - np.sin(x)


def brown_almost_linear(x):
    return join(x[:-1] + x.sum() - (len(x) + 1.0), x.prod() - 1.0)


def discrete_boundary_value(x):
    h, t, ends = 1.0 / (len(x) + 1.0), grid(len(x)), join(0.0, x, 0.0)
    return 2.0 * x - ends[:-2] - ends[2:] + h**2 * (x + t + 1.0) ** 3 / 2.0


def discrete_integral(x):
    h, t = 1.0 / (len(x) + 1.0), grid(len(x))
    cubes = (x + t + 1.0) ** 3
    before, after = np.cumsum(t * cubes), np.cumsum(((1.0 - t) * cubes)[::-1])[::-1]
    return x + h * ((1.0 - t) * before + t * join(after[1:], 0.0)) / 2.0


def broyden_tridiagonal(x):
    ends = join(0.0, x, 0.0)
    return (3.0 - 2.0 * x) * x - ends[:-2] - 2.0 * ends[2:] + 1.0


def broyden_banded(x):
    i = np.arange(len(x))
    apart = i[:, None] - i
    near = (apart <= 5) & (apart >= -1) & (apart != 0)
    return x * (2.0 + 5.0 * x**2) + 1.0 - near @ (x * (1.0 + x))


def linear_full_rank(x):
    return join(x, np.zeros(10)) - x.sum() / 10.0 - 1.0  # 2/m = 1/10 with m = 20


def linear_rank_1(x):
    return counted(1, 20) * (counted(1, len(x)) @ x) - 1.0


def linear_rank_1_with_zeros(x):
    inner = counted(2, len(x) - 1) @ x[1:-1]
    return join(-1.0, counted(1, 18) * inner - 1.0, -1.0)


def chebyquad(x):
    n, z = len(x), 2.0 * x - 1.0
    polynomials = [1.0 + 0.0 * z, z]
    for _ in range(n - 1):
        polynomials.append(2.0 * z * polynomials[-1] - polynomials[-2])
    integrals = [-1.0 / (i**2 - 1.0) if i % 2 == 0 else 0.0 for i in range(1, n + 1)]
    return np.array([p.mean() for p in polynomials[1:]]) - integrals


def grid(n: int) -> Array:
    return counted(1, n) / (n + 1.0)


def case(residuals: Callable[[Array], Array], start: Any, *minima: float, size: str = "") -> Case:
    name = residuals.__name__.replace("_", " ") + size
    return Case(name, residuals, np.array(start, dtype=float), minima or (0.0,))


T10 = grid(10)
CASES = (
    case(rosenbrock, [-1.2, 1]),
    case(freudenstein_roth, [0.5, -2], 0.0, 48.9842536792),
    case(powell_badly_scaled, [0, 1]),
    case(brown_badly_scaled, [1, 1]),
    case(beale, [1, 1]),
    case(jennrich_sampson, [0.3, 0.4], 124.362182356),
    case(helical_valley, [-1, 0, 0]),
    case(bard, [1, 1, 1], 8.21487730658e-3),
    case(gaussian, [0.4, 1, 0], 1.12793276962e-8),
    case(meyer, [0.02, 4000, 250], 87.9458551707),
    case(gulf, [5, 2.5, 0.15]),
    case(box, [0, 10, 20]),
    case(powell_singular, [3, -1, 0, 1]),
    case(wood, [-3, -1, -3, -1]),
    case(kowalik_osborne, [0.25, 0.39, 0.415, 0.39], 3.07505603849e-4),
    case(brown_dennis, [25, 5, -5, -1], 85822.2016264),
    case(osborne_1, [0.5, 1.5, -1, 0.01, 0.02], 5.46489469748e-5),
    case(biggs_exp6, [1, 2, 1, 1, 1, 1], 0.0, 5.655649925e-3),
    case(osborne_2, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5], 4.01377362935e-2),
    case(watson, np.zeros(6), 2.28767005355e-3, size=" 6"),
    case(watson, np.zeros(9), 1.39976013809e-6, size=" 9"),
    case(watson, np.zeros(12), 4.72238110391e-10, size=" 12"),
    case(extended_rosenbrock, [-1.2, 1] * 10, size=" 20"),
    case(extended_powell_singular, [3, -1, 0, 1] * 5, size=" 20"),
    case(penalty_1, counted(1, 4), 2.24997750090e-5, size=" 4"),
    case(penalty_1, counted(1, 10), 7.08765146709e-5, size=" 10"),
    case(penalty_2, [0.5] * 4, 9.37629300736e-6, size=" 4"),
    case(penalty_2, [0.5] * 10, 2.93660537457e-4, size=" 10"),
    case(variably_dimensioned, 1.0 - counted(1, 10) / 10.0),
    case(trigonometric, [0.1] * 10, 0.0, 2.79505612188e-5),
    case(brown_almost_linear, [0.5] * 10, 0.0, 1.0),
    case(discrete_boundary_value, T10 * (T10 - 1.0)),
    case(discrete_integral, T10 * (T10 - 1.0)),
    case(broyden_tridiagonal, [-1.0] * 10),
    case(broyden_banded, [-1.0] * 10),
    case(linear_full_rank, [1.0] * 10, 10.0),
    case(linear_rank_1, [1.0] * 10, 20.0 * 19.0 / (2.0 * 41.0)),
    case(linear_rank_1_with_zeros, [1.0] * 10, (400.0 + 60.0 - 6.0) / (2.0 * 37.0)),
    case(chebyquad, grid(8), 3.51687372568e-3, size=" 8"),
    case(chebyquad, grid(9), size=" 9"),
    case(chebyquad, T10, 4.77271369638e-3, 6.50395480088e-3, size=" 10"),
)
