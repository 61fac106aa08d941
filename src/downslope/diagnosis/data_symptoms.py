"""Symptoms of the data and of the model: what no learning rate mends.

Every public function answers a ``Finding`` or None.
"""

import math

import numpy as np

from downslope.diagnosis.findings import Evidence, Finding

FAR = 1e8
"""Deviations from zero beyond which half of a column's digits are the same in every row."""
MOST_NAMED = 5
"""Columns that a sentence names; more are no explanation."""


def gradient_bug(e: Evidence) -> Finding | None:
    """The gradient is not the slope of the value."""
    if not e.gradient_error > 1e-2:
        return None
    return Finding(
        "gradient_bug",
        e.gradient_error,
        1e-2,
        f"The gradient differs from the measured slope by {e.gradient_error:.2g} of its size "
        "(0.01 or more is wrong, kinks excepted).",
        "Check the derivative against (f(w + h) - f(w - h)) / 2h, one weight at a time.",
    )


def bad_rows(e: Evidence) -> Finding | None:
    """Rows that are not numbers, or that outweigh all others together."""
    table = e.table
    if table is not None and len(table.bad_rows):
        rows = ", ".join(str(i) for i in table.bad_rows[:5])
        return Finding(
            "bad_rows",
            float(len(table.bad_rows)),
            0.0,
            f"{len(table.bad_rows)} of {table.n_rows} rows hold numbers that are not finite "
            f"(0 allowed), the first at {rows}.",
            "Drop or repair these rows; no learning rate helps.",
        )
    if table is not None and table.n_rows >= 20:
        for (row, share), what in ((table.heaviest, "features"), (table.wildest, "target")):
            if share > 0.5:
                return Finding(
                    "bad_rows",
                    share,
                    0.5,
                    f"Row {row} alone holds {share:.1%} of the sum of squares of the {what} "
                    "(50% is suspicious).",
                    f"Look at row {row}: repair or drop it, or use a robust loss such as huber.",
                )
    return _spike(e)


def _spike(e: Evidence) -> Finding | None:
    """One batch far out of line with its neighbours, or numbers that end without warning."""
    norms = e.run.norms
    if not np.isfinite(e.run.ends[0]):
        return Finding(
            "bad_rows",
            0.0,
            1.0,
            "Not even the first step (step 0; 1 finite step is the least) gave finite numbers.",
            "Look for missing or endless numbers in the rows, and for a start that overflows.",
        )
    if e.run.full_batch or len(norms) < 20:
        return None
    finite = norms[np.isfinite(norms)]
    if len(finite) < len(norms) and len(finite) >= 20:
        before = float(finite[-5:].max() / np.median(finite))
        if before < 20.0:
            return Finding(
                "bad_rows",
                before,
                20.0,
                f"The gradient was {before:.2g} times its median (20 would be a run-away) just "
                f"before step {len(finite)}, and then not a number: a bad row, not a rate.",
                f"Look at the rows of the batch of step {len(finite)} for missing numbers.",
            )
    half = finite[len(finite) // 2 :]
    spike = float(half.max() / max(np.median(half), 1e-300)) if len(half) else 0.0
    if spike < 20.0 or not e.run.finite or e.run.exploded:
        return None
    step = len(finite) - len(half) + int(np.argmax(half))
    return Finding(
        "bad_rows",
        spike,
        20.0,
        f"The gradient of the batch at step {step} was {spike:.3g} times the median of its half "
        "of the run (20 is out of line).",
        f"Look at the rows of that batch, or clip gradients at {5.0 * np.median(half):.3g}.",
    )


def overfitting(e: Evidence) -> Finding | None:
    """The validation loss rises while the training loss still falls."""
    if e.validation is None:
        return None
    step, best, last, training_fell = e.validation
    if not (training_fell and last - best > 0.05 * abs(best)):
        return None
    rise = 1.0 + (last - best) / abs(best) if best != 0.0 else math.inf
    return Finding(
        "overfitting",
        rise,
        1.05,
        f"The validation loss rose to {rise:.3g} times its best (1.05 allowed), reached at step "
        f"{step}, while the training loss went on falling.",
        f"Stop at step {step} (early stopping), strengthen the L2 penalty, or bring more rows.",
        fault=e.reason != "validation",
    )


def separable(e: Evidence) -> Finding | None:
    """Classes told apart without error: the log loss has no minimum."""
    if e.margin is None or not e.run.finite:
        return None
    if not e.margin > 0.0:
        return _told_in_part(e)
    names = _mostly(e)
    by = f", nearly all of it by {_listed(names)}" if names else ""
    return Finding(
        "separable",
        e.margin,
        0.0,
        f"The classes are told apart without error (smallest margin {e.margin:.3g}, above 0){by}, "
        "so the log loss falls for ever and the weights grow without end.",
        "Add penalty='l2' (alpha = 1 / rows is a start); the decision itself is settled.",
        names=names,
    )


def _told_in_part(e: Evidence) -> Finding | None:
    """Columns whose word is final on some rows, although others are mixed."""
    if not e.telling:
        return None
    (first, rows), *others = e.telling
    names = tuple(each.name for each in e.telling)
    also = f", and so do {_listed(names[1:])} on theirs" if others else ""
    return Finding(
        "separable",
        float(rows),
        0.0,
        f"{first} alone tells the classes apart on {rows:,} rows (0 would leave its weight "
        f"finite){also}: the log loss falls for ever while such a weight grows without end.",
        "Add penalty='l2' (alpha = 1 / rows is a start), or join such a level with another; the "
        "other weights can be believed.",
        names=names,
    )


def _mostly(e: Evidence) -> tuple[str, ...]:
    """The few columns that make up 90% of what the raw predictions vary by, the largest first."""
    if e.table is None or e.problem is None or e.table.spreads is None:
        return ()
    spreads = e.table.spreads
    if len(e.problem.w) % len(e.table.names) or len(e.table.names) < len(spreads):
        return ()
    weights = np.abs(e.problem.w.reshape(len(e.table.names), -1)[: len(spreads)]).max(axis=1)
    parts = weights * spreads
    order = np.argsort(-parts)
    share = np.cumsum(parts[order]) / max(float(parts.sum()), 1e-300)
    few = 1 + int(np.searchsorted(share, 0.9))
    return tuple(e.table.names[j] for j in order[:few]) if few <= MOST_NAMED else ()


def leak(e: Evidence) -> Finding | None:
    """The features hold the target itself."""
    table, p = e.table, e.problem
    if table is None or table.correlations is None or table.n_rows < 20:
        return None
    best = int(np.argmax(table.correlations)) if len(table.correlations) else -1
    if best >= 0 and table.correlations[best] > 0.999:
        return Finding(
            "leak",
            float(table.correlations[best]),
            0.999,
            f"Column {table.names[best]!r} alone explains {table.correlations[best]:.4%} of the "
            "target (99.9% is too good): it may hold the answer.",
            f"Drop {table.names[best]!r} unless it is known at the time of prediction.",
            names=(table.names[best],),
        )
    if p is None or p.least_squares is None or not table.target_variance > 0.0:
        return None
    if table.n_rows < 10 * len(table.correlations):
        return None  # few rows are always explained by many columns
    missed = p.least_squares / table.target_variance
    if not missed < 1e-5:
        return None
    parts = np.abs(p.w[: len(table.correlations)]) * table.spreads
    order = np.argsort(-parts)
    share = np.cumsum(parts[order]) / max(parts.sum(), 1e-300)
    names = tuple(table.names[j] for j in order[: 1 + int(np.searchsorted(share, 0.99))])
    return Finding(
        "leak",
        1.0 - missed,
        1.0 - 1e-5,
        f"The features explain {1.0 - missed:.5%} of the target (99.999% is too good), nearly all "
        f"of it by {_listed(names)}: they may hold the answer.",
        f"Drop {_listed(names)} unless they are known at the time of prediction.",
        names=names,
    )


def rank_deficient(e: Evidence) -> Finding | None:
    """Columns that add up to one another."""
    if e.table is None or not e.table.dependent:
        return None
    names, rest = e.table.dependent, e.table.rest
    how = f"but for {rest:.0e} of their spread, which is rounding" if rest else "exactly"
    return Finding(
        "rank_deficient",
        float(len(names)),
        0.0,
        f"{len(names)} columns depend on one another {how} (0 is right): {_listed(names)}. "
        "Their single coefficients are not determined; predictions are.",
        f"Drop one of {_listed(names)}, or add penalty='l2'.",
        names=names,
    )


def constant_column(e: Evidence) -> Finding | None:
    """Columns that never change."""
    if e.table is None or not e.table.constant:
        return None
    names = e.table.constant
    return Finding(
        "constant_column",
        float(len(names)),
        0.0,
        f"{len(names)} column(s) never change (0 is right): {_listed(names)}. They say nothing.",
        f"Drop {_listed(names)}.",
        names=names,
    )


def far_from_zero(e: Evidence) -> Finding | None:
    """Columns that hardly vary for their size: few of their sixteen digits say anything."""
    if e.table is None or e.distances is None:
        return None
    far = np.flatnonzero(e.distances > FAR)
    if not len(far):
        return None
    names = tuple(e.table.names[j] for j in far)
    most = float(e.distances[far].max())
    left = max(0, math.floor(-math.log10(most * np.finfo(float).eps)))
    return Finding(
        "far_from_zero",
        most,
        FAR,
        f"{_listed(names)} lie up to {most:.2g} of their own deviations from zero ({FAR:.0e} is "
        f"far): about {left} of their sixteen digits tell one row from another.",
        f"If more digits are known, subtract a constant from {_listed(names)} before rounding; if "
        "the variation is rounding itself, drop them.",
        fault=False,
        names=names,
    )


def _listed(names: tuple[str, ...]) -> str:
    """Names for a sentence, five at most."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
