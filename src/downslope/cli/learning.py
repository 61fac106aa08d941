"""What ``fit`` and ``demo`` do with a table and a wish: train, show, keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from downslope.cli.codes import code_of
from downslope.cli.interruption import saved_first
from downslope.cli.keeping import Keeping, Kept
from downslope.cli.screen import Screen, listed
from downslope.wording import digits, duration, one_line, score_number

if TYPE_CHECKING:
    from downslope.bowl.pass_log import Checkpointing
    from downslope.diagnosis.diagnose import Diagnosis
    from downslope.fitting.asked import Ask
    from downslope.fitting.fit import Fit, Prepared
    from downslope.fitting.round_picture import Round
    from downslope.tables import Table

MOST_COEFFICIENTS = 8
MOST_COLUMNS = 8
ASSUMED_TOL = 1e-6
"""For the time left only: what "auto" mostly means."""


def learn(
    table: Table,
    ask: Ask,
    keeping: Keeping,
    screen: Screen,
    checkpoint: Checkpointing | None = None,
    device: str | None = None,
) -> int:
    """Train, show and keep; the exit code."""
    from downslope.fitting.fit import fit, prepare

    data = prepare(table, ask)
    if keeping.in_round:
        from downslope.fitting.round_picture import refuse

        refuse(data)
    show_understanding(data, screen)
    tol = ask.tol if isinstance(ask.tol, float) else ASSUMED_TOL
    with screen.running(ask.max_iter, tol) as each_epoch:
        done = fit(data, each_epoch, checkpoint, device)
    return told_and_kept(done, keeping, screen)


def told_and_kept(done: Fit, keeping: Keeping, screen: Screen) -> int:
    """Show a fit and keep what is to be kept, wherever its rows came from; the exit code."""
    from downslope.fitting.telling import diagnosed

    kept = Kept()
    with saved_first():  # before what can take a while; the findings follow
        kept.put("model", keeping.model, done.model().save)
    diagnosis = diagnosed(done)
    show_ending(done, diagnosis, screen)
    show_coefficients(done, screen)
    show_findings(diagnosis, screen)
    keep(done, diagnosis, keeping, kept)
    show_files(kept.files, screen)
    screen.answer(as_json(done, diagnosis, kept.files))
    kept.check()
    return code_of(done.reason)


def show_understanding(data: Prepared, screen: Screen) -> None:
    """What the table was taken for."""
    from downslope.fitting.telling import rows_in_words

    view, target = data.view, data.view.target
    what = "numbers" if data.task == "regression" else f"{len(target.classes)} classes"
    screen.say(
        f"{view.table.name}: learning {one_line(target.name)}, {what} ({target.reason}); "
        f"{rows_in_words(data)}."
    )
    pairs = []
    for kind in dict.fromkeys(column.kind for column in view.features):
        names = [column.name for column in view.features if column.kind == kind]
        pairs.append((f"  {kind}", listed(names)))
    for title, used in (("  remark", True), ("  left out", False)):
        told = [c for c in view.columns if c.used is used and (c.remark or not used)]
        for column in told[:MOST_COLUMNS]:
            remark = f": {column.remark}" if column.remark else ""
            pairs.append((title, f"{one_line(column.name)}, {column.kind}{remark}"))
        if len(told) > MOST_COLUMNS:
            pairs.append((title, f"and {len(told) - MOST_COLUMNS:,} more"))
    screen.facts(pairs)
    for note in data.notes:
        screen.say(f"Note: {note}", "yellow")


def show_ending(done: Fit, diagnosis: Diagnosis, screen: Screen) -> None:
    """How it ended, and how good it is."""
    from downslope.fitting.telling import judged_in_words, stable_rate

    steps = int(done.trained.history["step"][-1])
    ending = done.reason.name.replace("_", " ").capitalize()
    style = "bold green" if done.reason.converged else "bold yellow"
    screen.say()
    taken = f"after {steps:,} step{'s' * (steps != 1)}" if steps else "at once"
    method = done.trained.result.method
    taken += f" of {method}" if steps and method else ""
    if done.data.counts is not None:
        taken += f" and {done.passes:,} passes over {done.data.n_learned:,} rows"
    screen.say(f"{ending} {taken}, in {duration(done.seconds)}.", style)
    screen.say(done.reason.sentence)
    limit, rate = stable_rate(done, diagnosis), float(done.trained.history["rate"][-1])
    if limit is not None:
        screen.say(f"Learning rate {digits(rate)}; the largest stable one is {digits(limit)}.")
    name = "" if done.reference is None else done.reference.name
    rows = [
        [score.name, score_number(score.value)]
        + ([score_number(score.reference)] if score.reference is not None else [])
        for score in done.scores
    ]
    screen.say()
    screen.table([judged_in_words(done), "this model", name][: 2 + bool(name)], rows)


def show_coefficients(done: Fit, screen: Screen) -> None:
    """The strongest coefficients, in the user's units."""
    from downslope.fitting.telling import adds_to, coefficient_name, strongest

    top = strongest(done, MOST_COEFFICIENTS)
    rows = [
        [one_line(coefficient_name(done, name, k), 40), digits(value), digits(reach)]
        for name, k, value, reach in top
    ]
    if len(done.intercepts) == 1 and done.data.ask.fit_intercept:
        rows.append(["intercept", digits(float(done.intercepts[0])), ""])
    hidden = done.coefficients.size - len(top)
    more = f" ({hidden:,} weaker ones not shown)" if hidden > 0 else ""
    screen.head(f"What each column adds to the {adds_to(done)}{more}")
    screen.table(["", "per unit", "per standard deviation"], rows)


def show_findings(diagnosis: Diagnosis, screen: Screen) -> None:
    """What the run shows, and what to try next."""
    from downslope.fitting.telling import told

    screen.head("What the run shows")
    for finding in told(diagnosis):
        screen.finding(*finding)


def keep(done: Fit, diagnosis: Diagnosis, keeping: Keeping, kept: Kept) -> None:
    """Write what is to be kept; the model, that is there already, with what the run shows."""
    from downslope.fitting.telling import score_words, told

    model = kept.files.get("model")
    if model is not None:
        told_too = done.model(told(diagnosis), score_words(done))
        with saved_first():
            kept.put("model", model, told_too.save)
    seen = _in_round(done) if keeping.in_round else None
    trained = done.trained
    steps = trained.history if seen is None else seen.trace(trained.result.trace)
    kept.put("trace", keeping.trace, steps.save)
    kept.put("report", keeping.report, lambda at: tell(done, diagnosis, at, seen))
    kept.put("figures", keeping.figures, lambda at: draw(done, diagnosis, Path(at), seen))


def _in_round(done: Fit) -> Round | None:
    from downslope.fitting.round_picture import round_of  # loads Matplotlib

    return round_of(done)


def tell(done: Fit, diagnosis: Diagnosis, at: str, seen: Round | None = None) -> None:
    """The report; what draws it is loaded only now."""
    from downslope.fitting.fit_report import story
    from downslope.pictures.report import save_report

    save_report(story(done, diagnosis, done.data.view.table.name, seen), at)


def draw(done: Fit, diagnosis: Diagnosis, folder: Path, seen: Round | None = None) -> None:
    """Every figure as SVG and PNG."""
    from downslope.fitting.fit_report import figures
    from downslope.pictures.style import save

    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures(done, diagnosis, seen).items():
        for ending in ("svg", "png"):
            save(figure, folder / f"{name}.{ending}")


def show_files(files: dict[str, str], screen: Screen) -> None:
    """What was written, and what to do next."""
    screen.head("Kept" if files else "Nothing was kept")
    if not files:
        screen.say("Add --out model and --report report.html to keep the model and its story.")
        return
    screen.facts([(f"  {kind}", name) for kind, name in files.items()])
    if "model" in files:
        screen.say(f"Next: downslope predict {files['model']} NEW.csv -o predictions.csv")


def as_json(done: Fit, diagnosis: Diagnosis, files: dict[str, str]) -> dict[str, Any]:
    """The same for programs."""
    bend, reason = diagnosis.curvature, done.reason
    return {
        "table": done.data.view.table.name,
        "task": done.data.task,
        "target": done.data.view.target.name,
        "classes": done.data.view.target.classes,
        "rows": {"learned": done.data.n_learned, "kept_aside": done.data.n_aside},
        "columns": [
            {"name": c.name, "kind": c.kind, "used": c.used, "missing": c.n_missing,
             "remark": c.remark}
            for c in done.data.view.columns
        ],
        "reason": {
            "name": reason.name,
            "sentence": reason.sentence,
            "converged": reason.converged,
        },
        "steps": int(done.trained.history["step"][-1]),
        "passes": done.passes,
        "value": done.value,
        "bound": done.bound,
        "seconds": done.seconds,
        "scores": {
            score.name: {"value": score.value, "reference": score.reference}
            for score in done.scores
        },
        "reference": None if done.reference is None else done.reference.name,
        "coefficients": [
            dict(zip(done.data.names, row, strict=True)) for row in done.coefficients.tolist()
        ],
        "intercepts": done.intercepts.tolist(),
        "curvature": None
        if bend is None
        else {
            "largest": bend.largest,
            "smallest": bend.smallest,
            "condition": bend.condition,
            "stable_rate": bend.stable_rate(done.trained.rule),
            "best_rate": bend.best_rate(done.trained.rule),
        },
        "findings": diagnosis.to_dict()["findings"],
        "notes": done.data.notes,
        "files": files,
    }  # fmt: skip
