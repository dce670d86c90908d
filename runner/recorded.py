"""A file of recorded queries: its statements, their names and parameters, and what they read.

sqlparse's lexer tells strings, comments and names apart; it is given PostgreSQL's lexical rules,
as its own are those of many dialects at once. Nothing here understands SQL beyond that.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from psycopg import sql
from sqlparse import tokens
from sqlparse.lexer import Lexer

from runner.errors import UsageProblem

# Comments between /* */ and strings between $$ are sqlparse's own business.
_POSTGRES = [
    (r"--[^\r\n]*", tokens.Comment.Single),
    (r"E'(?:[^'\\]|''|\\[\s\S])*'", tokens.String.Single),
    (r"'(?:[^']|'')*'", tokens.String.Single),
    (r'"(?:[^"]|"")*"', tokens.String.Symbol),
    (r"\s+", tokens.Whitespace),
    (r"\$[0-9]+", tokens.Name.Placeholder),
    (r"[^\W\d][\w$]*", tokens.Name),
    (r"[0-9][\w.]*", tokens.Number),
    (r"[;(),.\[\]]", tokens.Punctuation),
    (r"[^\s\w]", tokens.Operator),
]
_READING = {"select", "with", "values", "table", "("}
_WRITING = {"insert", "update", "delete", "merge"}
_DIRECTIONS = {"asc", "desc", "nulls", "first", "last"}
_AFTER_ORDER = {"limit", "offset", "fetch", "for"}
_NOTE = re.compile(r"--\s*(name|params|choose)\s*:\s*(.*?)\s*$")


@dataclass(frozen=True)
class Token:
    """A piece of the text; `name` is what an identifier or keyword means, None of all else."""

    kind: object
    text: str
    line: int

    @property
    def counts(self) -> bool:
        """Whether it is neither blank nor a comment."""
        return self.kind is not tokens.Whitespace and self.kind not in tokens.Comment

    @property
    def name(self) -> str | None:
        """The identifier as the server folds it."""
        if self.kind is tokens.Name:
            return self.text.lower()
        if self.kind is tokens.String.Symbol:
            return self.text[1:-1].replace('""', '"')
        return None

    @property
    def word(self) -> str:
        """The token, a keyword in lower case; a quoted identifier is no keyword."""
        return self.text.lower()


@dataclass(frozen=True)
class Query:
    """One statement of the file. `parameters` are as text: the server infers their types."""

    name: str
    line: int
    tokens: tuple[Token, ...]
    parameters: tuple[str | None, ...] = ()
    # The query whose one row are the parameters; of a plan's critical queries.
    choose: str | None = None

    @property
    def text(self) -> str:
        """What the application says."""
        return "".join(token.text for token in self.tokens).strip()

    @property
    def placeholders(self) -> int:
        """The highest n of its $n."""
        numbers = [
            int(t.text[1:]) for t in self.tokens if t.kind is tokens.Name.Placeholder
        ]  # fmt: skip
        return max(numbers, default=0)

    @property
    def is_ordered(self) -> bool:
        """Whether the order of its rows is its own: an ORDER BY of the outermost query."""
        return self._order() is not None

    @property
    def is_arbitrary(self) -> bool:
        """Whether it takes any so many rows: LIMIT without ORDER BY."""
        return not self.is_ordered and any(
            token.word in {"limit", "fetch"} for token in self._outermost()
        )

    def sort_key(self, columns: Sequence[str]) -> list[int] | None:
        """Return which of the result's columns, from 0 on, its rows are ordered by.

        None where that cannot be told: an expression, a qualified name, a column not returned.
        """
        key = []
        for item in _split(self._order() or []):
            words = [token for token in item if token.word not in _DIRECTIONS]
            if len(words) != 1:
                return None
            found = _position(words[0], columns)
            if found is None:
                return None
            key.append(found)
        return key or None

    def redirected(self, schema: str, tables: Collection[str], to: str) -> str:
        """Return the text with the schema of `schema.table` replaced, for these tables only."""
        solid = [index for index, token in enumerate(self.tokens) if token.counts]
        texts = [token.text for token in self.tokens]
        for place, index in enumerate(solid):
            before, following = solid[max(place - 1, 0) : place], solid[place + 1 : place + 4]
            words = [self.tokens[i] for i in following]
            if (
                self.tokens[index].name == schema
                and [self.tokens[i].text for i in before] != ["."]
                and len(words) > 1
                and words[0].text == "."
                and words[1].name in tables
                and [token.text for token in words[2:]] != ["("]
            ):
                texts[index] = sql.Identifier(to).as_string()
        return "".join(texts).strip()

    def objection(self) -> str | None:
        """Say why it must not run, as far as its words tell."""
        solid = [token for token in self.tokens if token.counts]
        first = solid[0].word
        if first not in _READING:
            return first.upper()
        for before, token, after in zip(solid, solid[1:], solid[2:], strict=False):
            if token.word == "into" and before.text != ".":
                return "SELECT INTO"
            begins = before.text == "(" or (before.text == ")" and first == "with")
            if begins and token.word in _WRITING and after.name is not None:
                return token.word.upper()
        return None

    def _outermost(self) -> Iterator[Token]:
        depth = 0
        for token in self.tokens:
            if token.text in {"(", "["}:
                depth += 1
            elif token.text in {")", "]"}:
                depth -= 1
            elif depth == 0 and token.counts:
                yield token

    def _order(self) -> list[Token] | None:
        """Return the tokens after the outermost ORDER BY, None without one."""
        places = [
            first
            for first, second in pairwise(self._solid_outside())
            if (self.tokens[first].word, self.tokens[second].word) == ("order", "by")
        ]
        if not places:
            return None
        solid = [token for token in self.tokens[places[-1] :] if token.counts][2:]
        depth, found = 0, []
        for token in solid:
            depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
            if depth == 0 and token.word in _AFTER_ORDER:
                break
            found.append(token)
        return found

    def _solid_outside(self) -> list[int]:
        outside = {id(token) for token in self._outermost()}
        return [index for index, token in enumerate(self.tokens) if id(token) in outside]


def _split(found: Sequence[Token]) -> Iterator[list[Token]]:
    item: list[Token] = []
    for token in found:
        if token.text == ",":
            yield item
            item = []
        else:
            item.append(token)
    yield item


def _position(token: Token, columns: Sequence[str]) -> int | None:
    if token.text.isdecimal() and 0 < int(token.text) <= len(columns):
        return int(token.text) - 1
    places = [place for place, column in enumerate(columns) if column == token.name]
    return places[0] if len(places) == 1 else None


def read_queries(path: Path, again: str, *, chosen: bool = False) -> list[Query]:
    """Read the queries of a file. `again` is the command that names it.

    `chosen` says that the parameters may come from another query. Raises UsageProblem: no such
    file, no query, parameters that do not fit, and all statements that write, before any of them
    has run.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageProblem(f"cannot read {path}: {reason}", again) from None
    queries = parse(text)
    if not queries:
        raise UsageProblem(
            f"there is no query in {path}",
            "write the application's queries into it, each ended by a semicolon",
        )
    _require(
        path, queries, Query.objection, "must not run here",
        "leave only queries that read in it: SELECT, WITH, VALUES, TABLE",
    )  # fmt: skip
    _require(
        path, [query for query in queries if not (chosen and query.choose)], _parameter_objection,
        "lack their parameters",
        "write them as a JSON list on a line before the query: -- params: [\"x\", 3]",
    )  # fmt: skip
    return queries


def _require(
    path: Path,
    queries: Sequence[Query],
    objection: Callable[[Query], str | None],
    what: str,
    fix: str,
) -> None:
    found = [
        f"{query.name if str(query.line) in query.name else f'{query.name} (line {query.line})'}"
        f": {problem}"
        for query in queries
        if (problem := objection(query)) is not None
    ]
    if found:
        raise UsageProblem(f"these of {path} {what}: {'; '.join(found)}", fix)


def _parameter_objection(query: Query) -> str | None:
    if query.placeholders == len(query.parameters):
        return None
    return f"${query.placeholders or 0} is the last, {len(query.parameters)} given"


def parse(text: str) -> list[Query]:
    """Split a file's text into its queries. Raises UsageProblem on parameters that are no JSON."""
    queries: list[Query] = []
    statement: list[Token] = []
    notes: dict[str, str] = {}

    def end() -> None:
        nonlocal statement, notes
        if statement:
            line = statement[0].line
            name = notes.get("name") or f"query {len(queries) + 1} (line {line})"
            given = _parameters(name, notes)
            queries.append(Query(name, line, tuple(statement), given, notes.get("choose")))
            statement, notes = [], {}

    for token in lex(text):
        if token.text == ";":
            end()
        elif statement or token.counts:
            statement.append(token)
        elif note := _NOTE.match(token.text):
            notes[note[1]] = note[2]
    end()
    return queries


def _parameters(name: str, notes: dict[str, str]) -> tuple[str | None, ...]:
    if "params" not in notes:
        return ()
    try:
        values = json.loads(notes["params"])
    except json.JSONDecodeError:
        values = None
    if not isinstance(values, list):
        raise UsageProblem(
            f"the parameters of {name} are no JSON list", 'write them so: -- params: ["x", 3]'
        )
    return tuple(_as_text(value) for value in values)


def _as_text(value: object) -> str | None:
    """Write a JSON value as PostgreSQL reads it: a list is an array, an object is JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        items = ["NULL" if item is None else _element(item) for item in value]
        return f"{{{','.join(items)}}}"
    return json.dumps(value, ensure_ascii=False)


def _element(item: object) -> str:
    text = _as_text(item) or ""
    if isinstance(item, list):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def lex(text: str) -> Iterator[Token]:
    """Yield the tokens; joined, their texts are the text."""
    line = 1
    for kind, piece in _lexer().get_tokens(text):  # type: ignore[no-untyped-call]
        yield Token(kind, piece, line)
        line += piece.count("\n")


@cache
def _lexer() -> Lexer:
    lexer = Lexer()
    lexer.clear()  # type: ignore[no-untyped-call]
    lexer.set_SQL_REGEX(_POSTGRES)  # type: ignore[no-untyped-call]
    return lexer
