"""The watcher as a callback of Lightning and of Hugging Face's Trainer, where those are installed.

trainer = lightning.Trainer(callbacks=[watcher := lightning_callback()])
trainer.fit(model, loader)
print(watcher.run.diagnose())
"""

from contextlib import ExitStack
from importlib import import_module
from typing import Any

from downslope.errors import MissingExtraError
from downslope.modules.watch import Watched, watch


class Listening:
    """A watch that is begun and ended by calls instead of a ``with``."""

    def __init__(self, loss: Any) -> None:
        self.loss = loss
        self.run: Watched | None = None
        self._stack = ExitStack()

    def begin(self, module: Any) -> None:
        self.run = self._stack.enter_context(watch(module, self.loss))

    def end_epoch(self) -> None:
        if self.run is not None:
            self.run.end_epoch()

    def end(self) -> None:
        self._stack.close()


def lightning_callback(loss: Any = None) -> Any:
    """A ``lightning.Callback`` that watches the fit; its ``run`` is a ``Watched`` from then on.

    Parameters
    ----------
    loss : torch.nn.Module, optional
        As in ``watch``.

    Raises
    ------
    MissingExtraError
        If neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """
    base = _found("Callback", "lightning.pytorch", "pytorch_lightning")

    class LightningWatch(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            self.listening = Listening(loss)

        @property
        def run(self) -> Watched | None:
            return self.listening.run

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            self.listening.begin(pl_module)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self.listening.end_epoch()

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            self.listening.end()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self.listening.end()

    return LightningWatch()


def trainer_callback(loss: Any = None) -> Any:
    """A ``transformers.TrainerCallback`` that watches a ``Trainer``; as ``lightning_callback``.

    Raises
    ------
    MissingExtraError
        If ``transformers`` is not installed.
    """
    base = _found("TrainerCallback", "transformers")

    class TrainerWatch(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            self.listening = Listening(loss)

        @property
        def run(self) -> Watched | None:
            return self.listening.run

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.listening.begin(kwargs["model"])

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.listening.end_epoch()

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.listening.end()

    return TrainerWatch()


def _found(name: str, *libraries: str) -> Any:
    """The class of that name in the first library that is installed."""
    for library in libraries:
        try:
            return getattr(import_module(library), name)
        except ImportError:
            continue
    package = libraries[0].partition(".")[0]
    raise MissingExtraError(f"This callback needs {package}; pip install {package}.")
