"""Exponential and logarithm without branches or calls, so that loops over rows become vector code.

``exp`` splits x = k ln 2 + r with abs(r) <= ln(2)/2, evaluates a polynomial in r (interpolated at
Chebyshev nodes in 50 digits, error 1.3e-17) and adds k to the exponent bits of the result. k comes
from adding 1.5 * 2^52, which rounds to an integer and leaves it in the low bits of the sum, so it
must be compiled without reassociation. ``log1p`` on [0, 1] uses log(1 + e) = 2 atanh(e / (2 + e))
and a polynomial in the square of that quotient (error 5e-18).

Both are right to about two units in the last place (tests compare them with NumPy over the whole
range), give infinity and zero where they must, and keep NaN.
"""

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

from downslope.kernels.machine_code import STRICT

ROUND = 6755399441055744.0  # 1.5 * 2^52
LOG2E = 1.4426950408889634
LN2_HIGH = 6.93147180369123816490e-01  # the last 20 bits are zero: k * LN2_HIGH is exact
LN2_LOW = 1.90821492927058770002e-10


@intrinsic
def bits_of(typing_context: Any, x: Any) -> Any:
    """The 64 bits of a float as an integer."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic
def float_of(typing_context: Any, i: Any) -> Any:
    """The float that has these 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@njit(**STRICT)
def exp(x: float) -> float:
    """e to the power x."""
    shifted = x * LOG2E + ROUND
    k = shifted - ROUND
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    q = 2.510038549551032e-08
    q = q * r + 2.7620088445409746e-07
    q = q * r + 2.7557268459997064e-06
    q = q * r + 2.4801521295954376e-05
    q = q * r + 1.9841269863053618e-04
    q = q * r + 1.3888888917213717e-03
    q = q * r + 8.333333333330062e-03
    q = q * r + 4.166666666662413e-02
    q = q * r + 1.6666666666666669e-01
    q = q * r + 0.5
    half = bits_of(shifted) >> 1  # two factors of 2^(k/2), so that neither leaves the range
    rest = bits_of(shifted) - half
    result = ((1.0 + (r + r * r * q)) * float_of((half + 1023) << 52)) * float_of(
        (rest + 1023) << 52
    )
    result = float("inf") if x > 709.782712893384 else result
    return 0.0 if x < -745.2 else result


@njit(**STRICT)
def log1p(e: float) -> float:
    """log(1 + e) for e in [0, 1]."""
    s = e / (2.0 + e)
    t = s * s
    q = 8.082022806009813e-02
    q = q * t + 4.400369243052285e-02
    q = q * t + 6.000536404799805e-02
    q = q * t + 6.657072104826929e-02
    q = q * t + 7.69278503247935e-02
    q = q * t + 9.090894718066428e-02
    q = q * t + 1.1111111358713932e-01
    q = q * t + 1.428571428355438e-01
    q = q * t + 2.0000000000007292e-01
    q = q * t + 3.333333333333333e-01
    return 2.0 * (s + s * t * q)
