"""Surfaces to practise on, with their minima known.

============== ====================================================== =========================
name           what it shows                                          minima
============== ====================================================== =========================
bowl           equal curvature on all sides: one step can do          (0, 0)
narrow_valley  condition 100: plain descent zigzags                   (0, 0)
rosenbrock     a valley that is narrow and bent                       (1, 1)
himmelblau     four minima of the same height                         (3, 2) and three more
rastrigin      a bowl under a grid of dents                           (0, 0)
beale          flat ground with steep walls                           (3, 0.5)
ackley         a funnel in a nearly flat, dented plain                (0, 0)
saddle         two bowls, and a saddle between them at (0, 0)         (-1, 0), (1, 0)
plateau        a pit in a plain where no slope is left                (0, 0)
griewank       many dents, ever shallower beside the bowl             (0, 0)
ripples        one weight, a bowl with ripples                        0
============== ====================================================== =========================

Each is a typed formula, so its slopes are exact and people can change it. All have value 0 at their
lowest points. Ackley's function has a kink there and therefore no slope at the very point.

References
----------
Rosenbrock (1960); Himmelblau (1972); Rastrigin (1974); Beale (1958); Ackley (1987); Griewank
(1981).
"""

from dataclasses import dataclass
from functools import cached_property

from downslope.errors import SettingError
from downslope.problems.formula import Formula, parse

Point = tuple[float, ...]


@dataclass(frozen=True)
class Surface:
    """A formula with known lowest points.

    Attributes
    ----------
    name, text : str
        Its name and its formula.
    minima : tuple of points
        All lowest points; the value there is 0.
    box : tuple of (low, high)
        The part worth looking at, one range per weight.
    start : point
        Where a walk that shows what is hard about it begins.
    saddles : tuple of points
        Known saddles.

    Examples
    --------
    >>> valley = surface("rosenbrock")
    >>> valley.problem.value([1.0, 1.0])
    0.0
    """

    name: str
    text: str
    minima: tuple[Point, ...]
    box: tuple[tuple[float, float], ...]
    start: Point
    saddles: tuple[Point, ...] = ()

    @cached_property
    def problem(self) -> Formula:
        """The formula, ready to descend."""
        return parse(self.text)


def _square(low: float, high: float) -> tuple[tuple[float, float], ...]:
    return ((low, high), (low, high))


ORIGIN = ((0.0, 0.0),)
HIMMELBLAU = (
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
)
SURFACES = {
    each.name: each
    for each in (
        Surface("bowl", "x^2 + y^2", ORIGIN, _square(-3, 3), (2.5, 1.5)),
        Surface("narrow_valley", "(x^2 + 100*y^2)/2", ORIGIN, ((-12, 12), (-2, 2)), (10, 1)),
        Surface(
            "rosenbrock",
            "(1 - x)^2 + 100*(y - x^2)^2",
            ((1.0, 1.0),),
            ((-2, 2), (-1, 3)),
            (-1.2, 1.0),
        ),
        Surface(
            "himmelblau",
            "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
            HIMMELBLAU,
            _square(-5, 5),
            (0.0, 0.0),
        ),
        Surface(
            "rastrigin",
            "20 + x^2 - 10*cos(2*pi*x) + y^2 - 10*cos(2*pi*y)",
            ORIGIN,
            _square(-5.12, 5.12),
            (3.4, -2.3),
        ),
        Surface(
            "beale",
            "(1.5 - x + x*y)^2 + (2.25 - x + x*y^2)^2 + (2.625 - x + x*y^3)^2",
            ((3.0, 0.5),),
            _square(-4.5, 4.5),
            (1.0, 1.0),
        ),
        Surface(
            "ackley",
            "20 + e - 20*exp(-sqrt((x^2 + y^2)/2)/5) - exp((cos(2*pi*x) + cos(2*pi*y))/2)",
            ORIGIN,
            _square(-5, 5),
            (3.2, -2.4),
        ),
        Surface(
            "saddle",
            "(x^2 - 1)^2/4 + y^2/2",
            ((-1.0, 0.0), (1.0, 0.0)),
            _square(-2, 2),
            (0.001, 1.5),
            ORIGIN,
        ),
        Surface("plateau", "1 - exp(-(x^2 + y^2)/2)", ORIGIN, _square(-6, 6), (3.5, 2.0)),
        Surface(
            "griewank",
            "1 + (x^2 + y^2)/4000 - cos(x)*cos(y/sqrt(2))",
            ORIGIN,
            _square(-10, 10),
            (7.0, -8.0),
        ),
        Surface("ripples", "w^2/20 + (1 - cos(3*w))/3", ((0.0,),), ((-8, 8),), (5.5,)),
    )
}


def surface(name: str) -> Surface:
    """Surface of that name.

    Parameters
    ----------
    name : str
        One of ``SURFACES``.

    Returns
    -------
    Surface

    Raises
    ------
    SettingError
        If there is none.

    Examples
    --------
    >>> surface("rosenbrock").minima
    ((1.0, 1.0),)
    """
    if name not in SURFACES:
        raise SettingError(f"surface={name!r} is unknown; choose one of {', '.join(SURFACES)}.")
    return SURFACES[name]
