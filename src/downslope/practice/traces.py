"""Exercises done by hand: two steps of one weight, and the score of two lines."""

from urllib.parse import urlencode

import numpy as np

from downslope.practice.item import Blank, Item, Slip, distinct_slips, show

WALKED = 13
"""Points of the loss curve that is shown with the answer."""


def two_steps(seed: int) -> Item:
    """Two steps of gradient descent on ``a (w - c)^2``."""
    rng = np.random.default_rng((1, seed))
    a, c = float(rng.choice([0.5, 1, 2, 3])), float(rng.integers(-5, 6))
    w0 = float(c + rng.choice([-4, -3, -2, 2, 3, 4]))
    rate = float(rng.choice([0.05, 0.1, 0.15, 0.2]))

    def walk(slope0: float, slope_at: float | None, sign: float = -1.0) -> tuple[float, float]:
        """Two steps; ``slope_at`` is the factor of (w - c), None for a stale first slope."""
        w1 = w0 + sign * rate * slope0
        slope1 = slope0 if slope_at is None else slope_at * (w1 - c)
        return round(w1, 9), round(w1 + sign * rate * slope1, 9)

    first = 2 * a * (w0 - c)
    w1, w2 = walk(first, 2 * a)
    blanks = (Blank("w after step 1"), Blank("w after step 2"))
    shifted = f"(w - {show(c)})" if c >= 0 else f"(w + {show(-c)})"
    loss = (f"{show(a)} * " if a != 1 else "") + f"{shifted}^2"
    slips = (
        Slip("sign", walk(first, 2 * a, sign=+1.0), "You went uphill: subtract rate * slope."),
        Slip(
            "factor",
            walk(a * (w0 - c), a),
            f"The factor 2 is missing: the derivative of {loss} is {show(2 * a)} * {shifted}.",
        ),
        Slip(
            "stale gradient",
            walk(first, None),
            "The second step used the slope of the first point; measure it again where you stand.",
        ),
        Slip(
            "no rate",
            (w0 - first, w0 - first - 2 * a * (w0 - first - c)),
            f"The learning rate {show(rate)} is missing: step by rate * slope.",
        ),
    )
    second = 2 * a * (w1 - c)
    return Item(
        "trace",
        seed,
        f"L(w) = {loss}. Start at w = {show(w0)} with learning rate {show(rate)}. "
        "Where is w after one step, and after two? (3 decimals)",
        blanks,
        (w1, w2),
        f"dL/dw = {show(2 * a)} * {shifted}\n"
        f"step 1: w = {show(w0)} - {show(rate)} * ({show(first)}) = {show(w1)}\n"
        f"step 2: w = {show(w1)} - {show(rate)} * ({show(second)}) = {show(w2)}",
        (
            "First find the derivative dL/dw.",
            f"dL/dw = {show(2 * a)} * {shifted}; put w = {show(w0)} in.",
            f"The slope at the start is {show(first)}; step by -{show(rate)} times it.",
        ),
        distinct_slips(blanks, (w1, w2), slips),
        reveal=(tuple(a * ((w0 - c) * (1 - 2 * a * rate) ** k) ** 2 for k in range(WALKED)),),
        sandbox=urlencode(
            {"scene": "bowl", "f": loss, "start": show(w0), "rate": show(rate), "k": 2}
        ),
    )


def two_lines(seed: int) -> Item:
    """Mean squared error of two lines through three points, and which is better."""
    rng, scores = np.random.default_rng((2, seed)), [0.0, 0.0]
    while abs(scores[0] - scores[1]) < 0.01:  # a tie has no better line
        x = np.sort(rng.choice(np.arange(1, 9), size=3, replace=False)).astype(float)
        slope, intercept = float(rng.integers(1, 4)), float(rng.integers(-3, 4))
        y = slope * x + intercept + rng.integers(-2, 3, size=3)
        lines = [(slope + 1.0, intercept), (slope, intercept + float(rng.choice([-2, 2])))]
        residuals = [m * x + b - y for m, b in lines]
        scores = [float((r * r).mean()) for r in residuals]
    names = ("line A", "line B")
    better = names[int(scores[1] < scores[0])]
    blanks = (Blank("MSE of A"), Blank("MSE of B"), Blank("the better line", choices=names))
    solution = (scores[0], scores[1], better)

    def other(score_a: float, score_b: float) -> tuple[float | str, ...]:
        return score_a, score_b, names[int(score_b < score_a)]

    sums = [float((r * r).sum()) for r in residuals]
    sizes = [float(np.abs(r).mean()) for r in residuals]
    slips = (
        Slip("sum", other(*sums), "That is the sum of squares; divide by the 3 points."),
        Slip("half", other(*(s / 2 for s in scores)), "MSE has no factor 1/2 here."),
        Slip("absolute", other(*sizes), "Those are mean absolute errors; square the residuals."),
        Slip(
            "reversed",
            (scores[0], scores[1], names[int(scores[1] > scores[0])]),
            "The scores are right, but the lower error is the better line.",
        ),
    )
    points = ", ".join(f"({show(a)}, {show(b)})" for a, b in zip(x, y, strict=True))
    said = " and ".join(
        f"{name}: {show(m)} x {'-' if b < 0 else '+'} {show(abs(b))}"
        for name, (m, b) in zip(names, lines, strict=True)
    )
    working = "\n".join(
        f"{name}: residuals {', '.join(show(float(v)) for v in r)}; squares sum to {show(s)}; "
        f"MSE = {show(s)} / 3 = {s / 3:.3f}"
        for name, r, s in zip(names, residuals, sums, strict=True)
    )
    return Item(
        "score",
        seed,
        f"Points {points}. Score {said} by mean squared error (mean of the squared residuals; "
        "3 decimals). Which is better?",
        blanks,
        solution,
        working,
        (
            "A residual is prediction minus target, point by point.",
            "Square the residuals, add them, divide by 3.",
        ),
        distinct_slips(blanks, solution, slips),
        sandbox=urlencode(
            {
                "scene": "line",
                "points": ",".join(f"{show(a)}_{show(b)}" for a, b in zip(x, y, strict=True)),
            }
        ),
    )
