"""Findings, and the evidence they are drawn from."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from downslope.diagnosis.problem_facts import ProblemFacts
from downslope.diagnosis.run_facts import RunFacts
from downslope.diagnosis.table_facts import TableFacts
from downslope.diagnosis.telling_columns import Telling
from downslope.rules import Momentum, Nesterov, Plain, Rule

CONVERGED = 1e-6
"""Gradient length, as a share of the first, below which a run has arrived."""
CRAWLING = 0.1
"""Rate times curvature below which a step makes less than a tenth of the way it could."""
ILL = 1e3
"""Condition number past which a decade takes more than a thousand steps of plain descent."""
STALLED = 0.01
"""Share of the fall that the last quarter of a run must make to count as progress."""


@dataclass(frozen=True)
class Finding:
    """One symptom that holds.

    Attributes
    ----------
    symptom : str
        Its name, as in the table of ``downslope.diagnosis.diagnose``.
    number, threshold : float
        What was measured, and what it was held against.
    sentence : str
        Both, for a person.
    remedy : str
        What to try next, with a number.
    next_rate : float or None
        Learning rate to try next, where the remedy is one.
    fault : bool
        False for what is worth knowing but nothing to mend.
    names : tuple of str
        Columns concerned.
    """

    symptom: str
    number: float
    threshold: float
    sentence: str
    remedy: str
    next_rate: float | None = None
    fault: bool = True
    names: tuple[str, ...] = ()


class Validation(NamedTuple):
    """Losses on rows kept aside: the best, where it was, the last; and whether training fell on."""

    step: int
    best: float
    last: float
    training_fell: bool


@dataclass(frozen=True)
class Evidence:
    """All that was measured of a run, its problem and its rows; None for what was not at hand."""

    run: RunFacts
    rule: Rule
    reason: str
    validation: Validation | None = None
    problem: ProblemFacts | None = None
    table: TableFacts | None = None
    margin: float | None = None
    telling: tuple[Telling, ...] = ()
    """Columns that tell classes apart by themselves, where the margin is not positive."""
    gradient_error: float = math.nan
    lowest: float | None = None
    searching: bool = False
    """The rate chooses itself at every step, so it cannot be too long or too short."""
    distances: Any = None
    """How many of its deviations each column's mean was from zero before it was scaled."""

    @property
    def ratio(self) -> float:
        """Last gradient over the first; of all rows where the problem can be asked."""
        if self.problem is not None and not math.isnan(self.problem.ratio):
            return self.problem.ratio
        if not self.run.full_batch:
            return math.nan
        first, last = self.run.norms[0], self.run.norms[-1]
        return float(last / first) if first > 0.0 else 0.0

    @property
    def bend(self) -> float:
        """Curvature to choose rates by; from the trace alone a lower bound, met along the way."""
        if self.problem is not None:
            return self.problem.ceiling if self.problem.curved else math.nan
        met = self.run.bends[np.isfinite(self.run.bends)]
        return float(met.max()) if len(met) else math.nan

    @property
    def limit(self) -> float | None:
        """Largest stable rate, where there is one to name."""
        adapts = self.searching or self.rule.scales_coordinates
        product = None if adapts else self.rule.stable_product
        return product / self.bend if product is not None and self.bend > 0.0 else None

    @property
    def product(self) -> float:
        """Rate times curvature."""
        return self.run.rate * self.bend

    @property
    def pull(self) -> float:
        """Rate times curvature, with what momentum adds to it in the long run; NaN if unknown."""
        match self.rule:
            case Plain():
                return self.product
            case Momentum(beta=beta, dampening=dampening):
                return self.product * (1.0 - dampening) / (1.0 - beta)
            case Nesterov(beta=beta):
                return self.product / (1.0 - beta)
        return math.nan

    @property
    def stalled(self) -> bool:
        """Whether the last quarter of the run brought next to nothing."""
        return self.run.late < STALLED

    @property
    def fall(self) -> float:
        """How far the value fell."""
        return float(self.run.curve[0] - self.run.lowest)
