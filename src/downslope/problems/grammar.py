"""The grammar of a typed formula: text to a checked tree, and nothing is ever evaluated as code.

::

    sum      product (("+" | "-") product)*
    product  signed (("*" | "/") signed)*         also 2x and 3(x - 1): a number right in front
    signed   ("-" | "+") signed | power
    power    atom (("^" | "**") signed)?          right to left, so 2^3^2 = 2^9 and -w^2 = -(w^2)
    atom     number | name | constant | function "(" sum ")" | "(" sum ")"

Mathematical signs are read too: − × · ÷ and superscript digits, as in (θ − 1)². A name is a letter
of any alphabet followed by letters, digits and underscores. Everything else is refused in one
sentence that says where: attribute access, strings, unknown functions, constants that are not real
numbers, powers so high and nesting so deep that they could only be meant to do harm.
"""

import math
import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from downslope.errors import FormulaError

MAX_LENGTH = 4_000
MAX_DEPTH = 30
MAX_POWER = 100
MAX_DIGITS = 40
LARGEST = 1e300

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
}
SYNONYMS = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "π": "pi"}
CONSTANTS = {"pi": math.pi, "e": math.e}
SIGNS = {"−": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "**": "^"}
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"

NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
NAME = rf"[^\W\d{SUPERSCRIPTS}][^\W{SUPERSCRIPTS}]*"
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    rf"|(?P<number>{NUMBER})"
    rf"|(?P<name>{NAME})"
    rf"|(?P<superscript>[{SUPERSCRIPTS}]+)"
    r"|(?P<sign>\*\*|[-+*/^()−×·⋅÷])"
)


class Node(NamedTuple):
    """A checked piece of a formula.

    ``kind`` is one of number, constant, name, call, sum, product, power. ``number`` is its value
    where no name occurs in it, and ``degree`` bounds the power to which a name is raised.
    """

    kind: str
    text: str
    parts: tuple["Node", ...] = ()
    number: float | None = None
    degree: float = 0.0


class Token(NamedTuple):
    """A word of the formula and its position, counted from 1."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Words of a formula, with an end mark behind the last.

    Raises
    ------
    FormulaError
        At the first character that no word starts with.

    Examples
    --------
    >>> [token.text for token in tokens("(θ − 1)²")]
    ['(', 'θ', '-', '1', ')', '²', '']
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"The formula has {len(text):,} characters; at most {MAX_LENGTH:,} are read, so "
            "shorten it or pass a Python function."
        )
    found, i = [], 0
    while i < len(text):
        match = _TOKEN.match(text, i)
        if match is None:
            _refuse(text, i + 1, f"{text[i]!r} is not part of a formula", _advice(text[i]))
        kind, word = str(match.lastgroup), match.group()
        if kind != "space":
            found.append(Token(kind, SIGNS.get(word, word), i + 1))
        i = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def parse_tree(text: str) -> Node:
    """Checked tree of a formula.

    Raises
    ------
    FormulaError
        One sentence: what is wrong, at which position, and what to write.

    Examples
    --------
    >>> parse_tree("2 * pi").number
    6.283185307179586
    >>> parse_tree("__import__('os')")
    Traceback (most recent call last):
    downslope.errors.FormulaError: "'" is not part of a formula at position 12 of
    "__import__('os')"; write numbers, names, + - * / ^, parentheses and functions such as sin(w).
    """
    parser = _Parser(text, tokens(text))
    tree = parser.sum()
    parser.expect_end()
    return tree


def _advice(character: str) -> str:
    if character == ".":
        return "a formula has no attributes; a point stands only inside a number such as 0.5"
    if character == "=":
        return "write only the expression whose lowest value is sought"
    if character == ",":
        return "write decimals with a point, as in 0.5; functions take one argument"
    return "write numbers, names, + - * / ^, parentheses and functions such as sin(w)"


def _refuse(text: str, at: int, what: str, advice: str) -> NoReturn:
    shown = text if len(text) <= 60 else text[: max(at, 30) + 10][-57:] + "..."
    quoted = f'"{shown}"'.replace("\n", " ")
    raise FormulaError(f"{what} at position {at} of {quoted}; {advice}.")


class _Parser:
    """Recursive descent over the tokens, one method per line of the grammar."""

    def __init__(self, text: str, words: list[Token]) -> None:
        self.text, self.words, self.i, self.depth = text, words, 0, 0

    @property
    def next(self) -> Token:
        return self.words[self.i]

    def take(self) -> Token:
        self.i += 1
        return self.words[self.i - 1]

    def refuse(self, at: int, what: str, advice: str) -> NoReturn:
        _refuse(self.text, at, what, advice)

    def expect_end(self) -> None:
        if self.next.kind == "end":
            return
        if self.next.text == ")":
            self.refuse(self.next.at, "')' closes nothing", "remove it, or open it with '('")
        self.refuse(
            self.next.at,
            f"An operator is missing before {self.next.text!r}",
            "write a product as 2*w and a call as sin(w)",
        )

    def sum(self) -> Node:
        start, terms = self.next.at, [self.product()]
        while self.next.text in ("+", "-"):
            sign, term = self.take().text, self.product()
            terms.append(term if sign == "+" else _negative(term))
        if len(terms) == 1:
            return terms[0]
        numbers = [t.number for t in terms]
        number = None if None in numbers else math.fsum(n for n in numbers if n is not None)
        return self.checked(
            Node("sum", "+", tuple(terms), number, max(t.degree for t in terms)), start
        )

    def product(self) -> Node:
        start, factors = self.next.at, [self.signed()]
        while self.next.text in ("*", "/"):
            sign = self.take()
            factor = self.signed() if sign.text == "*" else self.unambiguous(sign)
            factors.append(factor if sign.text == "*" else self.inverse(factor, sign.at))
        return factors[0] if len(factors) == 1 else self.checked(_product(factors), start)

    def unambiguous(self, sign: Token) -> Node:
        """What stands behind / or ^, where 2x would have two meanings."""
        factor = self.signed()
        if factor.text == "2x":
            self.refuse(sign.at, f"'{sign.text}' before a number and a name", "add a * and ( )")
        return factor

    def signed(self) -> Node:
        if self.next.text not in ("+", "-"):
            return self.power()
        sign = self.take()
        self.enter(sign.at)
        inner = self.signed()
        self.depth -= 1
        return inner if sign.text == "+" else _negative(inner)

    def power(self) -> Node:
        base = self.atom()
        if base.kind == "number" and self.touches_a_factor():
            return self.checked(_product([base, self.power()])._replace(text="2x"), self.next.at)
        if self.next.kind == "superscript":
            raised = self.take()
            digits = "".join(str(SUPERSCRIPTS.index(c)) for c in raised.text)
            return self.raise_to(base, self.number(digits, raised.at), raised.at)
        if self.next.text == "^":
            sign = self.take()
            self.enter(sign.at)
            exponent = self.unambiguous(sign)
            self.depth -= 1
            return self.raise_to(base, exponent, sign.at)
        return base

    def touches_a_factor(self) -> bool:
        """Whether a name or '(' stands right behind the last token, as in 2x."""
        before = self.words[self.i - 1]
        touches = before.at + len(before.text) == self.next.at
        return touches and (self.next.kind == "name" or self.next.text == "(")

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token.text, token.at)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            return self.inside(token)
        what = (
            "The formula ends too early"
            if token.kind == "end"
            else f"{token.text!r} is out of place"
        )
        self.refuse(token.at, what, "a number, a name or '(' is expected there")

    def inside(self, opening: Token) -> Node:
        self.enter(opening.at)
        inner = self.sum()
        self.depth -= 1
        if self.next.text != ")":
            if self.next.kind != "end":
                self.expect_end()
            self.refuse(opening.at, "'(' is never closed", "add the missing ')'")
        self.take()
        return inner

    def named(self, token: Token) -> Node:
        name = SYNONYMS.get(token.text, token.text)
        if self.next.text == "(":
            if name not in FUNCTIONS:
                known = ", ".join(FUNCTIONS)
                self.refuse(
                    token.at,
                    f"{token.text!r} is not a function here",
                    f"the functions are {known}, and a product needs its *",
                )
            return self.call(name, self.inside(self.take()), token.at)
        if name in FUNCTIONS:
            self.refuse(token.at, f"{token.text!r} lacks its argument", f"write {token.text}(w)")
        if name in CONSTANTS:
            return Node("constant", name, (), CONSTANTS[name])
        return Node("name", name, (), None, 1.0)

    def number(self, digits: str, at: int) -> Node:
        value = float(digits)
        if len(digits) > MAX_DIGITS or (value == 0.0 and digits.strip("0.eE+-") > ""):
            self.refuse(
                at,
                f"The number {digits[:12]} has too many digits or is too small",
                f"use at most {MAX_DIGITS} digits and sizes from {1.0 / LARGEST:g}",
            )
        return self.checked(Node("number", digits, (), value), at)

    def call(self, function: str, argument: Node, at: int) -> Node:
        number = None
        if argument.number is not None:
            number = _real(FUNCTIONS[function], argument.number)
        return self.checked(Node("call", function, (argument,), number, argument.degree), at)

    def inverse(self, node: Node, at: int) -> Node:
        return self.raise_to(node, Node("number", "-1", (), -1.0), at)

    def raise_to(self, base: Node, exponent: Node, at: int) -> Node:
        number, degree = None, base.degree
        if exponent.number is not None:
            degree *= abs(exponent.number)
            if abs(exponent.number) > MAX_POWER or (degree > MAX_POWER and exponent.number != -1.0):
                self.refuse(
                    at,
                    f"The power {max(abs(exponent.number), degree):g} is too high",
                    f"powers up to {MAX_POWER} are read, nested ones multiplied",
                )
            if base.number is not None:
                number = _real(math.pow, base.number, exponent.number)
        return self.checked(Node("power", "^", (base, exponent), number, degree), at)

    def checked(self, node: Node, at: int) -> Node:
        """``node``, unless it is a constant that no calculation can carry."""
        if node.number is None or node.number == 0.0 or 1.0 / LARGEST < abs(node.number) < LARGEST:
            return node
        if math.isnan(node.number):
            self.refuse(
                at,
                "A constant that is not a real number",
                "look for a division by zero, or the root or logarithm of a negative number",
            )
        self.refuse(
            at,
            f"A constant of size {abs(node.number):g}",
            f"only sizes from {1.0 / LARGEST:g} to {LARGEST:g} are read",
        )

    def enter(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(at, f"More than {MAX_DEPTH} levels of nesting", "write it flatter")


def _product(factors: list[Node]) -> Node:
    numbers = [f.number for f in factors]
    number = None if None in numbers else math.prod(n for n in numbers if n is not None)
    return Node("product", "*", tuple(factors), number, math.fsum(f.degree for f in factors))


def _negative(node: Node) -> Node:
    return _product([Node("number", "-1", (), -1.0), node])


def _real(function: Callable[..., float], *arguments: float) -> float:
    """Value of a function of constants: inf where it overflows, NaN where it is not real."""
    try:
        return function(*arguments)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan
