"""The figures of a fit and the page that tells it."""

from typing import Any

import numpy as np

from downslope.diagnosis.diagnose import Diagnosis
from downslope.fitting.fit import Fit
from downslope.fitting.round_picture import Round, before_and_after
from downslope.fitting.telling import (
    adds_to,
    asked,
    coefficient_name,
    conventions,
    judged_in_words,
    rows_in_words,
    stable_rate,
    strongest,
    told,
)
from downslope.fitting.walk_picture import plane_picture
from downslope.pictures.fits import (
    class_probabilities,
    coefficients,
    fitted_line,
    predictions,
)
from downslope.pictures.one_run import convergence
from downslope.pictures.one_weight import loss_along
from downslope.pictures.report import (
    MOST_LINES,
    PAGE,
    CoefficientLine,
    ColumnLine,
    Fact,
    FindingLine,
    Picture,
    Score,
    Story,
)
from downslope.pictures.style import LIGHT, Figure, Theme
from downslope.pictures.valleys import Valley, loss_contours
from downslope.wording import duration, number, score_number

Array = Any
GRID, PLANE_GRID = 45, 51
MOST_DOTS = 120
MOST_COEFFICIENTS = 25
MOST_VALUES = 3e7
"""Numbers of losses of rows that a picture of a landscape may cost: a second or so."""


def story(done: Fit, diagnosis: Diagnosis, source: str, seen: Round | None = None) -> Story:
    """Everything the report tells of a fit.

    Parameters
    ----------
    source : str
        Name of the table.
    seen : Round or None
        The problem in round coordinates, where they were asked for.
    """
    reason, target = done.reason, done.data.view.target
    used = [column.name for column in done.data.view.features]
    few = ", ".join(used[:3]) + (f" and {len(used) - 3} more" if len(used) > 3 else "")
    columns = done.data.view.columns
    return Story(
        title=f"{target.name} from {few}" if used else f"{target.name} from {source}",
        subtitle=f"{source} · {rows_in_words(done.data)}",
        ending=reason.name.replace("_", " "),
        sentence=reason.sentence,
        converged=reason.converged,
        asked=[Fact(name, value) for name, value in asked(done).items()],
        conventions=conventions(done),
        scores=cards(done, diagnosis, seen),
        findings=[FindingLine(title.capitalize(), *rest) for title, *rest in told(diagnosis)],
        pictures=pictures(done, diagnosis, seen),
        coefficients=coefficient_lines(done),
        coefficients_left=max(done.coefficients.size - MOST_COEFFICIENTS, 0),
        columns=[
            ColumnLine(c.name, c.kind, c.n_missing, c.used, c.remark or ("used" if c.used else ""))
            for c in columns[:MOST_LINES]
        ],
        columns_left=max(len(columns) - MOST_LINES, 0),
        notes=done.data.notes,
        trace=done.trained.history,
        adds_to=adds_to(done),
    )


def cards(done: Fit, diagnosis: Diagnosis, seen: Round | None = None) -> list[Score]:
    """The numbers at the top of the page."""
    shown = []
    for score in done.scores:
        note = judged_in_words(done)
        if score.reference is not None and done.reference is not None:
            note = f"{done.reference.name} {score_number(score.reference)}, {note}"
        shown.append(Score(score.name, score_number(score.value), note))
    steps = int(done.trained.history["step"][-1])
    shown.append(Score("steps", f"{steps:,}", f"in {duration(done.seconds)}"))
    limit, rate = stable_rate(done, diagnosis), float(done.trained.history["rate"][-1])
    note = f"stable below {number(limit)}" if limit is not None else ""
    if not np.isnan(rate):
        shown.append(Score("last learning rate", number(rate), note))
    if seen is not None:
        note = f"{number(seen.after)} in round coordinates"
        shown.append(Score("condition number", number(seen.before), note))
    return shown


def coefficient_lines(done: Fit) -> list[CoefficientLine]:
    """The strongest coefficients as text, with those of the reference solution."""
    other = done.reference_weights()
    place = {name: j for j, name in enumerate(done.data.names)}
    lines = []
    for name, k, value, reach in strongest(done, MOST_COEFFICIENTS):
        reference = "" if other is None else number(float(other[0][k, place[name]]))
        shown = coefficient_name(done, name, k)
        lines.append(CoefficientLine(shown, number(value), number(reach), reference))
    if len(done.intercepts) == 1 and done.data.ask.fit_intercept:
        reference = "" if other is None else number(float(other[1][0]))
        lines.append(CoefficientLine("intercept", number(float(done.intercepts[0])), "", reference))
    return lines


def pictures(
    done: Fit, diagnosis: Diagnosis, seen: Round | None = None, theme: Theme = PAGE
) -> list[Picture]:
    """Figures with their captions, for the page."""
    drawn = figures(done, diagnosis, seen, theme)
    return [Picture(figure, CAPTIONS[name]) for name, figure in drawn.items()]


CAPTIONS = {
    "fit": "Every row, the line through them, and what the line leaves over.",
    "convergence": "How the run went: what was minimised, how steep it still was, how far each "
    "step reached.",
    "loss": "The objective against the slope, the intercept held where the run ended: the U that "
    "the run walked down.",
    "contours": "The same from above, over both weights of the scaled problem.",
    "plane": "The path on the two directions in which it moved most; dots are coloured by the true "
    "loss, the contours show the plane's.",
    "in_round": "Plain gradient descent on this problem from zero weights: left in the valley that "
    "the columns make, right in round coordinates, where the default walks and minus the gradient "
    "points at the lowest point.",
    "coefficients": "What one standard deviation of each column changes; diamonds are the "
    "reference solution.",
    "predictions": "Predictions against the truth, and against those of the reference solution.",
    "probabilities": "How sure the model is of each row judged.",
}


def figures(
    done: Fit, diagnosis: Diagnosis, seen: Round | None = None, theme: Theme = LIGHT
) -> dict[str, Figure]:
    """Every figure that makes sense for this fit, by name."""
    drawn: dict[str, Figure] = {}
    target = done.data.view.target.name
    line = done.coefficients.size == 1 and isinstance(done.data.X, np.ndarray)
    if line and done.data.task == "regression" and done.trained.settings.loss.link == "identity":
        slope, intercept = float(done.coefficients[0, 0]), float(done.intercepts[0])
        drawn["fit"] = fitted_line(
            done.data.X[:, 0],
            done.data.y,
            slope,
            intercept,
            x_name=done.data.names[0],
            y_name=target,
            theme=theme,
        )
    if len(done.trained.result.trace) > 2:
        drawn["convergence"] = convergence(
            done.trained.result.trace,
            limit=stable_rate(done, diagnosis),
            value_name=f"objective ({done.data.ask.loss})",
            theme=theme,
        )
    drawn |= _landscape(done, theme) | _plane(done, theme)
    if seen is not None:
        drawn["in_round"] = before_and_after(done, seen, theme)
    if len(done.coefficients) == 1 and done.coefficients.size > 1:
        other = done.reference_weights()
        drawn["coefficients"] = coefficients(
            done.data.names,
            done.coefficients[0],
            deviations=done.data.deviations,
            reference=None if other is None else other[0][0],
            y_name=target if done.data.task == "regression" else adds_to(done),
            theme=theme,
        )
    return drawn | _judgement(done, theme)


def _landscape(done: Fit, theme: Theme) -> dict[str, Figure]:
    """The valley of a problem with two weights, as the walk saw it."""
    problem, trace = done.problem, done.trained.result.trace
    if problem.size != 2 or not done.data.ask.fit_intercept or trace.weights is None:
        return {}
    if GRID * GRID * problem.source.n_rows > MOST_VALUES:
        return {}
    path = trace.weights
    end = np.asarray(done.trained.result.w, dtype=float)
    reach = 1.25 * max(float(np.nanmax(np.abs(np.clip(path, -1e6, 1e6) - end))), 1e-3)
    a, b = (np.linspace(center - reach, center + reach, GRID) for center in end)
    with np.errstate(over="ignore", invalid="ignore"):
        losses = np.array([[problem.value(np.array([u, v])) for u in a] for v in b])
        along = np.array([problem.value(np.array([u, end[1]])) for u in a])
        walked = np.array([problem.value(np.array([u, end[1]])) for u in path[:, 0]])
    name = f"weight of {done.data.names[0]}"
    return {
        "loss": loss_along(
            a,
            along,
            path=path[:, 0],
            path_losses=walked,
            name=name,
            value_name=done.data.ask.loss,
            theme=theme,
        ),
        "contours": loss_contours(
            Valley(a, b, losses, path), names=(name, "intercept"), theme=theme
        ),
    }


def _plane(done: Fit, theme: Theme) -> dict[str, Figure]:
    """The path of more than two weights on its own plane, where it is short enough to draw."""
    problem, trace = done.problem, done.trained.result.trace
    if problem.size < 3 or trace.weights is None or len(trace) < 4:
        return {}
    if PLANE_GRID**2 * problem.source.n_rows > MOST_VALUES:
        return {}
    # The first steps go furthest, so they are drawn densest.
    few = np.unique(np.geomspace(1, len(trace), MOST_DOTS).astype(int)) - 1
    path = trace.weights[few]
    if not np.isfinite(path).all():
        return {}
    with np.errstate(over="ignore", invalid="ignore"):
        heights = np.array([problem.value(w) for w in path])
        return {"plane": plane_picture(problem.value, path, heights, PLANE_GRID, theme)}


def _judgement(done: Fit, theme: Theme) -> dict[str, Figure]:
    """The rows judged: against the truth, and against the reference solution."""
    rows = done.data.judged_on
    values, probability = done.predict(rows)
    if done.data.task == "binary" and probability is not None:
        classes = (done.data.view.target.classes[0], done.data.view.target.classes[1])
        figure = class_probabilities(
            probability[:, 1], done.data.y[rows] == 1, classes=classes, theme=theme
        )
        return {"probabilities": figure}
    other = done.reference_weights()
    if done.data.task != "regression" or other is None or done.reference is None:
        return {}
    z = done.data.X[rows] @ other[0].T + other[1]
    loss = done.trained.settings.loss
    theirs = np.exp(np.clip(z[:, 0], None, 700.0)) if loss.link == "log" else z[:, 0]
    figure = predictions(
        values,
        theirs,
        names=("gradient descent", done.reference.name),
        actual=done.data.y[rows],
        y_name=done.data.view.target.name,
        theme=theme,
    )
    return {"predictions": figure}
