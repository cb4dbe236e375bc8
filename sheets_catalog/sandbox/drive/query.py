"""The search language of files.list: `name contains 'a' and 'ID' in parents and not trashed`.

Terms and operators: https://developers.google.com/workspace/drive/api/guides/ref-search-terms. A term that Drive has
and this does not is refused by name; anything malformed is Drive's own 400 "Invalid Value" at `q`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sheets_catalog.sandbox.drive import problems
from sheets_catalog.sandbox.drive.files import File
from sheets_catalog.sandbox.wire import Caller, GoogleError, not_supported

TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z][A-Za-z0-9_.]*)|(?P<sign><=|>=|!=|=|<|>|\(|\)|\{|\}))""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
ORDER: Final = {"=", "!=", "<", "<=", ">", ">="}
KNOWN_ELSEWHERE: Final = {
    "fullText", "visibility", "shortcutDetails.targetId", "labels", "memberCount", "organizerCount", "hidden",
    "createdDate", "lastViewedByMeDate",
}  # fmt: skip


class Tree(Protocol):
    """What a search needs to know beside the file itself."""

    def is_trashed(self, file: File) -> bool:
        """Whether it or a folder above it is in the trash."""

    def roles(self, file: File) -> dict[str, str]:
        """Role by e-mail address, inherited ones included."""

    def root_of(self, email: str) -> str:
        """Id of the user's My Drive."""


Test = Callable[[File, Caller, Tree], bool]


@dataclass(frozen=True)
class Query:
    """A parsed search. `parents` narrows the candidates: every hit is in one of these folders (empty: no such term)."""

    test: Test
    parents: frozenset[str] = frozenset()


@functools.lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """Parse a search; GoogleError 400 "Invalid Value" when it is malformed."""
    if not text.strip():
        return Query(lambda file, caller, tree: True)
    parser = _Parser(text)
    query = parser.either()
    if parser.at < len(parser.tokens):
        raise _bad()
    return query


def _bad() -> GoogleError:
    return problems.invalid("q")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise _bad()
        at = match.end()
        if match["text"] is not None:
            yield "text", ESCAPE.sub(r"\1", match["text"][1:-1])
        elif match["word"] is not None:
            yield "word", match["word"]
        else:
            yield "sign", match["sign"]


class _Parser:
    """Recursive descent over the tokens: or < and < not < term."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, kind: str = "", value: str = "") -> str:
        found = self.peek()
        if found[0] == "end" or (kind and found[0] != kind) or (value and found[1].lower() != value.lower()):
            raise _bad()
        self.at += 1
        return found[1]

    def taken(self, word: str) -> bool:
        if self.peek()[0] != "text" and self.peek()[1].lower() == word:
            self.at += 1
            return True
        return False

    def either(self) -> Query:
        query = self.both()
        while self.taken("or"):
            query = _either(query, self.both())
        return query

    def both(self) -> Query:
        query = self.maybe_not()
        while self.taken("and"):
            query = _both(query, self.maybe_not())
        return query

    def maybe_not(self) -> Query:
        if self.taken("not"):
            return _negated(self.maybe_not())
        if self.taken("("):
            query = self.either()
            self.take("sign", ")")
            return query
        return self.term()

    def term(self) -> Query:
        if self.peek()[0] == "text":
            return self.membership(self.take("text"))
        name = self.take("word")
        if name in {"properties", "appProperties"}:
            return self.has_property(name)
        if name in {"trashed", "starred", "sharedWithMe"}:
            return self.flag(name)
        if name in KNOWN_ELSEWHERE:
            raise not_supported(f"the search term {name!r}")
        return self.comparison(name)

    def membership(self, value: str) -> Query:
        self.take("word", "in")
        where = self.take("word")
        if where == "parents":
            return Query(lambda file, caller, tree: _folder(value, caller, tree) in file.parents, frozenset({value}))
        roles = {
            "owners": {"owner"},
            "writers": {"writer", "owner"},
            "readers": {"reader", "commenter", "writer", "owner"},
        }
        if where not in roles:
            raise _bad()
        wanted = roles[where]

        def test(file: File, caller: Caller, tree: Tree) -> bool:
            email = caller.email if value == "me" else value
            return tree.roles(file).get(email, "none") in wanted

        return Query(test)

    def has_property(self, name: str) -> Query:
        self.take("word", "has")
        self.take("sign", "{")
        found = {}
        for index, part in enumerate(("key", "value")):
            if index:
                self.take("word", "and")
            self.take("word", part)
            self.take("sign", "=")
            found[part] = self.take("text")
        self.take("sign", "}")
        key, value = found["key"], found["value"]
        if name == "properties":
            return Query(lambda file, caller, tree: file.properties.get(key) == value)
        return Query(lambda file, caller, tree: file.app_properties.get(caller.app, {}).get(key) == value)

    def flag(self, name: str) -> Query:
        wanted = True
        if self.peek() in {("sign", "="), ("sign", "!=")}:
            equal = self.take("sign") == "="
            value = self.take().lower()
            if value not in {"true", "false"}:
                raise _bad()
            wanted = (value == "true") == equal
        tests: dict[str, Test] = {
            "trashed": lambda file, caller, tree: tree.is_trashed(file) == wanted,
            "starred": lambda file, caller, tree: (caller.email in file.starred_by) == wanted,
            "sharedWithMe": lambda file, caller, tree: (caller.email in file.shared_with) == wanted,
        }
        return Query(tests[name])

    def comparison(self, name: str) -> Query:
        operator = self.take()
        value = self.take("text")
        if name in {"modifiedTime", "createdTime", "viewedByMeTime", "sharedWithMeTime"}:
            return _time_query(name, operator, value)
        if name in {"name", "title"}:
            return _name_query(operator, value)
        if name == "mimeType":
            return _type_query(operator, value)
        raise _bad()


def _folder(value: str, caller: Caller, tree: Tree) -> str:
    return tree.root_of(caller.email) if value == "root" else value


def _both(one: Query, two: Query) -> Query:
    # Both sides may name a folder: either alone is a sound narrowing.
    return Query(
        lambda file, caller, tree: one.test(file, caller, tree) and two.test(file, caller, tree),
        one.parents or two.parents,
    )


def _either(one: Query, two: Query) -> Query:
    parents = one.parents | two.parents if one.parents and two.parents else frozenset()
    return Query(lambda file, caller, tree: one.test(file, caller, tree) or two.test(file, caller, tree), parents)


def _negated(query: Query) -> Query:
    return Query(lambda file, caller, tree: not query.test(file, caller, tree))


def _name_query(operator: str, value: str) -> Query:
    """Names compare without case; `contains` matches the beginning of words only, as Drive does."""
    wanted = value.lower()
    if operator == "=":
        return Query(lambda file, caller, tree: file.name.lower() == wanted)
    if operator == "!=":
        return Query(lambda file, caller, tree: file.name.lower() != wanted)
    if operator == "contains":
        start = re.compile(r"(?:^|(?<=[^\w]))" + re.escape(wanted))
        return Query(lambda file, caller, tree: start.search(file.name.lower()) is not None)
    raise _bad()


def _type_query(operator: str, value: str) -> Query:
    if operator == "=":
        return Query(lambda file, caller, tree: file.mime_type == value)
    if operator == "!=":
        return Query(lambda file, caller, tree: file.mime_type != value)
    if operator == "contains":
        return Query(lambda file, caller, tree: file.mime_type.startswith(value))
    raise _bad()


def _time_query(name: str, operator: str, value: str) -> Query:
    if operator not in ORDER:
        raise _bad()
    limit = _moment(value)
    reads: dict[str, Callable[[File, Caller], datetime | None]] = {
        "modifiedTime": lambda file, caller: file.modified,
        "createdTime": lambda file, caller: file.created,
        "viewedByMeTime": lambda file, caller: file.viewed.get(caller.email),
        "sharedWithMeTime": lambda file, caller: file.shared_with.get(caller.email),
    }
    read, compare = reads[name], _comparison(operator)

    def test(file: File, caller: Caller, tree: Tree) -> bool:
        moment = read(file, caller)
        return moment is not None and compare(moment, limit)

    return Query(test)


def _comparison(operator: str) -> Callable[[Any, Any], bool]:
    return {
        "=": lambda one, two: one == two,
        "!=": lambda one, two: one != two,
        "<": lambda one, two: one < two,
        "<=": lambda one, two: one <= two,
        ">": lambda one, two: one > two,
        ">=": lambda one, two: one >= two,
    }[operator]


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise _bad() from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
