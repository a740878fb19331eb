"""What a relay does, and what is settled for it. Real sockets, a relay that follows a script."""

import asyncio

import pytest

from gateway.delivery import session
from gateway.store.attempt import Kind, Outcome
from tests.delivery.outbox import RAW, entry
from tests.delivery.setting import QUICK, delivering, smtp_relay, until
from tests.relay import OFFERS, ScriptedRelay

PLAIN_OFFERS = tuple(offer for offer in OFFERS if offer != "PIPELINING")


@pytest.fixture(params=[OFFERS, PLAIN_OFFERS], ids=["pipelining", "lock-step"])
def offers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


async def test_messages_arrive_byte_for_byte_over_one_kept_connection(offers: tuple[str, ...]) -> None:
    raws = [
        RAW,
        b".leading dot\r\n..two\r\n.\r\nin the middle\r\n",
        b"no line end",
        b"Subject: x\r\n\r\nperch\xc3\xa9\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n.\r\n",
        b"",
    ]
    items = [entry(raw=raw, address=f"a{n}@example.org") for n, raw in enumerate(raws)]
    async with ScriptedRelay(offers=offers) as relay:
        async with delivering(relay.url()) as world:
            world.send(*items)
            attempts = [await world.attempt(item) for item in items]
        await until(lambda: relay.quits == 1)
    assert [attempt.outcome for attempt in attempts] == [Outcome.DELIVERED] * len(items)
    expected = [raw if raw.endswith(b"\r\n") else raw + b"\r\n" for raw in raws]
    assert [each.raw for each in relay.received] == expected
    assert [each.to for each in relay.received] == [item.address for item in items]
    assert relay.connections == 1
    assert not relay.early
    assert world.metric("galateo_deliveries_total", relay="smtp", result="delivered") == len(items)


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "final"])
@pytest.mark.parametrize(
    ("reply", "outcome", "kind"),
    [
        ("450 4.2.1 try later", Outcome.DEFERRED, Kind.TEMPORARY),
        ("550 5.7.1 not here", Outcome.FAILED, Kind.PERMANENT),
    ],
)
async def test_a_refusal_is_that_messages_own_and_the_connection_goes_on(
    offers: tuple[str, ...], phase: str, reply: str, outcome: Outcome, kind: Kind
) -> None:
    items = [entry() for _ in range(4)]
    script = ["ok", f"{reply}@{phase}"]
    async with ScriptedRelay(script, offers=offers) as relay, delivering(relay.url()) as world:
        world.send(*items)
        attempts = [await world.attempt(item) for item in items]
    refused = attempts.pop(1)
    assert (refused.outcome, refused.kind, refused.phase) == (outcome, kind, phase)
    assert (refused.code, refused.enhanced, refused.text) == (int(reply[:3]), reply[4:9], reply[4:])
    assert (refused.next_at > 0) == (outcome is Outcome.DEFERRED)
    assert [attempt.outcome for attempt in attempts] == [Outcome.DELIVERED] * 3
    assert len(relay.received) == 3
    assert relay.connections == 1
    assert not relay.early


async def test_nobody_gets_an_empty_message_when_the_relay_says_354_to_a_refused_recipient() -> None:
    items = [entry(), entry(address="b@example.org")]
    script = ["550 5.1.1 nobody@rcpt"]
    async with ScriptedRelay(script, eager=True) as relay, delivering(relay.url()) as world:
        world.send(*items)
        first, second = [await world.attempt(item) for item in items]
    assert (first.outcome, first.phase, first.hard_bounce) == (Outcome.FAILED, "rcpt", True)
    assert second.outcome is Outcome.DELIVERED
    assert [(len(each.rcpt), each.raw) for each in relay.received] == [(0, b""), (1, RAW)]
    assert world.metric("galateo_bounces_total", kind="hard") == 1


@pytest.mark.parametrize(
    ("reply", "hard"),
    [
        ("550 relay not permitted", False),
        ("550 Administrative prohibition", False),
        ("550 Invalid recipient", False),
        ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", False),
        ("550 No Such User Here", True),
        ("550 sorry, no mailbox here by that name (#5.1.1)", True),
    ],
)
async def test_a_refusal_without_a_code_is_about_the_address_only_where_its_words_leave_no_doubt(
    reply: str, hard: bool
) -> None:
    item = entry()
    async with ScriptedRelay([f"{reply}@rcpt"]) as relay, delivering(relay.url()) as world:
        world.send(item)
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.enhanced, attempt.hard_bounce) == (Outcome.FAILED, "", hard)
    assert world.metric("galateo_bounces_total", kind="hard" if hard else "soft") == 1


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "body"])
async def test_a_line_that_breaks_before_the_end_of_the_message_is_a_network_failure(
    offers: tuple[str, ...], phase: str
) -> None:
    item = entry()
    async with ScriptedRelay([f"drop@{phase}"], offers=offers) as relay, delivering(relay.url()) as world:
        world.send(item)
        attempt = await world.attempt(item)
    assert attempt.outcome is Outcome.DEFERRED
    # With the final dot already written nobody can know what the relay made of it.
    assert attempt.kind is (Kind.DOUBT if phase == "body" else Kind.NETWORK)
    assert attempt.phase == ("final" if phase == "body" else phase)
    assert attempt.code == 0
    assert relay.received == []


async def test_a_line_that_breaks_after_the_message_leaves_doubt_and_the_same_message_goes_again(
    offers: tuple[str, ...],
) -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(3)]
    async with ScriptedRelay(["drop@final"], offers=offers) as relay, delivering(relay.url()) as world:
        world.send(*items)
        first = await world.attempt(items[0])
        rest = [await world.attempt(item) for item in items[1:]]
        world.clock.ahead = 100
        again = await world.attempt(items[0], 2)
    assert (first.outcome, first.kind, first.phase) == (Outcome.DEFERRED, Kind.DOUBT, "final")
    # What was chained behind it was never in doubt: it goes over the next connection as its first try.
    assert [attempt.outcome for attempt in rest] == [Outcome.DELIVERED] * 2
    assert again.outcome is Outcome.DELIVERED
    assert [each.to for each in relay.received] == ["a1@example.org", "a2@example.org", "a0@example.org"]


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "final"])
async def test_a_relay_that_falls_silent_is_a_timeout(offers: tuple[str, ...], phase: str) -> None:
    item, other = entry(), entry(address="b@example.org")
    async with (
        ScriptedRelay([f"hang@{phase}"], offers=offers) as relay,
        delivering(relay.url(), timeouts=QUICK) as world,
    ):
        world.send(item, other)
        attempt = await world.attempt(item)
        assert (await world.attempt(other)).outcome is Outcome.DELIVERED
    assert attempt.outcome is Outcome.DEFERRED
    assert attempt.kind is (Kind.DOUBT if phase == "final" else Kind.TIMEOUT)
    assert attempt.phase == phase
    assert [each.to for each in relay.received] == ["b@example.org"]


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "final"])
@pytest.mark.parametrize("what", ["garbage", "flood", "299-never\r\n250 mind", "333 what", "199 no"])
async def test_talk_that_is_no_smtp_ends_the_connection_and_only_defers(
    offers: tuple[str, ...], phase: str, what: str
) -> None:
    item, other = entry(), entry(address="b@example.org")
    async with ScriptedRelay([f"{what}@{phase}"], offers=offers) as relay, delivering(relay.url()) as world:
        world.send(item, other)
        attempt = await world.attempt(item)
        assert (await world.attempt(other)).outcome is Outcome.DELIVERED
    assert (attempt.outcome, attempt.kind) == (Outcome.DEFERRED, Kind.PROTOCOL)
    assert "<html>" not in attempt.text
    assert relay.connections == 2


async def test_what_was_taken_stays_taken_whatever_is_said_after_it(offers: tuple[str, ...]) -> None:
    item, other = entry(), entry(address="b@example.org")
    step = "250 2.0.0 taken\r\n\x00<html>what?@final"
    async with ScriptedRelay([step], offers=offers) as relay, delivering(relay.url()) as world:
        world.send(item, other)
        attempt = await world.attempt(item)
        assert (await world.attempt(other)).outcome is Outcome.DELIVERED
    assert (attempt.outcome, attempt.code) == (Outcome.DELIVERED, 250)
    assert [each.to for each in relay.received] == ["b@example.org"]
    assert relay.connections == 2


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "final"])
async def test_an_answer_too_many_is_never_taken_for_the_next_messages(
    offers: tuple[str, ...], phase: str
) -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(3)]
    async with ScriptedRelay([f"twice@{phase}"], offers=offers) as relay, delivering(relay.url()) as world:
        world.send(*items)
        for item in items:
            await world.attempt(item)
    # Whatever is settled as delivered did arrive.
    delivered = {item.address for item in items if world.outbox.attempts(item)[-1].outcome == "delivered"}
    assert delivered <= {each.to for each in relay.received}
    assert relay.connections >= 2


async def test_421_on_a_new_connection_is_temporary_and_names_the_relay(offers: tuple[str, ...]) -> None:
    item = entry()
    async with (
        ScriptedRelay(["421 4.3.2 shutting down@mail"], offers=offers) as relay,
        delivering(relay.url()) as world,
    ):
        world.send(item)
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.kind, attempt.code) == (Outcome.DEFERRED, Kind.TEMPORARY, 421)


async def test_a_relay_that_takes_so_many_on_a_connection_costs_no_message_an_attempt(
    offers: tuple[str, ...],
) -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(20)]
    async with ScriptedRelay(offers=offers, limit=3) as relay, delivering(relay.url()) as world:
        world.send(*items)
        attempts = [await world.attempt(item) for item in items]
    assert {attempt.outcome for attempt in attempts} == {Outcome.DELIVERED}
    assert [each.to for each in relay.received] == [item.address for item in items]
    assert relay.connections == 7


async def test_a_connection_closed_while_idle_is_replaced_without_an_attempt(offers: tuple[str, ...]) -> None:
    first, second = entry(), entry()
    async with ScriptedRelay(offers=offers) as relay, delivering(relay.url()) as world:
        world.send(first)
        await world.attempt(first)
        for writer in tuple(relay._writers):
            writer.write(b"421 4.4.2 idle for too long\r\n")
            await writer.drain()
            writer.close()
        await asyncio.sleep(0.05)
        world.send(second)
        assert (await world.attempt(second)).outcome is Outcome.DELIVERED
    assert relay.connections == 2


async def test_however_many_connections_were_closed_while_idle_no_attempt_is_lost() -> None:
    first = [entry() for _ in range(80)]
    async with ScriptedRelay(slow=0.02) as relay, delivering(relay.url(), connections=8) as world:
        world.send(*first)
        for item in first:
            await world.attempt(item)
        assert relay.most_open == 8
        relay.limit = 1
        last = entry()
        world.send(last)
        assert (await world.attempt(last)).outcome is Outcome.DELIVERED
    assert relay.connections == 9


async def test_one_slow_message_holds_up_no_other(offers: tuple[str, ...]) -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(6)]
    patient = QUICK._replace(final=1.5)
    async with (
        ScriptedRelay(["hang@final"], offers=offers) as relay,
        delivering(relay.url(), timeouts=patient, connections=3) as world,
    ):
        world.send(*items)
        for item in items[1:]:
            await world.attempt(item)
        assert world.outbox.attempts(items[0]) == []
        assert (await world.attempt(items[0])).kind is Kind.DOUBT
    assert sorted(each.to for each in relay.received) == [item.address for item in items[1:]]


async def test_a_slow_relay_keeps_its_connections_and_costs_no_attempts() -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(24)]
    impatient = QUICK._replace(final=5.0, patience=0.05)
    async with (
        ScriptedRelay(slow=0.15) as relay,
        delivering(relay.url(), timeouts=impatient, connections=2) as world,
    ):
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert len(world.outbox.settled) == len(items)
    assert sorted(each.to for each in relay.received) == sorted(item.address for item in items)


async def test_a_relay_that_has_become_slow_gets_messages_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "_QUICK", 0.1)
    items = [entry(address=f"a{n}@example.org") for n in range(8)]
    impatient = QUICK._replace(final=5.0, patience=0.05)
    async with ScriptedRelay(slow=0.15) as relay, delivering(relay.url(), timeouts=impatient) as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert relay.connections == 1


async def test_a_relay_that_takes_no_command_with_the_end_of_a_message_fails_none() -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(12)]
    async with ScriptedRelay(strict=True) as relay, delivering(relay.url()) as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert len(world.outbox.settled) == len(items)
    assert [each.to for each in relay.received] == [item.address for item in items]
    assert relay.connections == 1


async def test_pipelining_can_be_switched_off() -> None:
    items = [entry() for _ in range(5)]
    async with ScriptedRelay(strict=True) as relay, delivering(relay.url(query="pipelining=off")) as world:
        relay.watch = True
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert not relay.early


async def test_a_long_message_to_a_relay_that_stops_reading_times_out() -> None:
    item = entry(raw=b"Subject: x\r\n\r\n" + b"y" * 78 * 100_000 + b"\r\n")
    quick = QUICK._replace(block=0.3)
    async with ScriptedRelay(["hang@body"]) as relay, delivering(relay.url(), timeouts=quick) as world:
        world.send(item)
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.kind, attempt.phase) == (Outcome.DEFERRED, Kind.TIMEOUT, "final")
    assert attempt.seconds < 5


async def test_dsn_parameters_go_on_where_the_relay_offers_dsn() -> None:
    given = {
        "notify": "FAILURE,DELAY",
        "orcpt": "rfc822;anna+2Bx@example.org",
        "dsn_return": "HDRS",
        "dsn_envelope_id": "QQ314159",
    }
    items = [entry(**given), entry(**{**given, "notify": "NEVER SIZE=1", "dsn_envelope_id": "a b"})]
    async with ScriptedRelay() as relay, delivering(relay.url()) as world:
        world.send(*items)
        for item in items:
            await world.attempt(item)
    first, second = relay.received
    assert first.mail == f"MAIL FROM:<news@example.com> SIZE={len(RAW)} RET=HDRS ENVID=QQ314159"
    assert first.rcpt == ["RCPT TO:<anna@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;anna+2Bx@example.org"]
    assert second.mail == f"MAIL FROM:<news@example.com> SIZE={len(RAW)} RET=HDRS"
    assert second.rcpt == ["RCPT TO:<anna@example.org> ORCPT=rfc822;anna+2Bx@example.org"]


async def test_a_bare_relay_gets_bare_commands() -> None:
    item = entry(notify="NEVER", dsn_return="FULL")
    async with ScriptedRelay(offers=()) as relay, delivering(relay.url()) as world:
        world.send(item)
        await world.attempt(item)
    assert relay.received[0].mail == "MAIL FROM:<news@example.com>"
    assert relay.received[0].rcpt == ["RCPT TO:<anna@example.org>"]


async def test_what_a_relay_cannot_take_fails_without_a_try() -> None:
    eight_bit = entry(raw=b"Subject: x\r\n\r\nperch\xc3\xa9\r\n")
    utf8 = entry(address="perché@example.org")
    header = entry(smtputf8=True, raw="Subject: perché\r\n\r\nx\r\n".encode())
    large = entry(raw=b"Subject: x\r\n\r\n" + b"y" * 2000 + b"\r\n")
    smuggling = [
        entry(raw=b"Subject: x\r\n\r\nhi\n.\nMAIL FROM:<x@y>\r\n"),
        entry(raw=b"Subject: x\r\n\r\nhi\r.\r\r\n"),
        entry(raw=b"Subject: x\r\n\r\nh\0i\r\n"),
        entry(add_headers=(("X", "a\r\n\r\nb"),)),
        entry(address="anna@example.org>\r\nRCPT TO:<b@example.org"),
        entry(address="anna@example.org\n"),
        entry(envelope_from="a b@example.org"),
    ]
    fine = entry()
    async with ScriptedRelay(offers=("SIZE 1000",)) as relay, delivering(relay.url()) as world:
        world.send(eight_bit, utf8, header, large, *smuggling, fine)
        assert (await world.attempt(fine)).outcome is Outcome.DELIVERED
        failed = [await world.attempt(item) for item in (eight_bit, utf8, large)]
        refused = [await world.attempt(item) for item in smuggling]
    assert [attempt.enhanced for attempt in failed] == ["5.6.3", "5.6.7", "5.3.4"]
    assert {attempt.outcome for attempt in failed + refused} == {Outcome.FAILED}
    assert {attempt.phase for attempt in failed + refused} == {"route"}
    assert len(relay.received) == 1


async def test_addresses_beyond_ascii_use_smtputf8_only_where_they_must() -> None:
    items = [
        entry(address="perché@example.org"),
        entry(address="anna@straße.example", smtputf8=True),
        entry(smtputf8=True),
        entry(smtputf8=True, raw="Subject: perché\r\n\r\nx\r\n".encode()),
    ]
    async with ScriptedRelay() as relay, delivering(relay.url()) as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    lines = [each.mail.partition(">")[2] for each in relay.received]
    assert ["SMTPUTF8" in line for line in lines] == [True, False, False, True]
    assert [each.to for each in relay.received][:2] == ["perché@example.org", "anna@xn--strae-oqa.example"]


async def test_headers_to_be_added_come_first() -> None:
    item = entry(add_headers=(("List-Unsubscribe", "<https://x.example/u/1>"), ("X-Long", "a\r\n b")))
    async with ScriptedRelay() as relay, delivering(relay.url()) as world:
        world.send(item)
        await world.attempt(item)
    added = b"List-Unsubscribe: <https://x.example/u/1>\r\nX-Long: a\r\n b\r\n"
    assert relay.received[0].raw == added + RAW


async def test_connections_grow_with_the_work_and_no_further_than_allowed() -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(300)]
    async with ScriptedRelay() as relay, delivering(relay.url(), connections=5) as world:
        world.send(*items)
        for item in items:
            await world.attempt(item)
    assert relay.most_open == 5
    assert sorted(each.to for each in relay.received) == sorted(item.address for item in items)


async def test_a_relay_that_wants_fewer_connections_still_gets_everything() -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(40)]
    refusals = ["ok", *["421 4.7.0 too many connections@greet"] * 30]
    async with (
        ScriptedRelay(connects=refusals) as relay,
        delivering(relay.url(), connections=5) as world,
    ):
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
        assert world.worker.down == {}
    assert relay.connections <= 4


async def test_idle_connections_are_closed_politely() -> None:
    item = entry()
    async with ScriptedRelay() as relay, delivering(relay.url(), timeouts=QUICK._replace(idle=0.1)) as world:
        world.send(item)
        await world.attempt(item)
        await until(lambda: relay.quits == 1)
        again = entry()
        world.send(again)
        assert (await world.attempt(again)).outcome is Outcome.DELIVERED


async def test_a_relay_keeps_its_name_in_what_is_settled() -> None:
    item = entry(relay="backup")
    async with ScriptedRelay() as relay:
        relays = {"backup": smtp_relay(relay.url(), name="backup")}
        async with delivering(relays=relays) as world:
            world.send(item)
            assert (await world.attempt(item)).relay == "backup"


async def test_what_is_taken_before_it_was_sent_is_sent_again(offers: tuple[str, ...]) -> None:
    """A relay that says yes too early has nothing; what it says of the message later, it says to nobody."""
    item, other = entry(), entry()
    step = "354 go on\r\n250 2.0.0 queued@data"
    async with ScriptedRelay([step], offers=offers) as relay, delivering(relay.url()) as world:
        world.send(item)
        first = await world.attempt(item)
        assert (first.outcome, first.kind, first.phase) == (Outcome.DEFERRED, Kind.PROTOCOL, "final")
        world.clock.ahead = 600
        world.send(other)
        assert (await world.attempt(item, 2)).outcome is Outcome.DELIVERED
        assert (await world.attempt(other)).outcome is Outcome.DELIVERED
    assert {each.to for each in relay.received} == {item.address, other.address}


async def test_what_is_taken_before_all_of_it_was_sent_is_not_delivered() -> None:
    item = entry(raw=RAW + b"x" * 30_000_000 + b"\r\n")  # more than lies between the two
    async with (
        ScriptedRelay(["early@body"], offers=("PIPELINING",)) as relay,
        delivering(relay.url()) as world,
    ):
        world.send(item)
        first = await world.attempt(item)
    assert (first.outcome, first.kind, first.phase) == (Outcome.DEFERRED, Kind.PROTOCOL, "final")


@pytest.mark.parametrize(
    ("with_data", "due"), [("354 go on\r\n250 2.", "0.0 queued\r\n"), ("354 go on\r\n", "")]
)
async def test_a_reply_is_early_where_it_begins_so_in_however_many_pieces(with_data: str, due: str) -> None:
    """Half of it with the 354 is early; a final reply of several lines, in several segments, is not."""
    pieces = [due] if due else ["250-2.0.0 que", "ued\r\n250", " 2.0.0 as 7\r\n"]

    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        said = {b"EHLO": "250-relay\r\n250 PIPELINING\r\n", b"MAIL": "250 ok\r\n", b"RCPT": "250 ok\r\n"}
        said[b"DATA"] = with_data
        async for line in reader:
            writer.write(said.get(line[:4], "").encode())
            for piece in pieces if line == b".\r\n" else ():
                await asyncio.sleep(0.05)
                writer.write(piece.encode())
        writer.close()
        over.set()

    item = entry()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with delivering(f"smtp://127.0.0.1:{port}") as world:
        world.send(item)
        first = await world.attempt(item)
    await over.wait()
    server.close()
    await server.wait_closed()
    assert first.kind is (Kind.PROTOCOL if due else Kind.DELIVERED)
