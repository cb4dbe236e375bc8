"""Parsing a formula into a tree.

Precedence, loosest first: comparison, `&`, `+ -`, `* /`, `^`, sign, `%` (Sheets help "Formula basics").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from sheets_catalog.sandbox.sheets.formulas.text import REFERENCE, Reference, parse_reference


class FormulaSyntaxError(ValueError):
    """The text is no formula: Sheets shows #ERROR!."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, boolean or nothing (an argument left out)."""

    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class ErrorLiteral:
    """`#REF!` written in a formula."""

    text: str


@dataclass(frozen=True, slots=True)
class RangeOf:
    """A reference to cells."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class Name:
    """A named range."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `name` in capitals."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x` or `x%`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """`x op y`."""

    operator: str
    left: Node
    right: Node


Node: TypeAlias = Literal | ErrorLiteral | RangeOf | Name | Call | Unary | Binary

_TOKEN = re.compile(
    r"\s*(?:"
    r'(?P<string>"(?:[^"]|"")*")'
    r"|(?P<error>#(?:REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|ERROR!))"
    r"|(?P<function>[A-Za-z][A-Za-z0-9_.]*)\s*(?=\()"
    rf"|(?P<ref>{REFERENCE.pattern})"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d][\w.]*)"
    r"|(?P<op><>|<=|>=|[-+*/^&=<>%(),;])"
    r")"
)
_LEVELS = (("=", "<>", "<", "<=", ">", ">="), ("&",), ("+", "-"), ("*", "/"), ("^",))


def _tokenize(text: str) -> list[tuple[str, str]]:
    tokens, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise FormulaSyntaxError(text)
        kind = next(
            name for name in ("string", "error", "function", "ref", "number", "name", "op") if match[name] is not None
        )
        tokens.append((kind, match[kind]))
        place = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def take(self, operator: str) -> None:
        if self.peek() != ("op", operator):
            raise FormulaSyntaxError(operator)
        self.place += 1

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        node = self.binary(level + 1)
        while self.peek()[0] == "op" and self.peek()[1] in _LEVELS[level]:
            operator = self.peek()[1]
            self.place += 1
            node = Binary(operator, node, self.binary(level + 1))
        return node

    def unary(self) -> Node:
        kind, text = self.peek()
        if kind == "op" and text in "+-":
            self.place += 1
            return Unary(text, self.unary())
        node = self.primary()
        while self.peek() == ("op", "%"):
            self.place += 1
            node = Unary("%", node)
        return node

    def primary(self) -> Node:
        kind, text = self.peek()
        self.place += 1
        if kind == "number":
            return Literal(float(text))
        if kind == "string":
            return Literal(text[1:-1].replace('""', '"'))
        if kind == "error":
            return ErrorLiteral(text)
        if kind == "ref":
            reference = parse_reference(text)
            return Name(text) if reference is None else RangeOf(reference)
        if kind == "function":
            return Call(text.upper(), self.arguments())
        if kind == "name":
            return Literal(text.upper() == "TRUE") if text.upper() in {"TRUE", "FALSE"} else Name(text)
        if (kind, text) == ("op", "("):
            node = self.binary(0)
            self.take(")")
            return node
        raise FormulaSyntaxError(text)

    def arguments(self) -> tuple[Node, ...]:
        self.take("(")
        arguments: list[Node] = []
        if self.peek() == ("op", ")"):
            self.place += 1
            return ()
        while True:
            left_out = self.peek()[0] == "op" and self.peek()[1] in ",;)"
            arguments.append(Literal(None) if left_out else self.binary(0))
            kind, text = self.peek()
            self.place += 1
            if kind != "op" or text not in ",;)":
                raise FormulaSyntaxError(text)
            if text == ")":
                return tuple(arguments)


@lru_cache(maxsize=65_536)
def parse(formula: str) -> Node:
    """The tree of a formula with its leading `=`.

    Raises:
        FormulaSyntaxError: it cannot be read.
    """
    parser = _Parser(_tokenize(formula.removeprefix("=")))
    node = parser.binary(0)
    if parser.peek()[0] != "end":
        raise FormulaSyntaxError(formula)
    return node
