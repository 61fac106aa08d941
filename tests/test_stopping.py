"""Stops by hand: the last sight that goes on, the first that ends, and what is said then."""

import math
import re

import pytest

from downslope.errors import SettingError
from downslope.stopping import (
    INTERRUPTED,
    Divergence,
    GradientNorm,
    MaxEpochs,
    MaxSeconds,
    MaxSteps,
    Progress,
    Reason,
    Sight,
    Validation,
    VanishedRate,
)


def sight(**known):
    """What a stop sees: nothing remarkable, but for what is known."""
    usual = Sight(
        step=5,
        epoch=1,
        value=1.0,
        epoch_value=None,
        gradient_norm=1.0,
        rate=0.1,
        seconds=0.5,
        validation=math.nan,
    )
    return usual._replace(**known)


def answers(stop, sights):
    """Every answer of a stop, in turn."""
    memory, said = stop.init(), []
    for seen in sights:
        reason, memory = stop.ask(seen, memory)
        said.append(reason)
    return said


ENDS = [
    (MaxSteps(7), {"step": 6}, {"step": 7}, "max_steps", False, "Stopped after 7 steps, the cap."),
    (MaxSteps(0), None, {"step": 0}, "max_steps", False, "Stopped after 0 steps, the cap."),
    (
        MaxEpochs(1),
        {"epoch": 0},
        {"epoch": 1},
        "max_epochs",
        False,
        "Stopped after 1 pass over the rows, the cap.",
    ),
    (
        MaxEpochs(3),
        {"epoch": 2},
        {"epoch": 3},
        "max_epochs",
        False,
        "Stopped after 3 passes over the rows, the cap.",
    ),
    (
        GradientNorm(0.25),
        {"gradient_norm": 8.0},
        {"gradient_norm": 2.0},
        "converged",
        True,
        "The gradient's length fell to 2, at most 0.25 times its first 8.",
    ),
    (
        MaxSeconds(2.0),
        {"seconds": 1.75},
        {"seconds": 2.0},
        "max_seconds",
        False,
        "Stopped after 2.0 s, the limit.",
    ),
    (
        VanishedRate(0.25),
        {"rate": 0.375},
        {"rate": 0.25},
        "stalled",
        True,
        "The learning rate fell to 0.25, too small to make progress.",
    ),
    (
        Divergence(),
        {"value": 2.0},
        {"value": math.nan},
        "diverged",
        False,
        "Diverged at step 5: the loss is no longer finite with learning rate 0.1. "
        "The last finite weights are kept.",
    ),
    (
        Divergence(limit=0.04),
        {"value": 2.0},
        {"gradient_norm": math.inf},
        "diverged",
        False,
        "Diverged at step 5: the loss is no longer finite with learning rate 0.1; the largest "
        "stable rate here is 0.04. The last finite weights are kept.",
    ),
    (
        Divergence(factor=4.0),
        {"value": 2.0, "epoch": 0},
        {"value": 10.5},
        "diverged",
        False,
        "Diverged at step 5: the loss rose from 2 to 10.5 with learning rate 0.1. "
        "The last finite weights are kept.",
    ),
]


@pytest.mark.parametrize(("stop", "before", "at", "name", "converged", "sentence"), ENDS)
def test_the_first_sight_that_ends_and_its_sentence(stop, before, at, name, converged, sentence):
    sights = [sight(**at)] if before is None else [sight(**before), sight(**at)]
    *earlier, last = answers(stop, sights)
    assert earlier == [None] * len(earlier)
    assert last == Reason(name, sentence, converged)


PATIENT = [
    (
        Progress(tol=0.25, patience=2),
        "epoch_value",
        "stalled",
        "The mean value of an epoch did not fall by 0.25 in 2 epochs (best 2.625); progress "
        "stopped, which does not prove the lowest value.",
    ),
    (
        Validation(tol=0.25, patience=2),
        "validation",
        "validation",
        "The validation loss did not fall by 0.25 in 2 measurements; the weights of its best "
        "value 2.625 are kept.",
    ),
]


@pytest.mark.parametrize(("stop", "column", "name", "sentence"), PATIENT)
def test_patience_counts_measurements_that_do_not_beat_the_best_by_tol(
    stop, column, name, sentence
):
    nothing = None if column == "epoch_value" else math.nan
    # 3.0 - 0.25 is a fall by exactly tol, which counts as progress; 2.625 and then 2.7 are not.
    values = [3.0, 4.0, 2.75, nothing, 2.625, nothing, 2.7]
    said = answers(stop, [sight(**{column: value}) for value in values])
    assert said[:-1] == [None] * 6
    assert said[-1] == Reason(name, sentence, True)


@pytest.mark.parametrize(("stop", "column", "name", "sentence"), PATIENT)
def test_a_better_value_begins_the_count_again(stop, column, name, sentence):
    values = [3.0, 3.0, 2.0, 2.0, 1.0, 1.0]
    assert answers(stop, [sight(**{column: value}) for value in values]) == [None] * 6


def test_defaults_are_scikit_learns():
    assert (Progress().tol, Progress().patience) == (1e-3, 5)
    same = [sight(epoch_value=1.0)] * 6
    assert [bool(said) for said in answers(Progress(), same)] == [False] * 5 + [True]
    same = [sight(validation=1.0)] * 6
    assert [bool(said) for said in answers(Validation(), same)] == [False] * 5 + [True]


CLIMBS = [
    # factor times the larger of the first value's size and the progress made, above the first.
    ("first value", 4.0, [2.0, 10.0], [2.0, 10.25]),
    ("progress", 4.0, [1.0, -7.0, 33.0], [1.0, -7.0, 33.25]),
    ("a start at zero", 4.0, [0.0, 0.0], [0.0, 1e-200]),
]


@pytest.mark.parametrize(("what", "factor", "lives", "ends"), CLIMBS)
def test_far_is_measured_against_start_and_progress(what, factor, lives, ends):
    stop = Divergence(factor=factor)
    walk = lambda values: [sight(value=v, epoch=k) for k, v in enumerate(values)]  # noqa: E731
    assert answers(stop, walk(lives)) == [None] * len(lives)
    *earlier, last = answers(stop, walk(ends))
    assert earlier == [None] * len(earlier)
    assert last.name == "diverged"


def test_the_first_epoch_counts_as_the_start():
    batches = [sight(value=v, epoch=0) for v in (1.0, 100.0)]
    stop = Divergence(factor=4.0)
    assert answers(stop, [*batches, sight(value=500.0, epoch=1)]) == [None] * 3
    assert answers(stop, [*batches, sight(value=501.0, epoch=1)])[-1].name == "diverged"
    # After the first epoch a high value is not taken for a start.
    walk = [sight(value=v, epoch=k) for k, v in enumerate((1.0, 4.0, 5.5))]
    assert answers(stop, walk)[-1].name == "diverged"


COUNTS = [
    (MaxSteps, "max_steps"),
    (MaxEpochs, "max_epochs"),
    (GradientNorm, "tol"),
    (MaxSeconds, "seconds"),
]


@pytest.mark.parametrize(("make", "name"), COUNTS)
@pytest.mark.parametrize("number", [-1, math.nan])
def test_counts_below_zero_are_refused_by_name(make, name, number):
    with pytest.raises(SettingError, match=f"^{name}={re.escape(str(number))} must be 0 or more"):
        make(number)
    make(0)


def test_an_interruption_keeps_the_best():
    assert str(INTERRUPTED) == "interrupted: Interrupted; the best weights so far are kept."
    assert not INTERRUPTED.converged
