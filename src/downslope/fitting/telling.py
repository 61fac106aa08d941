"""A fit told to a person: numbers as text, figures with captions, the story for the report."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from downslope.diagnosis.diagnose import Diagnosis
from downslope.diagnosis.findings import Finding
from downslope.fitting.asked import settings_in_words
from downslope.fitting.fit import Fit, Prepared
from downslope.fitting.model import Told
from downslope.losses import LOSSES
from downslope.training.findings import findings_of
from downslope.wording import score_number

Array = Any
EPS = float(np.finfo(float).eps)
ROUNDING = 1e-9
"""Share of a loss that two ways of adding it up may differ by."""
LINK_WORDS = {"log": "logarithm of the predicted mean", "identity": "prediction"}
LOSS_FACTORS = {
    "mse": "The loss is the textbook mean of squares, (prediction - target)², not halved: its "
    "gradient carries the factor 2, and the largest stable rate is half that of squared_error.",
    "squared_error": "The loss is scikit-learn's half of the squared error: its gradient carries "
    "no factor 2, and the largest stable rate is twice that of mse.",
    "log_loss": "The loss is the mean of -log(probability of the true class), in nats.",
}


def diagnosed(done: Fit) -> Diagnosis:
    """Findings about the run."""
    found, beaten = findings_of(done.trained), bound_broken(done)
    if beaten is None:
        return found
    others = (finding for finding in found.findings if finding.symptom != "converged")
    return replace(found, findings=(beaten, *others))


def bound_broken(done: Fit) -> Finding | None:
    """The solution next door is lower than the bound says that any can be."""
    result, other = done.trained.result, done.reference
    if other is None or not result.bound < math.inf:
        return None
    if done.problem.source.n_rows < done.data.n_learned:
        return None  # a sample has a lowest place of its own
    ours, theirs = done.problem.value(result.w), other.value
    size, largest = max(abs(ours), abs(theirs)), float(np.abs(result.w).sum())
    # Large weights that cancel leave predictions fewer digits, and values too.
    doubt = ROUNDING * size + 4.0 * EPS * largest * math.sqrt(2.0 * size)
    if not ours - theirs > result.bound + doubt:
        return None
    return Finding(
        "bound_broken",
        ours - theirs,
        result.bound,
        f"The loss of the {other.name} is {theirs:.10g}, and {ours - theirs:.2g} lower than this "
        f"model's {ours:.10g}, of which at most {result.bound:.1e} was said to be left.",
        "Do not rely on this model; add penalty='l2', or leave out columns that nearly repeat "
        "others.",
    )


def told(diagnosis: Diagnosis) -> tuple[Told, ...]:
    """Findings as text."""
    return tuple(
        Told(finding.symptom.replace("_", " "), finding.sentence, finding.remedy)
        for finding in diagnosis.findings
    )


def stable_rate(done: Fit, diagnosis: Diagnosis) -> float | None:
    """Largest learning rate that does not diverge, for runs that are given theirs."""
    rule, rate = done.trained.rule, done.trained.rate
    if diagnosis.curvature is None or rule.scales_coordinates or rate.needs != "anything":
        return None
    return diagnosis.curvature.stable_rate(rule)


def score_words(done: Fit) -> dict[str, str]:
    """Scores as text: ``"R²": "0.793 (closed form 0.793)"``."""
    words = {}
    for score in done.scores:
        text = score_number(score.value)
        if score.reference is not None and done.reference is not None:
            text += f" ({done.reference.name} {score_number(score.reference)})"
        words[score.name] = text
    return words


def rows_in_words(data: Prepared) -> str:
    """How many rows teach and how many judge."""
    learned, aside = data.n_learned, data.n_aside
    if not aside:
        return f"all {learned:,} rows to learn from, none kept aside"
    return f"{learned:,} rows to learn from, {aside:,} kept aside to judge by"


def judged_in_words(done: Fit) -> str:
    """What the scores are about."""
    aside = done.data.n_aside
    return f"on {aside:,} rows kept aside" if aside else "on the rows it learned from"


def strongest(done: Fit, most: int) -> list[tuple[str, int, float, float]]:
    """Coefficients by effect: name, output, value in the user's units, change per deviation."""
    reach = done.coefficients * done.data.deviations
    order = np.argsort(-np.abs(reach), axis=None, kind="stable")[:most]
    outputs, features = np.unravel_index(order, reach.shape)
    return [
        (done.data.names[j], int(k), float(done.coefficients[k, j]), float(reach[k, j]))
        for k, j in zip(outputs.tolist(), features.tolist(), strict=True)
    ]


def coefficient_name(done: Fit, name: str, output: int) -> str:
    """The feature, and for more than two classes the class that it speaks for."""
    many = len(done.coefficients) > 1
    return f"{name} → {done.data.view.target.classes[output]}" if many else name


def adds_to(done: Fit) -> str:
    """What a coefficient adds to, in words."""
    loss = LOSSES[done.data.ask.loss]
    if done.data.task == "regression":
        word = LINK_WORDS[loss.link]
        return f"{word} of {done.data.view.target.name}" if loss.link == "identity" else word
    if done.data.task == "multiclass":
        return "score of its class"
    yes = done.data.view.target.classes[-1]
    return f"log-odds of {yes!r}" if loss.link == "logit" else f"score of {yes!r}"


def conventions(done: Fit) -> list[str]:
    """What the numbers refer to."""
    raw = done.data.ask.scaling == "none"
    scale = (
        "Columns were used as they are; learning rates, gradients and curvature refer to them."
        if raw
        else "Inside, every column is standardised by the mean and population deviation of the "
        "rows learned from; learning rates, gradients and curvature refer to those columns. "
        "Coefficients are translated back into your units."
    )
    sentences = [
        "The objective is the mean loss over the rows learned from, plus the penalty.",
        LOSS_FACTORS.get(
            done.data.ask.loss, f"The loss is {done.data.ask.loss}, averaged over rows."
        ),
        scale,
        "A step is one update of the weights; an epoch is one pass over the rows.",
    ]
    if done.data.ask.alpha:
        sentences.append("The penalty is paid on the scaled coefficients, never on the intercept.")
    return sentences


def asked(done: Fit) -> dict[str, str]:
    """Settings in words, and the rate that was in use."""
    words = settings_in_words(done.data.ask)
    if done.data.ask.learning_rate == "auto":
        words["learning rate"] = done.trained.why
    return words
