"""Statements as Citus does them best, or at all, where the tables are spread over several nodes. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.store.postgres_sql import Catalog, Step

ROWS = 500
"""Written out in one statement; PostgreSQL takes 65,535 values."""

_SET_INSERT = re.compile(
    r"(INSERT INTO \w+ \(.*?\)) SELECT \* FROM unnest\((.*?)\)( ON CONFLICT .*)", re.DOTALL
)
_MOVE = re.compile(r"UPDATE (\w+) SET (lane = .*?) WHERE (.*)", re.DOTALL)
_NUMBER = re.compile(r"\$(\d+)")


def spread(step: Step) -> Iterator[Step]:
    """The same step: left out where it writes no row, and rows that may be there already written out.

    Written rows go to the shards they belong to over one session a node; with ON CONFLICT, rows that a
    query makes would open a session for each shard, in every batch.
    """
    if _is_array(step) and not step.values[0]:
        return
    found = _SET_INSERT.fullmatch(step.sql)
    if found is None:
        yield step
        return
    head, arrays, rest = found.groups()
    casts = [array.partition("::")[2].removesuffix("[]") for array in arrays.split(", ")]
    rows = list(zip(*step.values, strict=True))
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        values = [value for row in part for value in row]
        yield Step(f"{head} VALUES {_places(casts, len(part))}{rest}", values)


def _is_array(step: Step) -> bool:
    return bool(step.values) and isinstance(step.values[0], list | tuple)


def _places(casts: Sequence[str], rows: int) -> str:
    width = len(casts)
    return ", ".join(
        "(" + ", ".join(f"${row * width + n}::{cast}" for n, cast in enumerate(casts, 1)) + ")"
        for row in range(rows)
    )


@dataclass(frozen=True, slots=True)
class Move:
    """Rows that get another lane: they leave one shard by `take`, and come into another by `put`."""

    take: Step
    put: str
    columns: tuple[str, ...]
    changed: dict[str, Any]

    def rows(self, taken: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """What is put for what was taken."""
        return [
            tuple(self.changed.get(name, old) for name, old in zip(self.columns, row, strict=True))
            for row in taken
        ]


def read_move(sql: str, values: Sequence[Any], catalog: Catalog) -> Move | None:
    """An update (placeholders numbered) as a move where it changes the lane, which Citus refuses to do."""
    found = _MOVE.fullmatch(sql)
    if found is None:
        return None
    table, assigned, where = found.groups()
    changed = dict(_assignment(text, values) for text in assigned.split(", "))
    used = sorted({int(n) for n in _NUMBER.findall(where)})
    where = _NUMBER.sub(lambda number: f"${used.index(int(number.group(1))) + 1}", where)
    types = dict(catalog[table].columns)
    columns = ", ".join(types)
    return Move(
        take=Step(f"DELETE FROM {table} WHERE {where} RETURNING {columns}", [values[n - 1] for n in used]),
        put=f"INSERT INTO {table} ({columns}) VALUES {_places(list(types.values()), 1)}",
        columns=tuple(types),
        changed=changed,
    )


def _assignment(text: str, values: Sequence[Any]) -> tuple[str, Any]:
    name, _, value = text.partition(" = ")
    return name, values[int(value[1:]) - 1] if value.startswith("$") else value.strip("'")
