"""As many rows as it takes: a fit that stops reading when the mean loss is near enough the lowest.

pieces of the files in random order -> a sample is understood -> a model of the rows so far
-> fresh rows tell how far it may be above the lowest -> near enough, or more rows

The fresh rows are the ones that the model is judged by. Where half of all rows would not do, all
are read: by ``fit_files``, or, where that is known only after a good part of them has been read and
the memory holds them, by drawing the rest.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from downslope.bowl.held_out import Height, height_above
from downslope.bowl.regimes import CORNERS
from downslope.bowl.solve_stream import BlockPasses
from downslope.clock import overdue, time_limit
from downslope.errors import PairError, SettingError
from downslope.fitting.aside import kept_apart
from downslope.fitting.file_rows import FileRows, Tell, joined, silent, understood
from downslope.fitting.file_walk import coded, walk
from downslope.fitting.fit import Ask, Fit, settings_for, settled
from downslope.fitting.fit_files import finished, fit_files
from downslope.kernels.making import stopwatch
from downslope.scaling import standardize, unscaled
from downslope.sources.arrow import Files, open_files
from downslope.sources.blocks import BlockRows
from downslope.sources.held import HELD_BYTES, FirstReading, held
from downslope.sources.memory import Rows, one_class
from downslope.sources.scattered import PIECE_BYTES, Piece, pieces, read_piece
from downslope.stopping import Reason, out_of_time
from downslope.training import Settings, Trained

Array = Any
FIRST_ROWS = 16_384
"""Rows of the first sample, and of the first fresh rows."""
FEWEST_PIECES = 64
"""Fewer pieces are no fair sample."""
MOST_SHARE = 0.5
"""Of the pieces; where more are needed all are read, in order."""
MOST_OF_FEW = 0.8
"""Of the pieces, where those that were drawn need not be read again if they do not do."""
SUNK = 0.2
"""Share of the pieces from which on it pays to draw the rest rather than to read all again."""
SPARE = 1.1
"""More rows than the last look asks for, since the next is as uncertain."""


@dataclass
class Deck:
    """Pieces that are drawn one after the other."""

    files: Files
    order: list[Piece]
    drawn: int = 0
    n_rows: int = field(default=0)

    def draw(self, files: Files, columns: list[str], n_rows: int) -> Iterator[Any]:
        """Record batches of the next pieces, until they hold about so many rows."""
        seen = 0
        while seen < n_rows and self.drawn < len(self.order):
            for batch in read_piece(files, self.order[self.drawn], columns):
                seen += batch.num_rows
                yield batch
            self.drawn += 1
        self.n_rows += seen

    @property
    def share(self) -> float:
        """Of the pieces that are drawn."""
        return self.drawn / len(self.order)

    def could_end(self, n_features: int) -> bool:
        """Whether the memory holds all rows, as far as can be told."""
        return 8.0 * (n_features + 1) * self.n_rows / max(self.share, 1e-9) <= HELD_BYTES

    def holds(self, more: int, n_features: int) -> bool:
        """Whether so many rows more leave enough pieces unread."""
        per_piece = self.n_rows / max(1, self.drawn)
        most = MOST_OF_FEW if self.could_end(n_features) else MOST_SHARE
        return self.drawn + more / max(per_piece, 1.0) <= most * len(self.order)


def fit_within(
    source: str | Path | list[str],
    ask: Ask,
    within: float,
    *,
    cache: Path | None = None,
    separator: str = ",",
    tell: Tell = silent,
) -> Fit:
    """Train on as many rows as bring the mean loss within ``within`` of the lowest.

    Parameters
    ----------
    source : path, glob, list of paths, or address that Arrow knows
        Parquet, Feather or CSV with a header.
    ask : Ask
        As for ``fit_files``; ``test_size`` counts where all rows are read only, since else the
        rows that told the bound are those that the model is judged by.
    within : float
        In units of the loss. The bound holds at two standard deviations.
    cache, separator, tell
        As for ``fit_files``.

    Returns
    -------
    Fit

    Raises
    ------
    InputError, SettingError, PairError
        In a sentence; a loss with corners and an L1 penalty tell no such bound.
    """
    if not 0.0 < within < float("inf"):
        raise SettingError(
            f"within={within} is no height above the lowest loss; use one above 0, such as 0.001."
        )
    _refuse_corners(ask)
    began, files = stopwatch(), open_files(source, separator).as_text()
    stamps, deck = files.stamps(), Deck(files, pieces(files, ask.seed, PIECE_BYTES))
    if len(deck.order) >= FEWEST_PIECES:
        sample = joined(list(deck.draw(files, files.columns, FIRST_ROWS)))
        rows = understood(files, stamps, sample, ask, FirstReading())
        asked = settled(ask, rows.view)
        settings = settings_for(asked, rows.view, rows.names)
        drawn = [rows.encoded(sample)]
        with time_limit(settings.max_seconds):
            found = _near_enough(rows, settings, drawn, deck, within, tell)
            if found is None and deck.share >= SUNK and deck.could_end(len(rows.names)):
                found = _all(rows, asked, settings, drawn, deck, tell)
        if found is not None:
            trained, learned, fresh = found
            return finished(rows, asked, trained, learned, fresh, began)
    return fit_files(source, ask, cache=cache, separator=separator, tell=tell)


def _near_enough(
    rows: FileRows,
    settings: Settings,
    drawn: list[Rows],
    deck: Deck,
    within: float,
    tell: Tell,
) -> tuple[Trained, BlockRows, BlockRows] | None:
    """A walk over few rows that ends near enough, with the rows learned and the fresh ones.

    What is drawn on the way is added to ``drawn``.
    """
    learned = list(drawn)
    fresh = _drawn(rows, deck, FIRST_ROWS, drawn, tell)
    while True:
        source = _source(learned)
        trained = walk(source.map(partial(coded, settings)), settings)
        height = _height(trained.w, source, fresh, settings)
        if height.bound > within and (spent := overdue()) is not None:
            return _ended(trained, out_of_time(spent, height.bound), height), source, _source(fresh)
        while height.bound > within:
            anew, wanted = _to_learn_anew(height, within, learned, fresh)
            more = _to_tell(height, within, fresh)
            if more > anew + wanted:
                break
            # Weights near enough may want more rows to tell, and no other weights.
            if not deck.holds(more, source.n_features):
                return None
            fresh += _drawn(rows, deck, more, drawn, tell)
            height = _height(trained.w, source, fresh, settings)
        else:
            return _ended(trained, _told(height, within, deck), height), source, _source(fresh)
        if not deck.holds(anew + wanted, source.n_features):
            return None
        learned = learned + fresh + _drawn(rows, deck, anew, drawn, tell)
        fresh = _drawn(rows, deck, wanted, drawn, tell)


def _ended(trained: Trained, reason: Reason, height: Height) -> Trained:
    """A walk that ends for what fresh rows told of it."""
    return replace(trained, result=replace(trained.result, reason=reason, bound=height.bound))


def _to_tell(height: Height, within: float, fresh: list[Rows]) -> int:
    """Fresh rows more that tell the same weights to be near enough, if they are as near as likely.

    What noise adds to the bound shrinks with the rows or with their root; between is taken.
    """
    if height.likely >= within:
        return sys.maxsize
    times = ((height.bound - height.likely) / (within - height.likely)) ** 1.5
    return int(min(SPARE * (times - 1.0) * _count(fresh), 1e15)) + 1


def _to_learn_anew(
    height: Height, within: float, learned: list[Rows], fresh: list[Rows]
) -> tuple[int, int]:
    """Rows more to learn from, beside the fresh ones, and other fresh ones.

    Noise shrinks with the rows, those learned from and those that tell.
    """
    had = _count(fresh)
    wanted = int(max(1.0, min(SPARE * height.usual / within, 1e6)) * had)
    return max(0, wanted - _count(learned) - had), wanted


def _count(blocks: list[Rows]) -> int:
    return sum(len(block.y) for block in blocks)


def _all(
    rows: FileRows, ask: Ask, settings: Settings, drawn: list[Rows], deck: Deck, tell: Tell
) -> tuple[Trained, BlockRows, BlockRows]:
    """A walk over all rows, of which a good part is drawn."""
    _drawn(rows, deck, sys.maxsize, drawn, tell)
    whole = held(_source(drawn))
    drawn.clear()
    learned, aside = kept_apart(whole, ask.test_size, ask.seed)
    return walk(learned.map(partial(coded, settings)), settings), learned, aside


def _drawn(rows: FileRows, deck: Deck, n_rows: int, drawn: list[Rows], tell: Tell) -> list[Rows]:
    """More rows, which are added to those drawn so far."""
    found = []
    for batch in deck.draw(rows.files, rows.columns, max(0, n_rows)):
        found.append(rows.encoded(batch))
        tell("reading a sample", batch.num_rows, 0)
    found = [block for block in found if len(block.y)]
    drawn.extend(found)
    return found


def _source(blocks: list[Rows]) -> BlockRows:
    d = int(blocks[0].X.shape[1])
    return BlockRows(lambda i: iter(blocks[i : i + 1]), len(blocks), _count(blocks), d)


def _height(w: Array, source: BlockRows, fresh: list[Rows], settings: Settings) -> Height:
    """Of all outputs together."""
    d, k, penalty = source.n_features, settings.n_outputs, settings.penalty
    even = settings.scaling != "none" and penalty.l2 > 0.0
    scaling = standardize(source, with_center=settings.fit_intercept) if even else unscaled(d)
    blocks = [coded(settings, block) for block in fresh]
    softmax = settings.loss.link == "softmax"
    outputs = k if softmax else 1
    scale = np.append(np.repeat(scaling.scale, outputs), np.zeros(outputs * settings.fit_intercept))
    passes = BlockPasses(settings.loss, settings.fit_intercept, np.zeros(d), outputs)
    heights = []
    for c in range(1 if softmax else k):
        mine = blocks if outputs == k else [one_class(block, c) for block in blocks]
        weights = w if outputs == k else w.reshape(-1, k)[:, c]
        heights.append(height_above(weights, mine, passes, penalty.l2 * scale**2))
    return Height(*np.sum(heights, axis=0).tolist())


def _told(height: Height, within: float, deck: Deck) -> Reason:
    n = deck.n_rows * len(deck.order) // deck.drawn
    return Reason(
        "converged",
        f"At most {height.bound:.1e} above the lowest possible loss over all rows, at two standard "
        f"deviations: {deck.n_rows:,} of about {n:,.0f} rows tell, and {within:g} was asked for.",
        converged=True,
    )


def _refuse_corners(ask: Ask) -> None:
    edged = ask.penalty in ("l1", "elasticnet") and ask.alpha != 0.0
    if ask.loss in CORNERS or edged:
        what = f"penalty={ask.penalty!r}" if edged else f"loss={ask.loss!r}"
        raise PairError(
            f"within does not go with {what}, whose slope jumps, so that a few rows do not "
            "tell how far the lowest loss is; leave within out, or use a smooth loss and L2."
        )
