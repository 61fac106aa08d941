"""Penalties: values, slopes, and the proximal step against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from downslope.errors import SettingError
from downslope.penalties import Penalty, make_penalty

CASES = [
    ("none", 0.0, 0.15, Penalty()),
    (None, 0.3, 0.15, Penalty()),
    ("l2", 0.3, 0.15, Penalty(l2=0.3)),
    ("l1", 0.3, 0.15, Penalty(l1=0.3)),
    ("elasticnet", 0.4, 0.25, Penalty(l1=0.1, l2=0.3)),
]
weights = st.lists(st.floats(-10, 10), min_size=1, max_size=6).map(np.array)


@pytest.mark.parametrize(("name", "alpha", "ratio", "expected"), CASES)
def test_scikit_learns_names(name, alpha, ratio, expected):
    ours = make_penalty(name, alpha, ratio)
    assert (ours.l1, ours.l2) == pytest.approx((expected.l1, expected.l2))


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c[0]))
@given(w=weights)
def test_value_and_gradient(case, w):
    penalty = case[3]
    by_hand = penalty.l1 * np.abs(w).sum() + 0.5 * penalty.l2 * (w**2).sum()
    assert penalty.value(w) == pytest.approx(by_hand)
    np.testing.assert_allclose(penalty.gradient(w), penalty.l2 * w)


@given(w=st.floats(-10, 10), step=st.floats(0.01, 10))
def test_prox_is_the_minimiser_of_its_definition(w, step):
    penalty = Penalty(l1=0.7)
    ours = float(penalty.prox(np.array([w]), step)[0])

    def definition(v):
        return 0.7 * abs(v) + (v - w) ** 2 / (2 * step)

    found = minimize_scalar(definition, bounds=(-11, 11), method="bounded").x
    assert definition(ours) <= definition(found) + 1e-9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ridge", 0.1), "'ridge' is unknown"),
        (("l2", -1.0), r"alpha=-1\.0"),
        (("l2", float("nan")), "alpha=nan"),
        (("elasticnet", 0.1, 1.5), r"l1_ratio=1\.5"),
    ],
)
def test_refused_with_the_value(arguments, said):
    with pytest.raises(SettingError, match=said):
        make_penalty(*arguments)
    with pytest.raises(SettingError, match=r"l1=-1\.0"):
        Penalty(l1=-1.0)
    with pytest.raises(SettingError, match="l2=inf"):
        Penalty(l2=float("inf"))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(SettingError, match="choose one of none, l2, l1, elasticnet"):
        make_penalty("ridge")


def test_defaults_and_the_ends_of_the_mixture():
    assert make_penalty("l2") == Penalty()
    assert make_penalty("elasticnet", 1.0) == Penalty(l1=0.15, l2=0.85)  # scikit-learn's share
    assert make_penalty("elasticnet", 0.5, 0.0) == Penalty(l2=0.5)
    assert make_penalty("elasticnet", 0.5, 1.0) == Penalty(l1=0.5)


def test_a_weight_of_one_shrinks_too():
    np.testing.assert_array_equal(Penalty(l1=1.0).prox(np.array([3.0, -0.5]), 1.0), [2.0, 0.0])


def test_the_rest_is_the_part_without_a_gradient():
    w = np.array([3.0, -2.0])
    assert (Penalty(l1=0.5, l2=4.0).has_rest, Penalty(l1=0.5, l2=4.0).rest(w)) == (True, 2.5)
    assert (Penalty(l2=4.0).has_rest, Penalty(l2=4.0).rest(w)) == (False, 0.0)
