"""The practice room: every kind of item is solved by the engine, and every slip is recognised."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downslope.descend import run
from downslope.errors import InputError
from downslope.practice import KINDS, check, make_item
from downslope.practice.bumps import local_minima, make_fog, walk_down
from downslope.practice.item import Blank
from downslope.problems.formula import parse
from downslope.rates import Constant
from downslope.rules import Momentum, Plain
from downslope.stopping import MaxSteps

SEEDS = range(200)


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_items_accept_their_solution_and_explain_every_slip(kind):
    for seed in SEEDS:
        item = make_item(kind, seed)
        assert check(item, item.solution).right
        assert len(item.solution) == len(item.blanks)
        assert item.hints
        for slip in item.slips:
            verdict = check(item, slip.values)
            assert not verdict.right
            assert verdict.slip == slip.name
            assert verdict.explanation.startswith(slip.explanation)
            assert item.working in verdict.explanation


@pytest.mark.parametrize("kind", KINDS)
def test_items_have_slips_and_an_unrecognised_answer_names_the_blank(kind):
    assert sum(bool(make_item(kind, seed).slips) for seed in SEEDS) > 180
    item = make_item(kind, 3)
    odd = tuple(12345.678 if not b.choices else "none of these" for b in item.blanks)
    verdict = check(item, odd)
    assert verdict.slip is None
    assert item.blanks[0].name in verdict.explanation


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_item_and_items_are_data(kind):
    item = make_item(kind, 11)
    assert item == make_item(kind, 11)
    assert json.loads(item.to_json())["question"] == item.question
    assert len({make_item(kind, seed).question for seed in SEEDS}) > 30


def test_traces_are_what_the_engine_walks():
    for seed in SEEDS:
        item = make_item("trace", seed)
        formula, _, rest = item.question.removeprefix("L(w) = ").partition(". Start at w = ")
        start, _, rest = rest.partition(" with learning rate ")
        rate = float(rest.partition(". Where")[0])
        walk = run(parse(formula), [float(start)], Plain(), Constant(rate), [MaxSteps(2)])
        np.testing.assert_allclose(walk.trace.weights[1:, 0], item.solution, atol=1e-9)


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


def test_fog_slopes_are_slopes_and_descent_finds_a_valley():
    for seed in range(20):
        fog = make_fog(seed)
        for x in np.linspace(-9, 9, 7):
            h = 1e-6
            numeric = (fog.probe(x + h)[0] - fog.probe(x - h)[0]) / (2 * h)
            assert fog.probe(x)[1] == pytest.approx(numeric, abs=1e-6)
        count, end = fog.descent_probes(8.0)
        assert count < 1000
        assert fog.probe(fog.deepest())[0] <= fog.probe(end)[0] + 1e-6


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
