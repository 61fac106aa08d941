"""Find the deepest point in the fog: a hidden sea floor of which only probes tell."""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, sin
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from downslope.practice.item import Blank, Item, Slip, show

Numbers = NDArray[np.float64]
END = 10.0
START, RATE = 8.0, 0.2
"""Where gradient descent begins on the same floor, and its rate."""
CLEAR = 0.05
"""Least depth between the deepest valley and the next, so that one answer is right."""
STEEP = 0.06
"""Least slope of a shelf, so that a walk that stops has found a valley."""


@dataclass(frozen=True)
class Fog:
    """A hidden sea floor: only height and slope where you probe.

    ``f(x) = (x - c)^2 / 20 + sum_i a_i sin(k_i x + p_i)`` on [-10, 10].
    """

    c: float
    waves: tuple[tuple[float, float, float], ...]

    def probe(self, x: float) -> tuple[float, float]:
        """Height and slope at ``x``."""
        height, slope = (x - self.c) ** 2 / 20, (x - self.c) / 10
        for a, k, p in self.waves:
            height += a * sin(k * x + p)
            slope += a * k * cos(k * x + p)
        return height, slope

    def valleys(self) -> list[float]:
        """Bottoms of all valleys, deepest first, by looking everywhere (no player may)."""
        grid, slopes = self._slopes()
        turns = np.flatnonzero((slopes[:-1] < 0) & (slopes[1:] >= 0))
        bottoms = [brentq(lambda x: self.probe(x)[1], grid[i], grid[i + 1]) for i in turns]
        ends = [-END] * int(slopes[0] > 0) + [END] * int(slopes[-1] < 0)
        return sorted([*bottoms, *ends], key=lambda x: self.probe(x)[0])

    def shelves(self) -> list[float]:
        """Slopes where the floor is neither bent up nor down."""
        _, slopes = self._slopes()
        turns = np.flatnonzero(np.diff(np.sign(np.diff(slopes)))) + 1
        return [float(slope) for slope in slopes[turns]]

    def _slopes(self) -> tuple[Numbers, Numbers]:
        grid = np.linspace(-END, END, 801)
        slopes = (grid - self.c) / 10
        for a, k, p in self.waves:
            slopes = slopes + a * k * np.cos(k * grid + p)
        return grid, slopes

    def deepest(self) -> float:
        """Where the floor is deepest."""
        return self.valleys()[0]

    def descent_probes(
        self, start: float = START, rate: float = RATE, tol: float = 1e-3
    ) -> tuple[int, float]:
        """Probes that plain gradient descent needs from ``start``, and where it ends."""
        x = start
        for count in range(1, 1001):
            slope = self.probe(x)[1]
            ahead = min(END, max(-END, x - rate * slope))
            if abs(slope) < tol or ahead == x:
                return count, x
            x = ahead
        return 1000, x


def make_fog(seed: int) -> Fog:
    """A sea floor with several valleys and one deepest; the same seed gives the same floor."""
    rng = np.random.default_rng((6, seed))
    while True:
        waves = tuple(
            (round(float(rng.uniform(0.3, 0.8)), 3), k, round(float(rng.uniform(0, 6.28)), 3))
            for k in (0.9, 1.7)
        )
        fog = Fog(round(float(rng.uniform(-4, 4)), 2), waves)
        depths = [fog.probe(x)[0] for x in fog.valleys()]
        clear = len(depths) > 1 and depths[1] - depths[0] >= CLEAR
        if clear and all(abs(slope) >= STEEP for slope in fog.shelves()):
            return fog


def find_deepest(seed: int) -> Item:
    """The hidden floor as an exercise: say where it is deepest, after as few probes as you can."""
    fog = make_fog(seed)
    deepest, *others = fog.valleys()
    height, (count, end) = fog.probe(deepest)[0], fog.descent_probes()
    slips = tuple(
        Slip(
            f"valley at {x:.1f}",
            (x,),
            f"That is the bottom of another valley, {fog.probe(x)[0] - height:.2f} higher: a zero "
            "slope says that you stand on a bottom, not that it is the deepest.",
        )
        for x in others
    )
    return Item(
        "fog",
        seed,
        f"A sea floor lies in fog between x = {-END:g} and {END:g}. A probe tells height and slope "
        "where it goes down. Where is the floor deepest? (to within 0.1)",
        (Blank("deepest point x", decimals=1),),
        (deepest,),
        f"The deepest point is x = {deepest:.3f}, height {height:.4f}. Gradient descent from "
        f"x = {START:g} with rate {RATE:g} took {count} probes to x = {end:.3f}, height "
        f"{fog.probe(end)[0]:.4f}"
        + (
            "." if abs(end - deepest) < 0.1 else ": it stopped in the first valley that it reached."
        ),
        (
            "A slope tells which way is down from where you probed.",
            "Between a probe that falls to the right and one that rises lies a valley.",
            f"There are {1 + len(others)} valleys.",
        ),
        (*slips, *_slopes_between(sorted([deepest, *others]))),
        floor=((fog.c,), *fog.waves),
        sandbox=urlencode(
            {"scene": "bowl", "f": _typed(fog), "start": show(START), "rate": show(RATE)}
        ),
    )


def _slopes_between(valleys: list[float]) -> list[Slip]:
    """A slip for each stretch between valleys, where nothing has come to rest."""
    apart = 0.101
    ends = [-END - apart, *valleys, END + apart]
    return [
        Slip(
            "on a slope",
            ((left + apart, right - apart),),
            "The floor still slopes there; a bottom is where the slope is 0.",
        )
        for left, right in pairwise(ends)
        if right - left > 3 * apart
    ]


def _typed(fog: Fog) -> str:
    """The floor as a formula that can be typed."""
    waves = " + ".join(f"{show(a)}*sin({show(k)}*x + {show(p)})" for a, k, p in fog.waves)
    return f"(x - {show(fog.c)})^2/20 + {waves}".replace("- -", "+ ")
