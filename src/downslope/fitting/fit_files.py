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
from downslope.checkpoint import fingerprint
from downslope.errors import InputError
from downslope.far import KEPT_ROWS
from downslope.fitting.aside import kept_apart, lots
from downslope.fitting.file_rows import FileRows, Tell, silent, understand_files
from downslope.fitting.file_walk import AnyRows, coded, walk
from downslope.fitting.fit import Ask, Fit, Prepared, fit_of, scored, settings_for, settled
from downslope.fitting.scores import log_loss
from downslope.kernels.making import stopwatch
from downslope.losses import predict_mean
from downslope.sources.blocks import BlockRows
from downslope.sources.cache import cached
from downslope.sources.held import HELD_BYTES, held, held_bytes
from downslope.sources.memory import Rows, join_rows, take_rows
from downslope.stopping import INTERRUPTED, Reason, Sight, interrupted
from downslope.targets import probabilities
from downslope.training import Settings, Trained

Array = Any
EachEpoch = Callable[[Sight], Reason | None]


def fit_files(
    source: str | Path | list[str],
    ask: Ask,
    *,
    cache: Path | None = None,
    separator: str = ",",
    tell: Tell = silent,
    each_epoch: EachEpoch | None = None,
    checkpoint: Checkpointing | None = None,
    cluster: str | None = None,
) -> Fit:
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
    each_epoch : callable or None
        Shown the run after every pass over the rows; a reason that it answers ends the run.
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
        return _fitted(rows, ask, cache, tell, each_epoch, checkpoint)
    from downslope.sources.cluster import connected
    from downslope.sources.dask import on_workers

    with connected(cluster):
        rows = understand_files(source, ask, separator, silent, on_workers)
        return _fitted(rows, ask, None, tell, each_epoch, checkpoint, on_cluster=True)


def _fitted(
    rows: FileRows,
    ask: Ask,
    cache: Path | None,
    tell: Tell,
    each_epoch: EachEpoch | None,
    checkpoint: Checkpointing | None,
    on_cluster: bool = False,
) -> Fit:
    began = stopwatch()
    ask = settled(ask, rows.view)
    settings = settings_for(ask, rows.view, rows.names)
    parts = kept_apart(quick(rows, cache, tell), ask.test_size, ask.seed)
    learned, aside = placed(parts, tell, on_cluster)
    mark = fingerprint([], {"rows": rows.key(), "settings": repr((settings, ask.test_size))})
    safe = None if checkpoint is None else (checkpoint, mark)
    trained = walk(learned.map(partial(coded, settings)), settings, each_epoch, safe)
    return finished(rows, ask, trained, learned, aside, began)


def finished(
    rows: FileRows,
    ask: Ask,
    trained: Trained,
    learned: AnyRows,
    aside: AnyRows,
    began: float,
) -> Fit:
    """The fit, judged by the rows kept aside.

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
    none = Rows(np.empty((0, len(rows.names))), np.empty(0), None)
    data = prepared(rows, ask, trained, learned, aside, none)
    done = fit_of(data, trained, 0.0)
    judged_on, target = aside if aside.n_rows else learned, rows.view.target
    pivot = float(np.mean(target.y)) if target.task == "regression" else 0.0
    models = [(done.coefficients, done.intercepts)]
    other = done.reference_weights()
    models += [] if other is None else [other]
    if done.reason != INTERRUPTED:  # nobody who interrupts waits for another pass
        try:
            found, few = judge(judged_on, trained.settings, models, target.task, pivot, ask.seed)
        except KeyboardInterrupt:
            done = replace(done, trained=done.trained.ended(interrupted()))
        else:
            scores = scored(found[0], None if other is None else found[1])
            data = prepared(rows, ask, trained, learned, aside, few if aside.n_rows else none)
            done = replace(done, data=data, scores=scores)
    return replace(done, seconds=stopwatch() - began)


def prepared(
    rows: FileRows, ask: Ask, trained: Trained, learned: AnyRows, aside: AnyRows, few: Rows
) -> Prepared:
    """What readers look at: a sample of the rows learned from, and ``few`` of those kept aside."""
    assert trained.rows is not None  # it was trained just now
    mine, notes = trained.rows, rows.view.notes
    X, y = np.vstack((mine.X, few.X)), np.concatenate((class_numbers(mine.y, rows), few.y))
    n, counts = mine.n_rows, (learned.n_rows, aside.n_rows)
    if n < learned.n_rows:
        notes = (
            *notes,
            f"Findings, figures and the reference solution look at {n:,} of the {learned.n_rows:,} "
            "rows learned from; the scores are of all rows kept aside.",
        )
    places = np.arange(n), np.arange(n, len(y))
    return Prepared(
        *(ask, rows.view, rows.encoder, rows.names, X, y, *places),
        *(trained.settings, notes, counts),
    )


def class_numbers(y: Array, rows: FileRows) -> Array:
    """Targets as a table in memory has them: numbers, or the numbers of classes."""
    if rows.view.target.task == "regression":
        return y
    return np.argmax(y, axis=1) if y.ndim == 2 else np.maximum(y, 0).astype(np.int64)


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
    models: list[tuple[Array, Array]],
    task: str,
    pivot: float,
    seed: int,
) -> tuple[list[dict[str, float]], Rows]:
    """Scores of coefficients and intercepts, and a sample of the rows, in one pass.

    R² and typical error, or accuracy and log loss; ``pivot`` is near the targets.
    """
    likely = settings.loss.link in ("logit", "softmax")
    share = KEPT_ROWS / rows.n_rows

    def squares(block: Rows) -> Array:
        y, found = block.y, []
        for coefficients, intercepts in models:
            z = np.asarray(block.X @ coefficients[0] + intercepts[0])
            mean = predict_mean(settings.loss, z)
            found.append([((y - mean) ** 2).sum(), (y - pivot).sum(), ((y - pivot) ** 2).sum()])
        return np.array(found)

    def hits(block: Rows) -> Array:
        found = []
        for coefficients, intercepts in models:
            z = np.asarray(block.X @ coefficients.T + intercepts)
            codes = np.maximum(block.y, 0).astype(np.int64)
            best = z[:, 0] > 0 if z.shape[1] == 1 else np.argmax(z, axis=1)
            surprise = log_loss(codes, probabilities("log_loss", z)) if likely else 0.0
            found.append([np.sum(best == codes), surprise * len(codes)])
        return np.array(found)

    def each(block: Rows) -> tuple[Array, Picked]:
        sums = (squares if task == "regression" else hits)(block)
        taken = take_rows(block, lots(block.first, len(block.y), seed + 1) < share)
        return sums, Picked((taken,))

    sums, picked = rows.total(each)
    few = join_rows(list(picked.blocks))
    if task == "regression":
        return [_of_squares(*found) for found in sums / rows.n_rows], few
    few = few._replace(y=np.maximum(few.y, 0).astype(np.int64))
    named = ("accuracy", "log loss")[: 1 + likely]
    return [dict(zip(named, found.tolist(), strict=False)) for found in sums / rows.n_rows], few


@dataclass(frozen=True)
class Picked:
    """Blocks of rows that were picked; they add up."""

    blocks: tuple[Rows, ...]

    def __add__(self, other: "Picked") -> "Picked":
        return Picked((*self.blocks, *other.blocks))


def _of_squares(first: float, second: float, third: float) -> dict[str, float]:
    spread = third - second**2
    r2 = 1.0 - first / spread if spread > 0 else np.nan
    return {"R²": float(r2), "typical error": float(first**0.5)}
