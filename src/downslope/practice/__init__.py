"""The practice room: generated exercises that check themselves, flashcards, and a course order.

=================== ========================================================================
``item``            what an exercise is, and how an answer is checked
``traces`` ``fits`` two steps by hand, for one weight and for a line; the score of two lines
``curves``          loss curves: draw one, tell one from another, name its regime
``what_if``         an unscaled feature, a smaller batch, some momentum
``bumps`` ``fog``   minima in a row of numbers, and on a floor that cannot be seen
``cards``           flashcards and when they are due
``progress``        what a person has answered
``room``            the terminal
``sheet``           paper
``bank``            exercises packed for a page
=================== ========================================================================

>>> from downslope.practice import check, make_item
>>> item = make_item("trace", seed=7)
>>> check(item, item.solution).right
True
"""

from collections.abc import Callable

from downslope.errors import InputError
from downslope.practice.bumps import count_minima
from downslope.practice.curves import sketch_curve, which_curve, which_regime
from downslope.practice.fits import two_steps_of_a_line
from downslope.practice.fog import find_deepest
from downslope.practice.item import Item, Verdict, check
from downslope.practice.traces import two_lines, two_steps
from downslope.practice.what_if import what_if

# In the order of the course. Each exercise is predicted, seen, explained, and then tried in the
# lab's sandbox.
KINDS: dict[str, Callable[[int], Item]] = {
    "score": two_lines,
    "trace": two_steps,
    "fit": two_steps_of_a_line,
    "sketch": sketch_curve,
    "curves": which_curve,
    "regime": which_regime,
    "what_if": what_if,
    "minima": count_minima,
}
GAMES: dict[str, Callable[[int], Item]] = {"fog": find_deepest}
"""Not for paper: the question is asked of the page or the terminal."""
TITLES = {
    "score": "Score two lines",
    "trace": "Two steps by hand",
    "fit": "A line by hand",
    "sketch": "Draw the curve",
    "curves": "Which curve is which",
    "regime": "Read a loss curve",
    "what_if": "What happens if",
    "minima": "Count the minima",
    "fog": "Deepest point in the fog",
}

__all__ = ["GAMES", "KINDS", "TITLES", "Item", "Verdict", "check", "course", "make_item"]


def make_item(kind: str, seed: int) -> Item:
    """The exercise of that kind and seed.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    seed : int
        The same seed gives the same exercise.

    Returns
    -------
    Item

    Raises
    ------
    InputError
        If there is no such kind, or the seed is negative.

    Examples
    --------
    >>> make_item("trace", seed=1).kind
    'trace'
    """
    if seed < 0:
        raise InputError(f"seed={seed} is negative; a seed is a whole number from 0 on.")
    made = {**KINDS, **GAMES}
    if kind not in made:
        raise InputError(f"There is no exercise {kind!r}; choose one of {', '.join(made)}.")
    return made[kind](seed)


def course(number: int, seed: int) -> Item:
    """Exercise ``number`` (from 0) of a course: kinds in turn, seeds from ``seed`` on.

    Terminal, lab and sheet all count like this, so a class works on the same problems.

    Parameters
    ----------
    number : int
        Which exercise, from 0.
    seed : int
        Of the first one.

    Returns
    -------
    Item

    Examples
    --------
    >>> [course(k, seed=7).kind for k in range(2)]
    ['score', 'trace']
    """
    kinds = list(KINDS)
    return make_item(kinds[number % len(kinds)], seed + number)
