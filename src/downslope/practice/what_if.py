"""Exercises that change one thing: an unscaled feature, a smaller batch, some momentum."""

from urllib.parse import urlencode

import numpy as np

from downslope.practice.item import Blank, Item, Slip, distinct_slips, show

SHOWN = 41


def what_if(seed: int) -> Item:
    """What happens to the largest stable rate, or to the noise, when one thing changes."""
    rng = np.random.default_rng((7, seed))
    return (_unscaled, _smaller_batch, _momentum)[int(rng.integers(3))](seed, rng)


def _unscaled(seed: int, rng: np.random.Generator) -> Item:
    factor, limit = float(rng.choice([10, 50, 100, 1000])), float(rng.choice([0.5, 1.0, 2.0]))
    blanks = (Blank("new largest stable rate", decimals=9, relative=0.005),)
    solution = (limit / factor**2,)
    slips = (
        Slip("linear", (limit / factor,), f"Curvature grows with the square: {show(factor)}^2."),
        Slip("wrong way", (limit * factor**2,), "A steeper bowl needs a smaller rate."),
        Slip("unchanged", (limit,), "The limit is 2 / curvature, and the curvature has changed."),
    )
    return Item(
        "what_if",
        seed,
        f"A line through the origin, y = w x, is trained by MSE; its largest stable rate is "
        f"{show(limit)}. The feature is then measured in a unit {show(factor)} times smaller (its "
        f"numbers grow {show(factor)} times). What is the largest stable rate now?",
        blanks,
        solution,
        f"The curvature is 2 mean(x^2), so it grows {show(factor)}^2 = {show(factor**2)} times; "
        f"the limit 2 / curvature becomes {show(limit)} / {show(factor**2)} = {solution[0]:.6g}.",
        ("Which formula gives the curvature of MSE in w?", "It is 2 mean(x^2)."),
        distinct_slips(blanks, solution, slips),
        reveal=_around(solution[0], 2 / solution[0]),
        sandbox=urlencode(
            {
                "scene": "bowl",
                "f": f"{show(factor**2 / limit)}*(w - 1)^2",
                "start": 0,
                "rate": show(limit),
            }
        ),
    )


def _smaller_batch(seed: int, rng: np.random.Generator) -> Item:
    big, small = ((64, 16), (256, 1), (100, 25))[int(rng.integers(3))]
    noise = round(float(rng.uniform(0.1, 2.0)), 2)
    blanks = (Blank("standard deviation of the gradient", decimals=6, relative=0.01),)
    solution = (noise * (big / small) ** 0.5,)
    slips = (
        Slip("variance", (noise * big / small,), "That factor is the variance's; take its root."),
        Slip("wrong way", (noise * (small / big) ** 0.5,), "Fewer rows average out less noise."),
        Slip("unchanged", (noise,), "The mean stays the same, its noise does not."),
    )
    return Item(
        "what_if",
        seed,
        f"With batches of {big} rows (drawn with replacement) the gradient of one weight has "
        f"standard deviation {show(noise)}. What is it with batches of {small}?",
        blanks,
        solution,
        f"The variance of a mean of B rows is proportional to 1 / B, so the deviation grows by "
        f"sqrt({big} / {small}) = {(big / small) ** 0.5:.4g}: {solution[0]:.6g}.",
        ("How does the variance of a mean depend on how many are averaged?",),
        distinct_slips(blanks, solution, slips),
        sandbox="scene=noise",
    )


def _momentum(seed: int, rng: np.random.Generator) -> Item:
    beta, curvature = float(rng.choice([0.5, 0.8, 0.9])), float(rng.choice([0.5, 2.0, 4.0, 10.0]))
    blanks = (Blank("largest stable rate with momentum", decimals=6, relative=0.005),)
    solution = (2 * (1 + beta) / curvature,)
    slips = (
        Slip("plain limit", (2 / curvature,), "That is the limit without momentum, 2 / L."),
        Slip(
            "effective rate",
            (2 * (1 - beta) / curvature,),
            "Momentum makes steps longer by 1 / (1 - beta), yet the stable range grows.",
        ),
        Slip(
            "one over one minus beta",
            (2 / (1 - beta) / curvature,),
            "The limit grows by 1 + beta, not by 1 / (1 - beta).",
        ),
    )
    return Item(
        "what_if",
        seed,
        f"A bowl has curvature {show(curvature)}. What is the largest stable learning rate of "
        f"heavy-ball momentum with beta = {show(beta)}?",
        blanks,
        solution,
        f"2 (1 + beta) / L = 2 * {show(1 + beta)} / {show(curvature)} = {solution[0]:.6g}; "
        f"without momentum it is 2 / L = {2 / curvature:.6g}.",
        ("Without momentum the limit is 2 / L.", "Momentum multiplies it by 1 + beta."),
        distinct_slips(blanks, solution, slips),
        reveal=_around(solution[0], curvature, beta),
        sandbox=urlencode(
            {
                "scene": "bowl",
                "f": f"{show(curvature / 2)}*(w - 3)^2",
                "rule": "momentum",
                "beta": show(beta),
                "rate": f"{0.98 * solution[0]:.4g}",
            }
        ),
    )


def _around(limit: float, curvature: float, beta: float = 0.0) -> tuple[tuple[float, ...], ...]:
    """Loss on a bowl at 5 % below the limit and at 5 % above, to be seen with the answer."""
    found = []
    for rate in (0.95 * limit, 1.05 * limit):
        w, velocity, loss = 1.0, 0.0, []
        for _ in range(SHOWN):
            loss.append(0.5 * curvature * w * w)
            velocity = beta * velocity + curvature * w
            w -= rate * velocity
        found.append(tuple(loss))
    return tuple(found)
