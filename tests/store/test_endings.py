"""Sources are told of held messages that were rejected or expired: once, few letters, nothing lost."""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any

from gateway.access import Access, development_access
from gateway.delivery.endings import PAUSE, Endings
from gateway.delivery.reports import GATHER
from gateway.delivery.setup import make_wishes
from gateway.review import Review
from gateway.store.draft import Draft, Needs
from gateway.store.records import HoldRow
from tests.line import DAY, KEYS, Line, reader
from tests.review.test_many import hold_many
from tests.store.conftest import Stores

OPS = "ops@acme.example"


class Change:
    """One change to rows that stand."""

    needs = Needs()

    def __init__(self, sql: str, values: tuple[Any, ...]) -> None:
        self._statement = (sql, values)

    def apply(self, draft: Draft[Any]) -> None:
        draft.writes.statements.append(self._statement)


def telling(notices: str = OPS, **given: str) -> Access:
    access = development_access()
    source = access.sources["development"].model_copy(update={"notices": notices, **given})
    return Access(
        sources={source.name: source},
        controllers=access.controllers,
        reviewers=access.reviewers,
        development=True,
    )


def endings(line: Line, stores: Stores) -> Endings:
    return Endings(line.store, make_wishes(line.access), "gateway.example", stores.clock)


async def letters(line: Line) -> list[EmailMessage]:
    """The letters in the outbox, oldest first."""
    sql = (
        "SELECT content, entry FROM bodies JOIN outbox ON outbox.message_id = bodies.message_id"
        " WHERE outbox.message_id LIKE 'notice-%' ORDER BY queued_at"
    )
    found = await line.store.rows(sql)
    assert all(b'"envelope_from":""' in bytes(entry) for _, entry in found)
    return [email.message_from_bytes(bytes(raw), policy=email.policy.default) for raw, _ in found]  # type: ignore[misc]


async def tell(line: Line, stores: Stores, after: float) -> int:
    """Let time pass, and what is due be told."""
    stores.clock.now += after
    return await endings(line, stores).tell()


async def expire(line: Line, stores: Stores, holds: list[HoldRow]) -> None:
    stores.clock.now = holds[-1].expires_at + 1
    for _ in range(len(holds)):
        if not await line.review.sweep(stores.clock()):
            return


async def test_a_rejection_is_told_in_the_thread_of_the_message(stores: Stores) -> None:
    line = await stores.line(access=telling())
    [hold] = await hold_many(line, 1, message_id="<spring@acme.example>")
    await line.review.reject(hold.id, "ada", "not like this: p0@example.org")
    assert await tell(line, stores, GATHER - 1) == 0
    assert await tell(line, stores, 1) == 1
    [letter] = await letters(line)
    assert (letter["To"], letter["Subject"]) == (OPS, "1 messaggio trattenuto non è stato inviato")
    assert letter["In-Reply-To"] == letter["References"] == "<spring@acme.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_content()
    assert "rifiutati da un revisore" in text
    assert "p0@example.org" in text
    assert hold.message_id in text
    assert "consenso" in text  # why it was held
    assert "not like this" not in text  # a reviewer's reason is not for the sender
    assert await tell(line, stores, DAY) == 0


async def test_many_that_expire_together_make_one_letter_of_bounded_length(
    stores: Stores,
) -> None:
    line = await stores.line(access=telling(language="en"))
    holds = await hold_many(line, 131, message_id="<spring@acme.example>")
    await expire(line, stores, holds)
    assert await tell(line, stores, GATHER) == 1
    for _ in range(5):
        assert await tell(line, stores, GATHER) == 0
    [letter] = await letters(line)
    assert letter["Subject"] == "131 held messages were not sent"
    text = letter.get_content()
    assert text.count("@example.org") == 100
    assert "... and 31 more" in text
    assert "nobody decided in time" in text
    assert len(letter.as_bytes()) < 60_000


async def test_a_second_letter_waits_for_its_hour(stores: Stores) -> None:
    line = await stores.line(access=telling())
    first, second = await hold_many(line, 2)
    await line.review.reject(first.id, "ada", "no")
    assert await tell(line, stores, GATHER) == 1
    await line.review.reject(second.id, "ada", "no")
    assert await tell(line, stores, PAUSE - 1) == 0
    assert await tell(line, stores, 1) == 1
    assert len(await letters(line)) == 2


async def test_what_a_command_rejects_is_told_once_after_a_restart_and_by_one_of_several(
    stores: Stores,
) -> None:
    before = await stores.line(access=telling())
    [hold] = await hold_many(before, 1)
    command = stores.make(serving=False, chain="cli-1")
    await command.start()
    review = Review(command, reader(), before.policies, before.access, KEYS, elsewhere=True)
    await review.reject(hold.id, "ada", "no")
    await command.close()
    await before.store.close()
    line = await stores.line(access=telling())
    beside = stores.make(serving=False, chain="other")
    await beside.start()
    try:
        stores.clock.now += GATHER
        other = Endings(beside, make_wishes(line.access), "gateway.example", stores.clock)
        assert sum(await asyncio.gather(endings(line, stores).tell(), other.tell())) == 1
    finally:
        await beside.close()
    assert len(await letters(line)) == 1


async def test_nobody_is_told_who_did_not_ask_or_would_be_told_of_a_report(stores: Stores) -> None:
    line = await stores.line(access=telling("p0@example.org"))
    own, bounce = await hold_many(line, 2)
    meta = "UPDATE messages SET meta = ? WHERE id = ?"
    found = await line.store.message(bounce.message_id)
    assert found is not None
    nobodys = found[0].meta.replace(b'"envelope_from":"elena@acme.example",', b"")
    assert nobodys != found[0].meta
    await line.store.run(Change(meta, (nobodys, bounce.message_id)))
    for hold in (own, bounce):
        await line.review.reject(hold.id, "ada", "no")
    assert await tell(line, stores, GATHER) == 0
    assert (
        await line.store.rows("SELECT 1 FROM replays WHERE key >= ? AND key < ?", (b"ended", b"endee")) == []
    )


async def test_without_an_address_for_notices_nothing_is_noted(stores: Stores) -> None:
    line = await stores.line()
    [hold] = await hold_many(line, 1)
    await line.review.reject(hold.id, "ada", "no")
    assert (
        await line.store.rows("SELECT 1 FROM replays WHERE key >= ? AND key < ?", (b"ended", b"endee")) == []
    )


async def test_the_wishes_of_today_are_followed(stores: Stores) -> None:
    """Also where the source wants no letters any more, or goes, while one is being written."""
    line = await stores.line(access=telling())
    [hold] = await hold_many(line, 1)
    await line.review.reject(hold.id, "ada", "no")
    stores.clock.now += GATHER
    teller = endings(line, stores)
    teller.adopt({})
    assert await teller.tell() == 0
    told, pause = 0, 0.0
    while not told:  # sooner or later it is in the midst of a letter when the wish goes
        teller.adopt(make_wishes(telling("others@example.com")))
        telling_now = asyncio.ensure_future(teller.tell())
        await asyncio.sleep(pause)
        teller.adopt({})
        told, pause = await telling_now, pause + 0.0002
    [letter] = await letters(line)
    assert letter["To"] == "others@example.com"


async def test_those_behind_many_whom_nobody_is_to_be_told_of_are_told(stores: Stores) -> None:
    line = await stores.line(access=telling(language="en"))
    holds = await hold_many(line, 102)
    for hold in holds:
        await line.review.reject(hold.id, "ada", "no")
    last = max(hold.message_id for hold in holds)
    await line.store.run(Change("DELETE FROM messages WHERE id <> ?", (last,)))
    assert [await tell(line, stores, after) for after in (GATHER, 10, 10)] == [0, 1, 0]
    [letter] = await letters(line)
    assert last in letter.get_content()
