"""The named statements, as PostgreSQL takes them: numbered placeholders, whole batches as arrays. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\?(\d*)")
_INSERT = re.compile(r"INSERT INTO (\w+)(?: \(([^)]*)\))? VALUES \([?, ]+\)(.*)", re.DOTALL)
_TARGET = re.compile(r"ON CONFLICT \([^)]*\)")
_NUMBER = re.compile(r"\$(\d+)")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@lru_cache(maxsize=1000)
def numbered(sql: str) -> str:
    """`?` and `?1` as `$1`; what stands in quotes stays."""
    count = 0

    def number(found: re.Match[str]) -> str:
        nonlocal count
        if found.group(1) is None:
            return found.group()
        if found.group(1):
            return f"${found.group(1)}"
        count += 1
        return f"${count}"

    return _PLACEHOLDER.sub(number, sql)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the catalog has it: columns with their types, in order, and the key."""

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]


Catalog = Mapping[str, Table]


def set_insert(sql: str, catalog: Catalog) -> tuple[str, tuple[str, ...]]:
    """An insert of one row as an insert of many, one array for each column; and the arrays' types.

    The target of ON CONFLICT becomes the table's own key, which here may begin with a lane.
    """
    found = _INSERT.fullmatch(sql)
    assert found is not None, sql
    name, named, rest = found.groups()
    table = catalog[name]
    width = sql.count("?")
    columns = [c.strip() for c in named.split(",")] if named else [c for c, _ in table.columns[:width]]
    types = dict(table.columns)
    arrays = ", ".join(f"${n}::{types[c]}[]" for n, c in enumerate(columns, 1))
    rest = _TARGET.sub(f"ON CONFLICT ({', '.join(table.key)})", rest)
    return (
        f"INSERT INTO {name} ({', '.join(columns)}) SELECT * FROM unnest({arrays}){rest}",
        tuple(types[c] for c in columns),
    )


def arrays_of(rows: Sequence[Sequence[Any]], types: Sequence[str]) -> list[Any]:
    """Rows turned into columns; text that PostgreSQL cannot store (U+0000, lone surrogates) made storable."""
    if not rows:
        return [[] for _ in types]
    return [
        clean(column) if type_ == "text" else column
        for column, type_ in zip(zip(*rows, strict=True), types, strict=True)
    ]


def clean(column: Sequence[str]) -> Sequence[str]:
    """The same texts, with the replacement character for what no PostgreSQL text may hold."""
    joined = "".join(column)
    if joined.isascii() and "\0" not in joined:
        return column
    return [_UNSTORABLE.sub("�", text) for text in column]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a batch with its values, numbered from $1."""

    sql: str
    values: Sequence[Any]


def combine(steps: Iterable[Step], last: str) -> tuple[str, list[Any]]:
    """All steps as one statement: one round trip. They see the same state, none another's changes.

    `last` is the select that follows; it may name the steps, s0, s1, ...
    """
    parts: list[str] = []
    values: list[Any] = []
    for n, step in enumerate(steps):
        parts.append(f"s{n} AS ({_shift(step.sql, len(values))})")
        values.extend(step.values)
    return f"WITH {', '.join(parts)} {last}", values


@lru_cache(maxsize=4000)
def _shift(sql: str, by: int) -> str:
    return _NUMBER.sub(lambda found: f"${int(found.group(1)) + by}", sql) if by else sql
