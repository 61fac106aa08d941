"""What the methods are called that need no learning rate, and why they need none.

A ``Solution`` says which of them ran. The names are the field's.
"""

NEWTON = "Newton's method"
REFINEMENT = "iterative refinement"
NORMAL_EQUATIONS = "normal equations"
INTERIOR_POINT = "an interior point method"
SMOOTHING = "smoothing"
PROXIMAL_NEWTON = "proximal Newton"
COORDINATE_DESCENT = "coordinate descent"
WORKING_SET = "working sets"
SCALED = "scaled L-BFGS"
FALLBACK = "L-BFGS without curvature"
SKETCHED = {
    "conjugate": "sketched conjugate gradients",
    "quasi_newton": "sketched L-BFGS",
    "adaptive": "sketched adaptive descent",
    "momentum": "sketched descent with momentum",
}
"""By the name of the walk, in coordinates in which a sketch of the curvature is round."""

_ROUND = "None: in coordinates in which a sketch of the curvature is round, a step of 1 is right."
_WHY = {
    NEWTON: "None: each step goes to the lowest point of the parabola that all rows make here.",
    REFINEMENT: "None: squared errors are one parabola, whose lowest point is solved for from all "
    "rows, and corrected with twice the digits.",
    NORMAL_EQUATIONS: "None: squared errors are one parabola; the products of all columns, added "
    "up in one pass, say where its lowest point is.",
    INTERIOR_POINT: "None: the loss has corners and the rows are few, so it is solved as a linear "
    "programme, from inside; a step goes as far as the constraints allow.",
    SMOOTHING: "None: the corners of the loss are rounded off, less each time, and what is left "
    "is solved by its curvature.",
    PROXIMAL_NEWTON: "None: each step minimises a parabola plus the penalty, coordinate by "
    "coordinate, and goes there.",
    COORDINATE_DESCENT: "None: each weight in turn goes to its own lowest point.",
    WORKING_SET: "None: the weights that the penalty does not hold at 0 are solved for, a few at a "
    "time.",
    SCALED: "None: every weight is on the scale of its own curvature, and L-BFGS learns the rest "
    "on the way; the length of a step is searched.",
    FALLBACK: "None: the length of every step is searched.",
    **dict.fromkeys(SKETCHED.values(), _ROUND),
}


def why_no_rate(method: str) -> str:
    """Why a method asks for no learning rate; of several, one after the other.

    Examples
    --------
    >>> why_no_rate("coordinate descent")
    'None: each weight in turn goes to its own lowest point.'
    """
    found = [_WHY[name] for name in method.split(", ") if name in _WHY]
    return " ".join(dict.fromkeys(found)) or "None: the solver finds the length of its steps."
