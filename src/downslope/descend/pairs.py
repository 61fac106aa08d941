"""Rules, rates, penalties and batches that cannot be right together."""

from downslope.descend.walk import Problem
from downslope.errors import PairError
from downslope.rates import Rate
from downslope.rules import Rule


def check_pair(rule: Rule, rate: Rate, problem: Problem, batch_size: int | None) -> None:
    """Refuse settings that cannot be right together.

    Parameters
    ----------
    rule, rate : Rule, Rate
    problem : Problem
    batch_size : int or None
        Rows per step; None for all.

    Raises
    ------
    PairError
        With one sentence: who, with whom, and what is needed instead.

    Examples
    --------
    >>> from downslope.problems.formula import parse
    >>> from downslope.rates import Constant
    >>> from downslope.rules import Plain
    >>> check_pair(Plain(), Constant(0.1), parse("(w - 3)^2"), None)  # nothing to object
    """
    if batch_size is not None and rate.needs != "anything":
        raise PairError(
            f"The {rate.name} rate compares values of the whole loss, but batch_size={batch_size} "
            "shows only a part of it at each step; use batch_size=None, or a constant or "
            "scheduled rate."
        )
    if rate.needs == "all rows and the plain rule" and rule.name != "plain":
        raise PairError(
            f"The {rate.name} rate is derived for the gradient itself, but rule={rule.name!r} "
            "changes its direction; use rule='plain', or a constant or scheduled rate."
        )
    if rate.name in ("armijo", "wolfe") and not rule.always_descends:
        raise PairError(
            f"A line search needs a direction that points downhill, but rule={rule.name!r} may "
            "point uphill; use rule='plain', 'lbfgs' or 'adagrad', or a constant or scheduled rate."
        )
    if rule.scales_coordinates and problem.has_rest:
        raise PairError(
            f"rule={rule.name!r} gives each weight its own step length, but the L1 penalty's "
            "proximal step needs one length for all; use rule='plain', 'momentum' or 'nesterov', "
            "or penalty='l2'."
        )
