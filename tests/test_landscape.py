"""The ground around a walk: cuts through it, its minima, who gets where, and who gets out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downslope.descend import begin, steps
from downslope.errors import InputError, SettingError
from downslope.landscapes.abreast import abreast, walk_down
from downslope.landscapes.escape import escapes
from downslope.landscapes.landscape import (
    along,
    along_weight,
    filter_normalised,
    heights,
    over_path,
    over_random,
    over_weights,
)
from downslope.landscapes.minima import basins, count_minima, minima
from downslope.losses import MeanSquares
from downslope.minimizing.minimize import minimize
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.problems.formula import parse
from downslope.problems.surfaces import surface
from downslope.rates import Constant
from downslope.rules import Adam, Momentum, Plain
from downslope.sources.memory import MemoryRows


def test_local_minima_of_a_list():
    counted = count_minima([3, 1, 1, 8, 6, 5, 2, 6, 4, 3])
    assert counted.number == 3
    assert counted.lowest == 1
    assert counted.places == ((1, 2), (6, 6), (9, 9))


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([1], ((0, 0),)),
        ([2, 2, 2], ((0, 2),)),
        ([1, 2, 3], ((0, 0),)),
        ([3, 2, 1], ((2, 2),)),
        ([1, 2, 1], ((0, 0), (2, 2))),
        ([2, 1, 2], ((1, 1),)),
        ([3, 2, 2, 1], ((3, 3),)),
        ([1, 1, 2, 2, 0, 0], ((0, 1), (4, 5))),
    ],
)
def test_flat_bottoms_and_ends_count_once(values, places):
    assert count_minima(values).places == places


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12))
def test_counting_is_the_definition(values):
    """A run of equal values whose neighbours on both sides, where there are any, are higher."""
    runs, i = [], 0
    while i < len(values):
        j = i
        while j + 1 < len(values) and values[j + 1] == values[i]:
            j += 1
        sides = [values[k] for k in (i - 1, j + 1) if 0 <= k < len(values)]
        if all(side > values[i] for side in sides):
            runs.append((i, j))
        i = j + 1
    counted = count_minima(values)
    assert counted.places == tuple(runs)
    assert counted.lowest == min(values)
    assert count_minima(values[::-1]).number == counted.number


def test_values_that_cannot_be_counted_are_refused():
    for wrong in ([], [1, float("nan")], [[1, 2], [3, 4]]):
        with pytest.raises(InputError):
            count_minima(wrong)


@pytest.mark.parametrize("rule", [Plain(), Momentum(), Adam()], ids=lambda rule: rule.name)
def test_walking_abreast_is_walking_one_by_one(rule):
    formula, rate = parse("u^4/4 - u^2/2 + u*v + v^2"), Constant(0.05)
    starts = np.random.default_rng(0).uniform(-1, 1, (2, 5))
    wide = steps(abreast(formula), begin(starts, rule, rate), rule, rate)
    alone = [steps(formula, begin(w, rule, rate), rule, rate) for w in starts.T]
    for _ in range(30):
        together, each = next(wide), [next(walk) for walk in alone]
        places = np.stack([step.w for step in each], axis=1)
        np.testing.assert_allclose(together.w, places, rtol=1e-12)
        assert together.value == pytest.approx([step.value for step in each], rel=1e-12)


def test_rows_are_looked_at_abreast_as_one_by_one():
    X = np.random.default_rng(2).normal(size=(20, 2))
    rows = MemoryRows(X, X @ [1.0, -1.0])
    problem = Objective(rows, MeanSquares(), Penalty(l1=0.1, l2=0.2), fit_intercept=True)
    points = np.random.default_rng(3).normal(size=(3, 4))
    values, slopes = abreast(problem).value_and_gradient(points)
    for w, value, slope in zip(points.T, values, slopes.T, strict=True):
        smooth, gradient = problem.value_and_gradient(w)
        assert value == pytest.approx(smooth + 0.1 * np.abs(w[:2]).sum())
        np.testing.assert_array_equal(slope, gradient)


def test_walking_down_never_jumps_and_comes_to_rest():
    himmelblau = surface("himmelblau")
    starts = np.random.default_rng(1).uniform(-5, 5, (50, 2))
    ends, at_rest = walk_down(himmelblau.problem, starts, 0.3, 500)
    assert at_rest.all()
    apart = np.linalg.norm(ends[:, None] - np.array(himmelblau.minima), axis=2).min(axis=1)
    assert apart.max() < 1e-6


def test_the_four_minima_of_himmelblau():
    each = surface("himmelblau")
    found = minima(each.problem, each.box, starts=80)
    places = sorted(tuple(place.w.round(6)) for place in found.places)
    assert places == sorted(tuple(np.round(point, 6)) for point in each.minima)
    assert {place.kind for place in found.places} == {"minimum"}
    assert sum(place.share for place in found.places) == pytest.approx(1.0)
    for i, place in enumerate(found.places):
        assert place.share == np.mean(found.labels == i)
        bends = np.linalg.eigvalsh(each.problem.hessian(place.w))
        assert [place.smallest, place.largest] == pytest.approx(bends)
    assert found.lines()[0] == "4 places from 80 starts"


def test_rounding_is_printed_as_nothing():
    lines = basins(surface("ripples").problem, surface("ripples").box, resolution=31).minima.lines()
    assert lines[1].startswith("  minimum of 0 at (0), curvature 3.1 to 3.1")


def test_every_dent_of_the_ripples_is_found():
    """Sign changes of the slope, from falling to rising, on a fine grid."""
    each = surface("ripples")
    grid = np.linspace(-8, 8, 4001)
    slopes = each.problem.many(grid[None, :])[1][0]
    dents = grid[1:][(slopes[:-1] < 0) & (slopes[1:] >= 0)]
    found = minima(each.problem, each.box, starts=100)
    inside = sorted(place.w[0] for place in found.places if abs(place.w[0]) < 7)
    assert inside == pytest.approx(dents, abs=0.01)
    assert found.places[0].w[0] == pytest.approx(0.0, abs=1e-6)
    assert (found.labels >= 0).all()
    order = np.argsort(found.starts[:, 0])
    switches = np.diff(found.labels[order]) != 0
    assert switches.sum() == len(found.places) - 1  # each basin is one stretch


def test_basins_of_two_bowls_split_at_the_saddle():
    each = surface("saddle")
    found = basins(each.problem, each.box, resolution=20)  # no grid line on the ridge
    left = found.minima.places[int(found.labels[0, 0])].w[0]
    assert left == pytest.approx(-1.0)
    right = found.axes[0] > 0.0
    assert (found.labels == np.where(right, found.labels[0, -1], found.labels[0, 0])).all()


def test_a_start_on_the_ridge_ends_on_the_saddle():
    each = surface("saddle")
    found = minima(each.problem, each.box, starts=np.array([[0.0, 1.0], [0.5, 1.0]]))
    assert [place.kind for place in found.places] == ["minimum", "saddle"]
    assert found.places[1].smallest == pytest.approx(-1.0)
    assert found.labels.tolist() == [1, 0]


def test_a_valley_floor_is_one_place_and_a_plain_another():
    floor = minima("(u - v)^2", [(-2, 2), (-2, 2)], starts=10)
    assert [place.kind for place in floor.places] == ["valley"]
    pit = minima("1 - exp(-w^2)", [(-1, 1)], starts=np.array([[0.5], [40.0], [-50.0]]))
    assert [place.kind for place in pit.places] == ["minimum"]
    assert pit.labels.tolist() == [0, -1, -1]  # those two stand outside the box, on the plain
    plain = minima("1 - exp(-w^2)", [(-60, 60)], starts=np.array([[0.5], [40.0], [-50.0]]))
    assert [place.kind for place in plain.places] == ["minimum", "plateau", "plateau"]


def test_ground_without_a_bottom_is_said_to_have_none():
    found = minima("u^2 - v^2", [(-1, 1), (-1, 1)], starts=8)
    assert (found.labels == -1).all()
    assert found.lines()[-1].strip() == "8 starts came to no end"


def test_minima_of_a_data_problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 2))
    problem = Objective(MemoryRows(X, X @ [1.0, -2.0] + 3.0), MeanSquares())
    found = minima(problem, [(-5, 5)] * 3, starts=6)
    assert len(found.places) == 1
    assert found.places[0].w == pytest.approx([1, -2, 3], abs=1e-6)
    assert found.places[0].share == 1.0


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (InputError, lambda: minima("u*v", [(0, 1)])),
        (InputError, lambda: minima("w^2", [(1, 0)])),
        (InputError, lambda: minima("w^2", [(0, 1)], starts=np.zeros((3, 2)))),
        (SettingError, lambda: minima("w^2", [(0, 1)], starts=0)),
        (InputError, lambda: basins("u*v*w", [(0, 1)] * 3)),
        (SettingError, lambda: basins("w^2", [(0, 1)], resolution=1)),
        (SettingError, lambda: escapes("w^2", [(0, 1)], 0.0, rate=0.1, walks=0)),
        (SettingError, lambda: escapes("w^2", [(0, 1)], 0.0, rate=-0.1)),
        (InputError, lambda: over_path(parse("w^2"), np.zeros((5, 1)))),
        (InputError, lambda: over_path(parse("u*v"), np.full((5, 2), np.nan))),
        (InputError, lambda: over_weights(parse("u*v"), [0, 0], (0, 0), ((0, 1), (0, 1)))),
        (InputError, lambda: over_weights(parse("u*v"), [0, 0], (0, 2), ((0, 1), (0, 1)))),
        (SettingError, lambda: along(parse("u*v"), [0, 0], [1, 0], (1, 0))),
        (SettingError, lambda: along(parse("u*v"), [0, 0], [1, 0], points=1)),
        (InputError, lambda: along(parse("u*v"), [0, np.inf], [1, 0])),
        (InputError, lambda: over_random(parse("u*v"), [0, 0], [(3, 2)])),
    ],
)
def test_what_cannot_be_surveyed_is_refused(error, call):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).endswith(".")


def test_cuts_show_the_loss_that_is_there():
    formula, w = parse("(u - 1)^2 + 3*v^2 + u*v*t"), np.array([0.3, -0.2, 0.7])
    line = along(formula, w, [1.0, 2.0, -1.0], (-2, 2), points=9)
    expected = [formula.value(w + t * np.array([1, 2, -1])) for t in line.t]
    assert line.losses == pytest.approx(expected)
    single = along_weight(formula, w, 1, (-3, 3), points=7)
    assert single.losses == pytest.approx([formula.value([0.3, v, 0.7]) for v in single.t])
    plane = over_weights(formula, w, (2, 0), ((-1, 1), (0, 2)), resolution=5)
    for j, u in enumerate(plane.b):
        for i, t in enumerate(plane.a):
            assert plane.losses[j, i] == pytest.approx(formula.value([u, -0.2, t]))


def test_heights_are_the_whole_objective():
    X = np.eye(3)
    problem = Objective(MemoryRows(X, np.ones(3)), MeanSquares(), Penalty(l1=0.5, l2=0.1))
    points = np.random.default_rng(0).standard_normal((4, 4))
    assert heights(problem, points) == pytest.approx([problem.value(w) for w in points])


def test_a_plane_may_hold_the_path_and_not_its_loss():
    """A little movement across a steep direction is a large loss that the picture does not show."""
    steep = parse("a^2 + b^2 + 1e4*c^2")
    t = np.linspace(1, 0, 40)
    walk = np.column_stack((3 * t, 2 * t**2, 0.05 * np.sin(9 * t)))
    plane = over_path(steep, walk, resolution=9)
    assert sum(plane.path.shares) > 0.99
    assert plane.path.true == pytest.approx([steep.value(w) for w in walk])
    assert plane.path.gap > 10.0
    on_plane = plane.center + plane.path.points @ plane.directions
    assert plane.path.seen == pytest.approx([steep.value(w) for w in on_plane])
    assert plane.path.seen[-1] == pytest.approx(plane.path.true[-1])  # it passes through the end
    assert f"{100 * sum(plane.path.shares):.1f}%" in plane.path.sentence


def test_a_path_of_two_weights_is_seen_as_it_is():
    result = minimize(surface("rosenbrock").problem, [-1.2, 1.0])
    plane = over_path(surface("rosenbrock").problem, result.trace.weights, resolution=7)
    assert sum(plane.path.shares) == pytest.approx(1.0)
    assert plane.path.gap < 1e-9
    assert plane.directions @ plane.directions.T == pytest.approx(np.eye(2), abs=1e-12)
    assert plane.a[0] < plane.path.points[:, 0].min() <= plane.path.points[:, 0].max() < plane.a[-1]


@pytest.mark.parametrize("shapes", [[(4, 3), (3,), (3, 1), (1,)], [(3, 4), (3,), (1, 3), (1,)]])
@pytest.mark.parametrize("unit_axis", [0, -1])
def test_filter_normalised_directions_are_as_long_as_the_units(shapes, unit_axis):
    rng = np.random.default_rng(0)
    w = rng.standard_normal(19)
    direction = filter_normalised(w, shapes, rng, unit_axis)
    start = 0
    for shape in shapes:
        size = int(np.prod(shape))
        weights, part = (v[start : start + size].reshape(shape) for v in (w, direction))
        start += size
        if len(shape) == 1:
            assert not part.any()
        else:
            axis = 1 if unit_axis == 0 else 0
            lengths = [np.linalg.norm(v, axis=axis) for v in (weights, part)]
            assert lengths[0] == pytest.approx(lengths[1])


def test_random_planes_pass_through_the_weights():
    formula = parse("(a - 1)^2 + b^2 + c^2 + d^2")
    w = np.array([1.0, 2.0, -1.0, 0.5])
    plane = over_random(formula, w, [(2, 2)], resolution=5)
    assert plane.losses[2, 2] == pytest.approx(formula.value(w))
    again = over_random(formula, w, [(2, 2)], resolution=5)
    assert (plane.losses == again.losses).all()


def test_momentum_and_noise_leave_the_shallow_valley():
    ripples = surface("ripples")
    plain, momentum, noisy = escapes(ripples.problem, ripples.box, 0.0, rate=0.2, walks=200)
    assert plain.walks == 200
    assert plain.share < 0.2  # one valley in six is the lowest
    assert momentum.share > plain.share + 0.1
    assert noisy.share > plain.share + 0.1
    # Plain descent stays where it started: every end lies in the start's own dent.
    assert np.abs(plain.starts - plain.ends).max() < 2.1
    for way in (plain, momentum, noisy):
        assert way.reached == int((np.abs(way.ends[:, 0]) < 1e-3).sum())
    assert (
        escapes(ripples.problem, ripples.box, 0.0, rate=0.2, walks=200)[2].reached == noisy.reached
    )
