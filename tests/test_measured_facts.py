"""What a table and a problem say of themselves, against figures worked out another way."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from downslope.descend import Result, run
from downslope.diagnosis.column_products import EIGEN
from downslope.diagnosis.diagnose import Diagnosis, diagnose
from downslope.diagnosis.findings import Finding
from downslope.diagnosis.problem_facts import gradient_error, problem_facts
from downslope.diagnosis.run_facts import run_facts
from downslope.diagnosis.table_facts import NO_ROW, smallest_margin, table_facts
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.problems.formula import parse
from downslope.rates import AdaptiveDescent, Constant
from downslope.rules import Plain
from downslope.sources.memory import MemoryRows
from downslope.stopping import MaxEpochs, MaxSteps, Reason
from downslope.trace import COLUMNS, Trace

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3)) * [1.0, 20.0, 0.05] + [0.5, -3.0, 4.0]
Y = 2.0 + X @ [1.0, 0.1, -3.0] + RNG.normal(size=60)


def linear(X=X, y=Y, loss="squared_error", l2=0.0, l1=0.0, intercept=True, outputs=1):
    """A linear model of these rows."""
    return Objective(
        MemoryRows(X, y), make_loss(loss), Penalty(l1=l1, l2=l2), intercept, n_outputs=outputs
    )


def walked(problem, rate, steps=12, w0=None, batch=None, **more):
    """A run, and what the problem says at its end."""
    start = np.zeros(problem.size) if w0 is None else np.asarray(w0, float)
    rate = Constant(rate) if isinstance(rate, float) else rate
    stops = [MaxSteps(steps)] if batch is None else [MaxEpochs(steps)]
    result = run(problem, start, Plain(), rate, stops, batch_size=batch, **more)
    return result, facts_of(problem, result)


def facts_of(problem, result):
    return problem_facts(problem, result.w, result.trace, run_facts(result.trace, Plain()))


# --- tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_table_is_measured_as_numpy_measures_it(intercept, make):
    facts = table_facts(linear(make(X), intercept=intercept), ("a", "b", "c", "more"))
    assert facts.names == (("a", "b", "c", "intercept") if intercept else ("a", "b", "c"))
    assert (facts.n_rows, len(facts.bad_rows), facts.constant, facts.dependent) == (60, 0, (), ())
    whole = np.column_stack([X, np.ones(60)]) if intercept else X
    np.testing.assert_allclose(facts.sizes, np.sqrt((whole**2).mean(axis=0)))
    np.testing.assert_allclose(facts.spreads, X.std(axis=0), rtol=1e-9)
    assert facts.top == pytest.approx(np.linalg.eigvalsh(whole.T @ whole / 60)[-1])
    length = np.sqrt((X**2).sum(axis=0))
    C = np.corrcoef(X, rowvar=False) if intercept else (X.T @ X) / np.outer(length, length)
    values = np.linalg.eigvalsh(C)
    assert facts.scaled_top == pytest.approx(values[-1])
    assert facts.scaled_condition == pytest.approx(values[-1] / values[0])
    target = np.corrcoef(np.column_stack([X, Y]), rowvar=False)[:3, 3] ** 2
    np.testing.assert_allclose(facts.correlations, target, rtol=1e-9)
    assert facts.target_variance == pytest.approx(Y.var())
    squares, spread = (X**2).sum(axis=1), (Y - Y.mean()) ** 2
    assert facts.heaviest == (squares.argmax(), pytest.approx(squares.max() / squares.sum()))
    assert facts.wildest == (spread.argmax(), pytest.approx(spread.max() / spread.sum()))


def test_columns_without_a_name_have_a_number():
    assert table_facts(linear(), ()).names == ("column 0", "column 1", "column 2", "intercept")


def test_a_small_column_correlates_like_a_large_one():
    small = table_facts(linear(1e-3 * X, 1e-2 * Y), ())
    np.testing.assert_allclose(small.correlations, table_facts(linear(), ()).correlations)


def test_columns_that_are_constant_or_add_up():
    x = RNG.normal(size=60)
    columns = np.column_stack([x, np.full(60, 7.0), Y, Y - x, RNG.normal(size=60)])
    facts = table_facts(linear(columns), tuple("vwxyz"))
    assert (facts.constant, facts.dependent) == (("w",), ("v", "x", "y"))
    assert facts.correlations[1] == 0.0
    # Without an intercept a constant column is a column like others; one of zeros is none.
    columns[:, 4] = 0.0
    facts = table_facts(linear(columns, intercept=False), tuple("vwxyz"))
    assert (facts.constant, facts.dependent) == ((), ("v", "x", "y"))
    facts = table_facts(linear(1e-3 * columns, intercept=False), tuple("vwxyz"))
    assert facts.dependent == ("v", "x", "y")


def test_nearly_constant_is_a_ten_millionth_of_the_mean():
    for spread, constant in ((0.9e-7, ("x",)), (1.2e-7, ())):
        x = 3.0 * (1.0 + spread * np.tile([-1.0, 1.0], 30))
        assert table_facts(linear(x[:, None]), ("x",)).constant == constant


def test_a_table_of_constants_has_nothing_to_correlate():
    facts = table_facts(linear(np.ones((60, 2))), ("a", "b"))
    assert (facts.constant, facts.scaled_top, facts.scaled_condition) == (("a", "b"), 1.0, 1.0)


def test_a_target_that_never_moves_correlates_with_nothing():
    facts = table_facts(linear(y=np.zeros(60)), ())
    np.testing.assert_array_equal(facts.correlations, 0.0)
    assert facts.target_variance == 0.0
    assert facts.wildest == (0, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["a row", "a target"])
def test_rows_that_are_no_numbers_are_listed_and_nothing_else_is_said(where, bad):
    rows, y = X.copy(), Y.copy()
    if where == "a row":
        rows[[4, 9], 1] = bad
    else:
        y[[4, 9]] = bad
    facts = table_facts(linear(rows, y), ())
    assert facts.bad_rows.tolist() == [4, 9]
    assert (facts.sizes, facts.heaviest, facts.wildest) == (None, NO_ROW, NO_ROW)
    result = Result(np.zeros(4), walked(linear(), 1e-3)[0].trace, walked(linear(), 1e-3)[0].reason)
    assert diagnose(result, linear(rows, y)).verdict == "bad_rows"


def test_classes_and_several_targets_are_numbered():
    classes = np.arange(60) % 3
    facts = table_facts(linear(y=classes, loss="multinomial", outputs=3), ())
    assert facts.correlations is None
    assert facts.target_variance == pytest.approx(classes.var())


def test_the_gram_matrix_is_made_up_to_its_price(monkeypatch):
    whole = 60 * 4.0**2 + EIGEN * 4.0**3
    for price, made in ((whole, True), (whole - 1.0, False)):
        monkeypatch.setattr("downslope.diagnosis.column_products.MOST_FLOPS", price)
        assert (table_facts(linear(), ()) is not None) is made


@pytest.mark.parametrize("penalty", [{}, {"l1": 0.1}, {"l2": 0.1}], ids=str)
@pytest.mark.parametrize("loss", ["log_loss", "multinomial", "squared_error", "hinge"])
def test_the_smallest_margin_counts_where_classes_can_be_told_apart(loss, penalty):
    labels = (np.median(Y) < Y).astype(float)
    outputs = 2 if loss == "multinomial" else 1
    y = labels if loss == "multinomial" else 2.0 * labels - 1.0
    problem = linear(y=y, loss=loss, outputs=outputs, **penalty)
    w = RNG.normal(size=problem.size)
    found = smallest_margin(problem, w)
    if penalty or loss in ("squared_error", "hinge"):
        assert found is None
        return
    z = problem.raw_prediction(w, X)
    margins = y * z if loss == "log_loss" else (z[:, 1] - z[:, 0]) * (2.0 * labels - 1.0)
    assert found == pytest.approx(margins.min())


# --- problems ---------------------------------------------------------------------------------


def test_a_quadratic_says_everything():
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    problem = linear(scaled, loss="mse")
    result, facts = walked(problem, 0.2, w0=[1.0, -1.0, 0.5, 2.0])
    A = np.column_stack([scaled, np.ones(60)])
    H, best = 2.0 * A.T @ A / 60, np.linalg.lstsq(A, Y)[0]
    gradient, first = H @ (result.w - best), H @ (np.array([1.0, -1.0, 0.5, 2.0]) - best)
    values = np.linalg.eigvalsh(H)
    np.testing.assert_array_equal(facts.w, result.w)
    np.testing.assert_allclose(facts.gradient, gradient, atol=1e-12)
    assert facts.ratio == pytest.approx(np.linalg.norm(gradient) / np.linalg.norm(first))
    assert (facts.here.largest, facts.top, facts.guard) == pytest.approx((values[-1],) * 3)
    assert facts.ceiling == facts.guard
    np.testing.assert_allclose(facts.products, [0.2 * values[-1]])
    assert facts.slope_bend == pytest.approx(gradient @ H @ gradient / (gradient @ gradient))
    lowest = ((A @ best - Y) ** 2).mean()
    assert facts.gap == pytest.approx(problem.value(result.w) - lowest, rel=1e-6)
    assert facts.distance == pytest.approx(np.abs(best - result.w).max())
    assert facts.least_squares == pytest.approx(lowest)
    assert (facts.dead, facts.noise, facts.batch_size) == (0.0, None, None)
    assert (facts.linear, facts.curved, facts.quadratic) == (True, True, True)


def test_half_squares_have_the_same_least_squares():
    halves, whole = walked(linear(), 1e-3)[1], walked(linear(loss="mse"), 5e-4)[1]
    assert halves.least_squares == pytest.approx(whole.least_squares)


def test_a_quadratic_too_large_or_with_corners_is_not_solved(monkeypatch):
    for problem in (linear(l1=0.1), linear(loss="log_loss", y=np.sign(Y)), parse("(w - 3)^4")):
        facts = walked(problem, 1e-4)[1]
        assert (facts.gap, facts.distance, facts.least_squares) == (None, None, None)
    bowl = walked(parse("(w - 3)^2"), 0.1)[1]
    assert bowl.gap == pytest.approx(9.0 * 0.8**24)
    assert bowl.least_squares is None
    for size, solved in ((4, True), (3, False)):
        monkeypatch.setattr("downslope.diagnosis.problem_facts.EXACT_SIZE", size)
        assert (walked(linear(), 1e-3)[1].gap is not None) is solved


def test_at_the_bottom_nothing_is_left():
    facts = walked(parse("(w - 3)^2"), 0.5)[1]
    assert (facts.ratio, facts.gap, facts.distance, facts.dead) == (0.0, 0.0, 0.0, 0.0)
    assert math.isnan(facts.slope_bend)
    started_there = walked(parse("(w - 3)^2"), 0.5, w0=[3.0])[1]
    assert started_there.ratio == 0.0


def test_what_stands_for_a_gradient_where_a_corner_is_near():
    problem = linear(l1=0.3)
    result, facts = walked(problem, 2e-3)
    w, gradient = result.w, problem.value_and_gradient(result.w)[1]
    step = (w - problem.moved(w, gradient, 2e-3)) / 2e-3
    np.testing.assert_allclose(facts.gradient, step)
    # A rate of zero, or none that is a number, leaves a step of one.
    for rate in (0.0, math.nan, math.inf):
        columns = result.trace.columns | {"rate": np.full(len(result.trace), rate)}
        said = Result(w, Trace(columns, result.trace.weights, ()), result.reason)
        np.testing.assert_allclose(
            facts_of(problem, said).gradient, w - problem.moved(w, gradient, 1.0)
        )


@pytest.mark.parametrize(
    ("loss", "l2", "curved", "guarded"),
    [
        ("log_loss", 0.0, True, True),
        ("poisson", 0.0, True, False),
        ("hinge", 0.0, False, False),
        ("hinge", 0.5, False, False),
        ("hinge", 2.0, False, False),
        ("squared_hinge", 0.0, True, True),
    ],
)
def test_bends_and_guards(loss, l2, curved, guarded):
    y = np.abs(np.round(Y)) if loss == "poisson" else np.sign(Y)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    problem = linear(scaled, y, loss, l2=l2)
    facts = walked(problem, 0.01)[1]
    assert (facts.linear, facts.curved, facts.guard is not None) == (True, curved, guarded)
    if loss == "log_loss":
        A = np.column_stack([scaled, np.ones(60)])
        assert facts.guard == pytest.approx(np.linalg.eigvalsh(A.T @ A / 240)[-1])
        assert facts.here.largest < facts.top <= facts.guard * (1 + 1e-9)
    else:
        assert facts.ceiling == (facts.guard if guarded else facts.top)


def test_the_top_is_the_sharpest_place_on_the_way():
    facts = walked(parse("w^4"), 0.01, 40, w0=[2.0])[1]
    assert facts.top == pytest.approx(12 * 2.0**2, rel=1e-6)
    assert facts.products[0] == pytest.approx(0.01 * facts.top, rel=1e-6)
    assert (facts.linear, facts.guard, facts.ceiling) == (False, None, facts.top)


def test_of_a_run_that_left_only_the_calm_part_is_looked_at():
    problem = parse("w^4")  # curvature 12 w^2, so rates above 2 / (12 w^2) leave
    ws = np.array([[1.0], [0.5], [-2.0], [40.0], [9e9]])
    columns = {name: np.full(5, math.nan) for name in COLUMNS}
    columns |= {"step": np.arange(5), "epoch": np.arange(5), "rate": np.full(5, 0.25)}
    columns |= {"value": ws[:, 0] ** 4, "gradient_norm": np.abs(4.0 * ws[:, 0] ** 3)}
    columns["value"][4] = math.nan
    gone = Result(ws[4], Trace(columns, ws, ()), Reason("diverged", "It left.", False))
    facts = facts_of(problem, gone)
    assert facts.w == [0.5]
    np.testing.assert_allclose(facts.products, [3.0, 0.75], rtol=1e-6)
    assert facts.top == pytest.approx(12.0)
    assert facts.ratio == pytest.approx(0.125)


def test_a_run_that_left_is_looked_at_where_it_was_best():
    problem = parse("(w - 3)^2")
    result, facts = walked(problem, 1.2, w0=[2.5])
    assert facts.w == [2.5]
    assert facts.ratio == 1.0
    without = Result(result.w, Trace(result.trace.columns, None, ()), result.reason)
    facts = facts_of(problem, without)
    assert facts.w == result.w  # a formula has no start of its own
    assert math.isnan(facts.ratio)
    rows = linear()
    result, _ = walked(rows, 1.0, 20)
    without = Result(result.w, Trace(result.trace.columns, None, ()), result.reason)
    np.testing.assert_array_equal(facts_of(rows, without).w, rows.start())


def test_nothing_is_said_where_nothing_is_finite():
    result, _ = walked(linear(), 1e-3)
    nowhere = Result(np.full(4, math.nan), Trace(result.trace.columns, None, ()), result.reason)
    assert facts_of(linear(), nowhere) is None
    assert diagnose(nowhere, linear()).curvature is None


@pytest.mark.parametrize(("batch", "epochs"), [(1, 2), (7, 3), (20, 1), (60, 4)])
def test_batches_are_counted_from_the_trace(batch, epochs):
    problem = linear((X - X.mean(axis=0)) / X.std(axis=0))
    _, facts = walked(problem, 0.01, epochs, batch=batch)
    if batch == 60:
        assert (facts.batch_size, facts.noise) == (None, None)
        return
    assert math.ceil(60 / facts.batch_size) == math.ceil(60 / batch)
    assert facts.noise.useful_batch > 0.0
    assert facts.guard > facts.here.largest, "a few rows bend more than all of them"


@pytest.mark.parametrize(
    ("epochs", "batch"),
    [
        ([0, 0, 0, 0], 15),  # one epoch, not known to be over
        ([0, 0, 0, 1], 20),
        ([3, 3, 3, 4, 4, 4], 20),  # went on from an earlier run
        ([0, 2, 4], 60),  # two epochs between records of every second
        ([0, 0] + [1] * 9, 30),
    ],
)
def test_rows_per_step_are_what_the_first_epoch_took(epochs, batch):
    problem = linear((X - X.mean(axis=0)) / X.std(axis=0))
    n = len(epochs)
    columns = {name: np.full(n, math.nan) for name in COLUMNS}
    columns |= {"step": 100 + np.arange(n), "epoch": np.array(epochs), "rate": np.full(n, 0.1)}
    columns |= {"value": np.linspace(2.0, 1.0, n), "gradient_norm": np.ones(n)}
    run = replace(run_facts(Trace(columns, None, ()), Plain()), full_batch=False)
    facts = problem_facts(problem, np.zeros(4), Trace(columns, None, ()), run)
    assert facts.batch_size == batch


def test_weights_that_nothing_pulls_at():
    bent = parse("x^2 + 0*y + 0*z")
    assert walked(bent, 0.1, w0=[1.0, 2.0, 3.0])[1].dead == pytest.approx(2 / 3)
    saddle = parse("x^2 + x*y^2")
    assert walked(saddle, 0.1, w0=[1.0, 0.0])[1].dead == 0.0


# --- the gradient held against the value ------------------------------------------------------


class Claimed:
    """A problem whose gradient is off by a factor, and whose value is lifted."""

    def __init__(self, problem, factor=1.0, lift=0.0):
        self.problem, self.factor, self.lift = problem, factor, lift

    def value_and_gradient(self, w, rows=None):
        value, gradient = self.problem.value_and_gradient(w, rows)
        return value + self.lift, self.factor * gradient


@pytest.mark.parametrize("w", [[0.3, -2.0], [300.0, -2000.0]], ids=["near", "far"])
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.1, 2.0])
def test_the_error_of_a_gradient_is_its_share(factor, w):
    wavy = parse("sin(x) + 0.1*x*y + y^2")
    error = gradient_error(Claimed(wavy, factor), np.array(w))
    assert error == pytest.approx(abs(factor - 1.0) / max(factor, 1.0), abs=2e-7)


def test_a_direction_is_chosen_by_its_seed_and_has_length_one():
    seen = []

    class Watched(Claimed):
        def value_and_gradient(self, w, rows=None):
            seen.append(np.array(w))
            return super().value_and_gradient(w, rows)

    bowl = parse("x^2 + y^2")
    for seed in (0, 0, 1):
        gradient_error(Watched(bowl), np.array([3.0, 4.0]), seed)
    ahead, behind = seen[0], seen[1]
    np.testing.assert_allclose((ahead + behind) / 2, [3.0, 4.0])
    step = np.finfo(float).eps ** (1 / 3) * 6.0
    assert np.linalg.norm(ahead - behind) / 2 == pytest.approx(step)
    np.testing.assert_array_equal(seen[0], seen[3])
    assert not np.array_equal(seen[0], seen[6])


def test_a_slope_within_rounding_says_nothing():
    bowl, w = parse("(x - 1)^2"), np.array([1.5])
    step = np.finfo(float).eps ** (1 / 3) * 2.5
    told = 1e3 * np.finfo(float).eps / step  # of the value: what a slope of 1 must exceed
    assert gradient_error(Claimed(bowl, lift=0.5 / told), w) < 1e-2
    assert math.isnan(gradient_error(Claimed(bowl, lift=2.0 / told), w))
    assert math.isnan(gradient_error(bowl, np.array([1.0])))


# --- all of it together -----------------------------------------------------------------------


def test_a_diagnosis_prints_and_travels():
    findings = (
        Finding("on_course", math.nan, math.inf, "It falls.", "Go on.", None, False),
        Finding("crawling", 0.01, 0.1, "It crawls.", "Take 0.5.", 0.5, True, ("a", "b")),
    )
    said = Diagnosis(findings)
    assert str(said) == (
        "1. on course: It falls.\n   Next: Go on.\n2. crawling: It crawls.\n   Next: Take 0.5."
    )
    assert (said.verdict, said.fault, Diagnosis(findings[:1]).fault) == (
        "on_course",
        findings[1],
        None,
    )
    plain = said.to_dict()
    assert plain["verdict"] == "on_course"
    assert plain["findings"] == [
        {"symptom": "on_course", "number": None, "threshold": None, "sentence": "It falls.",
         "remedy": "Go on.", "next_rate": None, "fault": False, "names": ()},
        {"symptom": "crawling", "number": 0.01, "threshold": 0.1, "sentence": "It crawls.",
         "remedy": "Take 0.5.", "next_rate": 0.5, "fault": True, "names": ("a", "b")},
    ]  # fmt: skip
    assert said.to_json().splitlines()[1] == ' "verdict": "on_course",'
    assert json.loads(said.to_json()) == json.loads(json.dumps(plain))


def test_validation_needs_three_measures_and_training_that_falls_on():
    problem = linear((X - X.mean(axis=0)) / X.std(axis=0))
    heights = iter([3.0, 2.0, 2.5, 2.6, 2.7])
    result, _ = walked(problem, 0.05, 4, batch=20, validate=lambda w: next(heights))
    finding = next(f for f in diagnose(result, problem).findings if f.symptom == "overfitting")
    best = int(result.trace["step"][np.nanargmin(result.trace["validation"])])
    assert f"step {best}" in finding.sentence
    for kept, said in ((3, True), (2, False)):
        measured = np.flatnonzero(np.isfinite(result.trace["validation"]))
        columns = {name: column.copy() for name, column in result.trace.columns.items()}
        columns["validation"][measured[:-kept]] = math.nan
        columns["validation"][measured[-kept:]] = np.array([2.0, 2.5, 2.7])[-kept:]
        trace = Trace(columns, None, ())
        symptoms = [f.symptom for f in diagnose(trace).findings]
        assert ("overfitting" in symptoms) is said


def test_a_rate_that_chooses_itself_is_not_judged_by_its_length():
    problem = parse("(w - 3)^2")
    result = run(problem, np.zeros(1), Plain(), AdaptiveDescent(), [MaxSteps(3)])
    assert {f.symptom for f in diagnose(result, problem, rate=AdaptiveDescent()).findings} & {
        "divergence", "crawling", "oscillation"} == set()  # fmt: skip


def test_a_wrong_gradient_is_looked_for_where_the_run_began():
    bowl = parse("(w - 3)^2")

    class Wrong(Claimed):
        """Right at zero only."""

        def value_and_gradient(self, w, rows=None):
            value, gradient = bowl.value_and_gradient(w, rows)
            return value, gradient if w[0] == 0.0 else 2.0 * gradient

        def __getattr__(self, name):
            return getattr(bowl, name)

    result = run(Wrong(bowl), np.array([1.0]), Plain(), Constant(0.1), [MaxSteps(5)])
    assert diagnose(result, Wrong(bowl)).verdict == "gradient_bug"
    result = run(Wrong(bowl), np.array([0.0]), Plain(), Constant(0.1), [MaxSteps(5)])
    assert diagnose(result, Wrong(bowl)).verdict != "gradient_bug"
