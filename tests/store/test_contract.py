"""What every store promises, tried on SQLite and on PostgreSQL."""

import asyncio
import contextlib
from pathlib import Path

import apsw
import orjson
import pytest
from msgspec.structs import replace

from gateway.evidence.verify import Verification
from gateway.intake import GoesRound, Receipt, answered_before
from gateway.intake.accept import pack_receipt, unpack_receipt
from gateway.intake.events import TellEvent
from gateway.intake.gate import GatedOutbox
from gateway.ledger.happening import Happening
from gateway.ledger.person import Person
from gateway.ledger.relationship import relationship
from gateway.message.envelope import Identifier
from gateway.metrics import Metrics
from gateway.policy.outcome import Outcome
from gateway.review.deciding import AlreadyDecided, End
from gateway.store.attempt import Attempt, Kind, Report
from gateway.store.attempt import Outcome as Delivered
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import FEED_BYTES, queue_report
from gateway.store.protocol import HoldFilter, StoreError, WrongKeys
from gateway.store.records import AuditRow, BodyRow, Cancel, HoldRow, OutboxRow, Ref
from gateway.store.sqlite import LEASE, SqliteStore
from gateway.store.sqlite_outbox import HELD_ROUNDS
from gateway.store.sqlite_writes import once
from tests.intake.policies import policies
from tests.line import DAY, KEYS, NOW, Line, line, message
from tests.store.conftest import Stores

NEWS = "Ecco le novità di marzo della nostra libreria: tre romanzi e un incontro con l'autore."
WAY_OUT = {"list_unsubscribe": "<https://a.example/u>", "list_unsubscribe_post": "List-Unsubscribe=One-Click"}
PITCH = "Gentile Anna, vorrei proporle la nostra offerta: sconto del 20% solo per oggi, acquisti subito!"

DELIVERED = Attempt(outcome=Delivered.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)


def ref(address: str) -> Ref:
    return ("default", KEYS.subject("email", address))


async def take_one(line: Line) -> object:
    async with asyncio.timeout(10):
        [entry] = await line.store.take(10)
    return entry


async def settled(line: Line) -> None:
    """Results are written with the next batch, or by themselves soon."""
    await asyncio.sleep(0.15)
    await line.store.check()


async def test_what_is_accepted_can_be_read_again(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit(
        campaign="marzo", purpose="receipts", to=["anna@example.org", "bo@example.org"]
    )
    assert receipt.status == "accepted"
    found = await line.store.message(receipt.id)
    assert found is not None
    assert (found[0].campaign, found[0].purpose) == ("marzo", "receipts")
    assert found[1].endswith("è partito oggi.\r\n".encode())
    assert [(d.n, d.outcome) for d in await line.store.decisions(receipt.id)] == [(0, 0), (1, 0)]
    assert len(await line.store.waiting(receipt.id)) == 2
    assert await line.store.sent_to(ref("bo@example.org")) == [receipt.id]
    assert (await line.store.depths()).outbox == 2
    person = await line.store.person(ref("anna@example.org"))
    assert [c.message for c in person.contacts] == [receipt.id]
    assert await line.store.message("nothing") is None
    assert await line.store.person(ref("nobody@example.org")) == Person()


async def test_an_entry_is_delivered_with_its_bytes_and_leaves_nothing(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit(message_id="<a@acme.example>")
    entry = await take_one(line)
    assert entry.id == f"{receipt.id}-0"
    assert entry.raw.endswith(b"partito oggi.\r\n")
    line.store.settle(entry, DELIVERED)
    await settled(line)
    found = await line.store.message(receipt.id)
    assert found is not None
    assert found[1] == b""
    assert (await line.store.depths()).outbox == 0
    assert [(row[0], row[1], row[3]) for row in await line.store.attempts(receipt.id)] == [
        (f"{receipt.id}-0", 1, "delivered")
    ]
    assert await line.store.sent_as("a@acme.example") == [receipt.id]


async def test_a_body_stays_while_one_recipient_waits(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit(to=["anna@example.org", "bo@example.org"])
    first, second = await line.store.take(2)
    line.store.settle(first, DELIVERED)
    await settled(line)
    assert (await line.store.message(receipt.id))[1]  # type: ignore[index]
    line.store.settle(second, DELIVERED)
    await settled(line)
    assert (await line.store.message(receipt.id))[1] == b""  # type: ignore[index]


async def test_what_is_put_off_comes_again_and_not_before(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit()
    entry = await take_one(line)
    assert await line.store.waiting(receipt.id) == [(entry.id, 0, 0)]  # somebody has it just now
    later = Attempt(
        outcome=Delivered.DEFERRED,
        kind=Kind.TEMPORARY,
        relay="smtp",
        code=451,
        next_at=NOW + 50,
        text="later",
    )
    line.store.settle(entry, later)
    await settled(line)
    assert await line.store.waiting(receipt.id) == [(entry.id, NOW + 50, 1)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await line.store.take(1)
    line.clock.now += 51
    again = await take_one(line)
    assert (again.id, again.attempts, again.raw) == (entry.id, 1, entry.raw)


async def test_a_lease_ends_by_itself(stores: Stores) -> None:
    line = await stores.line()
    await line.submit()
    entry = await take_one(line)
    if isinstance(line.store, SqliteStore):  # which goes by the time that it has run
        line.store._outbox._rounds += HELD_ROUNDS
        line.store._outbox._count_round()
    line.clock.now += LEASE + 1
    again = await take_one(line)
    assert again.id == entry.id


async def test_a_clock_that_jumps_sends_nothing_twice(tmp_path: Path) -> None:
    """One process has one file: what is under way there is nobody else's, whatever the clock says."""
    async with line(tmp_path) as gateway:
        await gateway.submit(to=["a@example.org", "b@example.org"])
        [first] = await gateway.store.take(1)
        gateway.clock.now += 86400
        assert [entry.address for entry in await gateway.store.take(5)] == ["b@example.org"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await gateway.store.take(1)
        later = Attempt(outcome=Delivered.DEFERRED, kind=Kind.TEMPORARY, relay="smtp", code=451, next_at=NOW)
        gateway.store.settle(first, later)
        assert (await take_one(gateway)).id == first.id


async def test_what_waits_is_delivered_by_who_comes_next(stores: Stores) -> None:
    line = await stores.line()
    await line.submit()
    await line.store.close()
    again = await stores.line()
    entry = await take_one(again)
    assert entry.address == "anna@example.org"


async def test_the_same_key_is_answered_the_same(stores: Stores) -> None:
    line = await stores.line()
    one = await line.submit(idempotency_key="k")
    two = await line.submit(idempotency_key="k")
    assert (two.id, two.replayed) == (one.id, True)
    assert (await line.store.depths()).outbox == 1
    store, names = line.store, [*(f"other {n}" for n in range(300)), "k"]
    assert await answered_before(store, "development", names, line.clock()) == {"k": one.id}
    line.clock.now += 86400 + 1
    assert await answered_before(store, "development", names, line.clock()) == {}
    assert not (await line.submit(idempotency_key="k")).replayed


PRESSING = "version: 1\npolicy: press\nrules:\n  - {rule: phrases, lexicon: pressure, outcome: hold}\n"


async def test_what_the_relay_brings_back_is_no_repeated_submission(stores: Stores) -> None:
    line = await stores.line()
    first = await line.submit(idempotency_key="k", hops=1)
    assert (await line.submit(idempotency_key="k", hops=1)).replayed
    with pytest.raises(GoesRound, match=first.id):
        await line.submit(idempotency_key="k", hops=2)
    assert (await line.store.depths()).outbox == 1


async def test_what_was_held_goes_round_only_once_it_was_released(stores: Stores) -> None:
    line = await stores.line(policies=policies(stores.folder, PRESSING))
    said = {"class_": "outreach", "text": "Ultima occasione: solo per oggi!", "idempotency_key": "k"}
    first = await line.submit(**said, hops=1)
    assert first.status == "held"
    assert (await line.submit(**said, hops=2)).replayed
    await line.review.release(first.recipients[0].hold_id, "ada", "fine")
    assert (await line.submit(**said, hops=1)).replayed
    with pytest.raises(GoesRound, match=first.id):
        await line.submit(**said, hops=2)


def test_an_answer_kept_by_an_older_gateway_is_never_a_loop() -> None:
    kept = orjson.loads(pack_receipt(Receipt(id="m", status="accepted", recipients=())))
    del kept["hops"]
    assert unpack_receipt(orjson.dumps(kept)).hops > 1000


async def test_holds_are_listed_released_and_counted(stores: Stores) -> None:
    line = await stores.line()
    held = await hold_one(line)
    [hold] = await line.store.holds(HoldFilter(message=held.id))
    assert hold == await line.store.hold(hold.id)
    assert await line.store.held_of(ref("anna@example.org")) == [hold]
    assert sum((await line.store.depths()).holds.values()) >= 1
    assert await line.store.holds(HoldFilter(code=hold.codes.split()[0])) == [hold]
    assert await line.store.holds(HoldFilter(after=hold.id)) == []
    assert await line.store.due_holds(line.clock() + 15 * 86400, 10) == [hold]
    await line.review.reject(hold.id, "carla", "no")
    assert (await line.store.hold(hold.id)).status == "rejected"  # type: ignore[union-attr]
    assert (await line.store.message(held.id))[1] == b""  # type: ignore[index]


async def hold_one(line: Line, to: str = "anna@example.org") -> Receipt:
    """A message that the shipped policies hold."""
    for given in (
        {"class_": "outreach", "text": "Buongiorno, passo da voi domani."},
        {"class_": "outreach", "text": PITCH},
        {"class_": "greeting", "text": "Buon Natale!"},
        {"class_": "conversation", "text": "Le scrivo per la nostra offerta."},
    ):
        receipt = await line.submit(to=to, **given)
        if receipt.status == "held":
            return receipt
    raise AssertionError("nothing was held")


async def test_a_stop_cancels_what_waits(stores: Stores) -> None:
    line = await stores.line()
    await line.consent("anna@example.org")
    held = await hold_one(line)
    sent = await line.submit(
        class_="newsletter", purpose="newsletter", text=NEWS, send_at=line.clock() + 60, **WAY_OUT
    )
    receipt = await line.submit()
    assert (sent.status, receipt.status) == ("accepted", "accepted")
    await line.consent("anna@example.org", action="withdrawn", purpose="", at=line.clock())
    assert await line.store.held_of(ref("anna@example.org")) == []
    assert await line.store.waiting(sent.id) == []
    assert len(await line.store.waiting(receipt.id)) == 1
    assert (await line.store.message(sent.id))[1] == b""  # type: ignore[index]
    assert (await line.store.message(held.id))[1] == b""  # type: ignore[index]
    assert [entry.message_id for entry in await line.store.take(5)] == [receipt.id]


SALE = "Buy now! Only today 50% discount on our whole catalogue. Special offer, order now."


class Nothing:
    """A unit after which nothing waits for somebody, of whatever class."""

    def __init__(self, who: Ref) -> None:
        self._who = who
        self.needs = Needs(people=(who,))

    def apply(self, draft: Draft[None]) -> None:
        draft.cancel(self._who, "erased", every=True)


async def test_what_is_transactional_is_cancelled_where_everything_is(stores: Stores) -> None:
    line = await stores.line()
    sent, held = await line.submit(), await line.submit(text=SALE)
    both = await line.submit(to=["anna@example.org", "bo@example.org"])
    assert (sent.status, held.status, both.status) == ("accepted", "held", "accepted")
    await line.store.run(Nothing(ref("anna@example.org")))
    [hold] = await line.store.holds(HoldFilter(message=held.id, status="cancelled"))
    assert (hold.class_, hold.reason) == ("transactional", "erased")
    assert await line.store.waiting(sent.id) == []
    assert [found[1] for m in (sent, held) if (found := await line.store.message(m.id))] == [b"", b""]
    assert [entry.id for entry in await line.store.take(5)] == [f"{both.id}-1"]
    assert (await line.store.message(both.id))[1]  # type: ignore[index]


def test_what_is_said_several_times_of_someone_is_done_once() -> None:
    """An unsubscribe that names nine addresses cancels what waits for each under each of them."""
    anna, bo = (("default", address.encode()) for address in ("anna", "bo"))
    said = [Cancel(*who, NOW, why) for why in ("consent withdrawn", "later") for who in (anna, bo, anna)]
    erased = Cancel(*anna, NOW, "erased", every=True)
    assert list(once([*said, erased])) == [said[0], said[1], erased]


class Queued:
    """A unit that holds a receipt for somebody and queues another."""

    def __init__(self, who: Ref) -> None:
        self._who = who
        self.needs = Needs(people=(who,))

    def apply(self, draft: Draft[None]) -> None:
        queued = OutboxRow("m-0", "m", *self._who, False, NOW, NOW, 0, "", 0.0, b"{}")
        draft.writes.outbox.append(queued)
        draft.writes.bodies += [BodyRow("m", b"queued"), BodyRow("h", b"held")]
        draft.writes.holds["h-0"] = HoldRow(
            "h-0", "h", 0, *self._who, "shop", "a@example.com", "email", "transactional", "", "open",
            "reviewer", "p/r.code", "", NOW, 0.0, NOW + 9, 0.0, "", "",
        )  # fmt: skip


async def test_so_is_what_the_same_batch_brought(stores: Stores) -> None:
    line, who = await stores.line(), ref("anna@example.org")
    await asyncio.gather(line.store.queue(Queued(who)), line.store.queue(Nothing(who)))  # type: ignore[attr-defined]
    assert (await line.store.hold("h-0")).status == "cancelled"  # type: ignore[union-attr]
    assert await line.store.rows(CANCELLED) == [("h-0", "gateway")]
    assert await line.store.rows("SELECT id FROM outbox") == []
    assert await line.store.rows("SELECT message_id FROM bodies") == []


CANCELLED = "SELECT reference, actor FROM audit WHERE kind = 'hold.cancelled'"


async def test_holds_that_a_stop_ends_are_logged_and_counted(stores: Stores) -> None:
    """Once each, whatever else the batch does with one of them; and the log fits what the rows say."""
    line, metrics = await stores.line(), Metrics()
    line.store.on_cancel(lambda ids: None, metrics.holds_cancelled)
    held = [await line.submit(text=SALE, message_id=f"<{n}@x.example>") for n in range(3)]
    names = [(await line.store.holds(HoldFilter(message=one.id)))[0] for one in held]
    who = ref("anna@example.org")
    stopped, late = await asyncio.gather(
        line.store.queue(Nothing(who)),  # type: ignore[attr-defined]
        line.store.queue(End(names[0], "rejected", "ada", "no")),  # type: ignore[attr-defined]
        return_exceptions=True,
    )
    assert stopped is None
    assert isinstance(late, AlreadyDecided)
    assert sorted(await line.store.rows(CANCELLED)) == sorted((hold.id, "gateway") for hold in names)
    await line.store.run(Nothing(who))
    labels = {"decision": "cancelled", "by": "stop"}
    assert metrics.registry.get_sample_value("galateo_reviews_total", labels) == 3
    assert (await Verification(line.store).run()).breaks == []


async def test_what_was_decided_before_the_stop_in_its_batch_is_not_cancelled(stores: Stores) -> None:
    line = await stores.line()
    [hold] = await line.store.holds(HoldFilter(message=(await line.submit(text=SALE)).id))
    decided = line.store.queue(End(hold, "rejected", "ada", "no"))  # type: ignore[attr-defined]
    await asyncio.gather(decided, line.store.queue(Nothing(ref("anna@example.org"))))  # type: ignore[attr-defined]
    assert (await line.store.hold(hold.id)).status == "rejected"  # type: ignore[union-attr]
    assert await line.store.rows(CANCELLED) == []
    assert (await Verification(line.store).run()).breaks == []


async def test_what_lies_in_memory_is_cancelled_too(stores: Stores) -> None:
    line = await stores.line()
    await line.consent("anna@example.org")
    sent = await line.submit(class_="newsletter", purpose="newsletter", text=NEWS, **WAY_OUT)
    assert sent.status == "accepted"
    await line.consent("anna@example.org", action="withdrawn", purpose="", at=line.clock())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await line.store.take(5)


async def test_whoever_took_what_is_cancelled_is_told(stores: Stores) -> None:
    line, told = await stores.line(), set[str]()
    line.store.on_cancel(told.update, print)
    sent, other = await line.submit(), await line.submit(to="bo@example.org")
    taken = await line.store.take(5)
    assert {entry.message_id for entry in taken} == {sent.id, other.id}
    await line.store.run(Nothing(ref("anna@example.org")))
    assert told == {f"{sent.id}-0"}


async def test_what_another_process_cancels_leaves_the_memory_too(stores: Stores) -> None:
    """A command, beside a gateway whose relay is down."""
    line, who = await stores.line(), ref("anna@example.org")
    await line.submit()
    await line.submit(to="bo@example.org")
    command = stores.make(serving=False)
    await command.start()
    await command.run(Nothing(who))
    await command.close()
    line.clock.now += 2
    async with asyncio.timeout(5):
        assert [entry.address for entry in await line.store.take(1)] == ["bo@example.org"]


async def test_what_is_leased_and_cancelled_in_one_batch_stays(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        store, who = gateway.store, ref("anna@example.org")
        for name in ("anna", "bo"):
            await gateway.submit(to=f"{name}@example.org", send_at=NOW + 60)
        outbox = store._outbox  # type: ignore[attr-defined]
        await settled(gateway)

        def both(unit: object) -> object:
            outbox._run = store.run
            leased, _ = store.queue(unit), store.queue(Nothing(who))  # type: ignore[attr-defined]
            return leased

        outbox._run = both
        gateway.clock.now += 61
        async with asyncio.timeout(10):
            assert [entry.address for entry in await store.take(5)] == ["bo@example.org"]


async def test_the_consent_log_is_kept_in_order(stores: Stores) -> None:
    line = await stores.line()
    await line.consent("anna@example.org")
    await line.consent("anna@example.org", action="withdrawn", purpose="", at=line.clock() - 5)
    rows = await line.store.consents(ref("anna@example.org"))
    assert sorted(row.action for row in rows) == ["confirmed", "withdrawn"]
    assert all(row.proof for row in rows)


class Bad:
    """A unit that writes and then fails."""

    needs = Needs(people=(ref("anna@example.org"),))

    def apply(self, draft: Draft[None]) -> None:
        draft.set_person(ref("anna@example.org"), Person(no_sales_at=5.0))
        raise ZeroDivisionError


class Twice:
    """A unit whose row stands already: the database refuses it."""

    needs = Needs()

    def __init__(self, line: Line, message_id: str) -> None:
        self._id = message_id
        self._row = None

    async def load(self, line: Line) -> "Twice":
        found = await line.store.message(self._id)
        assert found is not None
        self._row = found[0]
        return self

    def apply(self, draft: Draft[None]) -> None:
        assert self._row is not None
        draft.writes.messages.append(replace(self._row))


async def test_a_unit_that_fails_costs_only_itself(stores: Stores) -> None:
    line = await stores.line()
    results = await asyncio.gather(
        *(line.submit(to=f"p{n}@example.org") for n in range(5)),
        line.store.run(Bad()),
        *(line.submit(to=f"q{n}@example.org") for n in range(5)),
        return_exceptions=True,
    )
    assert [r for r in results if isinstance(r, Exception)].__len__() == 1
    assert isinstance(results[5], ZeroDivisionError)
    assert (await line.store.person(ref("anna@example.org"))).no_sales_at == 0.0
    assert (await line.store.depths()).outbox == 10


async def test_a_row_that_the_database_refuses_costs_only_itself(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit()
    bad = await Twice(line, receipt.id).load(line)
    results = await asyncio.gather(
        *(line.submit(to=f"p{n}@example.org") for n in range(3)), line.store.run(bad),
        return_exceptions=True,
    )  # fmt: skip
    assert [getattr(r, "status", "failed") for r in results] == ["accepted"] * 3 + ["failed"] or all(
        isinstance(r, StoreError) for r in results if isinstance(r, Exception)
    )
    assert "anna" not in str(results[3])
    assert (await line.submit(to="later@example.org")).status == "accepted"


async def test_many_at_once_are_decided_in_order(stores: Stores) -> None:
    line = await stores.line()
    receipts = await asyncio.gather(*(line.submit(to="anna@example.org") for _ in range(60)))
    assert {r.status for r in receipts} == {"accepted"}
    person = await line.store.person(ref("anna@example.org"))
    assert len(person.contacts) == 60
    [(count,)] = await line.store.rows("SELECT count(*) FROM decisions WHERE outcome = ?", (0,))
    assert count == 60


async def test_the_audit_chain_has_no_gap(stores: Stores) -> None:
    line = await stores.line()
    await asyncio.gather(
        *(line.submit(to=f"p{n}@example.org") for n in range(20)), line.store.run(Bad()),
        return_exceptions=True,
    )  # fmt: skip
    rows = await line.store.rows("SELECT chain, seq, hash FROM audit ORDER BY chain, seq")
    assert [row[1] for row in rows] == list(range(1, 21))
    assert len({row[0] for row in rows}) == 1
    assert len({bytes(row[2]) for row in rows}) == 20


class Audited:
    needs = Needs()

    def apply(self, draft: Draft[None]) -> None:
        draft.writes.audit.append(AuditRow(draft.now, "test", "x", "y", bytes(32)))


async def test_rows_takes_what_both_databases_know(stores: Stores) -> None:
    line = await stores.line()
    await line.store.run(Audited())
    receipt = await line.submit(campaign="a?b")
    rows = line.store.rows
    assert await rows("SELECT campaign FROM messages WHERE id = ?", (receipt.id,)) == [("a?b",)]
    assert await rows(
        "SELECT id FROM messages WHERE campaign = 'a?b' AND id = ?1 AND ?1 <> ?2", (receipt.id, "x")
    ) == [(receipt.id,)]
    assert await rows("SELECT coalesce(sum(sent), 0) FROM paces WHERE slot > ?", (0,)) == [(1,)]
    assert await rows(
        "SELECT 1 FROM decisions WHERE message_id LIKE ('%' || ? || '%') LIMIT ?", (receipt.id, 3)
    ) == [(1,)]
    with pytest.raises(Exception):  # noqa: B017, PT011 - each database has its own word for it
        await rows("DELETE FROM nothing")


async def test_reports_are_queued_and_delivered(stores: Stores) -> None:
    line = await stores.line()
    line.store.report(
        Report(
            id="01report", address="ops@acme.example", raw=b"x", source="development", controller="default"
        )
    )
    entry = await take_one(line)
    assert (entry.address, entry.envelope_from, entry.raw) == ("ops@acme.example", "", b"x")


class Large:
    """A unit that queues mail of 7 MiB."""

    needs = Needs()

    def __init__(self, name: str) -> None:
        self._report = Report(
            id=name, address="ops@acme.example", raw=b"x" * 7_340_032, source="shop", controller="default"
        )

    def apply(self, draft: Draft[None]) -> None:
        queue_report(draft, self._report)


async def test_what_waits_comes_into_memory_piece_by_piece(stores: Stores) -> None:
    """Else an outbox of large messages takes all memory at each start."""
    command = stores.make(serving=False)
    await command.start()
    for n in range(5):
        await command.run(Large(f"0{n}"))
    await command.close()
    line = await stores.line()
    feed = line.store._feed  # type: ignore[attr-defined]
    taken: list[str] = []
    async with asyncio.timeout(30):
        while len(taken) < 5:
            entries = await line.store.take(1)
            assert feed._bytes + len(entries[0].raw) <= FEED_BYTES
            taken += [entry.id for entry in entries]
            line.store.settle(entries[0], DELIVERED)
    assert taken == [f"0{n}-0" for n in range(5)]


async def test_the_next_piece_is_fetched_as_soon_as_there_is_room(stores: Stores) -> None:
    command = stores.make(serving=False)
    await command.start()
    for n in range(4):
        await command.run(Large(f"0{n}"))
    await command.close()
    line = await stores.line()
    feed = line.store._feed  # type: ignore[attr-defined]
    entries = await line.store.take(1)
    assert (entries[0].id, feed.spilled, feed.has_room) == ("00-0", True, False)


async def test_a_report_outlives_a_batch_that_fails(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        with contextlib.closing(apsw.Connection(str(tmp_path / "line.db"))) as db:
            db.set_busy_timeout(5000)
            db.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
            gateway.store.report(
                Report(id="01r", address="ops@acme.example", raw=b"x", source="shop", controller="default")
            )
            await asyncio.sleep(0.3)
            assert (await gateway.store.depths()).outbox == 0
            db.execute("DROP TRIGGER full")
        async with asyncio.timeout(10):
            [entry] = await gateway.store.take(10)
        assert entry.address == "ops@acme.example"


async def test_keys_are_remembered(stores: Stores) -> None:
    line = await stores.line()
    await line.store.fingerprint("one")
    await line.store.fingerprint("one")
    with pytest.raises(WrongKeys):
        await line.store.fingerprint("other")


async def test_text_that_cannot_be_stored_does_not_poison_the_line(stores: Stores) -> None:
    line = await stores.line()
    receipts = await asyncio.gather(
        line.submit(campaign="nul\0nul"), line.submit(to="bo@example.org"), return_exceptions=True
    )
    assert [r.status for r in receipts if not isinstance(r, BaseException)] == ["accepted"] * 2


async def test_copies_and_paces_survive_a_restart(stores: Stores) -> None:
    line = await stores.line()
    text = "Vi presento la mia azienda di traslochi, attiva dal 1987 in tutta la provincia."
    for n in range(4):
        await line.submit(to=f"p{n}@example.org", class_="conversation", text=text)
    [(rows,)] = await line.store.rows("SELECT coalesce(sum(sent), 0) FROM paces")
    await line.store.close()
    again = await stores.line()
    [(kept,)] = await again.store.rows("SELECT coalesce(sum(sent), 0) FROM paces")
    assert kept == rows


async def test_a_hold_made_anew_on_the_way_out_has_an_end_of_its_own(stores: Stores) -> None:
    """Released on its last day, then held by the gate at night: it waits a whole term again."""
    quiet = (
        "version: 1\npolicy: quiet\nrules:\n  - {rule: phrases, lexicon: pressure, outcome: hold}\n"
        '  - {rule: quiet_hours, from: "20:00", to: "08:00", days: [mon, tue, wed, thu, fri, sat, sun],'
        " holidays: false, outcome: hold}\n"
    )
    stores.clock.now = noon = NOW - NOW % DAY + 12 * 3600
    line = await stores.line(policies=policies(stores.folder, quiet))
    receipt = await line.submit(class_="outreach", text="Ultima occasione: solo per oggi!")
    hold_id = receipt.recipients[0].hold_id
    stores.clock.now = noon + 13 * DAY + 2 * 3600
    await line.review.release(hold_id, "ada", "fine")
    stores.clock.now = night = noon + 13 * DAY + 10 * 3600
    gate = GatedOutbox(line.store, line.policies, line.access, KEYS, 14 * DAY, clock=stores.clock)
    leaving = asyncio.ensure_future(gate.take(5))
    for _ in range(300):
        if not (await line.store.depths()).outbox:
            break
        await asyncio.sleep(0.05)
    leaving.cancel()
    hold = await line.store.hold(hold_id)
    assert hold is not None
    assert (hold.status, hold.codes) == ("open", "quiet/quiet_hours.quiet")
    assert (hold.created_at, hold.expires_at) == (night, night + 14 * DAY)
    stores.clock.now = hold.recheck_at
    assert [result.status for result in await line.review.sweep(stores.clock.now)] == ["released"]


async def test_what_the_gate_holds_may_be_released_at_once(stores: Stores) -> None:
    """It leaves the outbox in the transaction that holds it, and nothing is both held and on its way."""
    quiet = (
        'version: 1\npolicy: quiet\nrules:\n  - {rule: quiet_hours, from: "20:00", to: "08:00",'
        " days: [mon, tue, wed, thu, fri, sat, sun], holidays: false, outcome: hold}\n"
    )
    stores.clock.now = noon = NOW - NOW % DAY + 12 * 3600
    line = await stores.line(policies=policies(stores.folder, quiet))
    receipt = await line.submit(class_="outreach")
    stores.clock.now = noon + 10 * 3600
    gate = GatedOutbox(line.store, line.policies, line.access, KEYS, 14 * DAY, clock=stores.clock)
    leaving, hold = asyncio.ensure_future(gate.take(5)), None
    async with asyncio.timeout(15):
        while hold is None:
            await asyncio.sleep(0)
            hold = await line.store.hold(f"{receipt.id}-0")
    assert (await line.store.depths()).outbox == 0
    assert (await line.review.release(hold.id, "ada", "they asked for it")).status == "released"
    assert (await line.store.depths()).outbox == 1
    await asyncio.sleep(0.3)
    assert (await line.store.depths()).outbox == 1
    leaving.cancel()


def test_outcomes_are_numbered_as_stored() -> None:
    assert [int(o) for o in (Outcome.ACCEPT, Outcome.HOLD, Outcome.REJECT)] == [0, 1, 2]
    assert message().id


async def test_a_polite_no_is_kept_apart_from_the_replies_that_open_a_door(stores: Stores) -> None:
    line = await stores.line()
    await line.submit()
    for n, text in enumerate(("No grazie", "Per ora no", "Ci ho ripensato, volentieri")):
        anna = Identifier(channel="email", address="anna@example.org", key="anna@example.org")
        told = Happening(
            type="message.replied", controller="default", source="development", source_event_id=str(n),
            occurred_at=NOW, received_at=NOW, channel="email", recipients=(anna,), sender="rui", text=text,
            opens=True,
        )  # fmt: skip
        await line.store.run(TellEvent(told, KEYS))
    known = relationship(await line.store.person(ref("anna@example.org")), "rui")
    assert (known.replies, known.declined, known.welcoming) == (3, 2, 1)


async def test_what_one_controller_was_told_is_news_to_another(stores: Stores) -> None:
    """A source that goes over to another controller tells its stops again, and each counts there once."""
    anna = Identifier(channel="email", address="anna@example.org", key="anna@example.org")
    left = Happening(
        type="unsubscribe", controller="default", source="development", source_event_id="e-1",
        occurred_at=NOW, received_at=NOW, channel="email", recipients=(anna,),
    )  # fmt: skip
    there = replace(left, controller="other")
    line = await stores.line()
    told = [await line.store.run(TellEvent(each, KEYS)) for each in (left, there, there, left)]
    assert [result.replayed for result in told] == [False, False, True, True]
    assert told[2].id == told[1].id != told[0].id == told[3].id
    for controller in ("default", "other"):
        person = await line.store.person((controller, ref(anna.address)[1]))
        assert [stop.kind for stop in person.stops] == ["unsubscribed"]
