"""Files larger than memory -> rows of numbers: ``fitting.prepare`` without the memory.

files -> a sample is understood -> one pass learns levels and gaps of all rows, and keeps few rows
-> rows stream

What a column is, and the median that stands for a missing number, come from a sample of the rows,
taken from parts all over the files; category levels and what is missing come from all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
import pyarrow.compute

from downslope.checkpoint import fingerprint
from downslope.errors import InputError
from downslope.fitting.fit import Ask
from downslope.sources.arrow import Files, give_back, open_files
from downslope.sources.blocks import BlockRows
from downslope.sources.cache import EarlyCache
from downslope.sources.held import FirstReading
from downslope.sources.memory import Rows
from downslope.tables import Encoder, Table, Understood, understand
from downslope.tables.aims import Target
from downslope.tables.cells import Spelling, read, spell
from downslope.tables.features import CategoryCode, Code, NumberCode, TextCode, ranked_levels
from downslope.tables.words import Words, as_words, glimpse
from downslope.targets import check_range

Array = Any
Tell = Callable[[str, int, int], None]
"""Told which pass goes on, how many rows more it has read, and of how many (0: not known)."""
Over = Callable[[Callable[[Any], "Seen"], list[Any]], Iterable["Seen"]]
"""Applies a function to the parts of the files, here or on the workers of a cluster."""
SAMPLE_ROWS, SAMPLE_CELLS = 100_000, 1_000_000
SAMPLE_PARTS = 16
MOST_LEVELS = 100_000
"""Levels of one category that are counted; more make an identifier, which is refused by name."""


def silent(what: str, rows: int, of: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class FileRows:
    """Files that are understood, and how each batch of them becomes rows.

    Attributes
    ----------
    files : Files
    view : Understood
        Of the sample.
    encoder : Encoder
    spelling : Spelling
        How the target is written.
    lengths : tuple of int
        Rows with a target in each part of the files.
    stamps : list of tuple
        Of the files when they were opened; see ``Files.stamps``.
    first : FirstReading
        What is kept of the pass over all rows.
    """

    files: Files
    view: Understood
    encoder: Encoder
    spelling: Spelling
    stamps: list[tuple[str, int, int]]
    first: FirstReading
    lengths: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(label for code in self.encoder.codes for label in code.names())

    @property
    def columns(self) -> list[str]:
        """Columns to read; the others stay on the disk."""
        return [*(code.name for code in self.encoder.codes), self.view.target.name]

    def encoded(self, batch: pyarrow.RecordBatch, first: int = 0) -> Rows:
        """Features and targets of a batch; rows without a target are left out."""
        table = as_table(self.files.name, batch)
        y = self.targets(table)
        known = ~np.isnan(y)
        plain = self.plain(batch)
        X = self.encoder.encode(table).X if plain is None else plain
        return Rows(X, y, None, first) if known.all() else Rows(X[known], y[known], None, first)

    def at_once(self, batch: pyarrow.RecordBatch) -> Rows | None:
        """Rows of a batch that does not ask what the others hold; else None."""
        X = self.plain(batch)
        if X is None:
            return None
        y = self.targets(as_table(self.files.name, batch))
        return None if np.isnan(y).any() else Rows(X, y, None)

    def plain(self, batch: pyarrow.RecordBatch) -> Array | None:
        """The features of a batch of finite numbers that stand for themselves; else None.

        What ``encoder`` would say column by column, and several times as fast.
        """
        columns = [batch.column(code.name) for code in self.encoder.codes]
        if not all(map(_stands_for_itself, self.encoder.codes, columns)):
            return None
        X = np.empty((batch.num_rows, len(columns)))
        for j, column in enumerate(columns):
            X[:, j] = column.to_numpy()
        return X if np.isfinite(X).all() else None

    def targets(self, table: Table) -> Array:
        """Numbers; -1 and +1 for two classes, 0, 1, 2 ... for more; NaN where missing."""
        target = self.view.target
        column, where = table.columns[target.name], table.where(target.name)
        if target.task == "regression":
            return read(column, self.spelling, where)
        values = read(column, self.spelling, where)
        if self.spelling.kind == "number":
            return self._numbered(values, table.name)
        # Classes that read as yes or no keep the names they have.
        words = values if isinstance(values, Words) else as_words(column, self.spelling.missing)
        two = len(target.classes) == 2
        codes = {name: 2.0 * i - 1.0 if two else i for i, name in enumerate(target.classes)}
        names = words.names()
        new = [name for name in names if name not in codes]
        if new:
            raise self._no_class(new[0], table.name)
        return np.array([*(codes[name] for name in names), np.nan])[words.codes]

    def _numbered(self, values: Array, where: str) -> Array:
        """Class numbers of classes that are numbers themselves."""
        classes = np.array([float(name) for name in self.view.target.classes])
        place = np.searchsorted(classes, values).clip(max=len(classes) - 1)
        missing = np.isnan(values)
        new = ~missing & (classes[place] != values)
        if new.any():
            first = repr(float(values[int(np.argmax(new))])).removesuffix(".0")
            raise self._no_class(first, where)
        codes = 2.0 * place - 1.0 if len(classes) == 2 else 1.0 * place
        return np.where(missing, np.nan, codes)

    def _no_class(self, found: str, where: str) -> InputError:
        target = self.view.target
        return InputError(
            f"{where}: the target {glimpse(target.name)} holds {glimpse(found)}, which is not one "
            f"of the classes {', '.join(target.classes)} of the sample that was looked at; mend "
            "it, or leave such rows out."
        )

    def source(self) -> BlockRows:
        """The rows, read and encoded anew in every pass but the first, if that was kept."""
        parts, firsts = self.files.parts(), [0, *accumulate(self.lengths)]

        def read_part(i: int) -> Iterator[Rows]:
            first = firsts[i]
            for batch in self.first.again(i) or self.files.read(parts[i], self.columns):
                rows = self.encoded(batch, first)
                first += len(rows.y)
                if len(rows.y):
                    yield rows

        return BlockRows(read_part, len(parts), firsts[-1], len(self.names))

    def key(self) -> str:
        """Names the data and their encoding: what a cache of these rows is called."""
        what = {"files": self.stamps, "encoder": self.encoder.to_json()}
        return fingerprint([], what | {"target": self.view.target.name})[:32]


def understand_files(
    source: str | Path | list[str],
    ask: Ask,
    separator: str = ",",
    tell: Tell = silent,
    over: Over = map,
    hold: int = 0,
    cache: Path | None = None,
) -> FileRows:
    """Understand files by a sample, and learn levels and gaps in one pass over all rows.

    At most ``hold`` bytes of that pass are kept, so that few rows are read no second time; more go
    to ``cache`` at once, where they are plain numbers.

    Raises
    ------
    InputError, SettingError
        In a sentence, before anything is trained.
    """
    files = open_files(source, separator).as_text()
    stamps = files.stamps()
    head = _head(files)
    give_back()
    rows = understood(files, stamps, head, ask, FirstReading(hold))
    if cache is None:
        return _learn_all(rows, ask.loss, tell, over)
    early = EarlyCache(cache, rows.key())
    try:
        first = FirstReading(hold, early)
        return _learn_all(replace(rows, first=first), ask.loss, tell, over)
    except BaseException:
        early.give_up()
        raise


def understood(
    files: Files, stamps: list[tuple[str, int, int]], sample: Any, ask: Ask, first: FirstReading
) -> FileRows:
    """What a sample of the rows, a record batch, tells about files.

    Raises
    ------
    InputError, SettingError
        In a sentence.
    """
    head = as_table(files.name, sample)
    view = understand(
        head,
        ask.target,
        features=ask.features,
        drop=ask.drop,
        task=ask.task,
        kinds=dict(ask.kinds),
    )
    view = replace(view, notes=(*view.notes, *_gaps_of_files(files)))
    target = view.target
    encoder = Encoder.learn(view)
    for code in encoder.codes:
        if isinstance(code, TextCode):
            raise InputError(
                f"{files.name}: column {glimpse(code.name)} is free text, which makes too many "
                f"columns to stream; leave it out with --drop {code.name!r}."
            )
    forced = "words" if dict(ask.kinds).get(target.name) in ("category", "text") else None
    spelling = spell(head.columns[target.name], head.habits, head.where(target.name), forced)
    if files.is_text:
        files = files.typed(_plain_numbers(head, encoder, target, spelling))
    return FileRows(files, view, encoder, spelling, stamps, first)


def _gaps_of_files(files: Files) -> list[str]:
    """A note about files that lack columns: their rows count as missing there."""
    lacking = files.lacking()
    if not lacking:
        return []
    path, names = next(iter(lacking.items()))
    absent = ", ".join(map(glimpse, names[:3])) + ", ..." * (len(names) > 3)
    others = f", and {len(lacking) - 1} more files lack columns" if len(lacking) > 1 else ""
    return [
        f"{path} has no column {absent}{others}; such cells count as missing. Leave files out "
        "that belong to another table."
    ]


def as_table(name: str, batch: Any) -> Table:
    """A batch of rows as a table; its cells are named by their row in the batch."""
    columns = {column: batch.column(column) for column in batch.schema.names}
    return Table(name, columns, np.arange(batch.num_rows), "row")


def joined(batches: list[Any]) -> Any:
    """Record batches as one."""
    return pyarrow.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _head(files: Files) -> Any:
    """A sample: the first rows of parts spread over the whole; others stand in for empty ones."""
    parts, columns = files.parts(), max(1, len(files.columns))
    step = max(1, len(parts) // SAMPLE_PARTS)
    spread = [part for first in range(step) for part in parts[first::step]]
    wanted = min(SAMPLE_ROWS, max(1000, SAMPLE_CELLS // columns))
    each = -(-wanted // max(1, len(parts[::step])))
    firsts = (_first(files, part, each) for part in spread)
    taken = list(islice(filter(None, firsts), len(parts[::step])))
    if not taken:
        raise InputError(f"{files.name} has 0 data rows; there is nothing to learn from.")
    return joined([batch for part in taken for batch in part])


def _first(files: Files, part: Any, n_rows: int) -> list[Any]:
    """The first rows of a part, as batches."""
    taken = []
    for batch in files.read(part, most=n_rows):
        taken.append(batch.slice(0, n_rows))
        n_rows -= len(taken[-1])
        if n_rows <= 0:
            break
    return taken


def _plain_numbers(
    head: Table, encoder: Encoder, target: Target, spelling: Spelling
) -> dict[str, Any]:
    """Columns of text that can be read as numbers at once, which is much faster."""
    numbers = [c.name for c in encoder.codes if c.spelling == Spelling("number")]
    if target.task == "regression" or spelling == Spelling("number"):
        numbers.append(target.name)
    return {name: pyarrow.float64() for name in numbers if _casts(head.columns[name])}


def _casts(column: Any) -> bool:
    try:
        pyarrow.compute.cast(column, pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return False
    return True


class Seen(NamedTuple):
    """What one part of the files holds."""

    n_rows: int
    gaps: set[str]
    levels: dict[str, Counter[str]]


def _learn_part(rows: FileRows, loss: str, tell: Tell, numbered: tuple[int, Any]) -> Seen:
    i, part = numbered
    codes, n_rows, gaps = rows.encoder.codes, 0, set()
    levels = {code.name: Counter[str]() for code in codes if isinstance(code, CategoryCode)}
    read_part = rows.files.read(part, rows.columns)
    for batch, numbers in rows.first.through(i, read_part, rows.at_once):
        table = as_table(rows.files.name, batch)
        for code in codes if numbers is None else ():
            values = read(table.columns[code.name], code.spelling, table.where(code.name))
            if _has_gaps(values):
                gaps.add(code.name)
            if isinstance(values, Words) and code.name in levels:
                counts = zip(values.names(), values.counts().tolist(), strict=True)
                levels[code.name].update(dict(counts))
                _refuse_many(levels[code.name], rows.files.name, code.name)
        y = rows.targets(table) if numbers is None else numbers.y
        check_range(loss, y)
        n_rows += int((~np.isnan(y)).sum())
        tell("looking at the columns", batch.num_rows, rows.files.n_rows)
    return Seen(n_rows, gaps, levels)


def _learn_all(rows: FileRows, loss: str, tell: Tell, over: Over) -> FileRows:
    """With the levels, the gaps and the lengths of all rows."""
    codes = rows.encoder.codes
    levels = {code.name: Counter[str]() for code in codes if isinstance(code, CategoryCode)}
    gaps: set[str] = set()
    lengths, numbered = [], list(enumerate(rows.files.parts()))
    for seen in over(partial(_learn_part, rows, loss, tell), numbered):
        for name, counts in seen.levels.items():
            levels[name].update(counts)
            _refuse_many(levels[name], rows.files.name, name)
        gaps |= seen.gaps
        lengths.append(seen.n_rows)
    if not sum(lengths):
        raise InputError(f"{rows.files.name}: no row has a target; name another column.")
    learned = tuple(
        _recoded(code, levels.get(code.name), code.name in gaps, sum(lengths)) for code in codes
    )
    known = replace(rows, encoder=replace(rows.encoder, codes=learned), lengths=tuple(lengths))
    if rows.first.early is not None:
        rows.first.early.finish(known.key())
    return known


def _stands_for_itself(code: Code, column: Any) -> bool:
    if not isinstance(code, NumberCode) or code.flag or code.hours:
        return False
    return bool(
        code.spelling == Spelling("number")
        and column.type == pyarrow.float64()
        and column.null_count == 0
    )


def _has_gaps(values: Any) -> bool:
    missing = values.codes < 0 if isinstance(values, Words) else np.isnan(values)
    return bool(missing.any())


def _refuse_many(levels: Counter[str], where: str, column: str) -> None:
    if len(levels) > MOST_LEVELS:
        raise InputError(
            f"{where}: column {glimpse(column)} has more than {MOST_LEVELS:,} levels, too many for "
            f"one weight each; leave it out with --drop {column!r}."
        )


def _recoded(code: Code, levels: Counter[str] | None, gaps: bool, n_rows: int) -> Code:
    if isinstance(code, CategoryCode) and levels is not None:
        usual, often, rare = ranked_levels(list(levels), list(levels.values()), n_rows)
        return replace(code, usual=usual, levels=often, rare=rare, flag=gaps)
    return replace(code, flag=gaps) if isinstance(code, NumberCode) else code
