"""The practice room: every kind of item is solved by the engine, and every slip is recognised."""

import json
import re
from functools import lru_cache
from urllib.parse import parse_qsl

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downslope.curvature import stable_limit
from downslope.descend import run
from downslope.errors import InputError
from downslope.landscapes.minima import count_minima
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.practice import GAMES, KINDS, TITLES, check, course, make_item
from downslope.practice.bank import SECRET, bank, question
from downslope.practice.bumps import local_minima, walk_down
from downslope.practice.curves import ASKED
from downslope.practice.fog import END, make_fog
from downslope.practice.item import ANY, Blank, Slip
from downslope.problems.formula import parse
from downslope.rates import Constant
from downslope.rules import Momentum, Plain
from downslope.sources.memory import MemoryRows, Rows
from downslope.stopping import MaxSteps

SEEDS = range(200)
ALL = [*KINDS, *GAMES]


@pytest.mark.parametrize("kind", ALL)
def test_two_hundred_items_accept_their_solution_and_explain_every_slip(kind):
    for seed in SEEDS:
        item = make_item(kind, seed)
        assert check(item, item.solution).right
        assert len(item.solution) == len(item.blanks)
        assert item.hints
        for slip in item.slips:
            verdict = check(item, slip.example)
            assert not verdict.right
            assert verdict.slip == slip.name
            assert verdict.explanation.startswith(slip.explanation)
            assert item.working in verdict.explanation


@pytest.mark.parametrize("kind", ALL)
def test_items_have_slips_and_an_unrecognised_answer_names_the_blank(kind):
    assert sum(bool(make_item(kind, seed).slips) for seed in SEEDS) > 180
    item = make_item(kind, 3)
    odd = tuple(1e12 if not b.choices else "none of these" for b in item.blanks)
    verdict = check(item, odd)
    assert verdict.slip is None
    assert item.blanks[0].name in verdict.explanation


@pytest.mark.parametrize("kind", ALL)
def test_same_seed_same_item_and_items_are_data(kind):
    item = make_item(kind, 11)
    assert item == make_item(kind, 11)
    assert json.loads(item.to_json())["question"] == item.question
    made = [make_item(kind, seed) for seed in SEEDS]
    assert len({(item.question, item.floor) for item in made}) > 30


def test_traces_are_what_the_engine_walks():
    for seed in SEEDS:
        item = make_item("trace", seed)
        formula, _, rest = item.question.removeprefix("L(w) = ").partition(". Start at w = ")
        start, _, rest = rest.partition(" with learning rate ")
        rate = float(rest.partition(". Where")[0])
        walk = run(parse(formula), [float(start)], Plain(), Constant(rate), [MaxSteps(2)])
        np.testing.assert_allclose(walk.trace.weights[1:, 0], item.solution, atol=1e-9)
        np.testing.assert_allclose(item.reveal[0][:3], walk.trace["value"], rtol=1e-9)


def points(item):
    """The rows of a question about points."""
    text = item.question.partition("oints ")[2]
    text = text.partition(", MSE")[0].partition(". Score")[0]
    return np.array([[float(v) for v in pair.split(",")] for pair in text[1:-1].split("), (")])


def test_lines_by_hand_are_what_the_engine_walks():
    for seed in SEEDS:
        item = make_item("fit", seed)
        rows = points(item)
        rate = float(item.question.partition("learning rate ")[2].partition(". What")[0])
        problem = Objective(MemoryRows(rows[:, :1], rows[:, 1]), make_loss("mse"))
        walk = run(problem, [0.0, 0.0], Plain(), Constant(rate), [MaxSteps(2)])
        np.testing.assert_allclose(walk.trace.weights[1:].ravel(), item.solution, atol=1e-9)
        np.testing.assert_allclose(item.reveal[0][:3], walk.trace["value"], rtol=1e-9)


def test_scores_are_the_engines_losses():
    for seed in SEEDS:
        item = make_item("score", seed)
        rows = points(item)
        problem = Objective(MemoryRows(rows[:, :1], rows[:, 1]), make_loss("mse"))
        lines = item.question.partition("Score line A: ")[2].partition(" by mean")[0]
        scores = []
        for text in lines.split(" and line B: "):
            slope, _, intercept = text.partition(" x ")
            w = np.array([float(slope), float(intercept.replace(" ", ""))])
            scores.append(problem.value_and_gradient(w)[0])
        np.testing.assert_allclose(item.solution[:2], scores, atol=1e-12)
        assert item.solution[2] == ("line A" if scores[0] < scores[1] else "line B")


@pytest.mark.parametrize("kind", ["sketch", "curves"])
def test_curves_are_what_the_engine_walks(kind):
    for seed in SEEDS:
        item = make_item(kind, seed)
        formula, rate = (
            dict(parse_qsl(item.sandbox))["f"],
            0.001 if kind == "curves" else float(dict(parse_qsl(item.sandbox))["rate"]),
        )
        loss = run(parse(formula), [0.0], Plain(), Constant(rate), [MaxSteps(30)]).trace["value"]
        if kind == "sketch":
            np.testing.assert_allclose([loss[k] for k in ASKED], item.solution, atol=1e-6)
            np.testing.assert_allclose(item.reveal[0], loss[:21], atol=1e-6)
        else:
            curve = item.curves["ABC".index(item.solution[0])]
            np.testing.assert_allclose(curve, loss, atol=1e-5)
            twins = [c for c in item.curves if c is not curve]
            np.testing.assert_allclose(*twins, rtol=1e-12)


def test_rows_of_heights_are_counted_by_the_landscapes_own_reader():
    for seed in SEEDS:
        item = make_item("minima", seed)
        found = count_minima(item.curves[0])
        assert (found.number, found.lowest) == item.solution[:2]


@lru_cache
def drawn_ratio(big, small):
    """How much the gradient of small batches scatters beside that of big ones, by drawing them."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 1)), rng.normal(size=400)
    problem = Objective(MemoryRows(x, y), make_loss("mse"), fit_intercept=False)
    row = [Rows(x[i : i + 1], y[i : i + 1], None) for i in range(400)]
    each = np.ravel([problem.value_and_gradient(np.zeros(1), rows)[1] for rows in row])
    scatter = [each[rng.integers(0, 400, (3000, size))].mean(axis=1).std() for size in (small, big)]
    return scatter[0] / scatter[1]


def test_units_and_batches_are_what_the_engine_measures():
    kinds = set()
    for seed in SEEDS:
        item = make_item("what_if", seed)
        numbers = [float(n) for n in re.findall(r"\d+\.?\d*(?:e-?\d+)?", item.question)]
        if "times smaller" in item.question:
            limit, factor = numbers[0], numbers[1]
            x = np.array([[1.0], [-2.0], [0.5]])
            x *= np.sqrt(1 / limit / np.mean(x**2))  # curvature 2 mean(x^2) = 2 / limit
            grown = Objective(
                MemoryRows(factor * x, x[:, 0]), make_loss("mse"), fit_intercept=False
            )
            found = stable_limit(grown, Plain(), np.zeros(1))
            kinds.add("unit")
        elif "batches" in item.question:
            big, noise, small = numbers[0], numbers[1], numbers[2]
            found = noise * drawn_ratio(int(big), int(small))
            assert item.solution[0] == pytest.approx(found, rel=0.08)
            kinds.add("batch")
            continue
        else:
            continue
        assert item.solution[0] == pytest.approx(found, rel=1e-6)
    assert kinds == {"unit", "batch"}


def test_regimes_are_what_the_engine_finds():
    for seed in SEEDS:
        item = make_item("regime", seed)
        regime, limit = item.solution
        curvature = 2.0 / limit
        rate = float(item.question.partition("learning rate ")[2].partition(":")[0])
        bowl = parse(f"{curvature / 2} * w^2")
        loss = run(bowl, [1.0], Plain(), Constant(rate), [MaxSteps(30)]).trace["value"]
        grows = loss[-1] > loss[0]
        assert grows == (regime == "diverging")
        below = run(bowl, [1.0], Plain(), Constant(0.99 * limit), [MaxSteps(30)]).trace["value"]
        above = run(bowl, [1.0], Plain(), Constant(1.01 * limit), [MaxSteps(30)]).trace["value"]
        assert below[-1] < below[0] < above[0] * 1.0000001 < above[-1]


def test_momentum_limits_divide_fates():
    checked = 0
    for seed in SEEDS:
        item = make_item("what_if", seed)
        if "heavy-ball" not in item.question:
            continue
        curvature = float(item.question.partition("curvature ")[2].partition(". ")[0])
        beta = float(item.question.partition("beta = ")[2].rstrip("?"))
        ends = [
            run(
                parse(f"{curvature / 2} * w^2"),
                [1.0],
                Momentum(beta),
                Constant(share * item.solution[0]),
                [MaxSteps(400)],
            ).trace["value"][-1]
            for share in (0.98, 1.02)
        ]
        assert ends[0] < curvature < ends[1]
        for share, curve in zip((0.95, 1.05), item.reveal, strict=True):
            seen = run(
                parse(f"{curvature / 2} * w^2"),
                [1.0],
                Momentum(beta),
                Constant(share * item.solution[0]),
                [MaxSteps(40)],
            ).trace["value"]
            np.testing.assert_allclose(curve[: len(seen)], seen, rtol=1e-9)
        checked += 1
    assert checked > 30


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_minima_by_the_definition(values):
    found = local_minima(values)
    assert min(values) in [values[i] for i in found]
    for start in range(len(values)):
        # A walker on a flat shelf stands still; everywhere else it ends in one of the minima.
        end = walk_down(values, start)
        near = [v for v in values[max(0, start - 1) : start + 2] if v < values[start]]
        assert end == values[start] if not near else end < values[start]


def test_the_published_row_of_heights():
    assert len(local_minima([3, 1, 1, 8, 6, 5, 2, 6, 4, 3])) == 3


def test_fog_is_solved_by_descent_from_everywhere():
    for seed in SEEDS:
        fog, item = make_fog(seed), make_item("fog", seed)
        ends = [fog.descent_probes(start)[1] for start in np.linspace(-END, END, 41)]
        best = min(ends, key=lambda x: fog.probe(x)[0])
        assert check(item, (best,)).right
        for end in ends:
            verdict = check(item, (end,))
            assert verdict.right or "another valley" in verdict.explanation
        beside = check(item, (fog.deepest() + 0.2,))
        assert beside.slip == "on a slope"
        floor = parse(dict(parse_qsl(item.sandbox))["f"])
        for x in np.linspace(-9, 9, 5):
            value, gradient = floor.value_and_gradient(np.array([x]))
            np.testing.assert_allclose((value, gradient[0]), fog.probe(x), atol=1e-9)
        assert fog.descent_probes()[0] < 1000


def test_every_sandbox_opens_on_a_problem_that_can_be_walked():
    for kind in ALL:
        for seed in range(20):
            settings = dict(parse_qsl(make_item(kind, seed).sandbox))
            assert settings["scene"] in ("bowl", "line", "noise")
            if "f" in settings:
                start = [float(settings.get("start", 0))]
                assert np.isfinite(parse(settings["f"]).value_and_gradient(np.array(start))[0])


def test_a_range_takes_in_what_lies_between_its_ends():
    blank = Blank("loss", decimals=1)
    assert blank.agrees(0.5, (0.2, 0.6))
    assert not blank.agrees(0.1, (0.2, 0.6))
    wide = Slip("x", ((1.1, ANY[1]), (-5.0, -1.0), ANY, "word", 2.0), "")
    assert all(
        Blank("b").agrees(given, value)
        for given, value in zip(wide.example, wide.values, strict=True)
    )


def test_a_bank_is_the_course_and_a_question_holds_no_answer():
    packed = bank(7, rounds=2)
    assert [kind["title"] for kind in packed["kinds"]] == [TITLES[name] for name in KINDS]
    assert [item["question"] for item in packed["items"]] == [
        course(i, 7).question for i in range(2 * len(KINDS))
    ]
    assert [fog["seed"] for fog in packed["fogs"]] == [7, 8, 9]
    json.dumps(packed, allow_nan=False)
    assert not set(question(course(0, 7))) & set(SECRET)


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 1.5), ("1,5", 1.5), (" −2 ", -2.0), ("1e-3", 1e-3)]
)
def test_numbers_as_people_type_them(text, value):
    assert Blank("w").read(text) == value


@pytest.mark.parametrize(("text", "value"), [("a", "crawling"), ("osc", "oscillating")])
def test_choices_by_letter_or_beginning(text, value):
    assert Blank("regime", choices=("crawling", "oscillating")).read(text) == value


@pytest.mark.parametrize("text", ["", "z", "maybe"])
def test_what_is_not_an_answer_is_a_sentence(text):
    with pytest.raises(InputError, match="a = yes"):
        Blank("x", choices=("yes", "no")).read(text)
    with pytest.raises(InputError, match="not a number"):
        Blank("x").read(text)


def test_unknown_kinds_are_refused_with_the_names():
    with pytest.raises(InputError, match="choose one of score"):
        make_item("juggling", 1)
    with pytest.raises(InputError, match="negative"):
        make_item("trace", -1)
