"""Exercises about learning rates: which regime is this curve, and which curve is which rate."""

from urllib.parse import urlencode

import numpy as np

from downslope.practice.item import ANY, Blank, Item, Range, Slip, distinct_slips, show

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
        f"  step {k}: w = {a:.6g}, loss = {b:.4g}"
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
        sandbox=urlencode(
            {
                "scene": "bowl",
                "f": f"{show(curvature / 2)}*(w - {show(c)})^2".replace("- -", "+ "),
                "start": show(c + start),
                "rate": show(rate),
                "k": SHOWN - 1,
            }
        ),
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
        sandbox=_standardised(r, 0.9),
    )


def _standardised(r: float, rate: float) -> str:
    """The lab's bowl with the MSE of one standardised column: ``(w - r)^2 + 1 - r^2``."""
    formula = f"(w - {show(r)})^2 + {show(round(1 - r * r, 6))}"
    return urlencode({"scene": "bowl", "f": formula, "start": 0, "rate": show(rate)})


DRAWN = 20
ASKED = (1, 5, 20)


def sketch_curve(seed: int) -> Item:
    """Draw the loss at rate 0.001, 0.1 or 0.9 before it is shown (or say it at three steps)."""
    rng = np.random.default_rng((8, seed))
    rate, r = float(rng.choice([0.001, 0.1, 0.9])), round(float(rng.uniform(0.6, 0.95)), 2)
    lowest = 1 - r * r
    loss = lowest + r * r * (1.0 - 2.0 * rate) ** (2.0 * np.arange(DRAWN + 1))
    blanks = tuple(Blank(f"loss after update {k}", decimals=1) for k in ASKED)
    shrinks = (1.0 - 2.0 * rate) ** 2
    return Item(
        "sketch",
        seed,
        f"One standardised feature, MSE, start at w = 0, learning rate {show(rate)}. The loss "
        f"starts at 1, and no weight brings it below {lowest:.4g}. Draw it over {DRAWN} updates, "
        f"or say it after {', '.join(map(str, ASKED[:-1]))} and {ASKED[-1]} (to within 0.1).",
        blanks,
        tuple(float(loss[k]) for k in ASKED),
        f"The curvature is 2, so each update multiplies the distance to the best weight by 1 - 2 * "
        f"{show(rate)} = {show(1 - 2 * rate)}, and the loss above {lowest:.4g} by its square, "
        f"{shrinks:.4g}: " + ", ".join(f"{loss[k]:.4f} after {k}" for k in ASKED) + ".",
        (
            "The curvature of MSE in a standardised weight is 2.",
            f"Each update multiplies the distance to the best weight by 1 - 2 * {show(rate)}.",
            f"The loss above {lowest:.4g} shrinks by the square of that, {shrinks:.4g}.",
        ),
        _sketch_slips(rate, lowest, float(loss[-1])),
        curves=((lowest,) * (DRAWN + 1),),
        reveal=(tuple(float(v) for v in loss),),
        sandbox=_standardised(r, rate),
    )


def _sketch_slips(rate: float, lowest: float, last: float) -> tuple[Slip, ...]:
    """Shapes that people draw instead, as ranges that no right answer lies in."""
    above: Range = (1.101, ANY[1])
    why_not = (
        f"The weight does jump from side to side, but 2 * {show(rate)} is below 2: each jump is "
        "shorter than the one before, so the loss falls in every update."
        if rate > 0.5
        else f"{show(rate)} is far below the stable limit 2 / 2 = 1: the loss falls every time."
    )
    rises = (
        Slip("rises at once", (above, ANY, ANY), why_not),
        Slip("rises in the end", (ANY, ANY, above), why_not),
    )
    below = Slip(
        "below the lowest",
        (ANY, ANY, (ANY[0], lowest - 0.101)),
        f"No weight has a loss below {lowest:.4g}, so no curve goes there.",
    )
    if rate < 0.01:
        falls = Slip(
            "falls too fast",
            (ANY, ANY, (lowest - 0.1, last - 0.101)),
            f"Each update removes only 2 * {show(rate)} = {show(2 * rate)} of the distance: after "
            f"{DRAWN} of them {(1 - 2 * rate) ** DRAWN:.0%} of it is left.",
        )
        return (*rises, below, falls)
    flat = Slip(
        "flat",
        (ANY, ANY, (0.8, 1.1)),
        f"That is the curve of a rate like 0.001; {show(rate)} leaves almost nothing of the "
        f"distance after {DRAWN} updates.",
    )
    slow = Slip(
        "too slow",
        (ANY, ANY, (lowest + 0.101, 0.8)),
        f"What is above the lowest shrinks to {(1 - 2 * rate) ** 2:.4g} of itself in each update; "
        f"after {DRAWN} the curve lies on the bottom.",
    )
    at_once = Slip(
        "at the bottom at once",
        ((ANY[0], lowest + 0.1), ANY, (lowest - 0.1, lowest + 0.1)),
        "Only the rate 1 / curvature = 0.5 arrives in one update.",
    )
    return (*rises, below, flat, slow, at_once)
