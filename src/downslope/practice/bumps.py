"""Exercises about minima: count them, and walk into one."""

import numpy as np

from downslope.practice.item import Blank, Item, Slip, distinct_slips


def local_minima(values: list[int]) -> list[int]:
    """First place of every local minimum: a flat bottom counts once, an end counts.

    Examples
    --------
    >>> local_minima([3, 1, 1, 8, 6, 5, 2, 6, 4, 3])
    [1, 6, 9]
    """
    found, i, n = [], 0, len(values)
    while i < n:
        j = i
        while j + 1 < n and values[j + 1] == values[i]:
            j += 1
        left = i == 0 or values[i - 1] > values[i]
        right = j == n - 1 or values[j + 1] > values[j]
        if left and right:
            found.append(i)
        i = j + 1
    return found


def walk_down(values: list[int], start: int) -> int:
    """Value where a walker ends who always moves to the lower neighbour (left on a tie)."""
    here = start
    while True:
        near = [i for i in (here - 1, here + 1) if 0 <= i < len(values)]
        best = min(near, key=lambda i: (values[i], i), default=here)
        if values[best] >= values[here]:
            return values[here]
        here = best


def count_minima(seed: int) -> Item:
    """Count the local minima of a bumpy row of heights and follow one walker down."""
    rng = np.random.default_rng((5, seed))
    values = [int(v) for v in rng.integers(1, 10, size=10)]
    flat = int(rng.integers(1, 8))
    values[flat + 1] = values[flat]
    start = int(rng.integers(0, 10))
    minima = local_minima(values)
    inner = [i for i in range(1, 9) if values[i - 1] > values[i] < values[i + 1]]
    each = [
        i
        for i in range(10)
        if (i == 0 or values[i - 1] >= values[i]) and (i == 9 or values[i + 1] >= values[i])
    ]
    ends, lowest = walk_down(values, start), min(values)
    blanks = (
        Blank("local minima", decimals=2),  # whole numbers: 0 would accept a neighbour
        Blank("global minimum", decimals=2),
        Blank("height where the walker ends", decimals=2),
    )
    solution = (float(len(minima)), float(lowest), float(ends))
    slips = (
        Slip(
            "ends forgotten",
            (float(len(inner)), *solution[1:]),
            "An end counts when its one neighbour is higher, and a flat bottom counts once.",
        ),
        Slip(
            "flat counted twice",
            (float(len(each)), *solution[1:]),
            "Neighbours of equal height form one flat bottom: count it once, if both sides rise.",
        ),
        Slip(
            "walker found the global minimum",
            (*solution[:2], float(lowest)),
            "A walker sees only the slope underfoot: it stops in the first valley it reaches.",
        ),
    )
    return Item(
        "minima",
        seed,
        f"Heights: {', '.join(map(str, values))}. How many local minima are there (a flat bottom "
        "counts once, an end counts)? What is the global minimum? A walker starts on place "
        f"{start + 1} and always moves to the lower neighbour (to the left on a tie): at what "
        "height does it stop?",
        blanks,
        solution,
        f"Local minima at places {', '.join(str(i + 1) for i in minima)} (heights "
        f"{', '.join(str(values[i]) for i in minima)}): {len(minima)}. The lowest is {lowest}. "
        f"From place {start + 1} (height {values[start]}) the walker stops at height {ends}.",
        (
            "A place is a local minimum when no neighbour is lower and the flat part it belongs to "
            "rises on both sides.",
            f"There are {len(minima)} of them.",
        ),
        distinct_slips(blanks, solution, slips),
        (tuple(float(v) for v in values),),
        sandbox="scene=bowl&f=w*cos(w)&start=5&rate=0.1",
    )
