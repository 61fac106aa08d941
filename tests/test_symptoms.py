"""Symptoms one by one, on facts by hand: what is just enough, what is just not, and what is said.

``tests/test_diagnose.py`` plants causes in real runs. Here every threshold is approached from both
sides, and a finding's number, threshold, sentence, remedy and next rate are compared whole.
"""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from downslope.curvature import Curvature
from downslope.diagnosis import data_symptoms as data
from downslope.diagnosis import pace_symptoms as pace
from downslope.diagnosis import place_symptoms as place
from downslope.diagnosis.diagnose import ORDER
from downslope.diagnosis.findings import Evidence, Validation
from downslope.diagnosis.problem_facts import ProblemFacts
from downslope.diagnosis.run_facts import RunFacts
from downslope.diagnosis.table_facts import Share, TableFacts
from downslope.diagnosis.telling_columns import Telling
from downslope.noise import GradientNoise
from downslope.rules import Adam, Momentum, Plain

NAN = math.nan
SAID = json.loads((Path(__file__).parent / "said_by_symptoms.json").read_text())
FALLING = np.geomspace(16.0, 1.0, 40)

RUN = RunFacts(
    steps=39,
    full_batch=True,
    curve=FALLING,
    norms=FALLING,
    products=np.full(39, 0.5),
    bends=np.full(39, 2.0),
    cosines=np.full(39, 0.5),
    rate=0.25,
    shrink=0.5,
    late=0.05,
    rises=0.0,
    regained=0.5,
    ends=(16.0, 1.0),
)
HERE = Curvature(2.0, 1.0, 1.0, np.array([1.0, 0.0]), np.array([0.0, 1.0]), "here")
PROBLEM = ProblemFacts(
    w=np.array([3.0, -4.0]),
    gradient=np.array([0.6, 0.8]),
    ratio=0.0625,
    here=HERE,
    top=2.0,
    guard=None,
    products=np.full(4, 0.5),
    slope_bend=1.5,
    dead=0.0,
    gap=None,
    distance=None,
    least_squares=None,
    noise=None,
    batch_size=None,
    linear=False,
    curved=True,
)
TABLE = TableFacts(
    names=("a", "b"),
    n_rows=40,
    bad_rows=np.array([], dtype=int),
    sizes=np.array([1.0, 2.0]),
    spreads=np.array([1.0, 2.0]),
    top=4.0,
    scaled_top=1.5,
    scaled_condition=3.0,
    correlations=np.array([0.25, 0.5]),
    target_variance=8.0,
)


def evidence(facts):
    """Calm facts, but for what is given; ``here.x`` is a part of the problem's curvature."""
    facts = dict(facts)
    run = replace(RUN, **facts.pop("run", {}))
    problem, table = facts.pop("problem", None), facts.pop("table", None)
    if problem is not None:
        own = {k: v for k, v in problem.items() if not k.startswith("here.")}
        here = {k.removeprefix("here."): v for k, v in problem.items() if k not in own}
        problem = replace(PROBLEM, here=replace(HERE, **here), **own)
    if table is not None:
        table = replace(TABLE, **table)
    return Evidence(
        run=run, problem=problem, table=table, **{"rule": Plain(), "reason": "max_steps", **facts}
    )


def changed(facts, change):
    """The same facts with some replaced, one level deep."""
    merged = dict(facts)
    for key, value in change.items():
        inner = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if inner else value
    return merged


QUADRATIC = {"here.holds": "everywhere", "linear": True}
BATCHES = {"full_batch": False}
ROUGH = np.where(np.arange(40) == 30, 40.0, 1.0)
BROKEN = np.where(np.arange(40) < 30, 1.0, NAN)
VALLEY = {"here.slowest": 2.0 / 1024, "here.smallest": 2.0 / 1024}
RISING = np.linspace(1.0, 2.0, 40)
FLAT_END = np.concatenate([np.geomspace(16.0, 1.0, 20), np.ones(20)])

# name: (symptom, facts that are just enough, changes of which each one is enough to silence it)
CASES = {
    "gradient bug": (
        data.gradient_bug,
        {"gradient_error": 0.011},
        [{"gradient_error": 0.01}, {"gradient_error": NAN}],
    ),
    "rows not finite": (
        data.bad_rows,
        {"table": {"bad_rows": np.arange(3, 10)}},
        [{"table": None}],
    ),
    "one heavy row": (
        data.bad_rows,
        {"table": {"heaviest": Share(7, 0.51), "n_rows": 20}},
        [{"table": {"heaviest": Share(7, 0.5)}}, {"table": {"n_rows": 19}}],
    ),
    "one wild target": (
        data.bad_rows,
        {"table": {"wildest": Share(7, 0.51)}},
        [{"table": {"wildest": Share(7, 0.5)}}],
    ),
    "not even a first step": (
        data.bad_rows,
        {"run": {"ends": (NAN, NAN)}},
        [{"run": {"ends": (1.0, NAN)}}],
    ),
    "a batch that is not a number": (
        data.bad_rows,
        {"run": {**BATCHES, "norms": BROKEN}},
        [
            {"run": {"full_batch": True}},
            {"run": {"norms": np.where(np.arange(40) < 19, 1.0, NAN)}},
        ],
    ),
    "a run-away before it is not a number": (
        data.bad_rows,
        {"run": {**BATCHES, "norms": np.where(np.arange(40) == 28, 20.0, BROKEN)}},
        [],
    ),
    "a batch out of line": (
        data.bad_rows,
        {"run": {**BATCHES, "norms": ROUGH}},
        [
            {"run": {"full_batch": True}},
            {"run": {"norms": ROUGH[22:]}},
            {"run": {"norms": np.where(ROUGH > 1.0, 19.0, 1.0)}},
            {"run": {"curve": np.where(np.arange(40) < 39, FALLING, NAN)}},
            {"run": {"ends": (1.0, 200.0)}},
        ],
    ),
    "overfitting": (
        data.overfitting,
        {"validation": Validation(12, 1.0, 1.0625, True)},
        [
            {"validation": Validation(12, 20.0, 21.0, True)},
            {"validation": Validation(12, 1.0, 2.0, False)},
            {"validation": None},
        ],
    ),
    "overfitting from zero, stopped in time": (
        data.overfitting,
        {"validation": Validation(12, 0.0, 1.0, True), "reason": "validation"},
        [],
    ),
    "separable": (
        data.separable,
        {"margin": 0.125},
        [{"margin": 0.0}, {"margin": None}, {"run": {"curve": np.array([1.0, NAN])}}],
    ),
    "a level of one class": (
        data.separable,
        {"margin": -0.5, "telling": (Telling("kind=b", 12),)},
        [{"telling": ()}, {"margin": None}, {"run": {"curve": np.array([1.0, NAN])}}],
    ),
    "levels of one class": (
        data.separable,
        {"margin": 0.0, "telling": tuple(Telling(f"kind={c}", 12000) for c in "bcdefgh")},
        [],
    ),
    "a column that knows": (
        data.leak,
        {"table": {"correlations": np.array([0.25, 0.9995]), "n_rows": 20}},
        [
            {"table": {"correlations": np.array([0.25, 0.999])}},
            {"table": {"n_rows": 19}},
            {"table": {"correlations": None}},
            {"table": {"correlations": np.array([])}},
        ],
    ),
    "columns that know together": (
        data.leak,
        {"table": {"n_rows": 20}, "problem": {"least_squares": 7e-5, "w": np.array([99.5, 0.25])}},
        [
            {"problem": {"least_squares": 8e-5}},
            {"problem": {"least_squares": None}},
            {"table": {"target_variance": 0.0}},
            {"problem": None},
            {"table": {"n_rows": 19}},
        ],
    ),
    "columns of equal part": (
        data.leak,
        {"table": {}, "problem": {"least_squares": 7e-5, "w": np.array([1.0, 0.5, 9.0])}},
        [],
    ),
    "rank": (data.rank_deficient, {"table": {"dependent": tuple("abcdefg")}}, [{"table": None}]),
    "rank of two": (
        data.rank_deficient,
        {"table": {"dependent": ("a", "b")}},
        [{"table": {"dependent": ()}}],
    ),
    "constant": (
        data.constant_column,
        {"table": {"constant": ("a",)}},
        [{"table": {"constant": ()}}, {"table": None}],
    ),
    "far columns": (
        data.far_from_zero,
        {"table": {}, "distances": np.array([1.0, 2e8])},
        [
            {"table": {}, "distances": np.array([1.0, 9e7])},
            {"table": None},
            {"distances": None},
        ],
    ),
    "arrived by the gradient": (
        place.converged,
        {"run": {"norms": np.geomspace(1.0, 2.0**-20, 40)}},
        [
            {"run": {"norms": np.geomspace(1.0, 1.1e-6, 40)}},
            {"run": {"curve": np.array([1.0, NAN])}},
        ],
    ),
    "arrived as asked": (place.converged, {"reason": "converged"}, [{"reason": "max_steps"}]),
    "arrived by the way left": (
        place.converged,
        {"problem": {"distance": 4e-6}},
        [{"problem": {"distance": 4.1e-6}}, {"problem": {"distance": None}}],
    ),
    "saddle": (
        place.saddle,
        {"problem": {"here.smallest": -0.25, "ratio": 1e-3}},
        [
            {"problem": {"ratio": 1.1e-3}},
            {"problem": {"here.smallest": -0.002}},
            {"problem": {"linear": True}},
            {"problem": {"here.settled": False}},
            {"problem": None},
            {"run": {"curve": np.array([1.0, NAN])}},
        ],
    ),
    "saddle by its own gradient": (
        place.saddle,
        {"problem": {"here.smallest": -8.0, "gradient": np.array([0.0, 0.016])}},
        [{"problem": {"gradient": np.array([0.012, 0.012])}}],
    ),
    "dead": (
        place.dead_gradient,
        {"problem": {"dead": 0.6}},
        [{"problem": {"dead": 0.59}}, {"problem": {"linear": True}}, {"problem": None}],
    ),
    "plateau": (
        place.plateau,
        {"run": {"curve": FLAT_END}, "problem": {"slope_bend": 0.001}},
        [
            {"problem": {"slope_bend": 0.0021}},
            {"problem": {"linear": True}},
            {"problem": {"ratio": 1e-6}},
            {"run": {"full_batch": False}},
            {"run": {"curve": FALLING}},
            {"run": {"curve": FLAT_END[-7:]}},
        ],
    ),
    "plateau from the trace alone": (
        place.plateau,
        {
            "run": {
                "curve": FLAT_END,
                "norms": np.geomspace(1.0, 0.009, 40),
                "products": np.full(39, 0.0005),
                "bends": np.full(39, 4.0),
            }
        },
        [
            {"run": {"norms": np.geomspace(1.0, 0.01, 40)}},
            {"run": {"products": np.full(39, 0.002)}},
            {"run": {"products": np.full(39, NAN)}},
        ],
    ),
    "a lower one is known": (
        place.local_minimum,
        {"lowest": 0.5, "reason": "converged"},
        [
            {"lowest": 1.0},
            {"lowest": None},
            {"reason": "max_steps"},
            {"run": {"curve": np.array([1.0, NAN])}},
        ],
    ),
    "a lower one is known, with its curvature": (
        place.local_minimum,
        {"lowest": -2.0, "reason": "converged", "problem": {}},
        [],
    ),
    "on course": (
        place.on_course,
        {},
        [{"run": {"curve": np.array([1.0, NAN])}}, {"problem": {"ratio": 1e-6}}],
    ),
    "on course by batches": (place.on_course, {"run": BATCHES}, []),
    "on course though the gradient grew": (place.on_course, {"run": {"shrink": 1.0}}, []),
    "stopped": (
        place.stopped,
        {"run": {"curve": FLAT_END}},
        [
            {"run": {"curve": FALLING}},
            {"problem": {}},
            {"run": {"full_batch": False}},
            {"run": {"curve": FLAT_END[-7:]}},
            {"reason": "converged"},
        ],
    ),
    "past the limit": (
        pace.divergence,
        {"problem": QUADRATIC, "run": {"rate": 1.0625}},
        [{"run": {"rate": 1.0}}, {"reason": "converged"}, {"table": {"bad_rows": np.array([1])}}],
    ),
    "blown up": (
        pace.divergence,
        {"reason": "diverged", "problem": {}, "run": {"rate": 2.0}},
        [{"reason": "max_steps"}],
    ),
    "blown up below the limit": (
        pace.divergence,
        {"reason": "diverged", "problem": {}, "run": {"curve": RISING, "rate": 0.25}},
        [],
    ),
    "blown up without a limit": (
        pace.divergence,
        {"reason": "diverged", "rule": Adam(), "run": {"curve": RISING}},
        [],
    ),
    "not a number": (
        pace.divergence,
        {"rule": Adam(), "run": {"curve": np.array([1.0, NAN])}},
        [{"run": {"curve": FALLING}}],
    ),
    "a trace that grows": (
        pace.divergence,
        {"run": {"curve": RISING, "norms": np.geomspace(1.0, 2.0**39, 40)}},
        [{"run": {"curve": FALLING, "norms": FALLING}}],
    ),
    "a zig-zag that widens": (
        pace.divergence,
        {"run": {"products": np.full(39, 2.5), "norms": np.geomspace(1.0, 1.5**39, 40)}},
        [
            {"run": {"products": np.full(39, 2.0)}},
            {"run": {"norms": FALLING}},
            {"run": {"products": np.full(39, NAN)}},
        ],
    ),
    "momentum that climbed": (
        pace.divergence,
        {"rule": Momentum(), "run": {"curve": np.linspace(1.0, 5.0, 40)}},
        [{"run": {"curve": np.linspace(1.0, 4.0, 40)}}],
    ),
    "the edge": (
        pace.edge_of_stability,
        {"problem": {"products": np.array([0.5, 0.5, 1.8, 1.8])}, "run": {"rises": 0.1}},
        [
            {"problem": {"products": np.full(4, 1.79)}},
            {"problem": {"products": np.full(4, 2.21)}},
            {"problem": {"linear": True}},
            {"problem": {"here.holds": "everywhere"}},
            {"run": {"rises": 0.09}},
            {"run": {"curve": RISING}},
            {"run": {"full_batch": False}},
            {"searching": True},
            {"rule": Adam()},
        ],
    ),
    "the edge from the trace alone": (
        pace.edge_of_stability,
        {"run": {"products": np.repeat([0.5, 2.2], [19, 20]), "rises": 0.5}},
        [{"run": {"regained": 0.9}}, {"run": {"products": np.full(39, NAN)}}],
    ),
    "crawling": (
        pace.crawling,
        {"problem": {"top": 0.375, **QUADRATIC}},
        [
            {"problem": {"top": 0.4}},
            {"problem": {"top": 0.0}},
            {"searching": True},
            {"reason": "converged"},
            {"run": {"curve": np.array([1.0, NAN])}},
        ],
    ),
    "crawling from the trace alone": (
        pace.crawling,
        {"run": {"bends": np.full(39, 0.25)}},
        [{"run": {"full_batch": False}}, {"run": {"bends": np.full(39, 0.4)}}],
    ),
    "crawling with momentum": (
        pace.crawling,
        {"rule": Momentum(0.5), "run": {"bends": np.full(39, 0.125)}},
        [{"run": {"bends": np.full(39, 0.25)}}],
    ),
    "a steady decline": (
        pace.crawling,
        {"rule": Adam(), "run": {"late": 0.16}},
        [{"run": {"late": 0.15}}, {"run": {"curve": FALLING[:7]}}, {"run": {"rises": 0.06}}],
    ),
    "a long way for an adaptive rule": (
        pace.crawling,
        {"rule": Adam(), "run": {"late": 0.16}, "problem": {"distance": 50.0}},
        [],
    ),
    "a way that is not long": (
        pace.crawling,
        {"rule": Adam(), "run": {"late": 0.16}, "problem": {"distance": 1.0}},
        [],
    ),
    "a narrow valley": (
        pace.ill_conditioning,
        {"problem": VALLEY, "run": {"shrink": 0.995}},
        [
            {"run": {"shrink": 0.99}},
            {"run": {"cosines": np.full(39, -0.5)}},
            {"problem": {"here.slowest": 0.002}},
            {"problem": {"here.slowest": 0.0}},
            {"problem": {"here.smallest": -0.01}},
            {"problem": {"curved": False}},
            {"reason": "converged"},
        ],
    ),
    "a narrow valley, by batches": (
        pace.ill_conditioning,
        {"problem": VALLEY, "run": BATCHES},
        [],
    ),
    "the scale of a column": (
        pace.ill_conditioning,
        {
            "problem": {**VALLEY, "linear": True, "here.holds": "everywhere"},
            "run": {"shrink": 0.995},
            "table": {"scaled_condition": 34.0},
        },
        [],
    ),
    "the scale, under a rule that has no rate to name": (
        pace.ill_conditioning,
        {"problem": VALLEY, "run": {"shrink": 0.995}, "table": {}, "rule": Momentum()},
        [],
    ),
    "not the scale": (
        pace.ill_conditioning,
        {"problem": VALLEY, "run": {"shrink": 0.995}, "table": {"scaled_condition": 34.5}},
        [],
    ),
    "two paces": (
        pace.ill_conditioning,
        {"run": {"products": np.repeat([2.0, 0.5], [2, 37]), "shrink": 1.0 - 1.0 / 1024}},
        [
            {"run": {"shrink": 1.0 - 1.0 / 256}},
            {"run": {"shrink": 0.99}},
            {"run": {"products": np.full(39, NAN)}},
            {"run": {"products": np.full(39, 0.09), "shrink": 1.0 - 2.0**-16}},
            {"run": {"cosines": np.zeros(39)}},
            {"run": {"norms": np.geomspace(1.0, 1e-6, 40)}},
            {"run": {"shrink": 1.0}},
        ],
    ),
    "zig-zag": (
        pace.oscillation,
        {
            "problem": {**QUADRATIC, "top": 6.0},
            "run": {"cosines": np.repeat([-0.75, 0.5], [5, 34])},
        },
        [
            {"run": {"cosines": np.repeat([-0.75, 0.5], [4, 35])}},
            {"run": {"cosines": np.repeat([-0.5, 0.5], [5, 34])}},
            {"problem": {"top": 4.0}},
            {"problem": {"top": 8.1}},
            {"searching": True},
            {"run": {"full_batch": False}},
            {"run": {"curve": np.array([1.0, NAN])}},
        ],
    ),
    "zig-zag in a valley": (
        pace.oscillation,
        {
            "problem": {**QUADRATIC, "top": 6.0, "here.slowest": 0.25},
            "run": {"cosines": np.full(3, -0.75)},
        },
        [{"run": {"cosines": np.array([-0.75, 0.5])}}],
    ),
    "zig-zag from the trace alone": (
        pace.oscillation,
        {"run": {"cosines": np.full(39, -0.75), "products": np.full(39, 1.5)}},
        [{"run": {"products": np.full(39, 1.0)}}, {"run": {"products": np.full(39, 2.25)}}],
    ),
    "hopping over kinks": (
        pace.oscillation,
        {"problem": {"curved": False}, "run": {"rises": 0.21}},
        [{"run": {"rises": 0.2}}, {"run": {"curve": RISING}}, {"reason": "converged"}],
    ),
    "hopping around the bottom": (
        pace.oscillation,
        {"rule": Adam(), "run": {"rises": 0.25, "late": 0.0}, "problem": {}},
        [{"run": {"late": 0.02}}],
    ),
    "too much momentum, from the trace alone": (
        pace.oscillation,
        {"rule": Momentum(), "run": {"rises": 0.36, "shrink": 0.98}},
        [{"run": {"rises": 0.35}}, {"run": {"shrink": 0.97}}],
    ),
    "too much momentum": (
        pace.oscillation,
        {
            "rule": Momentum(0.99),
            "problem": {"here.slowest": 1.5},
            "run": {"rises": 0.25},
        },
        [{"rule": Momentum(0.9)}, {"problem": {"here.slowest": 1e-5}}],
    ),
    "noise floor": (
        pace.noise_floor,
        {
            "problem": {"noise": GradientNoise(8.0, 0.25), "batch_size": 16, "gap": 0.3125},
            "run": {**BATCHES, "late": 0.04},
        },
        [
            {"problem": {"noise": GradientNoise(8.0, 0.5)}},
            {"problem": {"gap": 0.32}},
            {"run": {"late": 0.05}},
            {"run": {"full_batch": True}},
            {"run": {"curve": FALLING[:3]}},
            {"reason": "converged"},
        ],
    ),
    "noise floor that is low": (
        pace.noise_floor,
        {
            "problem": {"noise": GradientNoise(0.5, 0.01), "batch_size": 4},
            "run": {**BATCHES, "late": 0.0},
        },
        [],
    ),
    "noise floor from the trace alone": (
        pace.noise_floor,
        {"run": {**BATCHES, "late": 0.04, "norms": np.repeat([16.0, 0.032], [20, 20])}},
        [
            {"run": {"norms": np.repeat([16.0, 0.016], [20, 20])}},
            {"run": {"norms": np.repeat([0.0, 1.0], [20, 20])}},
            {"run": {"norms": np.repeat([1.0, NAN], [20, 20])}},
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_just_enough_and_what_is_said(name):
    symptom, facts, _ = CASES[name]
    found = symptom(evidence(facts))
    assert found is not None
    said = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(found).items()}
    expected = SAID[name]
    numbers = ("number", "threshold", "next_rate")
    assert {k: v for k, v in said.items() if k not in numbers} == {
        k: v for k, v in expected.items() if k not in numbers
    }
    assert [said[k] for k in numbers] == pytest.approx([expected[k] for k in numbers])


JUST_NOT = [(name, k) for name, case in CASES.items() for k in range(len(case[2]))]


@pytest.mark.parametrize(("name", "k"), JUST_NOT)
def test_just_not_enough(name, k):
    symptom, facts, silent = CASES[name]
    assert symptom(evidence(changed(facts, silent[k]))) is None


def test_every_symptom_is_approached():
    asked = {case[0].__name__ for case in CASES.values()}
    for module in (data, pace, place):
        own = {
            n for n, f in vars(module).items() if getattr(f, "__module__", "") == module.__name__
        }
        public = {name for name in own if not name.startswith(("_", "x_"))}  # x_: planted faults
        assert public <= asked
        assert public <= {symptom.__name__ for symptom in ORDER} | {"on_course"}


# --- what the findings are worked out from ------------------------------------------------------

SIX = tuple("abcdef")


@pytest.mark.parametrize(
    ("weights", "spreads", "names"),
    [
        ([1.01, 8.0, 0.5, 0.4, 0.09], [1.0] * 5, "ba"),  # 9.01 of 10
        ([1.01, -8.0, 0.5, 0.4, 0.09], [1.0] * 5, "ba"),
        ([8.08, 1.0, 0.5, 0.4, 0.09], [0.125, 8.0, 1.0, 1.0, 1.0], "ba"),
        ([1.0, 8.0, 1.1, 0.4, 0.1], [1.0] * 5, "bca"),
        ([0.0101, 0.08, 0.005, 0.004, 0.0009], [1.0] * 5, "ba"),
        ([1.0] * 5, [1.0] * 5, "abcde"),
        ([1.0] * 6, [1.0] * 6, ""),  # too many to name
        ([0.0] * 5, [1.0] * 5, ""),
    ],
    ids=str,
)
def test_separable_names_the_columns_that_make_up_nine_tenths(weights, spreads, names):
    facts = {"margin": 0.5, "problem": {"w": np.array([*weights, 99.0])}}
    facts["table"] = {"names": (*SIX[: len(weights)], "intercept"), "spreads": np.array(spreads)}
    finding = data.separable(evidence(facts))
    assert finding.names == tuple(names)
    assert ("nearly all of it by" in finding.sentence) is bool(names)


def test_of_several_classes_the_largest_weight_of_a_column_counts():
    w = np.array([[0.0, 1.0, -8.0], [0.5, 0.1, 0.0], [9.0, 9.0, 9.0]]).ravel()
    facts = {"margin": 0.5, "problem": {"w": w}, "table": {"names": ("a", "b", "intercept")}}
    facts["table"]["spreads"] = np.ones(2)
    assert data.separable(evidence(facts)).names == ("a",)


@pytest.mark.parametrize(
    "change",
    [
        {"table": None},
        {"problem": None},
        {"table": {"spreads": None}},
        {"problem": {"w": np.ones(5)}},
        {"table": {"names": ("a",)}},
    ],
    ids=str,
)
def test_separable_names_no_column_that_is_not_known(change):
    facts = {"margin": 0.5, "problem": {"w": np.array([8.0, 0.0])}, "table": {}}
    assert data.separable(evidence(facts)).names == ("a",)
    assert data.separable(evidence(changed(facts, change))).names == ()


@pytest.mark.parametrize(
    ("norms", "number", "said"),
    [
        ([2.0] * 15 + [40.0] + [2.0] * 4, 20.0, "clip gradients at 10."),
        ([1e-9] * 15 + [4e-8] + [1e-9] * 4, 40.0, "clip gradients at 5e-09."),
        ([2.0] * 19 + [39.0], None, ""),
        ([40.0] + [2.0] * 19, None, ""),  # the first half is the way down
        ([2.0] * 20 + [NAN], 1.0, "batch of step 20"),
        ([2.0] * 19 + [NAN], None, ""),
        ([2.0] * 30 + [39.0, 2.0, 2.0, 2.0, 2.0, NAN], 19.5, "batch of step 35"),
        ([2.0] * 30 + [40.0, 2.0, 2.0, 2.0, 2.0, 2.0, NAN], 1.0, "batch of step 36"),
        ([NAN] * 20, None, ""),
    ],
    ids=str,
)
def test_a_batch_out_of_line_is_measured_by_its_neighbours(norms, number, said):
    norms = np.array(norms)
    finding = data.bad_rows(evidence({"run": {**BATCHES, "norms": norms}}))
    if number is None:
        assert finding is None
    else:
        assert finding.number == pytest.approx(number)
        assert said in finding.remedy


def test_a_leak_is_found_in_any_column_and_by_any_few():
    first = {"table": {"correlations": np.array([0.9995, 0.5])}}
    assert data.leak(evidence(first)).names == ("a",)
    none = {"table": {"correlations": np.array([]), "names": ()}}
    assert data.leak(evidence(none)) is None
    small = {"problem": {"least_squares": 1e-9}, "table": {"target_variance": 1e-3}}
    small["problem"]["w"] = np.array([2e-3, 1e-3, 5.0])
    small["table"]["spreads"] = np.array([1e-3, 1.0])
    assert data.leak(evidence(small)).names == ("b",)
    even = changed(small, {"table": {"spreads": np.array([0.5, 1.0])}})
    assert set(data.leak(evidence(even)).names) == {"a", "b"}
    for rows, leaks in ((20, True), (19, False)):
        assert (
            data.leak(evidence(changed(small, {"table": {"n_rows": rows}}))) is not None
        ) is leaks


@pytest.mark.parametrize(
    ("end", "lowest", "told"),
    [
        (1.0, 1.0 - 1.1e-6, True),
        (1.0, 1.0 - 0.9e-6, False),
        (1e-9, 0.999e-9, True),
        (0.0, -1e-9, True),
        (-1.0, -1.0 - 0.9e-6, False),
        (-1e9, -1e9 - 900.0, False),
        (1e-9, -1e3, True),
    ],
)
def test_a_lower_minimum_is_lower_by_a_millionth_of_either(end, lowest, told):
    facts = {"run": {"curve": np.append(FALLING, end)}, "lowest": lowest, "problem": {"ratio": 0.0}}
    finding = place.local_minimum(evidence(facts))
    assert (finding is not None) is told
    if told:
        assert finding.number == pytest.approx(end - lowest)


@pytest.mark.parametrize("size", [7, 8])
def test_eight_values_are_the_least_to_call_level_or_stopped(size):
    curve = np.ones(size)
    level = {"run": {"curve": curve, "rate": 1e-3}, "problem": {"slope_bend": 1e-3, "ratio": 0.5}}
    assert (place.plateau(evidence(level)) is not None) is (size == 8)
    assert (place.stopped(evidence({"run": {"curve": curve}})) is not None) is (size == 8)


@pytest.mark.parametrize(
    ("curve", "told"),
    [
        ([8.0] * 5 + [4.0, 2.0] + [1.0] * 3, True),
        ([8.0] * 6 + [1.0 + 2e-12, 1.0, 1.0, 1.0], True),
        ([8.0] * 7 + [1.0 + 2e-12, 1.0, 1.0], False),
        ([8.0] * 7 + [1e6 + 5e-7, 1e6, 1e6], True),
        ([8.0] * 7 + [1e-6 + 5e-19, 1e-6, 1e-6], True),
        ([8.0] * 7 + [1e-6 + 5e-18, 1e-6, 1e-6], False),
        ([8.0] * 7 + [1.0, 1.0, NAN], False),
    ],
    ids=str,
)
def test_stopped_is_the_last_quarter_within_rounding_of_its_end(curve, told):
    assert (place.stopped(evidence({"run": {"curve": np.array(curve)}})) is not None) is told


@pytest.mark.parametrize(
    ("ratio", "shrink", "remedy"),
    [
        (1e-3, 0.1, "Give it 3 more steps"),
        (1e-5, 0.1, "Give it 1 more steps"),
        (NAN, 1.0, "Give it 39 more steps"),
        (1e-3, 0.0, "Give it 39 more steps"),
    ],
)
def test_on_course_says_how_many_steps_are_left(ratio, shrink, remedy):
    facts = {"run": {"shrink": shrink}, "problem": {"ratio": ratio}}
    assert place.on_course(evidence(facts)).remedy.startswith(remedy)


def test_on_course_counts_one_step_at_least_and_the_share_that_fell():
    facts = {"run": {"full_batch": False, "steps": 0, "curve": np.array([1e-3, 5e-4])}}
    finding = place.on_course(evidence(facts))
    assert finding.remedy.startswith("Give it 1 more steps")
    assert finding.number == pytest.approx(evidence(facts).fall / 1e-3)


@pytest.mark.parametrize(
    ("norms", "growth"),
    [
        (1e-3 * 2.0 ** np.arange(12), 2.0),
        ([1.0, 1.0, 1.0, 1.0, 3.0, math.inf], 3.0),
        ([1.0, 0.0, 2.0, 0.0, 4.0], 2.0),
        (np.cumprod([1.0] * 16 + [1.5, 1.5, 3.0, 3.0, 1.5]), 1.5),  # the last five of twenty
        (np.cumprod([1.0, 4.0, 1.0, 1.0, 1.5]), 1.5),
    ],
    ids=str,
)
def test_from_a_trace_alone_the_limit_is_where_the_gradient_would_not_grow(norms, growth):
    run = {"norms": np.array(norms), "curve": RISING, "rate": 0.25}
    finding = pace.divergence(evidence({"run": run, "reason": "diverged"}))
    assert finding.threshold == pytest.approx(2.0 * 0.25 / (1.0 + growth))
    assert finding.next_rate == pytest.approx(0.25 / (1.0 + growth))


@pytest.mark.parametrize("norms", [np.ones(12), 0.5 ** np.arange(12), [1.0]], ids=len)
@pytest.mark.parametrize(("start", "times"), [(1.0, 6.0), (2.0, 3.0), (0.0, math.inf)])
def test_growth_without_a_limit_is_measured_by_the_loss(start, times, norms):
    run = {"norms": np.array(norms), "curve": np.append(start, np.full(9, 6.0)), "rate": 0.25}
    finding = pace.divergence(evidence({"run": run, "reason": "diverged"}))
    assert (finding.number, finding.threshold) == (times, 1.0)
    assert finding.next_rate == 0.025


def test_a_known_limit_that_was_kept_is_said():
    run = {"curve": RISING, "rate": 0.25, "norms": 2.0 ** np.arange(12)}
    facts = {"run": run, "reason": "diverged", "problem": {"here.largest": 4.0, "top": 4.0}}
    finding = pace.divergence(evidence(facts))
    assert "0.5 would be stable where it began" in finding.sentence
    assert finding.next_rate == 0.025
    over = changed(facts, {"run": {"rate": 0.75}})
    assert pace.divergence(evidence(over)).threshold == 0.5


NOISY = {
    "run": {**BATCHES, "late": 0.0, "rate": 0.1, "curve": np.array([4.0, 1.0, 1.0, 1.0])},
    "problem": {"noise": GradientNoise(spread=8.0, signal=0.125), "batch_size": 8},
}


@pytest.mark.parametrize(
    ("curve", "fault"),
    [
        ([4.0, 1.0, 1.0, 1.0], False),  # 0.025 of a fall of 3: under a hundredth
        ([3.0, 1.0, 1.0, 1.0], True),
        ([1.0, 1.0, 1.0, 1.0], True),
        ([4e-3, 1e-3, 1e-3, 1e-3], True),
    ],
    ids=str,
)
def test_noise_is_a_fault_above_a_hundredth_of_the_fall(curve, fault):
    finding = pace.noise_floor(evidence(changed(NOISY, {"run": {"curve": np.array(curve)}})))
    assert finding.fault is fault
    assert finding.number == 8.0


@pytest.mark.parametrize("change", [{"noise": None}, {"batch_size": None}], ids=str)
def test_without_a_measure_of_noise_the_level_of_gradients_tells(change):
    facts = changed(NOISY, {"problem": change})
    norms = np.array([1e-3, 9.0, 1e-3, 1e-3])
    finding = pace.noise_floor(evidence(changed(facts, {"run": {"norms": norms}})))
    assert (finding.threshold, "at first 0.001" in finding.sentence) == (0.05, True)
    short = {"run": {"norms": norms, "curve": np.ones(3)}}
    assert pace.noise_floor(evidence(changed(facts, short))) is None


@pytest.mark.parametrize(
    ("size", "rises", "told"), [(8, 0.05, True), (7, 0.05, False), (8, 0.06, False)]
)
def test_a_steady_decline_takes_eight_values_and_few_rises(size, rises, told):
    run = {"late": 0.2, "rises": rises, "curve": np.linspace(2.0, 1.0, size)}
    assert (pace.crawling(evidence({"run": run, "rule": Adam()})) is not None) is told
