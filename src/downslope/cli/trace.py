"""``downslope trace``: the walk by hand, every step with its arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

import downslope.cli.options as o
from downslope.cli.asking import names_in, number_or_name
from downslope.cli.codes import DONE, NOT_CONVERGED
from downslope.cli.keeping import Keeping
from downslope.cli.screen import Screen
from downslope.errors import InputError, SettingError
from downslope.wording import digits

if TYPE_CHECKING:
    from downslope.by_hand.worked import Worked

ALL_SHOWN = 12
FIRST_SHOWN, LAST_SHOWN = 3, 2

What = Annotated[
    str,
    typer.Argument(metavar="FORMULA|DATA", help="Such as '(w - 3)^2'; or a table, with --target."),
]
Start = Annotated[
    str | None, typer.Option(help="Where to begin, such as w=0,b=1; zeros by default.")
]
Rate = Annotated[str, typer.Option("--learning-rate", "-r", help="A number, or auto.")]
Steps = Annotated[int, typer.Option(help="Updates of the weights; 0 shows the start only.")]
Rule = Annotated[str, typer.Option(help="plain, momentum, nesterov, adam, ...")]
Feature = Annotated[
    str | None, typer.Option("--features", help="The one column x of the line through a table.")
]
Standard = Annotated[
    bool,
    typer.Option("--standardize", help="Give both columns mean 0 and population deviation 1."),
]
Along = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=FROM:TO:STEP",
        help="Also the loss along one weight, the others as at the start.",
    ),
]
FigureFile = Annotated[
    str | None, typer.Option("--figure", help="File for the figure: .png, .svg or .pdf.")
]
Surface = Annotated[bool, typer.Option("--bowl", help="Draw two weights as a surface.")]
Everything = Annotated[bool, typer.Option("--all", help="Write every step out, however many.")]


def trace(
    what: What,
    start: Start = None,
    learning_rate: Rate = "auto",
    steps: Steps = 3,
    rule: Rule = "plain",
    target: o.Target = None,
    features: Feature = None,
    standardize: Standard = False,
    along: Along = None,
    every: Everything = False,
    figure: FigureFile = None,
    bowl: Surface = False,
    trace: o.TraceFile = None,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> int:
    """Walk downhill by hand: the slopes, and each step with its arithmetic written out.

    Example: downslope trace "(w - 3)^2" --start w=0 --learning-rate 0.1
    """
    if steps < 0:
        raise SettingError(f"--steps {steps} is negative; use 0 or more.")
    Keeping(figure=figure, trace=trace).check()
    screen = Screen(quiet, json)
    places, rate = places_in(start), number_or_name(learning_rate)
    walking = (rate, steps, rule)
    if target is None and not Path(what).is_file():
        ground = down_formula(what, places, walking)
    else:
        ground = through_table(what, target, features, standardize, places, walking)
    grid = values_along(along, ground)
    show(ground.walk, every, screen)
    if grid:
        screen.head(f"{ground.loss} along {along}")
        rows = [[digits(place), digits(height)] for place, height in grid]
        screen.table([str(along).partition("=")[0], ground.loss], rows, left=0)
    if trace is not None:
        ground.walk.trace.save(trace)
        screen.say(f"Every step is in {trace}.")
    if figure is not None:
        draw(ground, figure, bowl)
        screen.say(f"The figure is in {figure}.")
    screen.answer(as_json(ground.walk, grid))
    return NOT_CONVERGED if ground.walk.result.reason.name == "diverged" else DONE


class Ground(NamedTuple):
    """A walk written out, and what it walked on."""

    walk: Worked
    problem: Any
    names: tuple[str, ...]
    first: Any
    loss: str


def down_formula(
    text: str, places: dict[str, float], walking: tuple[float | str, int, str]
) -> Ground:
    """The walk down a typed formula; weights without a start begin at 0."""
    from downslope.by_hand.formula import trace_formula
    from downslope.problems.formula import parse

    formula = parse(text)
    begin = places or dict.fromkeys(formula.names, 0.0)
    walk = trace_formula(formula, begin, *walking)
    return Ground(walk, formula, formula.names, formula.point(begin), "f")


def through_table(
    data: str,
    target: str | None,
    features: str | None,
    standardize: bool,
    places: dict[str, float],
    walking: tuple[float | str, int, str],
) -> Ground:
    """The line through a table's points."""
    import numpy as np

    from downslope.by_hand.line import trace_line
    from downslope.fitting.rate_range import standardized
    from downslope.losses import MeanSquares
    from downslope.objective import Objective
    from downslope.sources.memory import MemoryRows
    from downslope.tables import read_table, understand

    table, chosen = read_table(data), names_in(features)
    view = understand(table, target, features=chosen, task="regression")
    columns = [column.name for column in view.features]
    if len(columns) != 1:
        raise SettingError(
            f"{table.name}: a line by hand goes over one column, not {len(columns)} "
            f"({', '.join(columns[:3])}...); name it with --features."
        )
    unknown = set(places) - {"w", "b"}
    if unknown:
        raise InputError(f"The line has the weights w and b, not {unknown.pop()!r}.")
    x, y = np.asarray(view.table.columns[columns[0]], dtype=float), view.target.y
    if standardize:
        x, y = standardized(x, "regression"), standardized(y, "regression")
    first = (places.get("w", 0.0), places.get("b", 0.0))
    walk = trace_line(x, y, first, *walking, names=(columns[0], view.target.name))
    problem = Objective(MemoryRows(x[:, None], y), MeanSquares())
    return Ground(walk, problem, ("w", "b"), np.array(first), "L")


def places_in(text: str | None) -> dict[str, float]:
    """``w=0,b=1`` as a dictionary.

    >>> places_in("w=0, b=-1.5")
    {'w': 0.0, 'b': -1.5}
    """
    places = {}
    for part in (text or "").split(","):
        name, sign, number = part.partition("=")
        try:
            if text:
                places[name.strip()] = float(number if sign else "no number")
        except ValueError:
            raise SettingError(
                f"--start {part.strip()!r} is not NAME=NUMBER; write --start w=0,b=1."
            ) from None
    return places


def values_along(text: str | None, ground: Ground) -> list[tuple[float, float]]:
    """Places along one weight and the loss at each, the others as at the start."""
    if text is None:
        return []
    import numpy as np

    names = ground.names
    name, _, span = text.partition("=")
    try:
        low, high, step = (float(part) for part in span.split(":"))
        places = np.arange(low, high + step / 2.0, step) if step > 0.0 else np.empty(0)
    except ValueError:
        places = np.empty(0)
    if name not in names or not 0 < len(places) <= 1000:
        raise SettingError(
            f"--along {text!r} is not NAME=FROM:TO:STEP with one of {', '.join(names)} and at most "
            f"1,000 places; write --along {names[0]}=0:10:1."
        )
    rows = []
    for place in places:
        w = np.array(ground.first, dtype=float)
        w[names.index(name)] = place
        rows.append((float(place), float(ground.problem.value(w))))
    return rows


def show(walk: Worked, every: bool, screen: Screen) -> None:
    """The walk as it would stand on paper; of a long one its first and last steps."""
    for line in walk.opening:
        screen.say(line)
    screen.say()
    blocks = list(walk.steps)
    hidden = 0 if every or len(blocks) <= ALL_SHOWN else len(blocks) - FIRST_SHOWN - LAST_SHOWN
    for k, (first, *rest) in enumerate(blocks):
        if hidden and FIRST_SHOWN <= k < len(blocks) - LAST_SHOWN:
            if k == FIRST_SHOWN:
                screen.say(f"... {hidden:,} more steps (--all writes them out)", "dim")
            continue
        screen.say(first, "bold")
        for line in rest:
            screen.say(f"  {line}")
    screen.say()
    for line in walk.ending:
        screen.say(line)


def draw(ground: Ground, file: str, bowl: bool) -> None:
    """The figure of a walk, around the place that it is heading for."""
    from downslope.fitting.walk_picture import picture
    from downslope.minimizing.minimize import minimize
    from downslope.pictures.style import save

    path = ground.walk.trace.weights
    assert path is not None  # a walk by hand keeps its weights
    ahead = minimize(ground.problem, path[-1])
    goal = ahead.w if ahead.reason.converged else None
    drawn = picture(
        ground.problem.value, path, ground.names, goal=goal, value_name=ground.loss, bowl=bowl
    )
    save(drawn, file)


def as_json(walk: Worked, grid: list[tuple[float, float]]) -> dict[str, Any]:
    """The same for programs."""
    reason = walk.result.reason
    return {
        "opening": walk.opening,
        "steps": list(walk.trace.rows()),
        "written": walk.steps,
        "ending": walk.ending,
        "reason": {"name": reason.name, "sentence": reason.sentence},
        "along": grid,
    }
