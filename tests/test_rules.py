"""Rules against PyTorch's trajectories, and the properties every rule has."""

import json
from functools import cache

import numpy as np
import pytest
from conftest import shared

from downslope.descend import begin, steps
from downslope.errors import SettingError
from downslope.losses import LogLoss, MeanSquares
from downslope.objective import Objective
from downslope.rates import Constant
from downslope.rules import RULES, AdamW, Momentum, make_rule
from downslope.sources.memory import MemoryRows

# Golden name -> our rule; a penalty in the golden run is added to the gradient by the problem.
SETTINGS = {
    "SGD": ("plain", {}),
    "SGD_wd": ("plain", {}),
    "SGD_momentum": ("momentum", {}),
    "SGD_dampening": ("momentum", {"dampening": 0.5}),
    "SGD_nesterov": ("nesterov", {}),
    "Adagrad": ("adagrad", {}),
    "Adadelta": ("adadelta", {}),
    "RMSprop": ("rmsprop", {}),
    "RMSprop_centered_mom": ("rmsprop", {"centered": True, "momentum": 0.9}),
    "Adam": ("adam", {}),
    "Adam_l2": ("adam", {}),
    "Adam_amsgrad": ("amsgrad", {}),
    "NAdam": ("nadam", {}),
    "AdamW": ("adamw", {"weight_decay": 0.1}),
}
PROBLEMS = ("quad50", "rosenbrock", "auto5_mse", "auto5_shift_mse", "auto5_logistic")
FEATURES = ("engine_size", "horsepower", "curb_weight", "width", "highway_mpg")


@cache
def golden() -> dict:
    return json.loads(shared("optim_golden/trajectories.json").read_text())


@cache
def automobiles() -> tuple[np.ndarray, np.ndarray]:
    table = np.genfromtxt(
        shared("automobiles.csv"), delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    return np.column_stack([table[c] for c in FEATURES]).astype(float), table["price"].astype(float)


def five_columns(loss, target):
    X, y = automobiles()
    Z = (X - X.mean(0)) / X.std(0)
    return Objective(MemoryRows(Z, target(y)), loss).value_and_gradient


class Golden:
    """One of the golden problems, answering what the walk asks; ``decay`` is PyTorch's L2."""

    has_rest = False

    def __init__(self, name: str, decay: float = 0.0) -> None:
        self.name, self.decay = name, decay

    def value_and_gradient(self, w, rows=None):
        value, gradient = getattr(self, self.name)(w)
        return value, gradient + self.decay * w

    def quad50(self, w):
        return 0.5 * (w[0] ** 2 + 50 * w[1] ** 2), np.array([w[0], 50 * w[1]])

    def rosenbrock(self, w):
        a, b = 1 - w[0], w[1] - w[0] ** 2
        return a * a + 100 * b * b, np.array([-2 * a - 400 * w[0] * b, 200 * b])

    def auto5_mse(self, w):
        return five_columns(MeanSquares(), lambda y: (y - y.mean()) / y.std())(w)

    def auto5_shift_mse(self, w):
        return five_columns(MeanSquares(), lambda y: (y - y.mean()) / y.std() + 0.5)(w)

    def auto5_logistic(self, w):
        return five_columns(LogLoss(), lambda y: np.where(y > y.mean(), 1.0, -1.0))(w)

    def rest(self, w):
        return 0.0

    def moved(self, w, direction, length):
        return w - length * direction

    def penalty_value(self, w):
        return 0.0

    def batches(self, size, seed, epoch):
        return iter((None,))

    def count(self, rows):
        return 1


def trajectory(problem, rule, rate, n):
    walk = steps(problem, begin(problem_start(problem.name), rule, rate), rule, rate)
    return np.array([next(walk).w for _ in range(n + 1)])[1:]


def problem_start(name):
    return np.array(golden()["problems"][name], dtype=float)


@pytest.mark.parametrize("optimizer", SETTINGS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_same_trajectory_as_pytorch(optimizer, problem):
    runs = golden()["runs"]
    run = next(
        r for r in runs if (r["lib"], r["optimizer"], r["problem"]) == ("torch", optimizer, problem)
    )
    name, settings = SETTINGS[optimizer]
    decay = 0.1 if optimizer in ("SGD_wd", "Adam_l2") else 0.0
    ours = trajectory(
        Golden(problem, decay), make_rule(name, **settings), Constant(run["kwargs"]["lr"]), 60
    )
    theirs = np.array(run["params_after_step"])
    if problem == "auto5_mse":
        # Exact gradient zero: Adam-like rules walk on rounding noise there (see downslope.rules).
        assert np.abs(theirs[:, -1]).max() < 2.0
        ours, theirs = ours[:, :-1], theirs[:, :-1]
    # Rosenbrock under momentum leaves the valley and comes back: chaos eats digits there.
    scale = np.abs(theirs).max(axis=0)
    np.testing.assert_allclose(ours / scale, theirs / scale, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_first_step_goes_downhill(name):
    rule = make_rule(name)
    gradient = np.array([3.0, -0.5])
    direction, _ = rule.direction(gradient, np.zeros(2), rule.init(np.zeros(2)), 0)
    assert (np.sign(direction) == np.sign(gradient)).all()


@pytest.mark.parametrize("name", RULES)
def test_memory_is_not_changed_in_place(name):
    rule = make_rule(name)
    memory = rule.init(np.zeros(2))
    before = [np.copy(part) for part in memory]
    rule.direction(np.array([3.0, -0.5]), np.zeros(2), memory, 0)
    for part, was in zip(memory, before, strict=True):
        np.testing.assert_array_equal(part, was)


@pytest.mark.parametrize("name", RULES)
def test_torch_tensors_pass_through(name):
    torch = pytest.importorskip("torch")
    rule, w, v = make_rule(name), np.array([1.0, -2.0]), torch.tensor([1.0, -2.0]).double()
    memory, memory_t = rule.init(w), rule.init(v)
    for k in range(5):
        w_step, memory = rule.direction(2 * w, w, memory, k)
        v_step, memory_t = rule.direction(2 * v, v, memory_t, k)
        w, v = w - 0.1 * w_step, v - 0.1 * v_step
    np.testing.assert_allclose(w, v.numpy(), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "share"),
    [(n, s) for n in ("plain", "momentum", "nesterov") for s in (0.999, 1.001)],
    ids=str,
)
def test_stable_product_is_the_edge(name, share):
    """On a quadratic, for the rules that see its curvature unscaled, the limit divides fates."""
    rule = make_rule(name)
    curvature = 4.0
    w, memory = 1.0, rule.init(1.0)
    rate = share * rule.stable_product / curvature
    sizes = []
    for k in range(20_000):
        step, memory = rule.direction(curvature * w, w, memory, k)
        w = w - rate * step
        sizes.append(abs(w))
        if sizes[-1] > 1e6:
            break
    assert (sizes[-1] > 1e3) == (share > 1.0)


def test_momentum_zero_is_plain():
    problem, rate = Golden("rosenbrock"), Constant(1e-3)
    plain = trajectory(problem, make_rule("plain"), rate, 30)
    for rule in (Momentum(0.0), make_rule("nesterov", beta=0.0)):
        np.testing.assert_array_equal(trajectory(problem, rule, rate, 30), plain)


def test_adamw_without_decay_is_adam():
    problem, rate = Golden("rosenbrock"), Constant(1e-2)
    adam = trajectory(problem, make_rule("adam"), rate, 30)
    ours = trajectory(problem, AdamW(weight_decay=0.0), rate, 30)
    np.testing.assert_array_equal(ours, adam)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("newton", {}, "newton"),
        ("adam", {"beta": 0.9}, "beta1"),
        ("momentum", {"beta": 1.0}, "1.0"),
    ],
)
def test_wrong_settings_are_refused_with_the_value(name, settings, said):
    with pytest.raises(SettingError, match=said):
        make_rule(name, **settings)


SHARES = [
    ("momentum", "beta"),
    ("nesterov", "beta"),
    ("adadelta", "rho"),
    ("rmsprop", "alpha"),
    ("rmsprop", "momentum"),
    *[
        (name, beta)
        for name in ("adam", "amsgrad", "nadam", "adamw")
        for beta in ("beta1", "beta2")
    ],
]


@pytest.mark.parametrize(("name", "setting"), SHARES)
def test_the_refusal_names_rule_and_setting(name, setting):
    with pytest.raises(SettingError, match=rf"^{name} {setting}=1\.5 "):
        make_rule(name, **{setting: 1.5})


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(SettingError, match=f"^rule='adm' is unknown; .* {', '.join(RULES)}\\.$"):
        make_rule("adm")
    said = "^rule 'adam' was given a, b; the settings it has: beta1, beta2, eps.$"
    with pytest.raises(SettingError, match=said):
        make_rule("adam", a=1, b=2)
    with pytest.raises(
        SettingError, match=r"^rule 'plain' was given a; the settings it has: none\.$"
    ):
        make_rule("plain", a=1)


def test_adamw_is_adam_with_its_own_eps_and_the_decay_of_the_weights():
    gradient, w = np.array([0.5, -0.25]), np.array([2.0, -4.0])
    ours, theirs = AdamW(weight_decay=0.125, eps=0.5), make_rule("adam", eps=0.5)
    step, _ = ours.direction(gradient, w, ours.init(w), 0)
    plain, _ = theirs.direction(gradient, w, theirs.init(w), 0)
    np.testing.assert_allclose(step, plain + 0.125 * w)
