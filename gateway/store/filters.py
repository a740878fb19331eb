"""Lists that a caller narrows down: the statement and its values, for either database."""

from typing import Any

from gateway.store import queries as q
from gateway.store.protocol import HoldFilter


def filter_holds(wanted: HoldFilter) -> tuple[str, tuple[Any, ...]]:
    """The statement and values that list the wanted holds."""
    clauses: list[str] = ["1 = 1"]
    values: list[Any] = []
    for column, value in (
        ("status", wanted.status),
        ("source", wanted.source),
        ("campaign", wanted.campaign),
        ("channel", wanted.channel),
        ("class", wanted.class_),
        ("cluster", wanted.cluster),
        ("message_id", wanted.message),
        ("controller", wanted.controller),
    ):
        if value:
            clauses.append(f"{column} = ?")
            values.append(value)
    if wanted.code:
        clauses.append("(' ' || codes || ' ') LIKE ('%' || ? || '%')")
        values.append(wanted.code)
    if wanted.created_before:
        clauses.append("created_at < ?")
        values.append(wanted.created_before)
    if wanted.after:
        clauses.append("id > ?")
        values.append(wanted.after)
    sql = f"SELECT {q.HOLD_COLUMNS} FROM holds WHERE {' AND '.join(clauses)} ORDER BY id LIMIT ?"
    return sql, (*values, wanted.limit)
