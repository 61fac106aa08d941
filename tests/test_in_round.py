"""The same problem in round coordinates: every reader works there too."""

import numpy as np
import pytest
from bowl_problems import problem

from downslope.curvature import curvature, hessian
from downslope.descend import run
from downslope.diagnosis.diagnose import diagnose
from downslope.errors import PairError
from downslope.landscapes.in_round import in_round
from downslope.landscapes.landscape import over_weights
from downslope.losses import MeanSquares, make_loss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxSteps


def skewed(loss="mse", l2=1e-3):
    p = problem("gauss", loss, n=400, d=4)
    return Objective(MemoryRows(p.X, p.y), p.loss, Penalty(l2=l2))


@pytest.mark.parametrize("loss", ["mse", "log_loss", "poisson"])
def test_it_is_the_same_problem_and_round(loss):
    target, rng = skewed(loss), np.random.default_rng(0)
    w, v = 0.1 * rng.normal(size=target.size), rng.normal(size=target.size)
    seen = in_round(target, w)
    u = seen.to_round(w)
    np.testing.assert_allclose(seen.to_weights(u), w, rtol=1e-9)
    assert seen.value(u) == pytest.approx(target.value(w), rel=1e-9)
    np.testing.assert_allclose(hessian(seen, u), np.eye(target.size), atol=1e-7)
    value, gradient = seen.value_and_gradient(u)
    there = seen.value_and_gradient(u + 1e-6 * v)[0] - seen.value_and_gradient(u - 1e-6 * v)[0]
    assert there / 2e-6 == pytest.approx(float(gradient @ v), rel=1e-5)
    assert value == pytest.approx(seen.value(u))
    assert seen.penalty_value(u) == pytest.approx(target.penalty_value(w))


def test_one_step_of_length_one_reaches_the_bottom_of_a_parabola():
    target = skewed()
    seen = in_round(target, np.zeros(target.size))
    u = np.full(seen.size, 3.0)
    result = run(seen, u, Plain(), Constant(1.0), [GradientNorm(1e-8), MaxSteps(5)])
    assert len(result.trace) == 2
    assert np.abs(target.value_and_gradient(seen.to_weights(result.w))[1]).max() < 1e-8
    slow = run(
        target,
        seen.to_weights(u),
        Plain(),
        Constant(1.9 / curvature(target, u).largest),
        [GradientNorm(1e-8), MaxSteps(500)],
    )
    assert len(slow.trace) == 501


def test_readers_work_in_round_coordinates():
    target = skewed("log_loss")
    seen = in_round(target, np.zeros(target.size))
    stops = [GradientNorm(1e-6), MaxSteps(300)]
    result = run(seen, np.zeros(seen.size), Plain(), Constant(1.0), stops, keep_weights=True)
    assert result.reason.converged
    facts = diagnose(result, seen)
    assert "ill_conditioned" not in {finding.symptom for finding in facts.findings}
    plane = over_weights(seen, result.w, (0, 1), ((-1.0, 1.0), (-1.0, 1.0)), 5)
    assert np.isfinite(plane.losses).all()


def test_directions_without_curvature_stay_as_they_are():
    X = np.ones((5, 2)) * np.arange(5.0)[:, None]
    target = Objective(MemoryRows(X, np.arange(5.0)), MeanSquares(), fit_intercept=False)
    seen = in_round(target, np.zeros(2))
    assert np.isfinite(seen.stretch).all()
    np.testing.assert_allclose(seen.stretch @ seen.shrink, np.eye(2), atol=1e-12)


def test_corners_are_refused():
    rows = MemoryRows(np.eye(3), np.ones(3))
    with pytest.raises(PairError, match="L1"):
        in_round(Objective(rows, make_loss("mse"), Penalty(l1=0.1)), np.zeros(4))
