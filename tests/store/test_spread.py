"""Statements as they are given to Citus: what a batch writes, and rows that change their lane."""

import pytest

from gateway.store import queries as q
from gateway.store.postgres_spread import ROWS, read_move, spread
from gateway.store.postgres_sql import Step, Table, numbered, set_insert

PEOPLE = Table(
    (("lane", "integer"), ("controller", "text"), ("subject", "bytea"), ("state", "bytea")),
    ("lane", "controller", "subject"),
)
ATTEMPTS = Table((("id", "text"), ("attempt", "integer"), ("lane", "integer")), ())
HOLDS = Table(
    (("id", "text"), ("lane", "integer"), ("subject", "bytea"), ("cluster", "text")), ("lane", "id")
)
CATALOG = {"people": PEOPLE, "attempts": ATTEMPTS, "holds": HOLDS}


def people(count: int) -> Step:
    sql, _ = set_insert(q.SET_PERSON, CATALOG)
    columns = zip(*((n, "c", bytes([n % 256]), b"{}") for n in range(count)), strict=True)
    return Step(sql, [list(column) for column in columns])


def test_rows_that_may_be_there_are_written_out() -> None:
    [step] = spread(people(2))
    assert step.sql == (
        "INSERT INTO people (lane, controller, subject, state) VALUES"
        " ($1::integer, $2::text, $3::bytea, $4::bytea), ($5::integer, $6::text, $7::bytea, $8::bytea)"
        " ON CONFLICT (lane, controller, subject) DO UPDATE SET state = excluded.state"
    )
    assert step.values == [0, "c", b"\0", b"{}", 1, "c", b"\1", b"{}"]


def test_many_rows_become_several_statements() -> None:
    steps = list(spread(people(2 * ROWS + 1)))
    assert [len(step.values) // 4 for step in steps] == [ROWS, ROWS, 1]
    assert [step.values[0] for step in steps] == [0, ROWS, 2 * ROWS]


def test_new_rows_stay_one_statement_and_no_rows_are_none() -> None:
    sql, types = set_insert("INSERT INTO attempts (id, attempt, lane) VALUES (?,?,?)", CATALOG)
    step = Step(sql, [["a"], [1], [5]])
    assert list(spread(step)) == [step]
    assert list(spread(Step(sql, [[] for _ in types]))) == []
    mark = Step("UPDATE writers SET batch = $1 WHERE name = $2", (5, "w"))
    assert list(spread(mark)) == [mark]


def test_an_update_of_the_lane_is_a_move() -> None:
    sql = numbered("UPDATE holds SET lane = ?, subject = ?, cluster = '' WHERE id = ? AND lane > ?")
    move = read_move(sql, (0, b"nobody", "h1", 3), CATALOG)
    assert move is not None
    assert move.take == Step(
        "DELETE FROM holds WHERE id = $1 AND lane > $2 RETURNING id, lane, subject, cluster", ["h1", 3]
    )
    assert move.put == (
        "INSERT INTO holds (id, lane, subject, cluster) VALUES ($1::text, $2::integer, $3::bytea, $4::text)"
    )
    assert move.rows([("h1", 7, b"anna", "x")]) == [("h1", 0, b"nobody", "")]


@pytest.mark.parametrize("sql", [q.RECHECK_HOLDS, q.CANCEL_HOLDS, "DELETE FROM people WHERE lane = ?"])
def test_whatever_keeps_its_lane_stays_as_it_is(sql: str) -> None:
    assert read_move(numbered(sql), (1, 2, 3, 4, 5), CATALOG) is None
