"""Watching loops that are not ours: their numbers, their diagnosis, and no trace left behind."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from downslope.errors import MissingExtraError  # noqa: E402
from downslope.modules.callbacks import lightning_callback, trainer_callback  # noqa: E402
from downslope.modules.training import train  # noqa: E402
from downslope.modules.watch import FETCH, rule_of, watch  # noqa: E402
from downslope.rules import (  # noqa: E402
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Plain,
    RMSProp,
)

torch.set_num_threads(1)  # the modules are small; threads would only wait for each other
RANDOM = np.random.default_rng(0)
X = torch.tensor(RANDOM.normal(size=(60, 3)))
Y = torch.tensor(RANDOM.normal(size=(60, 1))) + X.sum(1, keepdim=True)


def make_module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Linear(3, 5, dtype=torch.float64),
            torch.nn.Tanh(),
            torch.nn.Linear(5, 1, dtype=torch.float64),
        )


def loop(module, loss, epochs=5, lr=0.05, run=None, batch=20):
    optimizer = torch.optim.SGD(module.parameters(), lr=lr)
    for epoch in range(epochs):
        order = np.random.default_rng((0, epoch)).permutation(60)
        for i in range(0, 60, batch):
            rows = order[i : i + batch]
            optimizer.zero_grad()
            loss(module(X[rows]), Y[rows]).backward()
            optimizer.step()
        if run is not None:
            run.end_epoch()


@pytest.mark.parametrize("loss", [torch.nn.MSELoss(), torch.nn.functional.mse_loss])
def test_what_is_seen_is_what_our_walk_records(loss):
    module = make_module()
    with watch(module, loss) as run:
        loop(module, loss, run=run)
    ours = train(
        make_module(), loss, (X, Y), rule="plain", rate=0.05, batch_size=20, max_epochs=5
    ).trace
    assert len(run.trace) == 15
    for column in ("step", "epoch", "value", "gradient_norm", "rate"):
        np.testing.assert_allclose(run.trace[column], ours[column][:15], rtol=1e-9)
    assert (np.diff(run.trace["seconds"]) >= 0.0).all()


def test_nothing_is_left_behind():
    before, module, loss = torch.Tensor.backward, make_module(), torch.nn.functional.mse_loss
    seen = []

    def interrupted():
        with watch(module, loss) as run:
            seen.append(run)
            loop(module, loss, epochs=1)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert torch.Tensor.backward is before
    assert not module._forward_hooks
    loop(module, loss, epochs=1)
    assert len(seen[0].trace) == 3


def test_validation_and_parts_of_a_batch_are_told_apart():
    module, loss = make_module(), torch.nn.MSELoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    with watch(module, loss) as run:
        for _ in range(4):
            optimizer.zero_grad()
            for half in (slice(0, 30), slice(30, 60)):
                (loss(module(X[half]), Y[half]) / 2).backward()
            optimizer.step()
            with torch.no_grad():
                loss(module(X), Y)
    values, held = run.trace["value"], run.trace["validation"]
    np.testing.assert_allclose(values[1:], held[1:], rtol=1e-9)
    assert math.isnan(held[0])


def test_two_losses_of_one_step_add_up():
    module = make_module()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    with watch(module) as run:
        first, second = (module(X) ** 2).mean(), (module(X) - Y).abs().mean()
        first.backward()
        second.backward()
        optimizer.step()
    assert run.trace["value"][0] == pytest.approx(first.item() + second.item())


def test_optimizers_of_other_modules_are_not_seen():
    module, other = make_module(), make_module()
    with watch(module) as run:
        loop(other, torch.nn.MSELoss(), epochs=1)
    assert len(run.trace) == 0


def test_numbers_past_all_bounds_are_recorded_and_named():
    module, loss = make_module(), torch.nn.MSELoss()
    with watch(module, loss) as run:
        loop(module, loss, epochs=60, lr=1e4, run=run, batch=60)
    assert not np.isfinite(run.trace["value"][-1])
    assert run.diagnose().verdict == "divergence"


def test_a_diagnosis_measures_and_changes_nothing():
    module, loss = make_module(), torch.nn.MSELoss()
    with watch(module, loss) as run:
        loop(module, loss, epochs=30, lr=1e-5, run=run, batch=60)
        weights = [p.detach().clone() for p in module.parameters()]
        places = [p.data_ptr() for p in module.parameters()]
        torch.manual_seed(3)
        expected = torch.rand(2)
        torch.manual_seed(3)
        found = run.diagnose()
        np.testing.assert_array_equal(torch.rand(2), expected)
        for p, before in zip(module.parameters(), weights, strict=True):
            np.testing.assert_array_equal(p.detach(), before)
        assert len(run.trace) == 30
        loop(module, loss, epochs=1, run=run, batch=60)
        assert len(run.trace) == 31
    assert found.verdict == "crawling"
    assert found.curvature is not None
    assert module.training
    assert [p.data_ptr() for p in module.parameters()] == places
    assert all(p.grad is not None for p in module.parameters())


def test_long_runs_are_fetched_in_parts_and_cut_into_epochs():
    module, loss = make_module(), torch.nn.MSELoss()
    steps = FETCH + 44
    with watch(module, loss) as run:
        loop(module, loss, epochs=steps, batch=60)
    assert len(run._waiting) == steps - FETCH
    trace = run.trace
    np.testing.assert_array_equal(trace["step"], np.arange(steps))
    np.testing.assert_array_equal(np.unique(trace["epoch"]), np.arange(20))


OPTIMIZERS = {
    "SGD": ({}, Plain()),
    "Adagrad": ({}, AdaGrad()),
    "Adadelta": ({}, AdaDelta()),
    "RMSprop": ({"momentum": 0.5}, RMSProp(momentum=0.5)),
    "Adam": ({"betas": (0.8, 0.9)}, Adam(0.8, 0.9)),
    "AdamW": ({}, AdamW()),
    "NAdam": ({}, NAdam()),
}
MORE = [
    ("SGD", {"momentum": 0.8}, Momentum(0.8)),
    ("SGD", {"momentum": 0.8, "nesterov": True}, Nesterov(0.8)),
    ("Adam", {"amsgrad": True}, AMSGrad()),
]


@pytest.mark.parametrize(
    ("name", "settings", "rule"), [(n, *rest) for n, rest in OPTIMIZERS.items()] + MORE
)
def test_rules_of_torch_are_known_by_ours(name, settings, rule):
    optimizer = getattr(torch.optim, name)(make_module().parameters(), lr=0.1, **settings)
    assert rule_of(optimizer) == rule


def test_an_optimizer_that_is_not_known_counts_as_plain():
    assert rule_of(None) == Plain()
    assert rule_of(torch.optim.Rprop(make_module().parameters())) == Plain()


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning's own, of PyTorch's
def test_lightning_runs_are_watched():
    lightning = pytest.importorskip("lightning", reason="Lightning is not installed")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layers = make_module()

        def training_step(self, batch, number):
            inputs, target = batch
            return torch.nn.functional.mse_loss(self.layers(inputs), target)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)

    rows = torch.utils.data.TensorDataset(X, Y)
    watcher = lightning_callback()
    lightning.Trainer(
        callbacks=[watcher],
        max_epochs=3,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    ).fit(Model(), torch.utils.data.DataLoader(rows, batch_size=20))
    trace = watcher.run.trace
    np.testing.assert_array_equal(trace["epoch"], np.repeat(np.arange(3), 3))
    assert np.isfinite(trace["value"]).all()
    assert (trace["gradient_norm"] > 0.0).all()


def test_hugging_face_runs_are_watched(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = make_module()

        def forward(self, inputs, labels):
            output = self.layers(inputs)
            return {"loss": torch.nn.functional.mse_loss(output, labels), "logits": output}

    rows = [{"inputs": x, "labels": y} for x, y in zip(X, Y, strict=True)]
    watcher = trainer_callback()
    settings = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=3,
        per_device_train_batch_size=20,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    transformers.Trainer(
        model=Model(), args=settings, train_dataset=rows, callbacks=[watcher]
    ).train()
    assert len(watcher.run.trace) == 9
    assert np.isfinite(watcher.run.trace["value"]).all()


@pytest.mark.parametrize("make", [lightning_callback, trainer_callback])
def test_without_the_library_the_callback_says_what_to_install(make, monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(MissingExtraError, match="pip install"):
        make()
