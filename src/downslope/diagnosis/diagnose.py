"""Diagnosis: what went wrong with a run, the number that proves it, and what to try next.

================== ======================================================== =====
symptom            holds when                                               fault
================== ======================================================== =====
converged          gradient a millionth of its first length                 no
stopped            value no longer moves, from a trace alone                no
gradient_bug       gradient is not the slope of the value, by 1% or more    yes
bad_rows           rows not finite, or one row outweighs all others         yes
divergence         rate above the largest stable one, or the loss grows     yes
saddle             gradient gone, smallest curvature below 0                yes
dead_gradient      60% of the weights without gradient and curvature        yes
overfitting        validation loss 5% above its best, training still falls  yes
separable          all margins positive, or a column tells classes apart
                   alone on some rows; log loss without penalty             yes
edge_of_stability  rate times curvature settled near 2 off a quadratic      no
crawling           rate times curvature below 0.1                           yes
unscaled_features  condition number above 1000, by the scale of a column    yes
ill_conditioning   condition number above 1000, by dependence               yes
oscillation        rate times curvature above 1 and gradients turning back  yes
noise_floor        batch noise above the whole gradient, no progress        yes
plateau            no progress on level ground                              yes
local_minimum      a minimum, with a lower one known                        yes
leak               features explain the target too well                     yes
rank_deficient     columns that add up to one another                       yes
constant_column    columns that never change                                yes
far_from_zero      columns whose mean is 1e8 of their deviations           no
on_course          none of these, and not finished                          no
================== ======================================================== =====

All that hold are reported, the most pressing first; "converged" comes before every other. Works
from a trace alone; the problem adds curvature, noise and the look at the rows.

References
----------
Cohen et al. (2021), Gradient descent on neural networks typically occurs at the edge of stability;
McCandlish et al. (2018), An empirical model of large-batch training; Goh (2017), Why momentum
really works.
"""

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from downslope.curvature import Curvature, like
from downslope.descend import Result
from downslope.diagnosis import data_symptoms as data
from downslope.diagnosis import pace_symptoms as pace
from downslope.diagnosis import place_symptoms as place
from downslope.diagnosis.findings import Evidence, Finding, Validation
from downslope.diagnosis.problem_facts import Problem, gradient_error, problem_facts
from downslope.diagnosis.run_facts import run_facts
from downslope.diagnosis.table_facts import smallest_margin, table_facts
from downslope.diagnosis.telling_columns import telling_columns
from downslope.errors import InputError
from downslope.noise import GradientNoise
from downslope.objective import Objective
from downslope.rates import Rate
from downslope.rules import Plain, Rule
from downslope.trace import Trace

Array = Any
ORDER = (
    place.converged,
    place.stopped,
    data.gradient_bug,
    data.bad_rows,
    pace.divergence,
    place.saddle,
    place.dead_gradient,
    data.overfitting,
    data.separable,
    pace.edge_of_stability,
    pace.crawling,
    pace.ill_conditioning,
    pace.oscillation,
    pace.noise_floor,
    place.plateau,
    place.local_minimum,
    data.leak,
    data.rank_deficient,
    data.constant_column,
    data.far_from_zero,
)
ASIDE = {"local_minimum", "leak", "rank_deficient", "constant_column", "far_from_zero"}
"""Symptoms that leave the run itself on course."""


@dataclass(frozen=True)
class Diagnosis:
    """Findings, the most pressing first; prints as sentences, and travels as JSON.

    Attributes
    ----------
    findings : tuple of Finding
        Never empty.
    curvature : Curvature or None
        At the run's weights, where the problem was at hand.
    noise : GradientNoise or None
        The same for the disagreement of rows, after runs on batches: its ``useful_batch`` is the
        size past which larger batches stop paying.
    """

    findings: tuple[Finding, ...]
    curvature: Curvature | None = None
    noise: GradientNoise | None = None

    @property
    def verdict(self) -> str:
        """Symptom of the first finding."""
        return self.findings[0].symptom

    @property
    def fault(self) -> Finding | None:
        """First finding that is something to mend."""
        return next((finding for finding in self.findings if finding.fault), None)

    def __str__(self) -> str:
        return "\n".join(
            f"{i}. {f.symptom.replace('_', ' ')}: {f.sentence}\n   Next: {f.remedy}"
            for i, f in enumerate(self.findings, start=1)
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and lists; numbers that are not finite become None."""
        return {"verdict": self.verdict, "findings": [_plain(asdict(f)) for f in self.findings]}

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=1)


def diagnose(
    result: Result | Trace,
    problem: Problem | None = None,
    *,
    rule: Rule | None = None,
    rate: Rate | None = None,
    names: tuple[str, ...] = (),
    lowest: float | None = None,
    distances: Any = None,
) -> Diagnosis:
    """Name what holds a run back, with the number that proves it and the one to try next.

    Parameters
    ----------
    result : Result or Trace
        A finished run, or what it wrote down.
    problem : Problem, optional
        What was minimised, in the units the run saw (after scaling): adds curvature, gradient
        noise and a look at the rows. Asked only together with a ``Result``.
    rule : Rule, default plain
        The update rule of the run.
    rate : Rate, optional
        Its learning rate. One that chooses itself (a line search, the round bowl's) is not judged
        by its length.
    names : tuple of str
        Names of the columns; by default those of the trace.
    lowest : float, optional
        Lowest value known from other runs, to tell a local minimum.
    distances : array of shape (n_features,), optional
        How many of its deviations each column's mean was from zero before it was scaled.

    Returns
    -------
    Diagnosis
        Findings, the most pressing first; it prints as sentences.

    Raises
    ------
    InputError
        If the trace is empty.

    Examples
    --------
    >>> from downslope.descend import run
    >>> from downslope.problems.formula import parse
    >>> from downslope.rates import Constant
    >>> from downslope.stopping import MaxSteps
    >>> bowl = parse("(w - 3)^2")
    >>> too_long = run(bowl, np.zeros(1), Plain(), Constant(1.01), [MaxSteps(20)])
    >>> print(diagnose(too_long, bowl))
    1. divergence: The loss grows: the learning rate 1.01 is above 1, the largest stable one for
    this problem and rule (1.01 times).
       Next: Use a rate below 1; start at 0.5.
    """
    trace = result if isinstance(result, Trace) else result.trace
    if len(trace) == 0:
        raise InputError("The trace is empty, so there is nothing to diagnose; record some steps.")
    # Runs that blew up carry numbers near the end of the range; comparing them may overflow.
    with np.errstate(all="ignore"):
        evidence = Evidence(
            run=run_facts(trace, rule or Plain()),
            rule=rule or Plain(),
            reason="unknown" if isinstance(result, Trace) else result.reason.name,
            validation=_validation(trace),
            lowest=lowest,
            searching=rate is not None and rate.needs != "anything",
        )
        if problem is not None and not isinstance(result, Trace):
            evidence = _asked(evidence, problem, result, names or trace.names)
            evidence = replace(evidence, distances=distances)
        found = [finding for symptom in ORDER if (finding := symptom(evidence)) is not None]
        if any(finding.symptom == "stopped" for finding in found):
            found = [finding for finding in found if finding.symptom in ASIDE | {"stopped"}]
        if all(finding.symptom in ASIDE for finding in found):
            course = place.on_course(evidence)
            found = [course, *found] if course is not None else found
    if evidence.problem is None:
        return Diagnosis(tuple(found))
    return Diagnosis(tuple(found), evidence.problem.here, evidence.problem.noise)


def _asked(seen: Evidence, problem: Problem, result: Result, names: tuple[str, ...]) -> Evidence:
    """Evidence with what the problem says, when asked at the run's weights."""
    table = table_facts(problem, names) if isinstance(problem, Objective) else None
    seen = replace(seen, table=table)
    if table is not None and len(table.bad_rows):
        return seen
    here = problem_facts(problem, result.w, result.trace, seen.run)
    if here is None:
        return seen
    if isinstance(problem, Objective):
        margin = smallest_margin(problem, here.w)
        mixed = table is not None and margin is not None and not margin > 0.0
        telling = telling_columns(problem, table.names) if table is not None and mixed else ()
        return replace(seen, problem=here, margin=margin, telling=telling)
    kept = result.trace.weights
    start = result.w if kept is None else like(kept[0], result.w)
    return replace(seen, problem=here, gradient_error=gradient_error(problem, start))


def _validation(trace: Trace) -> Validation | None:
    """What the losses on rows kept aside did, where they were measured at least three times."""
    measured = np.flatnonzero(np.isfinite(trace["validation"]))
    if len(measured) < 3:
        return None
    losses = trace["validation"][measured]
    best, last = measured[int(np.argmin(losses))], measured[-1]

    def training(i: int) -> float:
        return float(trace["value"][trace["epoch"] == trace["epoch"][i]].mean())

    fell = training(last) < training(best)
    return Validation(int(trace["step"][best]), float(losses.min()), float(losses[-1]), fell)


def _plain(finding: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in finding.items()
    }
