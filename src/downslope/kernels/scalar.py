"""Value, slope and curvature of each loss for one row, as machine code.

The same formulas as ``downslope.losses``, which is their definition, on one raw prediction ``z``
and one target ``y``. A loss is chosen by its integer ``code`` and carries at most one
``parameter``: functions handed over as arguments would be compiled anew in every process, an
integer is not.

The multinomial loss (code 14) has one raw prediction per class; its kernels are in ``classes.py``.
"""

from math import exp, log1p

from numba import njit

from downslope.kernels.machine_code import STRICT
from downslope.kernels.plain.scalar import LINEAR_SHARE

MSE = 0
SQUARED_ERROR = 1
HUBER = 2
ABSOLUTE_ERROR = 3
QUANTILE = 4
EPSILON_INSENSITIVE = 5
SQUARED_EPSILON_INSENSITIVE = 6
POISSON = 7
GAMMA = 8
LOG_LOSS = 9
HINGE = 10
SQUARED_HINGE = 11
MODIFIED_HUBER = 12
PERCEPTRON = 13
MULTINOMIAL = 14
# Losses with a corner, rounded off by a parabola one unit wide; see ``downslope.bowl.smoothing``.
ROUND_QUANTILE = 20
ROUND_EPSILON_INSENSITIVE = 21
ROUND_HINGE = 22


@njit(**STRICT)
def sign(x: float) -> float:
    """-1, 0 or +1."""
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else 0.0


@njit(**STRICT)
def clip(x: float, low: float, high: float) -> float:
    """``x``, or the nearer end of the interval."""
    return min(max(x, low), high)


@njit(**STRICT)
def value(code: int, parameter: float, z: float, y: float) -> float:
    """Loss of one row."""
    r = z - y
    if code == SQUARED_ERROR:
        return 0.5 * r * r
    if code == LOG_LOSS:
        m = y * z
        return log1p(exp(-abs(m))) + 0.5 * (abs(m) - m)
    if code == MSE:
        return r * r
    if code == HUBER:
        size = abs(r)
        if size <= parameter:
            return 0.5 * r * r
        return parameter * size - 0.5 * parameter * parameter
    if code == ABSOLUTE_ERROR:
        return abs(r)
    if code == QUANTILE:
        return (1.0 - parameter) * r if r > 0.0 else -parameter * r
    if code == EPSILON_INSENSITIVE:
        return max(0.0, abs(r) - parameter)
    if code == SQUARED_EPSILON_INSENSITIVE:
        excess = max(0.0, abs(r) - parameter)
        return excess * excess
    if code == POISSON:
        return exp(z) - y * z
    if code == GAMMA:
        return z + y * exp(-z)
    m = y * z
    if code == ROUND_HINGE:
        slide = clip(parameter - m, 0.0, 1.0)
        return slide * (parameter - m) - 0.5 * slide * slide
    if code == ROUND_QUANTILE:
        slide = clip(r, -parameter, 1.0 - parameter)
        return slide * r - 0.5 * slide * slide
    if code == ROUND_EPSILON_INSENSITIVE:
        excess = max(0.0, abs(r) - parameter)
        slide = min(excess, 1.0)
        return slide * excess - 0.5 * slide * slide
    if code == HINGE:
        return max(0.0, 1.0 - m)
    if code == SQUARED_HINGE:
        gap = max(0.0, 1.0 - m)
        return gap * gap
    if code == MODIFIED_HUBER:
        if m < -1.0:
            return -4.0 * m
        gap = max(0.0, 1.0 - m)
        return gap * gap
    return max(0.0, -m)


@njit(**STRICT)
def slope(code: int, parameter: float, z: float, y: float) -> float:
    """Derivative of the loss of one row in its raw prediction."""
    r = z - y
    if code == SQUARED_ERROR:
        return r
    if code == LOG_LOSS:
        m = y * z
        e = exp(-abs(m))
        return -y * ((e if m >= 0.0 else 1.0) / (1.0 + e))
    if code == MSE:
        return 2.0 * r
    if code == HUBER:
        return min(max(r, -parameter), parameter)
    if code == ABSOLUTE_ERROR:
        return sign(r)
    if code == QUANTILE:
        return 1.0 - parameter if r > 0.0 else (-parameter if r < 0.0 else 0.0)
    if code == EPSILON_INSENSITIVE:
        return sign(r) if abs(r) > parameter else 0.0
    if code == SQUARED_EPSILON_INSENSITIVE:
        return 2.0 * sign(r) * max(0.0, abs(r) - parameter)
    if code == POISSON:
        return exp(z) - y
    if code == GAMMA:
        return 1.0 - y * exp(-z)
    m = y * z
    if code == ROUND_HINGE:
        return -y * clip(parameter - m, 0.0, 1.0)
    if code == ROUND_QUANTILE:
        return clip(r, -parameter, 1.0 - parameter)
    if code == ROUND_EPSILON_INSENSITIVE:
        return sign(r) * clip(abs(r) - parameter, 0.0, 1.0)
    if code == HINGE:
        return -y if m <= 1.0 else 0.0
    if code == SQUARED_HINGE:
        return -2.0 * y * max(0.0, 1.0 - m)
    if code == MODIFIED_HUBER:
        if m < -1.0:
            return -4.0 * y
        return -2.0 * y * max(0.0, 1.0 - m)
    return -y if m <= 0.0 else 0.0


@njit(**STRICT)
def curvature(code: int, parameter: float, z: float, y: float) -> float:
    """Second derivative of the loss of one row in its raw prediction; 0 where the slope jumps."""
    r = z - y
    if code == SQUARED_ERROR:
        return 1.0
    if code == LOG_LOSS:
        e = exp(-abs(z))
        return e / ((1.0 + e) * (1.0 + e))
    if code == MSE:
        return 2.0
    if code == HUBER:
        return 1.0 if abs(r) <= parameter else 0.0
    if code == SQUARED_EPSILON_INSENSITIVE:
        return 2.0 if abs(r) > parameter else 0.0
    if code == POISSON:
        return exp(z)
    if code == GAMMA:
        return y * exp(-z)
    m = y * z
    if code == ROUND_HINGE:
        return 1.0 if 0.0 < parameter - m < 1.0 else 0.0
    if code == ROUND_QUANTILE:
        return 1.0 if -parameter < r < 1.0 - parameter else 0.0
    if code == ROUND_EPSILON_INSENSITIVE:
        return 1.0 if 0.0 < abs(r) - parameter < 1.0 else 0.0
    if code == SQUARED_HINGE:
        return 2.0 if m < 1.0 else 0.0
    if code == MODIFIED_HUBER:
        return 2.0 if -1.0 <= m < 1.0 else 0.0
    return 0.0


@njit(**STRICT)
def tail_curvature(code: int, parameter: float, z: float, y: float) -> float:
    """Slope over distance where a smooth loss has turned linear; zero elsewhere.

    It is the curvature of the parabola that lies above the loss and touches it there (Huber 1981).
    """
    if code == HUBER and abs(z - y) > parameter:
        return parameter / abs(z - y)
    if code == MODIFIED_HUBER and y * z < -1.0:
        return 4.0 / (1.0 - y * z)
    return 0.0


@njit(**STRICT)
def working_weight(code: int, parameter: float, z: float, y: float) -> float:
    """Curvature that stands for the loss of one row in a sketch.

    The second derivative; where a loss has turned linear, a twentieth of slope over distance (see
    ``tail_curvature``). All of it would make steps timid, none would forget rows that are linear
    only here; measured on median, quantile and hinge losses, a twentieth needs the fewest steps.
    """
    tail = tail_curvature(code, parameter, z, y)
    if tail > 0.0:
        return LINEAR_SHARE * tail
    bend = curvature(code, parameter, z, y)
    if code >= ROUND_QUANTILE and bend == 0.0:
        distance = parameter - y * z if code == ROUND_HINGE else abs(z - y)
        if code == ROUND_EPSILON_INSENSITIVE:
            distance -= parameter
        return LINEAR_SHARE * abs(slope(code, parameter, z, y)) / max(distance, 1.0)
    return bend
