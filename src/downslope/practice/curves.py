"""Exercises about learning rates: which regime is this curve, and which curve is which rate."""

import numpy as np

from downslope.practice.item import Blank, Item, Slip, distinct_slips, show

REGIMES = ("crawling", "just right", "oscillating", "diverging")
# Rate times curvature, well inside each regime, so that exactly one name is right.
PRODUCTS = {
    "crawling": (0.01, 0.05),
    "just right": (0.4, 0.95),
    "oscillating": (1.4, 1.9),
    "diverging": (2.05, 2.4),
}
SHOWN = 8


def which_regime(seed: int) -> Item:
    """Name the regime of a run, and the largest rate that would still converge.

    The loss is ``L (w - c)^2 / 2``, so each step multiplies the distance by ``1 - rate * L``: the
    curve has one right reading by construction.
    """
    rng = np.random.default_rng((3, seed))
    regime = str(rng.choice(REGIMES))
    low, high = PRODUCTS[regime]
    product = round(float(rng.uniform(low, high)), 3)
    curvature = float(rng.choice([0.5, 2.0, 4.0, 10.0]))
    rate, start, c = product / curvature, float(rng.choice([2.0, 5.0])), float(rng.integers(-3, 4))
    distance = start * (1.0 - product) ** np.arange(SHOWN)
    w, loss = c + distance, 0.5 * curvature * distance**2
    limit = 2.0 / curvature
    blanks = (
        Blank("regime", choices=REGIMES),
        Blank("largest rate that converges", decimals=4, relative=0.03),
    )
    solution = (regime, limit)
    steps = np.diff(w[:3])
    ratio = float(steps[1] / steps[0])
    slips = (
        *(Slip(f"called {name}", (name, limit), _not(name, product)) for name in REGIMES),
        Slip(
            "best, not largest",
            (regime, limit / 2),
            "1 / L is the best rate here; 2 / L the limit.",
        ),
        Slip("same rate", (regime, rate), "That is the rate of this run, not the limit."),
    )
    table = "\n".join(
        f"  step {k}: w = {a:.6g}, loss = {b:.6g}"
        for k, (a, b) in enumerate(zip(w, loss, strict=True))
    )
    return Item(
        "regime",
        seed,
        f"Gradient descent on a bowl of one weight, learning rate {rate:.6g}:\n{table}\n"
        "Which regime is this, and what is the largest rate that would still converge? "
        "(within 3 %)",
        blanks,
        solution,
        f"Steps shrink or grow by the factor {ratio:.4f} = 1 - rate * L, so rate * L = "
        f"{1 - ratio:.4f} and L = {show(curvature)}.\n"
        f"Below 0.1 a run crawls, near 1 it is just right, from 1 to 2 it oscillates, above 2 it "
        f"diverges: {regime}. The limit is 2 / L = {limit:.6g}.",
        (
            "Divide one step by the step before it: that factor is 1 - rate * L.",
            f"The factor is {ratio:.4f}.",
            "The limit is 2 / L.",
        ),
        distinct_slips(blanks, solution, slips),
        (tuple(float(v) for v in loss),),
    )


def _not(name: str, product: float) -> str:
    why = {
        "crawling": "crawling is rate * L below 0.1",
        "just right": "just right is rate * L near 1, without a change of side",
        "oscillating": "oscillating jumps from side to side (rate * L between 1 and 2) and shrinks",
        "diverging": "diverging grows: rate * L above 2",
    }[name]
    return f"Here rate * L = {product:.3f}, but {why}."


def which_curve(seed: int) -> Item:
    """Which loss curve belongs to rate 0.001, beside those of 0.1 and 0.9?

    On one standardised column the last two agree to the digit: ``1 - 2 rate`` is 0.8 and -0.8.
    """
    rng = np.random.default_rng((4, seed))
    r = round(float(rng.uniform(0.5, 0.95)), 3)
    shrinks = 1.0 - 2.0 * np.array([0.001, 0.1, 0.9])
    # MSE of a standardised line from w = 0: 1 - r^2 + r^2 (1 - 2 rate)^(2k).
    curves = 1 - r * r + r * r * shrinks[:, None] ** (2.0 * np.arange(31))
    order = [int(i) for i in rng.permutation(3)]
    letters, shown = ("A", "B", "C"), [0, 1, 2, 5, 10, 30]
    slow = letters[order.index(0)]
    twins = [letter for letter in letters if letter != slow]
    blanks = (Blank("curve of rate 0.001", choices=letters),)
    table = "\n".join(
        f"  {letter}: " + ", ".join(f"{curves[i][k]:.4f}" for k in shown)
        for letter, i in zip(letters, order, strict=True)
    )
    return Item(
        "curves",
        seed,
        "One standardised feature, MSE, start at zero. The loss at steps "
        f"{', '.join(map(str, shown))} for the rates 0.001, 0.1 and 0.9, in some order:\n{table}\n"
        "Which is the curve of rate 0.001, and why do the other two agree?",
        blanks,
        (slow,),
        "Each step multiplies the distance to the minimum by 1 - 2 rate: 0.998, 0.8 and -0.8. The "
        f"first crawls (curve {slow}); {twins[0]} and {twins[1]} shrink alike, one smoothly, the "
        "other from side to side.",
        ("Which rate moves the weight least in one step?", "The curvature is 2: limit 2 / 2 = 1."),
        tuple(
            Slip(
                f"took {twin}",
                (twin,),
                "That curve falls fast; the smallest rate moves least in each step, so its curve "
                "is the flattest.",
            )
            for twin in twins
        ),
        tuple(tuple(float(v) for v in curves[i]) for i in order),
    )
