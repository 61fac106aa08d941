"""A learning rate from what can be measured: how sharply the loss bends, how rows disagree.

A step on a batch of B rows is safe while it is shorter than 1 / L_B, where L_B, the expected
smoothness, lies between the curvature of the whole loss (B = n) and that of the sharpest single
row (B = 1). From there the rate falls, so that the noise of the batches dies away.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from downslope.curvature import curvature
from downslope.losses import Loss, SquaredError
from downslope.noise import batch_curvature
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.rates import Constant, Cosine, Look, Nothing, Rate
from downslope.rules import Momentum, Nesterov, Rule

Array = Any


@dataclass(frozen=True)
class Annealed:
    """``rate / (1 + k / after)``: steady at first, then falling as 1 / k.

    Examples
    --------
    >>> from downslope.rates import schedule
    >>> schedule(Annealed(0.4, after=2), 3)
    [0.4, 0.26666666666666666, 0.2]

    References
    ----------
    Robbins and Monro (1951); Bottou (2012), Stochastic gradient descent tricks, section 5.2.
    """

    rate: float
    after: int
    name: ClassVar[str] = "annealed"
    needs: ClassVar[str] = "anything"

    def init(self, w: Array) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return self.rate / (1.0 + look.k / self.after), memory


def batch_rate(problem: Objective, rule: Rule, batch_size: int, targets: Array) -> tuple[Rate, str]:
    """Falling rate for descent on batches, and where it comes from.

    Parameters
    ----------
    problem : Objective
        On the scaled columns.
    rule : Rule
        Rules that add up gradients get less by as much as they add; rules that divide by the
        gradient's size get a share of the distance there is to go.
    batch_size : int
    targets : array of shape (n_rows,)
    """
    steps = math.ceil(problem.source.n_rows / batch_size)
    top, gram = top_curvature(problem.loss, targets), squares(problem)
    if rule.scales_coordinates:
        far = distance(problem, gram, top)
        return Annealed(0.1 * far, steps), f"{_per_weight(rule, far)}, falling."
    bend = curvature(gram, gram.start())
    l2 = problem.penalty.l2
    sharpest = top * batch_curvature(gram, batch_size, bend) + l2
    if sharpest == 0.0:
        return Constant(1.0), NO_BEND
    rate = (rule.stable_product or 2.0) / 2.0 * _share(rule) / sharpest
    why = (
        f"Batches of {batch_size} bend by at most {sharpest:.4g} in expectation, all rows together "
        f"by {top * bend.largest + l2:.4g}; so the learning rate starts at {rate:.3g} and falls as "
        f"1 / (1 + step / {steps})."
    )
    return Annealed(rate, steps), why


def full_rate(problem: Objective, rule: Rule, steps: int, targets: Array) -> tuple[Rate, str]:
    """Rate for descent on all rows with a rule that needs one, and where it comes from."""
    top, gram = top_curvature(problem.loss, targets), squares(problem)
    if rule.scales_coordinates:
        far = distance(problem, gram, top)
        return Cosine(0.1 * far, steps), f"{_per_weight(rule, far)}, falling to 0 by the end."
    bend = curvature(gram, gram.start())
    l2 = problem.penalty.l2
    bend = replace(bend, largest=top * bend.largest + l2, slowest=top * bend.slowest + l2)
    limit, best = bend.stable_rate(rule), bend.best_rate(rule)
    if limit is None or best is None:
        return Constant(1.0), NO_BEND
    rate = min(best, 0.95 * limit)
    why = (
        f"The loss bends by at most {bend.largest:.4g}, so {rule.name} is stable up to "
        f"{limit:.4g}; {rate:.4g} makes the fastest progress in the end."
    )
    return Constant(rate), why


NO_BEND = "Nothing bends here, so any learning rate is stable; it is 1."


def top_curvature(loss: Loss, targets: Array) -> float:
    """Curvature of a loss in the raw prediction that a rate should reckon with.

    The loss's own bound where it has one. Losses with a log link bend by their mean: the largest
    target. Losses with corners are seen from as far as the targets lie apart, where they bend like
    one over that distance.
    """
    if loss.max_curvature is not None:
        return loss.max_curvature
    if loss.link == "log":
        return max(1.0, float(np.max(targets)))
    if loss.link == "sign":
        return 1.0
    deviation = float(np.std(targets))
    return 1.0 / deviation if deviation > 0.0 else 1.0


def squares(problem: Objective) -> Objective:
    """The same rows under half the squared error: its Hessian is the columns' X'X / n."""
    return replace(problem, loss=SquaredError(), penalty=NO_PENALTY, n_outputs=1)


def distance(problem: Objective, gram: Objective, top: float) -> float:
    """How far the first step straight down could usefully carry a weight."""
    gradient = problem.value_and_gradient(problem.start())[1]
    columns = gradient.reshape(gram.size, -1).T
    bent = sum(float(g @ gram.curvature_product(gram.start(), g)) for g in columns)
    if bent <= 0.0:
        return 1.0
    return float(np.abs(gradient).max() * (gradient @ gradient) / (top * bent))


def _share(rule: Rule) -> float:
    """What one gradient adds to all later steps of a rule that adds them up, inverted."""
    return 1.0 - rule.beta if isinstance(rule, (Momentum, Nesterov)) else 1.0


def _per_weight(rule: Rule, far: float) -> str:
    return (
        f"{rule.name} moves every weight by about the learning rate: {0.1 * far:.3g} is a tenth of "
        f"{far:.3g}, the way that the first step could usefully go"
    )
