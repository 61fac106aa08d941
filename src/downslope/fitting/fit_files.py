"""From files larger than memory to a trained and judged model; ``fitting.fit`` without the memory.

rows stream -> held, or cached -> scaled -> the round bowl, or batches -> judged on rows kept aside
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from downslope.bowl.pass_log import Checkpointing
from downslope.bowl.walks import Point
from downslope.checkpoint import fingerprint
from downslope.errors import InputError
from downslope.fitting.aside import kept_apart
from downslope.fitting.file_rows import FileRows, Tell, silent, understand_files
from downslope.fitting.file_walk import AnyRows, Walked, coded, walk
from downslope.fitting.fit import Ask, settings_for, settings_in_words, settled, shaped
from downslope.fitting.model import Model
from downslope.fitting.scores import log_loss
from downslope.kernels.making import stopwatch
from downslope.losses import predict_mean
from downslope.sources.blocks import BlockRows
from downslope.sources.cache import cached
from downslope.sources.held import HELD_BYTES, held, held_bytes
from downslope.sources.memory import Rows
from downslope.stopping import INTERRUPTED, Reason, interrupted
from downslope.targets import probabilities
from downslope.training import Settings

Array = Any


@dataclass(frozen=True)
class FileFit:
    """A model trained on files, and how it went.

    Attributes
    ----------
    model : Model
    reason : Reason
        Why training ended.
    value, bound : float
        The objective reached, and how far above the lowest it may be (NaN for batches).
    passes : float
        Reads of the rows while training.
    n_rows, n_aside : int
        Rows learned from, and rows kept aside to judge by.
    scores : dict of str to float
        On the rows kept aside.
    seconds : float
    """

    model: Model
    reason: Reason
    value: float
    bound: float
    passes: float
    n_rows: int
    n_aside: int
    scores: dict[str, float]
    seconds: float


def fit_files(
    source: str | Path | list[str],
    ask: Ask,
    *,
    cache: Path | None = None,
    separator: str = ",",
    tell: Tell = silent,
    watch: Callable[[Point], None] | None = None,
    checkpoint: Checkpointing | None = None,
    cluster: str | None = None,
) -> FileFit:
    """Train on files that need not fit into memory, and judge on rows kept aside.

    Parameters
    ----------
    source : path, glob, list of paths, or address that Arrow knows
        Parquet, Feather or CSV with a header.
    ask : Ask
        As for ``fitting.fit``. By default the round bowl, which needs no learning rate;
        ``batch_size`` with a ``learning_rate`` walks by shuffled batches.
    cache : Path or None
        Folder for encoded rows that are too many to be held in memory (96 MiB); None reads and
        encodes the files in every pass.
    separator : str, default ","
        Between the fields of CSV files.
    tell : callable
        Told which pass goes on, and the rows it reads.
    watch : callable or None
        Told of every point of the walk.
    checkpoint : Checkpointing or None
        Where the run is kept, so that it can go on after a crash.
    cluster : str or None
        ``tcp://host:port`` of a Dask scheduler, or ``local:N`` to start N workers here: they read
        the files, each its parts, and hold the rows; no cache is used.

    Raises
    ------
    InputError, SettingError, PairError
        In a sentence.
    """
    if cluster is None:
        rows = understand_files(source, ask, separator, tell, hold=HELD_BYTES, cache=cache)
        return _fitted(rows, ask, cache, tell, watch, checkpoint)
    from downslope.sources.cluster import connected
    from downslope.sources.dask import on_workers

    with connected(cluster):
        rows = understand_files(source, ask, separator, silent, on_workers)
        return _fitted(rows, ask, None, tell, watch, checkpoint, on_cluster=True)


def _fitted(
    rows: FileRows,
    ask: Ask,
    cache: Path | None,
    tell: Tell,
    watch: Callable[[Point], None] | None,
    checkpoint: Checkpointing | None,
    on_cluster: bool = False,
) -> FileFit:
    began = stopwatch()
    ask = settled(ask, rows.view)
    settings = settings_for(ask, rows.view, rows.names)
    parts = kept_apart(quick(rows, cache, tell), ask.test_size, ask.seed)
    learned, aside = placed(parts, tell, on_cluster)
    mark = fingerprint([], {"rows": rows.key(), "settings": repr((settings, ask.test_size))})
    safe = None if checkpoint is None else (checkpoint, mark)
    walked = walk(learned.map(partial(coded, settings)), settings, watch, safe)
    return finished(rows, ask, settings, walked, learned, aside, began)


def finished(
    rows: FileRows,
    ask: Ask,
    settings: Settings,
    walked: Walked,
    learned: AnyRows,
    aside: AnyRows,
    began: float,
) -> FileFit:
    """The model of a walk, judged by the rows kept aside.

    Raises
    ------
    InputError
        If the files have changed meanwhile, or the weights are not finite.
    """
    if rows.files.stamps() != rows.stamps:
        raise InputError(
            f"{rows.files.name} has changed while it was read, so the model would be of no one "
            "table; copy it, or wait until nothing writes to it."
        )
    coefficients, intercepts = shaped(walked.w, len(rows.names), settings.fit_intercept)
    if not (np.isfinite(coefficients).all() and np.isfinite(intercepts).all()):
        raise InputError(
            f"{rows.files.name}: training ended in weights that are not finite, so there is no "
            "model; look for cells of enormous size, or use a smaller learning rate."
        )
    judged_on, target = aside if aside.n_rows else learned, rows.view.target
    pivot = float(np.mean(target.y)) if target.task == "regression" else 0.0
    scores: dict[str, float] = {}
    try:
        if walked.reason != INTERRUPTED:  # nobody who interrupts waits for another pass
            scores = judge(judged_on, settings, coefficients, intercepts, target.task, pivot)
    except KeyboardInterrupt:
        walked = replace(walked, reason=interrupted())
    return FileFit(
        model_of(rows, ask, settings, walked, scores, coefficients, intercepts),
        walked.reason,
        walked.value,
        walked.bound,
        walked.passes,
        learned.n_rows,
        aside.n_rows,
        scores,
        stopwatch() - began,
    )


def quick(rows: FileRows, cache: Path | None, tell: Tell) -> BlockRows:
    """The rows so that passes are quick: in memory where they are few, else from the cache."""
    everything = rows.source()
    if rows.first.parts and held_bytes(everything) <= HELD_BYTES:
        return held(everything)
    if cache is None:
        return everything
    return cached(heard(everything, "writing the cache", tell), cache, rows.key())


def heard(rows: BlockRows, what: str, tell: Tell) -> BlockRows:
    """The same rows; every block that is read is told."""

    def told(block: Rows) -> Rows:
        tell(what, len(block.y), rows.n_rows)
        return block

    return rows.map(told)


def placed(
    parts: tuple[BlockRows, BlockRows], tell: Tell, on_cluster: bool
) -> tuple[AnyRows, AnyRows]:
    """Rows to learn from and rows to judge by, here or in the memory of the workers."""
    learned, aside = parts
    if not on_cluster:
        return heard(learned, "training", tell), heard(aside, "judging", tell)
    from downslope.sources.dask import part_rows

    tell("reading on the workers", 0, learned.n_rows)
    held = part_rows(learned), part_rows(aside) if aside.n_rows else aside
    tell("training", 0, learned.n_rows)
    return replace(held[0], tell=partial(tell, "training")), held[1]


def judge(
    rows: AnyRows,
    settings: Settings,
    coefficients: Array,
    intercepts: Array,
    task: str,
    pivot: float,
) -> dict[str, float]:
    """R² and typical error, or accuracy and log loss, in one pass; ``pivot``: near y."""

    def squares(block: Rows) -> Array:
        z, y = np.asarray(block.X @ coefficients[0] + intercepts[0]), block.y
        mean = predict_mean(settings.loss, z)
        return np.array([((y - mean) ** 2).sum(), (y - pivot).sum(), ((y - pivot) ** 2).sum()])

    def hits(block: Rows) -> Array:
        z = np.asarray(block.X @ coefficients.T + intercepts)
        codes = (block.y > 0 if z.shape[1] == 1 else block.y).astype(np.int64)
        best = z[:, 0] > 0 if z.shape[1] == 1 else np.argmax(z, axis=1)
        surprise = log_loss(codes, probabilities("log_loss", z)) if likely else 0.0
        return np.array([np.sum(best == codes), surprise * len(codes)])

    likely = settings.loss.link in ("logit", "softmax")
    if task == "regression":
        first, second, third = rows.total(squares) / rows.n_rows
        spread = third - second**2
        r2 = 1.0 - first / spread if spread > 0 else np.nan
        return {"R²": float(r2), "typical error": float(first**0.5)}
    right, surprise = rows.total(hits) / rows.n_rows
    return {"accuracy": float(right)} | ({"log loss": float(surprise)} if likely else {})


def model_of(
    rows: FileRows,
    ask: Ask,
    settings: Settings,
    walked: Walked,
    scores: dict[str, float],
    coefficients: Array,
    intercepts: Array,
) -> Model:
    """The model to keep."""
    reason, target = walked.reason, rows.view.target
    return Model(
        task=target.task,
        target=target.name,
        classes=target.classes,
        loss=ask.loss,
        parameter=settings.loss.parameter,
        encoder=rows.encoder,
        names=rows.names,
        coefficients=coefficients,
        intercepts=intercepts,
        asked=settings_in_words(ask),
        ended=(reason.name, reason.sentence, reason.converged),
        scores={name: f"{value:.6g}" for name, value in scores.items()},
        notes=rows.view.notes,
    )
