"""Flashcards on the terms, scheduled by FSRS (PyPI ``fsrs``).

Each card is a front and a back; the schedule of a person's own memory is kept with their progress.
"""

from datetime import UTC, datetime
from typing import Any

CARDS: dict[str, tuple[str, str]] = {
    "loss": (
        "What does a loss measure?",
        "How wrong one prediction is, as one number: 0 is perfect.",
    ),
    "objective": (
        "What is the objective?",
        "The mean loss over the rows plus the penalty: the one number that descent makes small.",
    ),
    "mse": ("MSE of predictions z and targets y?", "mean of (z - y)^2"),
    "half": (
        "How do the gradients of mse and squared_error differ?",
        "By the factor 2: squared_error is half of the square, so its best rate is twice as large.",
    ),
    "gradient": (
        "What does the gradient tell?",
        "Which way the objective rises fastest, and how fast; descent goes against it.",
    ),
    "step": ("The update of plain gradient descent?", "w <- w - rate * gradient"),
    "rate": (
        "What does the learning rate set?",
        "How far each step goes, in units of the gradient.",
    ),
    "limit": (
        "Largest stable learning rate on a quadratic with largest curvature L?",
        "2 / L; above it the steps grow and the run diverges.",
    ),
    "best": (
        "Best constant rate with curvatures between l and L?",
        "2 / (l + L); it shrinks the distance by (K - 1) / (K + 1) a step, K = L / l.",
    ),
    "crawling": (
        "How do you know a run crawls?",
        "rate * L is below 0.1: each step removes little, and a larger rate would still be stable.",
    ),
    "oscillating": (
        "How do you know a run oscillates?",
        "rate * L lies between 1 and 2: it jumps from side to side, yet still falls.",
    ),
    "diverging": (
        "How do you know a run diverges?",
        "rate * L is above 2: the loss grows from step to step until it is no longer finite.",
    ),
    "curvature": (
        "What is curvature here?",
        "How fast the slope changes: the second derivative, or the eigenvalues of the Hessian.",
    ),
    "condition": (
        "What is the condition number?",
        "Largest over smallest curvature; it sets how many steps descent needs.",
    ),
    "standardise": (
        "What does standardising do to the valley?",
        "It brings columns to mean 0 and deviation 1, which makes a skewed valley rounder.",
    ),
    "epoch": ("What is an epoch?", "One pass over all rows."),
    "update": ("What is a step?", "One update of the weights; an epoch holds one or many of them."),
    "batch": ("What is batch gradient descent?", "Every step uses the gradient over all rows."),
    "stochastic": (
        "What is stochastic gradient descent?",
        "Every step uses the gradient of one row.",
    ),
    "minibatch": (
        "What is mini-batch descent?",
        "Every step uses the mean gradient of a few rows, 2 to some thousands.",
    ),
    "noise": (
        "How does the batch size change the gradient's noise?",
        "Its variance is proportional to 1 / B: four times the rows halve the deviation.",
    ),
    "floor": (
        "What is the noise floor?",
        "Where a constant rate balances pull and noise: rate * variance / (2 (2 - rate * L)).",
    ),
    "decay": (
        "Why let the rate decay in stochastic descent?",
        "The noise floor is proportional to the rate; a falling rate lets the walk settle.",
    ),
    "momentum": (
        "What does momentum do?",
        "It sums past gradients: zig-zags cancel, steady slopes add up. v = beta v + g.",
    ),
    "momentum_limit": ("Largest stable rate of heavy-ball momentum?", "2 (1 + beta) / L"),
    "nesterov": (
        "What is different in Nesterov's momentum?",
        "The gradient counts as if measured ahead along the velocity: step by g + beta v.",
    ),
    "adagrad": (
        "What does AdaGrad divide by?",
        "The root of the sum of all squared gradients, weight by weight; its steps only shrink.",
    ),
    "rmsprop": (
        "What does RMSProp divide by?",
        "The root of a running mean of squared gradients, weight by weight.",
    ),
    "adam": (
        "What is Adam made of?",
        "Momentum over RMSProp, both corrected for their start at zero.",
    ),
    "adamw": (
        "What does AdamW change in Adam?",
        "Weight decay acts on the weights directly instead of passing through the moments.",
    ),
    "local": (
        "What is a local minimum?",
        "A point lower than everything near it, though somewhere else may be lower.",
    ),
    "saddle": (
        "What is a saddle?",
        "A point with zero gradient that curves up in one direction and down in another.",
    ),
    "plateau": ("What is a plateau?", "A region with almost no slope and almost no curvature."),
    "convex": (
        "Why are convex losses friendly?",
        "Every local minimum is global, so a walk that stops has arrived.",
    ),
    "l2": (
        "What does an L2 penalty do?",
        "It adds alpha / 2 |w|^2 and pulls all weights towards zero.",
    ),
    "l1": (
        "What does an L1 penalty do?",
        "It adds alpha |w|_1 and makes some weights exactly zero.",
    ),
    "early": (
        "What is early stopping?",
        "Ending when the loss on rows kept aside stops falling, and keeping the best weights.",
    ),
    "overfit": (
        "How does overfitting look in the curves?",
        "Training loss falls while validation loss rises.",
    ),
    "edge": (
        "What is the edge of stability?",
        "In networks the curvature rises until rate * L is about 2; the loss still falls.",
    ),
}


def rate_card(
    schedule: dict[str, Any] | None, grade: int, now: datetime | None = None
) -> dict[str, Any]:
    """The schedule of a card after a review.

    Parameters
    ----------
    schedule : dict or None
        As returned last time; None for a new card.
    grade : int
        1 again, 2 hard, 3 good, 4 easy.
    now : datetime or None
        Moment of the review; None for the present one.
    """
    from fsrs import Card, Rating, Scheduler

    # Fuzz spreads due dates at random; without it the same answers give the same schedule.
    scheduler = Scheduler(enable_fuzzing=False)
    card = Card() if schedule is None else Card.from_dict(schedule)
    card, _ = scheduler.review_card(card, Rating(grade), review_datetime=now or datetime.now(UTC))
    return dict(card.to_dict())


def due_cards(schedules: dict[str, dict[str, Any]], now: datetime | None = None) -> list[str]:
    """Names of the cards to show now: overdue ones first, then new ones in the order of the course.

    Examples
    --------
    >>> due_cards({})[:2]
    ['loss', 'objective']
    """
    moment = now or datetime.now(UTC)
    known = [name for name in CARDS if name in schedules]
    due = {name: datetime.fromisoformat(schedules[name]["due"]) for name in known}
    seen = sorted((name for name in due if due[name] <= moment), key=lambda name: due[name])
    return seen + [name for name in CARDS if name not in schedules]
