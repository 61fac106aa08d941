"""Nonlinear regression problems of NIST's Statistical Reference Datasets, with certified values.

NIST's "nonlinear least squares regression" has 27; three lie beside the other data (Misra1a,
Thurber, Lanczos3), sixteen are written down here, eight have tables of 128 to 250 rows that are
not at hand. A slip in a table or a model would not pass: the certified values have eleven digits,
and so has the residual sum of squares.

Lanczos1 and Lanczos2 are a sum of three exponentials, printed to 13 and to 6 digits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downslope.descend import Result
from downslope.minimizing.curves import least_squares_descent

Array = Any
FILED = {
    "Misra1a": "b1*(1 - exp(-b2*x))",
    "Thurber": "(b1 + b2*x + b3*x^2 + b4*x^3)/(1 + b5*x + b6*x^2 + b7*x^3)",
    "Lanczos3": "b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)",
}


@dataclass(frozen=True)
class Nist:
    """One problem: a formula in x and b1, b2, ..., its rows, two starts, what is certified."""

    formula: str
    x: Array
    y: Array
    start1: tuple[float, ...]
    start2: tuple[float, ...]
    certified: tuple[float, ...]
    residual_ss: float

    def solve(self, start: Sequence[float]) -> Result:
        named = {f"b{i + 1}": float(number) for i, number in enumerate(start)}
        return least_squares_descent(self.formula, {"x": self.x, "y": self.y}, named)

    def digits(self, w: Array) -> float:
        """Correct digits of the worst weight."""
        truth = np.array(self.certified)
        errors = np.abs(w - truth) / np.abs(truth)
        return float(-np.log10(np.maximum(errors, 1e-15)).min())


def numbers(text: str) -> Array:
    return np.array([float(word) for word in text.split()])


# The dental research of Misra1a to Misra1d: one table, four curves.
MISRA_X = numbers("""
    77.6 114.9 141.1 190.8 239.9 289.0 332.8 378.4 434.8 477.3 536.8 593.1 689.1 760.0
""")
MISRA_Y = numbers("""
    10.07 14.73 17.94 23.93 29.61 35.18 40.02 44.82 50.76 55.05 61.01 66.40 75.47 81.78
""")

CHWIRUT2_X = numbers("""
    0.5 1 1.75 3.75 5.75 0.875 2.25 3.25 5.25 0.75 1.75 2.75 4.75 0.625 1.25 2.25 4.25 0.5 3 0.75
    3 1.5 6 3 6 1.5 3 0.5 2 4 0.75 2 5 0.75 2.25 3.75 5.75 3 0.75 2.5 4 0.75 2.5 4 0.75 2.5 4 0.5
    6 3 0.5 2.75 0.5 1.75
""")
CHWIRUT2_Y = numbers("""
    92.9 57.1 31.05 11.5875 8.025 63.6 21.4 14.25 8.475 63.8 26.8 16.4625 7.125 67.3 41 21.15 8.175
    81.5 13.12 59.9 14.62 32.9 5.44 12.56 5.44 32 13.95 75.8 20 10.42 59.5 21.67 8.55 62 20.2 7.76
    3.75 11.81 54.7 23.7 11.55 61.3 17.7 8.74 59.2 16.3 8.62 81 4.87 14.62 81.7 17.17 81.3 28.9
""")

LANCZOS_X = 0.05 * np.arange(24)
LANCZOS = (
    0.0951 * np.exp(-LANCZOS_X)
    + 0.8607 * np.exp(-3.0 * LANCZOS_X)
    + 1.5576 * np.exp(-5.0 * LANCZOS_X)
)
EXPONENTIALS = "b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)"

OSBORNE_Y = numbers("""
    0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628 0.603
    0.580 0.558 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 0.414 0.411
    0.406
""")

ECKERLE_X = numbers("""
    400 405 410 415 420 425 430 435 436.5 438 439.5 441 442.5 444 445.5 447 448.5 450 451.5 453
    454.5 456 457.5 459 460.5 462 463.5 465 470 475 480 485 490 495 500
""")
ECKERLE_Y = numbers("""
    0.0001575 0.0001699 0.0002350 0.0003102 0.0004917 0.0008710 0.0017418 0.0046400 0.0065895
    0.0097302 0.0149002 0.0237310 0.0401683 0.0712559 0.1264458 0.2073413 0.2902366 0.3445623
    0.3698049 0.3668534 0.3106727 0.2078154 0.1164354 0.0616764 0.0337200 0.0194023 0.0117831
    0.0074357 0.0022732 0.0008800 0.0004579 0.0002345 0.0001586 0.0001143 0.0000710
""")

ROSZMAN_X = numbers("""
    -4868.68 -4868.09 -4867.41 -3375.19 -3373.14 -3372.03 -2473.74 -2472.35 -2469.45 -1894.65
    -1893.40 -1497.24 -1495.85 -1493.41 -1208.68 -1206.18 -1206.04 -997.92 -996.61 -996.31 -834.94
    -834.66 -710.03 -530.16 -464.17
""")
ROSZMAN_Y = numbers("""
    0.252429 0.252141 0.251809 0.297989 0.296257 0.295319 0.339603 0.337731 0.333820 0.389510
    0.386998 0.438864 0.434887 0.427893 0.471568 0.461699 0.461144 0.513532 0.506641 0.505062
    0.535648 0.533726 0.568064 0.612886 0.624169
""")

ENSO_Y = numbers("""
    12.9 11.3 10.6 11.2 10.9 7.5 7.7 11.7 12.9 14.3 10.9 13.7 17.1 14.0 15.3 8.5 5.7 5.5 7.6 8.6
    7.3 7.6 12.7 11.0 12.7 12.9 13.0 10.9 10.4 10.2 8.0 10.9 13.6 10.5 9.2 12.4 12.7 13.3 10.1 7.8
    4.8 3.0 2.5 6.3 9.7 11.6 8.6 12.4 10.5 13.3 10.4 8.1 3.7 10.7 5.1 10.4 10.9 11.7 11.4 13.7 14.1
    14.0 12.5 6.3 9.6 11.7 5.0 10.8 12.7 10.8 11.8 12.6 15.7 12.6 14.8 7.8 7.1 11.2 8.1 6.4 5.2
    12.0 10.2 12.7 10.2 14.7 12.2 7.1 5.7 6.7 3.9 8.5 8.3 10.8 16.7 12.6 12.5 12.5 9.8 7.2 4.1 10.6
    10.1 10.1 11.9 13.6 16.3 17.6 15.5 16.0 15.2 11.2 14.3 14.5 8.5 12.0 12.7 11.3 14.5 15.1 10.4
    11.5 13.4 7.5 0.6 0.3 5.5 5.0 4.6 8.2 9.9 9.2 12.5 10.9 9.9 8.9 7.6 9.5 8.4 10.7 13.6 13.7 13.7
    16.5 16.8 17.1 15.4 9.5 6.1 10.1 9.3 5.3 11.2 16.6 15.6 12.0 11.5 8.6 13.8 8.7 8.6 8.6 8.7 12.8
    13.2 14.0 13.4 14.8
""")

WRITTEN = {
    "Misra1b": Nist(
        "b1*(1 - (1 + b2*x/2)^(-2))",
        MISRA_X,
        MISRA_Y,
        (500, 0.0001),
        (300, 0.0002),
        (3.3799746163e02, 3.9039091287e-04),
        7.5464681533e-02,
    ),
    "Misra1c": Nist(
        "b1*(1 - (1 + 2*b2*x)^(-1/2))",
        MISRA_X,
        MISRA_Y,
        (500, 0.0001),
        (600, 0.0002),
        (6.3642725809e02, 2.0813627256e-04),
        4.0966836971e-02,
    ),
    "Misra1d": Nist(
        "b1*b2*x/(1 + b2*x)",
        MISRA_X,
        MISRA_Y,
        (500, 0.0001),
        (450, 0.0003),
        (4.3736970754e02, 3.0227324449e-04),
        5.6419295283e-02,
    ),
    "Chwirut2": Nist(
        "exp(-b1*x)/(b2 + b3*x)",
        CHWIRUT2_X,
        CHWIRUT2_Y,
        (0.1, 0.01, 0.02),
        (0.15, 0.008, 0.010),
        (1.6657666537e-01, 5.1653291286e-03, 1.2150007096e-02),
        5.1304802941e02,
    ),
    "Lanczos1": Nist(
        EXPONENTIALS,
        LANCZOS_X,
        np.round(LANCZOS, 12),
        (1.2, 0.3, 5.6, 5.5, 6.5, 7.6),
        (0.5, 0.7, 3.6, 4.2, 4, 6.3),
        (
            9.5100000027e-02,
            1.0000000001e00,
            8.6070000013e-01,
            3.0000000002e00,
            1.5575999998e00,
            5.0000000001e00,
        ),
        1.4307867721e-25,
    ),
    "Lanczos2": Nist(
        EXPONENTIALS,
        LANCZOS_X,
        np.array([float(f"{y:.5e}") for y in LANCZOS]),
        (1.2, 0.3, 5.6, 5.5, 6.5, 7.6),
        (0.5, 0.7, 3.6, 4.2, 4, 6.3),
        (
            9.6251029939e-02,
            1.0057332849e00,
            8.6424689056e-01,
            3.0078283915e00,
            1.5529016879e00,
            5.0028798100e00,
        ),
        2.2299428125e-11,
    ),
    "DanWood": Nist(
        "b1*x^b2",
        numbers("1.309 1.471 1.490 1.565 1.611 1.680"),
        numbers("2.138 3.421 3.597 4.340 4.882 5.660"),
        (1, 5),
        (0.7, 4),
        (7.6886226176e-01, 3.8604055871e00),
        4.3173084083e-03,
    ),
    "MGH09": Nist(
        "b1*(x^2 + x*b2)/(x^2 + x*b3 + b4)",
        numbers("4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625"),
        numbers("0.1957 0.1947 0.1735 0.16 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246"),
        (25, 39, 41.5, 39),
        (0.25, 0.39, 0.415, 0.39),
        (1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01),
        3.0750560385e-04,
    ),
    "MGH10": Nist(
        "b1*exp(b2/(x + b3))",
        numbers("50 55 60 65 70 75 80 85 90 95 100 105 110 115 120 125"),
        numbers("""
            34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872
        """),
        (2, 400000, 25000),
        (0.02, 4000, 250),
        (5.6096364710e-03, 6.1813463463e03, 3.4522363462e02),
        8.7945855171e01,
    ),
    "MGH17": Nist(
        "b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
        10.0 * np.arange(33),
        OSBORNE_Y,
        (50, 150, -100, 1, 2),
        (0.5, 1.5, -1, 0.01, 0.02),
        (
            3.7541005211e-01,
            1.9358469127e00,
            -1.4646871366e00,
            1.2867534640e-02,
            2.2122699662e-02,
        ),
        5.4648946975e-05,
    ),
    "Rat42": Nist(
        "b1/(1 + exp(b2 - b3*x))",
        numbers("9 14 21 28 42 57 63 70 79"),
        numbers("8.93 10.8 18.59 22.33 39.35 56.11 61.73 64.62 67.08"),
        (100, 1, 0.1),
        (75, 2.5, 0.07),
        (7.2462237576e01, 2.6180768402e00, 6.7359200066e-02),
        8.0565229338e00,
    ),
    "Rat43": Nist(
        "b1/(1 + exp(b2 - b3*x))^(1/b4)",
        np.arange(1.0, 16.0),
        numbers("""
            16.08 33.83 65.80 97.20 191.55 326.20 386.87 520.53 590.03 651.92 724.93 699.56 689.96
            637.56 717.41
        """),
        (100, 10, 1, 1),
        (700, 5, 0.75, 1.3),
        (6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00),
        8.7864049080e03,
    ),
    "BoxBOD": Nist(
        "b1*(1 - exp(-b2*x))",
        numbers("1 2 3 5 7 10"),
        numbers("109 149 149 191 213 224"),
        (1, 1),
        (100, 0.75),
        (2.1380940889e02, 5.4723748542e-01),
        1.1680088766e03,
    ),
    "Eckerle4": Nist(
        "b1/b2*exp(-((x - b3)/b2)^2/2)",
        ECKERLE_X,
        ECKERLE_Y,
        (1, 10, 500),
        (1.5, 5, 450),
        (1.5543827178e00, 4.0888321754e00, 4.5154121844e02),
        1.4635887487e-03,
    ),
    "Roszman1": Nist(
        "b1 - b2*x - atan(b3/(x - b4))/pi",
        ROSZMAN_X,
        ROSZMAN_Y,
        (0.1, -0.00001, 1000, -100),
        (0.2, -0.000005, 1200, -150),
        (2.0196866396e-01, -6.1953516256e-06, 1.2044556708e03, -1.8134269537e02),
        4.9484847331e-04,
    ),
    "ENSO": Nist(
        "b1 + b2*cos(2*pi*x/12) + b3*sin(2*pi*x/12) + b5*cos(2*pi*x/b4) + b6*sin(2*pi*x/b4)"
        " + b8*cos(2*pi*x/b7) + b9*sin(2*pi*x/b7)",
        np.arange(1.0, 169.0),
        ENSO_Y,
        (11.0, 3.0, 0.5, 40.0, -0.7, -1.3, 25.0, -0.3, 1.4),
        (10.0, 3.0, 0.5, 44.0, -1.5, 0.5, 26.0, -0.1, 1.5),
        (
            1.0510749193e01,
            3.0762128085e00,
            5.3280138227e-01,
            4.4311088700e01,
            -1.6231428586e00,
            5.2554493756e-01,
            2.6887614440e01,
            2.1232288488e-01,
            1.4966870418e00,
        ),
        7.8853978668e02,
    ),
}


def filed(name: str, folder: Path) -> Nist:
    """One of the problems that lie beside the other data."""
    about = json.loads((folder / "nonlinear.json").read_text())[name]
    table = np.genfromtxt(folder / f"{name}.csv", delimiter=",", names=True)
    start1, start2, certified = (
        tuple(map(float, about[key])) for key in ("start1", "start2", "certified")
    )
    total = float(about["residual_ss"])
    return Nist(FILED[name], table["x"], table["y"], start1, start2, certified, total)
