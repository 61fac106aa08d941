"""``downslope sweep``: what becomes of each learning rate, and which one to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import downslope.cli.options as o
from downslope.cli.asking import ask_from, numbers_in
from downslope.cli.codes import DONE
from downslope.cli.keeping import Keeping
from downslope.cli.screen import Screen
from downslope.errors import SettingError
from downslope.wording import digits, one_line

if TYPE_CHECKING:
    from downslope.sweeping.sweep import Sweep

BAR = 24
STYLES = {"diverging": "red", "oscillating": "yellow", "just right": "green"}
UNUSED = {
    "eta0": 0.01,
    "learning_rate": "auto",
    "max_iter": 1,
    "max_seconds": None,
    "tol": "auto",
    "test_size": 0.0,
}
"""Settings of a fit that a sweep has no use for."""

Rates = Annotated[
    str | None,
    typer.Option(help="Rates with commas between; by default a range around the stable limit."),
]
Steps = Annotated[int, typer.Option(help="Steps per rate.")]
FigureFile = Annotated[
    str | None, typer.Option("--figure", help="File for the figure: .png, .svg or .pdf.")
]
UnitTarget = Annotated[
    bool, typer.Option("--standardize-target", help="Give the target mean 0 and deviation 1 too.")
]


def sweep(
    data: o.Data,
    target: o.Target = None,
    task: o.Task = "auto",
    features: o.FeatureNames = None,
    drop: o.Drop = None,
    kind: o.Kind = None,
    loss: o.Loss = "auto",
    parameter: o.Parameter = None,
    penalty: o.PenaltyName = "l2",
    alpha: o.Alpha = None,
    seed: o.Seed = 42,
    batch_size: o.BatchSize = "full",
    rule: o.RuleName = "auto",
    scaling: o.Scaling = "auto",
    standardize_target: UnitTarget = False,
    rates: Rates = None,
    steps: Steps = 100,
    figure: FigureFile = None,
    header: o.Header = None,
    separator: o.Separator = None,
    encoding: o.Encoding = None,
    decimal: o.Decimal = None,
    day_first: o.DayFirst = None,
    missing: o.Missing = None,
    skip_lines: o.SkipLines = 0,
    skip_last: o.SkipLast = None,
    skip_bad_rows: o.SkipBadRows = False,
    comment: o.Comment = None,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> int:
    """Run a range of learning rates at once and say what becomes of each.

    Example: downslope sweep cars.csv --target price --figure rates.png
    """
    given = dict(locals())
    if steps < 1:
        raise SettingError(f"--steps {steps} is too few; use 1 or more.")
    Keeping(figure=figure).check()
    screen = Screen(quiet, json)
    from downslope.fitting.rate_range import figure_of, problem_of, rate_range
    from downslope.tables import read_table

    table, ask = read_table(data, **o.reading(given)), ask_from(UNUSED | given)
    problem = problem_of(table, ask, standardize_target)
    found = rate_range(problem, ask, numbers_in(rates), steps)
    columns = "columns as they are" if scaling == "none" else "standardised columns"
    name = "" if target is None else one_line(target)
    screen.say(f"{table.name}: {steps} steps towards {name} from weights 0, on {columns}.")
    show(found, screen)
    if figure is not None:
        from downslope.pictures.style import save

        save(figure_of(found, f"objective ({problem.loss.name})"), Path(figure))
        screen.say(f"The figure is in {figure}.")
    screen.answer(as_json(found, figure))
    return DONE


def show(found: Sweep, screen: Screen) -> None:
    """A line per rate: where it ended, as a number and as a bar."""
    from downslope.fitting.rate_range import ends, regimes

    start, last, names = float(found.values[0, 0]), ends(found), regimes(found)
    lowest = min((end for end in last if end == end), default=start)
    span = (start - lowest) or 1.0
    screen.say()
    screen.table(
        ["regime", "", "learning rate", f"loss after {len(found.values) - 1} steps"],
        [
            [name, bar((end - lowest) / span), digits(rate), digits(end)]
            for name, rate, end in zip(names, found.rates, last, strict=True)
        ],
        left=2,
        styles=[STYLES.get(name, "") for name in names],
    )
    screen.say()
    screen.say(found.limit.source)
    screen.say(found.reason, "bold")


def bar(share: float) -> str:
    """Height above the lowest end, as a share of the start's; an arrow where it is off the scale.

    >>> bar(0.5), bar(float("inf"))
    ('████████████', '███████████████████████▶')
    """
    if not share <= 1.05:
        return "█" * (BAR - 1) + "▶"
    return "█" * round(max(share, 0.0) * BAR) or "▏"


def as_json(found: Sweep, figure: str | None) -> dict[str, Any]:
    """The same for programs."""
    from downslope.fitting.rate_range import regimes

    return found.to_dict() | {"regimes": regimes(found), "figure": figure}
