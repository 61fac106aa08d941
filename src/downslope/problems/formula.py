"""A typed formula as a problem to descend: ``parse("(w - 3)^2")``.

The text passes the grammar first; the symbolic expression is then built from the checked tree, node
by node, and differentiated. What is compiled is made from that expression, never from the text.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from sympy.printing.str import StrPrinter

from downslope.errors import FormulaError, InputError
from downslope.problems.grammar import FUNCTIONS, NAME, NUMBER, Node, parse_tree

Array = Any
SMALL = 15
"""Expressions of at most so many operations are simplified for people; more would take too long."""


class Size(sympy.Function):  # type: ignore[misc]
    """``abs`` of something that need not be real everywhere, such as a logarithm."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Any:
        return Side(self.args[0])


class Side(sympy.Function):  # type: ignore[misc]
    """``sign``: the slope of ``abs``, and 0 at its kink."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Any:
        return sympy.S.Zero


NUMERIC = [{"Size": np.abs, "Side": np.sign}, "numpy"]
OWN = {"abs": Size, "sign": Side}
SYMBOLIC: dict[str, Any] = {name: OWN.get(name) or getattr(sympy, name) for name in FUNCTIONS}


class _Printer(StrPrinter):  # type: ignore[misc]
    """Writes expressions in the grammar that ``parse`` reads, with numbers for some names."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__({"full_prec": False})
        self.values = values

    def _print_Symbol(self, expr: Any) -> str:
        return self.values.get(expr.name, expr.name)

    def _print_Exp1(self, expr: Any) -> str:
        return "e"

    def _print_Size(self, expr: Any) -> str:
        return f"abs({self._print(expr.args[0])})"

    _print_Abs = _print_Size

    def _print_Side(self, expr: Any) -> str:
        return f"sign({self._print(expr.args[0])})"


def write(expression: Any, values: Mapping[str, str] | None = None) -> str:
    """An expression as text, with ``values`` in place of names."""
    return str(_Printer(values or {}).doprint(expression)).replace("**", "^")


@dataclass(frozen=True)
class Formula:
    """A differentiable formula of any number of weights; answers all that the walk asks.

    Made by ``parse``. Weights are ordered as their names first appear in the text.

    Attributes
    ----------
    text : str
        As it was typed.
    names : tuple of str
        Names of the weights.
    expression : sympy.Expr
        The same, symbolic.

    Examples
    --------
    >>> bowl = parse("(w - 3)^2")
    >>> bowl.value_and_gradient(np.array([0.0]))
    (9.0, array([-6.]))
    >>> bowl.derivatives
    ('2*w - 6',)
    """

    text: str
    names: tuple[str, ...]
    expression: Any

    @property
    def size(self) -> int:
        """Number of weights."""
        return len(self.names)

    @cached_property
    def symbols(self) -> tuple[Any, ...]:
        """The weights as symbols."""
        return tuple(sympy.Symbol(name, real=True) for name in self.names)

    @cached_property
    def gradient_expressions(self) -> tuple[Any, ...]:
        """Partial derivatives as they come from the rules of differentiation."""
        return tuple(sympy.diff(self.expression, symbol) for symbol in self.symbols)

    @cached_property
    def readable_gradient(self) -> tuple[Any, ...]:
        """Partial derivatives in the shortest form found."""
        decimal = "." in self.text
        return tuple(_readable(derivative, decimal) for derivative in self.gradient_expressions)

    @property
    def derivatives(self) -> tuple[str, ...]:
        """Partial derivatives as text."""
        return tuple(write(derivative) for derivative in self.readable_gradient)

    def substituted(self, values: Sequence[str]) -> str:
        """The text as typed, with the numbers in place of the names.

        Examples
        --------
        >>> parse("(w - 3)²").substituted(["0.6"])
        '(0.6 - 3)²'
        """
        numbers = dict(zip(self.names, values, strict=True))

        def number(found: re.Match[str]) -> str:
            # The e of 1e5 is no name: numbers are matched first, and kept. 2x becomes 2*0.6.
            text = numbers.get(found[0], found[0])
            touches = found[0] in numbers and self.text[: found.start()][-1:].isdecimal()
            return f"*{text}" if touches else text

        return re.sub(f"{NUMBER}|{NAME}", number, self.text)

    def exactly(self, expression: Any, values: Sequence[str]) -> Fraction | None:
        """``expression`` with decimals for the weights, if that is a fraction; else None.

        Examples
        --------
        >>> bowl = parse("(w - 3)^2")
        >>> bowl.exactly(bowl.expression, ["0.6"])
        Fraction(144, 25)
        """
        if not all(math.isfinite(float(value)) for value in values):
            return None
        numbers = (sympy.Rational(value) for value in values)
        exact = expression.xreplace(dict(zip(self.symbols, numbers, strict=True)))
        return Fraction(int(exact.p), int(exact.q)) if exact.is_Rational else None

    @cached_property
    def _value_function(self) -> Any:
        return sympy.lambdify(self.symbols, self.expression, NUMERIC, dummify=True, cse=True)

    @cached_property
    def _function(self) -> Any:
        parts = [self.expression, *self.gradient_expressions]
        return sympy.lambdify(self.symbols, parts, NUMERIC, dummify=True, cse=True)

    @cached_property
    def hessian_expressions(self) -> list[Any]:
        """Second derivatives, row by row."""
        return [
            sympy.diff(slope, symbol)
            for slope in self.gradient_expressions
            for symbol in self.symbols
        ]

    @cached_property
    def _hessian_function(self) -> Any:
        return sympy.lambdify(
            self.symbols, self.hessian_expressions, NUMERIC, dummify=True, cse=True
        )

    def value(self, w: Array) -> float:
        """Value at ``w``; inf or NaN where it is undefined (see ``trouble``)."""
        with np.errstate(all="ignore"):
            return float(self._value_function(*_doubles(w)))

    def value_and_gradient(self, w: Array, rows: Any = None) -> tuple[float, Array]:
        """Value and gradient at ``w`` of shape (size,)."""
        with np.errstate(all="ignore"):
            value, *slopes = self._function(*_doubles(w))
        return float(value), np.array(slopes, dtype=float)

    def many(self, points: Array) -> tuple[Array, Array]:
        """Values (n,) and gradients (size, n) at many points of shape (size, n) at once."""
        with np.errstate(all="ignore"):
            parts = self._function(*_doubles(points))
        count = np.shape(points)[1]
        value, *slopes = (np.broadcast_to(np.asarray(part, dtype=float), count) for part in parts)
        return value, np.stack(slopes)

    def hessian(self, w: Array) -> Array:
        """Second derivatives at ``w``, shape (size, size)."""
        with np.errstate(all="ignore"):
            entries = self._hessian_function(*_doubles(w))
        return np.array(entries, dtype=float).reshape(self.size, self.size)

    def curvature_product(self, w: Array, v: Array) -> Array:
        """Hessian at ``w`` times ``v``."""
        return self.hessian(w) @ v

    @cached_property
    def constant_hessian(self) -> Array | None:
        """The second derivatives where they are the same everywhere, else None."""
        if any(sympy.expand(entry).free_symbols for entry in self.hessian_expressions):
            return None
        return self.hessian(np.zeros(self.size))

    def trouble(self, w: Array) -> str | None:
        """Why the value or gradient at ``w`` is not a finite number, or None where both are.

        Examples
        --------
        >>> parse("log(w - 3)").trouble([2.0])
        'log(w - 3) is not a real number where w - 3 = -1'
        """
        for expression in (self.expression, *self.gradient_expressions):
            for part in sympy.postorder_traversal(expression):
                value = self._part(part, w)
                if not math.isfinite(value):
                    return self._blame(part, value, w)
        return None

    def _part(self, part: Any, w: Array) -> float:
        with np.errstate(all="ignore"):
            return float(sympy.lambdify(self.symbols, part, NUMERIC, dummify=True)(*_doubles(w)))

    def _blame(self, part: Any, value: float, w: Array) -> str:
        fate = "is not a real number" if math.isnan(value) else "is infinite or too large"
        cause = part.args[0] if part.args else part
        return f"{write(part)} {fate} where {write(cause)} = {self._part(cause, w):.6g}"

    def point(self, start: Mapping[str, float] | Sequence[float] | float) -> Array:
        """Weights from ``{"w": 0}``, ``[0]`` or, for a single weight, ``0``.

        Raises
        ------
        InputError
            If a weight is missing, unknown, or not a finite number.
        """
        if isinstance(start, Mapping):
            start = self._ordered(start)
        w = np.atleast_1d(np.asarray(start, dtype=float))
        if w.shape != (self.size,):
            raise InputError(
                f"The start {start!r} has {w.size} numbers, but the formula has {self.size} "
                f"({', '.join(self.names)}); give one for each."
            )
        if not np.isfinite(w).all():
            raise InputError(f"The start {start!r} must be made of finite numbers.")
        return w

    def _ordered(self, start: Mapping[str, float]) -> list[float]:
        missing = [name for name in self.names if name not in start]
        unknown = [name for name in start if name not in self.names]
        if missing or unknown:
            raise InputError(
                f"The start names {', '.join(start) or 'nothing'}, but the formula's weights are "
                f"{', '.join(self.names)}; give a number for each of them."
            )
        return [start[name] for name in self.names]

    @property
    def has_rest(self) -> bool:
        return False

    def rest(self, w: Array) -> float:
        return 0.0

    def moved(self, w: Array, direction: Array, length: float) -> Array:
        return w - length * direction

    def penalty_value(self, w: Array) -> float:
        return 0.0

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[None]:
        """A formula has no rows: one batch, the whole of it."""
        yield None

    def count(self, rows: Any) -> int:
        return 1


def parse(text: str) -> Formula:
    """The formula that a person typed, ready to descend.

    Numbers, names, ``+ - * / ^`` (also ``**``, ``−``, ``×``, ``·``, ``²``), parentheses, the
    constants pi and e, and the functions sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, exp,
    log, sqrt and abs.

    Parameters
    ----------
    text : str
        What a person typed.

    Returns
    -------
    Formula
        With ``value``, ``value_and_gradient`` and ``curvature_product``.

    Raises
    ------
    FormulaError
        For anything outside the grammar: one sentence with the position.

    Examples
    --------
    >>> parse("(1 - u)^2 + 100*(v - u^2)^2").names
    ('u', 'v')
    >>> parse("w.real")
    Traceback (most recent call last):
    downslope.errors.FormulaError: '.' is not part of a formula at position 2 of "w.real";
    a formula has no attributes; a point stands only inside a number such as 0.5.
    """
    if not isinstance(text, str):
        raise FormulaError(f"A formula is text such as '(w - 3)^2', not {type(text).__name__}.")
    tree = parse_tree(text)
    names = tuple(dict.fromkeys(_names(tree)))
    if not names:
        raise FormulaError(f"{text!r} has no name in it, so there is nothing to change; add one.")
    formula = Formula(text, names, _build(tree))
    for expression in (formula.expression, *formula.gradient_expressions):
        if expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
            raise FormulaError(
                f"{text!r} is nowhere a real number with a slope: it divides by something that is "
                "always 0, or takes a root or power of something that is always negative."
            )
    return formula


def _names(node: Node) -> Iterator[str]:
    if node.kind == "name":
        yield node.text
    for part in node.parts:
        yield from _names(part)


def _build(node: Node) -> Any:
    """Symbolic expression of a checked tree; decimals become exact fractions."""
    parts = [_build(part) for part in node.parts]
    match node.kind:
        case "number":
            return sympy.Rational(node.text)
        case "constant":
            return {"pi": sympy.pi, "e": sympy.E}[node.text]
        case "name":
            return sympy.Symbol(node.text, real=True)
        case "sum":
            return sympy.Add(*parts)
        case "product":
            return sympy.Mul(*parts)
        case "power":
            # The root of a square comes back as Abs, whose own derivative is right for reals only.
            return sympy.Pow(*parts).replace(sympy.Abs, Size)
    return SYMBOLIC[node.text](*parts).replace(sympy.Abs, Size)


def _readable(expression: Any, decimal: bool) -> Any:
    """The shortest of a few equal forms; fractions as decimals where decimals were typed."""
    forms = [expression, sympy.factor_terms(expression)]
    if sympy.count_ops(expression) <= SMALL:
        forms += [sympy.simplify(expression)]
    shortest = min(forms, key=lambda form: len(write(form)))
    return _with_decimals(shortest) if decimal else shortest


def _with_decimals(expression: Any) -> Any:
    """Fractions that end as decimals (3/5 as 0.6), exponents left alone."""
    exponents = {power.exp for power in expression.atoms(sympy.Pow)}
    fractions = expression.atoms(sympy.Rational) - exponents
    ending = [r for r in fractions if r.q > 1 and 10**12 % r.q == 0]
    return expression.xreplace({r: sympy.Float(float(r)) for r in ending})


def _doubles(w: Array) -> Array:
    """Weights as NumPy doubles, whose arithmetic answers inf and NaN instead of raising."""
    return np.asarray(w, dtype=float)
