"""Columns and levels that tell classes apart alone, against the definition tried on every value."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from downslope import DescentClassifier
from downslope.diagnosis.telling_columns import falls_for_ever, telling_columns
from downslope.losses import LogLoss, Multinomial, SquaredHinge
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows


def problem(X, y, classes=2, fit_intercept=True, scaled=False, **penalty):
    y = np.where(y > 0, 1.0, -1.0) if classes == 2 else y
    rows = MemoryRows(X, y)
    rows = standardize(rows, with_center=fit_intercept).rows(rows) if scaled else rows
    loss, k = (LogLoss(), 1) if classes == 2 else (Multinomial(), classes)
    return Objective(rows, loss, Penalty(**penalty), fit_intercept, k)


def by_definition(X, y, with_intercept):
    """Whether, moving along one weight (and the intercept), no row gets worse and one better."""
    found = {}
    for j, column in enumerate(X.T):
        best = 0
        for c in np.unique(y):
            own = np.where(y == c, 1.0, -1.0)
            for edge in np.unique(column) if with_intercept else [0.0]:
                for sign in (1.0, -1.0):
                    change = sign * own * (column - edge)
                    if (change >= 0.0).all():
                        best = max(best, int((change > 0.0).sum()))
        if best:
            found[f"c{j}"] = best
    return found


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("with_intercept", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_columns_by_the_definition(classes, with_intercept, scaled, layout):
    seen = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.integers(-1, 3, size=(7, 4)).astype(float) * (rng.random((7, 4)) < 0.5)
        y = rng.integers(0, classes, size=7)
        y[:classes] = range(classes)
        names = tuple(f"c{j}" for j in range(4))
        asked = problem(layout(X), y, classes, with_intercept, scaled)
        found = dict(telling_columns(asked, names))
        wanted = by_definition(X, y, with_intercept)
        assert set(found) == set(wanted)
        if with_intercept and classes == 2:  # all rows count where values do not even touch
            assert all(found[name] >= wanted[name] for name in found)
        seen += len(found)
    assert seen > 5


LEVELS = np.array(["red", "red", "blue", "blue", "green", "green", "green", "red"] * 25)
NOISE = np.random.default_rng(0).normal(size=len(LEVELS))


def model(sure, usual="red", **settings):
    """Classes by chance, but for the rows of one level."""
    y = np.random.default_rng(1).integers(0, 2, size=len(LEVELS))
    y[sure == LEVELS] = 1
    kinds = [kind for kind in ("red", "blue", "green") if kind != usual]
    columns = {f"colour={kind}": (kind == LEVELS).astype(float) for kind in kinds}
    frame = pd.DataFrame({"size": NOISE, **columns})
    return DescentClassifier(**{"alpha": 0.0, **settings}).fit(frame, y)


@pytest.mark.parametrize("scaling", ["auto", "none"])
@pytest.mark.parametrize(
    ("sure", "name"),
    [("blue", "colour=blue"), ("red", "colour=(the level without a column)")],
)
def test_a_level_of_one_class_is_named_with_its_rows(sure, name, scaling):
    found = [
        f for f in model(sure, scaling=scaling).diagnosis_.findings if f.symptom == "separable"
    ]
    assert [f.names for f in found] == [(name,)]
    assert found[0].number == (sure == LEVELS).sum()
    assert name in found[0].sentence


def test_mixed_levels_and_penalties_are_silent():
    for fitted in (model("none"), model("blue", alpha=1e-3)):
        assert "separable" not in {f.symptom for f in fitted.diagnosis_.findings}


def test_only_a_log_loss_without_a_penalty_falls_for_ever():
    X, y = np.zeros((2, 1)), np.array([0, 1])
    assert falls_for_ever(problem(X, y))
    assert falls_for_ever(problem(X, y, classes=3))
    assert not falls_for_ever(problem(X, y, l2=0.1))
    assert not falls_for_ever(problem(X, y, l1=0.1))
    assert not falls_for_ever(Objective(MemoryRows(X, 2.0 * y - 1.0), SquaredHinge()))
