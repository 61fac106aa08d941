"""Minimise anything: hard problems, bounds, differences, and honest ends."""

import math
from itertools import islice, pairwise

import numpy as np
import pytest
import scipy.optimize
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from more_garbow_hillstrom import CASES
from nist_nonlinear import FILED, WRITTEN, filed

from downslope.descend import begin, steps
from downslope.errors import InputError, PairError, SettingError
from downslope.losses import MeanSquares
from downslope.minimizing.curves import least_squares_descent, make_curve
from downslope.minimizing.minimize import minimize
from downslope.minimizing.quasi_newton import LBFGS, StrongWolfe, _turn
from downslope.minimizing.spectral import Spectral
from downslope.minimizing.standstill import why_standing
from downslope.minimizing.straight import Bent, straight_weights
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.problems.callables import with_differences
from downslope.problems.formula import parse
from downslope.rules import Adam, Momentum, Plain
from downslope.sources.memory import MemoryRows

QUICK = [case for case in CASES if case.name != "watson 12"]  # no first-order method gets there
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_test_bed_is_the_papers(case):
    """Gradients against differences, and the paper's minimum where least squares finds it."""
    x = case.start + 1e-3
    evaluate = with_differences(case.value, x)
    scale = 1.0 + np.abs(case.gradient(x)).max()
    assert evaluate(x)[1] / scale == pytest.approx(case.gradient(x) / scale, abs=1e-6)
    if case.name in ("biggs exp6", "linear rank 1 with zeros"):
        return  # Gauss-Newton ends elsewhere on the one, and the other's metric is singular
    found = scipy.optimize.least_squares(
        case.residuals, case.start, case.jacobian, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    assert any(2 * found.cost == pytest.approx(low, rel=1e-9, abs=1e-20) for low in case.minima)


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_solves_from_the_standard_start(case):
    with np.errstate(all="ignore"):
        result = minimize(case.value, case.start, case.gradient)
    assert case.solved(result.trace["value"][-1])
    assert result.reason.converged, result.reason
    assert result.trace["value"][-1] == case.value(result.w)


@pytest.mark.parametrize("name", ["rosenbrock", "beale", "wood", "bard", "chebyquad 8", "gaussian"])
def test_differences_do_almost_as_well_as_gradients(name):
    case = BY_NAME[name]
    result = minimize(case.value, case.start)
    low = min(case.minima, key=lambda m: abs(m - case.value(result.w)))
    assert case.value(result.w) == pytest.approx(low, rel=1e-5, abs=1e-9)


def test_every_search_of_the_walk_lowers_the_value():
    trace = minimize(BY_NAME["wood"].value, [-3, -1, -3, -1], BY_NAME["wood"].gradient).trace
    assert (np.diff(trace["value"]) <= 0.0).all()


def test_l_bfgs_remembers_the_inverse_curvature_of_its_steps():
    """The secant equation: H y = s for the last pair, whatever the pairs before."""
    rng = np.random.default_rng(0)
    rule, w = LBFGS(pairs=3), np.zeros(6)
    A = rng.standard_normal((6, 6))
    H = A @ A.T + np.eye(6)
    memory = rule.init(w)
    for k in range(6):
        before, w = w, w + rng.standard_normal(6)
        _, memory = rule.direction(H @ w, w, memory, k)
    assert len(memory.steps) == 3
    change = H @ (w - before)
    assert len(rule.direction(change, w, memory, 9)[1].steps) == 0  # a step of length 0 forgets
    turned = _turn(change, memory.steps, memory.changes)
    assert turned == pytest.approx(w - before, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    st.lists(st.floats(-1, 4), min_size=3, max_size=3),
)
def test_any_bowl_is_minimised_where_its_bottom_is(bottom, decades):
    bottom, bends = np.array(bottom), 10.0 ** np.array(decades)

    def bowl(w):
        return float(bends @ (w - bottom) ** 2)

    result = minimize(bowl, np.zeros(3), lambda w: 2 * bends * (w - bottom))
    assert result.w == pytest.approx(bottom, abs=1e-5)


def test_wolfe_conditions_hold_where_the_search_stopped():
    formula, rule, rate = parse("(1 - u)^2 + 100*(v - u^2)^2"), LBFGS(), StrongWolfe()
    walk = list(islice(steps(formula, begin([-1.2, 1.0], rule, rate), rule, rate), 30))
    for step, after in pairwise(walk):
        start = -(step.gradient @ step.direction)
        assert after.value <= step.value + 1e-4 * step.length * start
        assert abs(after.gradient @ step.direction) <= 0.9 * -start


def test_names_and_paths_of_formulas():
    result = minimize("(a - 1)^2 + (b + 2)^2", {"b": 0, "a": 0})
    assert result.w == pytest.approx([1, -2])
    assert result.trace.weight_names() == ("w[a]", "w[b]")
    assert result.trace.weights[0].tolist() == [0, 0]
    assert minimize(parse("(w - 3)^2"), 0.0).w == pytest.approx([3.0])


def test_a_fixed_rate_is_the_walk_by_hand():
    result = minimize("(w - 3)^2", 0, rule="plain", learning_rate=0.1, max_steps=3)
    assert result.trace.weights[:, 0] == pytest.approx([0, 0.6, 1.08, 1.464])
    assert result.trace["value"] == pytest.approx([9, 5.76, 3.6864, 2.359296])
    assert result.reason.name == "max_steps"


def steps_to(target, **settings):
    result = minimize("(u^2 + 100*v^2)/2", [10, 1], keep_weights=True, max_steps=5000, **settings)
    reached = np.flatnonzero(result.trace["value"] <= target)
    return int(reached[0]), result.trace


def test_a_long_narrow_valley_zigzags_and_momentum_shortens_the_way():
    """Condition 100, each at its best constant rate: 2/101, and (2/11)^2 with beta (9/11)^2."""

    plain, trace = steps_to(1e-6, rule="plain", learning_rate=2 / 101)
    crossings = np.diff(np.sign(trace.weights[:50, 1]))
    assert (crossings != 0).all()  # every step crosses the valley floor
    momentum, _ = steps_to(1e-6, rule=Momentum((9 / 11) ** 2), learning_rate=(2 / 11) ** 2)
    adam, _ = steps_to(1e-6, rule=Adam(), learning_rate=0.5)
    spectral, _ = steps_to(1e-6, rule="plain")
    lbfgs, _ = steps_to(1e-6)
    assert momentum < plain / 4
    assert adam < plain
    assert max(spectral, lbfgs) < momentum


@pytest.mark.parametrize("start", [[0.2, 3.0], [-3.0, -1.0], [2.0, 2.0]])
def test_bounds_agree_with_scipy(start):
    rosenbrock = parse("(1 - u)^2 + 100*(v - u^2)^2")
    bounds = [(-1.5, 0.8), (None, 2.0)]
    result = minimize(rosenbrock, start, bounds=bounds)
    reference = scipy.optimize.minimize(
        rosenbrock.value, np.clip(start, [-1.5, -np.inf], [0.8, 2.0]), bounds=bounds,
        jac=lambda w: rosenbrock.value_and_gradient(w)[1], method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-12},
    )  # fmt: skip
    assert result.w == pytest.approx(reference.x, abs=1e-6)
    assert result.reason.converged
    assert (result.trace.weights[:, 0] <= 0.8).all()


def test_projection_onto_a_ball():
    def onto_ball(w):
        return w / max(1.0, float(np.linalg.norm(w)))

    result = minimize("(u - 3)^2 + (v - 4)^2", [0, 0], projection=onto_ball)
    assert result.w == pytest.approx([0.6, 0.8])
    assert result.reason.converged


def test_differences_stay_inside_the_bounds():
    def root(w):
        assert w[0] >= 0.0
        return math.sqrt(w[0]) + (w[1] - 1) ** 2

    result = minimize(root, [0.5, 0.0], bounds=[(0, None), (-5, 5)])
    assert result.w == pytest.approx([0.0, 1.0], abs=1e-6)


def test_autograd_when_the_start_is_a_tensor():
    torch = pytest.importorskip("torch")

    def rosenbrock(w):
        return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2 + 0 * torch.sin(w).sum()

    result = minimize(rosenbrock, torch.tensor([-1.2, 1.0]))
    assert result.w == pytest.approx([1, 1], abs=1e-8)
    formula = minimize("(1 - u)^2 + 100*(v - u^2)^2", [-1.2, 1.0])
    n = 20  # float32 rounding of the tensor's start is all that differs
    assert result.trace["value"][:n] == pytest.approx(formula.trace["value"][:n], rel=1e-3)


def test_a_data_objective_is_a_problem_too():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((50, 3)) * [1, 10, 100]
    y = X @ [1.0, 2.0, 3.0] + 4.0
    result = minimize(Objective(MemoryRows(X, y), MeanSquares()), np.zeros(4))
    assert result.w == pytest.approx([1, 2, 3, 4], rel=1e-6)
    with pytest.raises(PairError, match="L1"):
        minimize(Objective(MemoryRows(X, y), MeanSquares(), Penalty(l1=1.0)), np.zeros(4))


rng = np.random.default_rng(0)
ENDS = [
    ("flat", lambda w: math.floor(w[0]), [0.5], None),
    ("flat", lambda w: max(0.0, w[0] - 5), [2.0], None),
    ("flat", lambda w: 1 - math.exp(-w @ w), [40.0, 0.0], None),
    ("flat", lambda w: 7.0, [1.0, 2.0], None),
    ("jagged", lambda w: abs(w[0] - 1) + 0.1 * w[0], [3.0], None),
    ("jagged", lambda w: w[0] ** 2 + 1e-3 * rng.standard_normal(), [2.0], None),
    ("jagged", lambda w: max(abs(w[0]), abs(w[1] - 1)), [2.0, 3.0], None),
    ("saddle", lambda w: math.cos(w[0]), [0.0], None),
    ("saddle", lambda w: w[0] ** 2 - w[1] ** 2, [1.0, 0.0], None),
    ("unbounded", lambda w: -(w[0] ** 3), [1.0], None),
    ("wrong_gradient", lambda w: w @ w, [1.0, 2.0], lambda w: -2 * w),
    ("wrong_gradient", lambda w: w @ w, [1.0, 2.0], lambda w: 3 * w + 1),
    ("converged", lambda w: w @ w, [0.0, 0.0], None),
    ("converged", lambda w: 1e6 + w @ w, [3.0, 1.0], lambda w: 2 * w),
    ("converged", lambda w: (w[0] - 1) ** 2 + 1e-12, [3.0], None),
    ("converged", lambda w: 1 - math.cos(w[0]), [1e-9], lambda w: np.sin(w)),
]


@pytest.mark.parametrize(("name", "fun", "start", "gradient"), ENDS)
def test_every_end_has_its_name(name, fun, start, gradient):
    result = minimize(fun, start, gradient)
    assert result.reason.name == name, result.reason
    assert result.reason.converged == (name == "converged")
    assert result.reason.sentence.endswith(".")
    assert np.isfinite(result.w).all()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=4), st.lists(st.floats(-1e3, 1e3), min_size=4)
)
def test_standing_anywhere_has_a_reason(w, slopes):
    w = np.array(w)
    reason = why_standing(lambda v: float(np.sum(v**2)), w, np.array(slopes[: len(w)]))
    assert reason.sentence.endswith(".")


@pytest.mark.parametrize(
    ("error", "match", "arguments"),
    [
        (InputError, "no slope at the start", ("log(w)", -1.0)),
        (InputError, "log\\(w\\) is not a real number", ("log(w)", -1.0)),
        (InputError, "one real number", (lambda w: w, [1.0, 2.0])),
        (InputError, "finite numbers", (lambda w: w @ w, [math.nan])),
        (InputError, "one number per weight", (lambda w: w @ w, [1.0, 2.0], lambda w: 1.0)),
    ],
)
def test_unusable_functions_are_refused(error, match, arguments):
    with pytest.raises(error, match=match):
        minimize(*arguments)


@pytest.mark.parametrize(
    ("error", "settings"),
    [
        (SettingError, {"rule": "newton"}),
        (SettingError, {"rule": "adam"}),
        (SettingError, {"learning_rate": "fast"}),
        (SettingError, {"learning_rate": -1.0}),
        (SettingError, {"tol": -1.0}),
        (SettingError, {"max_steps": -1}),
        (PairError, {"rule": "lbfgs", "bounds": [(0, 1)]}),
        (PairError, {"bounds": [(0, 1)], "projection": abs}),
        (PairError, {"rule": "momentum", "learning_rate": StrongWolfe()}),
        (PairError, {"rule": "momentum", "learning_rate": Spectral()}),
        (InputError, {"bounds": [(0, 1), (0, 1)]}),
        (InputError, {"bounds": [(1, 0)]}),
    ],
)
def test_settings_that_cannot_be_are_refused(error, settings):
    with pytest.raises(error):
        minimize("(w - 3)^2", 0, **settings)


def test_spectral_lengths_are_inverse_curvatures():
    """On a quadratic every length but the first lies between 1/largest and 1/smallest."""
    formula, rate = parse("(u^2 + 25*v^2 + 400*w^2)/2"), Spectral()
    walk = steps(formula, begin([1.0, 1.0, 1.0], Plain(), rate), Plain(), rate)
    lengths = [next(walk).length for _ in range(20)]
    assert all(1 / 400 - 1e-9 <= length <= 1 + 1e-9 for length in lengths[1:])


def test_standard_errors_of_memory_do_not_leak_between_runs():
    first = minimize("(w - 3)^4 + w^2", 10.0)
    again = minimize("(w - 3)^4 + w^2", 10.0)
    assert first.trace["value"].tolist() == again.trace["value"].tolist()


@pytest.mark.parametrize("start", ["certified", "start1", "start2"])
@pytest.mark.parametrize("name", [*FILED, *WRITTEN])
def test_nist_nonlinear_regression_to_six_certified_digits(name, start):
    problem = WRITTEN.get(name) or filed(name, shared("nist"))
    result = problem.solve(getattr(problem, start))
    assert problem.digits(result.w) >= 6.0
    assert result.trace["value"][-1] == pytest.approx(problem.residual_ss, rel=1e-9, abs=2e-24)
    assert result.reason.converged, result.reason


BENT = {
    "MGH10": {"b2", "b3"},
    "MGH17": {"b4", "b5"},
    "Roszman1": {"b3", "b4"},
    "Chwirut2": {"b1", "b2", "b3"},
    "ENSO": {"b4", "b7"},
}


@pytest.mark.parametrize("name", BENT)
def test_straight_weights_follow_the_bent_ones(name):
    problem = WRITTEN[name]
    names = tuple(f"b{i + 1}" for i in range(len(problem.certified)))
    curve = make_curve(problem.formula, {"x": problem.x, "y": problem.y}, names, "y")
    straight = straight_weights(curve.model, names)
    rest = tuple(i for i in range(len(names)) if i not in straight)
    assert {names[i] for i in rest} == BENT[name]
    bent, certified = Bent(curve, straight, rest), np.array(problem.certified)
    np.testing.assert_allclose(bent.whole(certified[list(rest)]), certified, rtol=1e-6)
    u = 1.05 * certified[list(rest)]
    for i, size in enumerate(1e-6 * np.abs(u)):
        ahead, back = (bent.evaluate(u + way * size * np.eye(len(u))[i])[0] for way in (1, -1))
        assert bent.evaluate(u)[1][i] == pytest.approx((ahead - back) / (2 * size), rel=1e-5)


def test_a_line_is_a_curve_too_and_columns_may_say_the_same_twice():
    x = np.arange(6.0)
    data = {"x": x, "z": 2.0 * x, "y": np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0])}
    line = least_squares_descent("a + b*x", data, {"a": 9, "b": 9})
    np.testing.assert_allclose(line.w, np.polyfit(x, data["y"], 1)[::-1], rtol=1e-10)
    assert line.trace.names == ("a", "b")
    assert line.trace.weights.shape == (len(line.trace), 2)
    twice = least_squares_descent(
        "a + b*x + c*z + exp(-p*x)", data, {"a": 1, "b": 1, "c": 1, "p": 1}
    )
    once = least_squares_descent("a + b*x + exp(-p*x)", data, {"a": 1, "b": 1, "p": 1})
    assert twice.trace["value"][-1] == pytest.approx(once.trace["value"][-1], rel=1e-6)


def test_curves_refuse_what_is_missing():
    data = {"x": np.arange(4.0), "y": np.arange(4.0)}
    with pytest.raises(InputError, match="'z' is neither"):
        least_squares_descent("a*z", data, {"a": 1})
    with pytest.raises(InputError, match="does not have"):
        least_squares_descent("a*x", data, {"a": 1, "b": 2})
    with pytest.raises(InputError, match="finite number"):
        least_squares_descent("a*x", data | {"x": np.array([1, 2, 3, np.nan])}, {"a": 1})
    with pytest.raises(InputError, match="no finite value"):
        least_squares_descent("a*log(x - 1)", data, {"a": 1})
