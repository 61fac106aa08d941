"""The practice surfaces: their minima are where and what they are said to be."""

import numpy as np
import pytest

from downslope.curvature import curvature
from downslope.errors import SettingError
from downslope.minimizing.minimize import minimize
from downslope.problems.surfaces import SURFACES, surface

ALL = sorted(SURFACES)
SMOOTH = [name for name in ALL if name != "ackley"]  # a kink at its minimum


def lowest(name):
    return [np.array(point) for point in SURFACES[name].minima]


@pytest.mark.parametrize("name", ALL)
def test_value_is_zero_at_the_minima(name):
    for point in lowest(name):
        assert abs(surface(name).problem.value(point)) <= 1e-12


@pytest.mark.parametrize("name", SMOOTH)
def test_the_ground_is_level_and_bends_up_at_the_minima(name):
    problem = surface(name).problem
    for point in lowest(name):
        gradient = problem.value_and_gradient(point)[1]
        assert np.abs(np.linalg.solve(problem.hessian(point), gradient)).max() <= 1e-12
        assert curvature(problem, point).smallest > 0.0


@pytest.mark.parametrize("name", ALL)
def test_nothing_in_the_box_is_lower(name):
    each = surface(name)
    rng = np.random.default_rng(0)
    points = np.array([rng.uniform(low, high, 20_000) for low, high in each.box])
    assert each.problem.many(points)[0].min() >= 0.0


@pytest.mark.parametrize("name", ALL)
def test_minima_and_starts_lie_in_the_box(name):
    each = surface(name)
    for point in (*each.minima, *each.saddles, each.start):
        assert all(low <= x <= high for x, (low, high) in zip(point, each.box, strict=True))
        assert len(point) == each.problem.size


@pytest.mark.parametrize("name", SMOOTH)
def test_a_walk_from_nearby_comes_back(name):
    for point in lowest(name):
        result = minimize(surface(name).problem, point + 0.05)
        assert result.w == pytest.approx(point, abs=1e-6)
        assert result.reason.converged


def test_the_saddle_is_a_saddle():
    each = surface("saddle")
    bend = curvature(each.problem, np.array(each.saddles[0]))
    assert bend.smallest < 0.0 < bend.largest
    assert not each.problem.value_and_gradient(each.saddles[0])[1].any()


def test_the_kink_of_ackley_is_named():
    assert "infinite" in surface("ackley").problem.trouble([0.0, 0.0])


def test_unknown_surfaces_are_refused():
    with pytest.raises(SettingError, match="himmelblau"):
        surface("everest")
