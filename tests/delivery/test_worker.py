"""Relays that are down, retries, ages, stopping, reports: what the worker makes of it all."""

import asyncio
import email
import email.policy
import socket
import time

import pytest

from gateway.delivery import smtp as smtp_module
from gateway.delivery import worker as worker_module
from gateway.delivery.reports import Wish
from gateway.delivery.route import Routes
from gateway.store.attempt import Kind, Outcome
from tests.delivery.outbox import entry
from tests.delivery.setting import QUICK, delivering, smtp_relay, until
from tests.relay import OFFERS, ScriptedRelay

BOTH = Routes(formats={"main": "mime", "spare": "mime"}, email="main", by_source={"crm": "spare"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_while_the_relay_is_down_messages_wait_unharmed_and_keep_their_order() -> None:
    items = [entry(address=f"a{n:03}@example.org") for n in range(120)]
    relay = ScriptedRelay(port=free_port())
    async with delivering(relay.url(), timeouts=QUICK) as world:
        world.send(*items[:60])
        await until(lambda: world.worker.down == {"smtp": "network"})
        world.send(*items[60:])
        await asyncio.sleep(0.3)
        # One look may have been waiting for news when the relay went down; nothing was tried.
        assert {attempt.kind for _, attempt in world.outbox.settled} <= {Kind.RETURNED}
        assert len(world.outbox.settled) <= 60
        async with relay:
            for item in items:
                assert (await world.attempt(item)).outcome is Outcome.DELIVERED
            assert world.worker.down == {}
    assert [each.to for each in relay.received] == [item.address for item in items]


async def test_what_waits_for_long_goes_back_where_a_stop_can_cancel_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "KEEP_WHILE_DOWN", 0.1)
    items = [entry(address=f"a{n:03}@example.org") for n in range(30)]
    relay = ScriptedRelay(port=free_port())
    async with delivering(relay.url(), timeouts=QUICK) as world:
        world.send(*items)
        await until(lambda: len(world.outbox.settled) >= 30 and not world.outbox.leased)
        attempt = world.outbox.settled[0][1]
        assert (attempt.kind, attempt.counted, attempt.next_at) == (Kind.RETURNED, False, items[0].due_at)
        async with relay:
            for item in items:
                assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert [each.to for each in relay.received] == [item.address for item in items]
    assert {item.attempts for item, _ in world.outbox.settled} == {0}


async def test_a_relay_that_is_back_is_known_to_be_where_nothing_waits_for_it_any_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "KEEP_WHILE_DOWN", 0.1)
    monkeypatch.setattr(smtp_module, "QUIET", 0.3)
    item = entry()
    relay = ScriptedRelay(port=free_port())
    async with delivering(relay.url(), timeouts=QUICK) as world:
        world.send(item)
        await until(lambda: world.worker.down == {"smtp": "network"})
        await until(lambda: world.outbox.waiting and not world.outbox.leased)
        world.outbox.withdraw()
        await asyncio.sleep(1.5)
        assert world.worker.up == {"smtp": False}
        async with relay:
            await until(lambda: world.worker.up == {"smtp": True})
            assert [record.msg for record in caplog.records if record.msg == "relay.up"] == ["relay.up"]
            again = entry()
            world.send(again)
            assert (await world.attempt(again)).outcome is Outcome.DELIVERED


async def test_a_relay_that_lets_in_and_takes_nothing_stays_down_while_nothing_tries_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp_module, "QUIET", 0.1)
    shut = ["421 4.3.2 not now@mail"] * 5
    async with ScriptedRelay(shut) as relay, delivering(relay.url(), timeouts=QUICK) as world:
        for _ in range(5):
            world.send(item := entry())
            await world.attempt(item)
        world.outbox.withdraw()
        connections = relay.connections
        await until(lambda: relay.connections > connections)
        await asyncio.sleep(0.5)
        assert world.worker.down == {"smtp": "temporary"}


async def test_a_relay_that_goes_away_under_load_and_comes_back_gets_everything() -> None:
    items = [entry(address=f"a{n:03}@example.org") for n in range(400)]
    async with ScriptedRelay() as relay, delivering(relay.url(), timeouts=QUICK, connections=4) as world:
        world.send(*items[:200])
        await until(lambda: len(relay.received) > 50)
        await relay.stop()
        world.send(*items[200:])
        await until(lambda: world.worker.down)
        await relay.start()
        world.clock.ahead = 60
        for item in items:
            await until(lambda item=item: world.outbox.settled and item.id not in world.outbox.leased)
        await until(lambda: sum(a.outcome == "delivered" for _, a in world.outbox.settled) == 400)
    got = [each.to for each in relay.received]
    assert set(got) == {item.address for item in items}
    doubtful = {item.address for item, attempt in world.outbox.settled if attempt.kind is Kind.DOUBT}
    assert {address for address in got if got.count(address) > 1} <= doubtful
    assert len(doubtful) <= 4


async def test_a_relay_that_answers_421_to_everything_costs_few_attempts() -> None:
    items = [entry(address=f"a{n:03}@example.org") for n in range(50)]
    shut = ["421 4.3.2 not now@mail"] * 7
    async with ScriptedRelay(shut) as relay, delivering(relay.url(), timeouts=QUICK) as world:
        world.send(*items)
        await until(lambda: not relay.steps)
        world.clock.ahead = 100
        await until(lambda: sum(a.outcome == "delivered" for _, a in world.outbox.settled) == 50)
    tries = [attempt for _, attempt in world.outbox.settled if attempt.kind is Kind.TEMPORARY]
    assert len(tries) == 7
    assert {attempt.code for attempt in tries} == {421}


async def test_a_relay_that_asks_for_a_password_in_the_middle_fails_no_message() -> None:
    items = [entry(address=f"a{n:03}@example.org") for n in range(5)]
    async with (
        ScriptedRelay(["530 5.7.0 authenticate first@mail"]) as relay,
        delivering(relay.url(), timeouts=QUICK) as world,
    ):
        world.send(*items)
        attempt = await world.attempt(items[0])
        await until(lambda: world.worker.down == {"smtp": "auth"})
    assert (attempt.outcome, attempt.kind, attempt.code) == (Outcome.DEFERRED, Kind.AUTH, 530)
    assert [a.kind for item, a in world.outbox.settled if item is not items[0]] == [Kind.RETURNED] * 4


async def test_the_log_says_why_a_relay_that_hangs_up_on_whole_messages_is_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ScriptedRelay(["drop@final"] * 60) as relay, delivering(relay.url(), timeouts=QUICK) as world:
        world.send(*(entry() for _ in range(6)))
        await until(lambda: world.worker.down == {"smtp": "doubt"})
    [said] = [vars(record) for record in caplog.records if record.msg == "relay.down"]
    assert said["cause"] == "connection lost before the reply; it may have arrived"


async def test_one_relay_that_is_down_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "LOOK_WHILE_DOWN", 2.0)
    main = ScriptedRelay(port=free_port())
    async with ScriptedRelay() as spare:
        relays = {
            "main": smtp_relay(main.url(), name="main", timeouts=QUICK),
            "spare": smtp_relay(spare.url(), name="spare", timeouts=QUICK),
        }
        async with delivering(relays=relays, routes=BOTH) as world:
            stuck = [entry() for _ in range(10)]
            world.send(*stuck)
            await until(lambda: world.worker.down == {"main": "network"})
            late = entry()
            fine = [entry(source="crm", address=f"a{n}@example.org") for n in range(300)]
            world.send(late, *fine)
            for item in fine:
                assert (await world.attempt(item)).outcome is Outcome.DELIVERED
            assert len(spare.received) == 300
            async with main:
                world.clock.ahead = 5
                for item in [*stuck, late]:
                    assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    returned = next(attempt for item, attempt in world.outbox.settled if item.id == late.id)
    assert returned.kind is Kind.RETURNED


async def test_what_grew_too_old_is_given_up_even_while_no_relay_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "LOOK_WHILE_DOWN", 0.2)
    monkeypatch.setattr(worker_module, "KEEP_WHILE_DOWN", 0.1)
    monkeypatch.setattr(worker_module, "TICK", 0.1)
    item = entry()
    url = f"smtp://127.0.0.1:{free_port()}"
    async with delivering(url, timeouts=QUICK, max_age=600) as world:
        world.send(item)
        await until(lambda: world.outbox.settled)
        world.clock.ahead = 700
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.kind, attempt.phase) == (Outcome.FAILED, Kind.EXPIRED, "connect")
    assert attempt.text.startswith("given up after 70")


async def test_a_deferred_message_is_tried_again_when_due_and_given_up_for_its_age() -> None:
    later, never = entry(address="a@example.org"), entry(address="b@example.org")
    script = ["451 4.7.1 greylisted@rcpt", "ok", *["451 4.3.0 full@rcpt"] * 3]
    async with ScriptedRelay(script) as relay, delivering(relay.url(), max_age=500) as world:
        world.send(later)
        first = await world.attempt(later)
        assert 10 < first.next_at - world.clock() < 20
        world.clock.ahead = 100
        second = await world.attempt(later, 2)
        world.send(never)
        await world.attempt(never)
        world.clock.ahead = 300
        await world.attempt(never, 2)
        world.clock.ahead = 600
        last = await world.attempt(never, 3)
    assert (first.outcome, first.enhanced) == (Outcome.DEFERRED, "4.7.1")
    assert second.outcome is Outcome.DELIVERED
    assert (last.outcome, last.kind, last.code) == (Outcome.FAILED, Kind.EXPIRED, 451)
    assert last.text == "given up after 600 seconds; last: 4.3.0 full"
    assert world.metric("galateo_deliveries_total", relay="smtp", result="deferred") == 3


async def test_stopping_gives_back_what_was_not_begun_and_ends_what_was() -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(20)]
    async with ScriptedRelay(["ok", "hang@final"]) as relay, delivering(relay.url(), grace=0.2) as world:
        world.send(*items)
        await until(lambda: len(relay.received) == 1 and len(world.outbox.leased) == 19)
        await asyncio.sleep(0.1)
    kinds = [attempt.kind for _, attempt in sorted(world.outbox.settled, key=lambda pair: pair[0].id)]
    assert kinds == [Kind.DELIVERED, Kind.DOUBT, *[Kind.RETURNED] * 18]
    assert {attempt.next_at for item, attempt in world.outbox.settled[2:] if not attempt.counted} <= {
        item.due_at for item in items
    }


async def test_stopping_waits_for_what_is_under_way() -> None:
    items = [entry(raw=b"Subject: x\r\n\r\n" + b"y" * 70 * 50_000 + b"\r\n") for n in range(3)]
    async with ScriptedRelay() as relay, delivering(relay.url(), connections=3, grace=10) as world:
        world.send(*items)
        await until(lambda: relay.connections)
    ended = [attempt.kind for _, attempt in world.outbox.settled]
    assert set(ended) <= {Kind.DELIVERED, Kind.RETURNED}
    assert len(relay.received) == ended.count(Kind.DELIVERED)


async def test_what_another_worker_may_soon_take_is_not_begun() -> None:
    short, long = entry(lease_until=time.time() + 700), entry(lease_until=time.time() + 900)
    async with ScriptedRelay() as relay, delivering(relay.url()) as world:
        world.send(short, long)
        for item in (short, long):
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    kinds = [attempt.kind for item, attempt in world.outbox.settled if item.id == short.id]
    assert kinds == [Kind.RETURNED, Kind.DELIVERED]
    assert len(relay.received) == 2


async def test_what_waits_behind_a_slow_message_goes_back_before_its_lease_ends() -> None:
    items = [entry(lease_until=time.time() + 900) for _ in range(3)]
    async with ScriptedRelay(["hang@final"]) as relay, delivering(relay.url(), grace=0.1) as world:
        world.send(*items)
        await until(lambda: len(world.outbox.leased) == 3 and relay.connections)
        assert world.outbox.settled == []
        world.clock.ahead = 200
        await until(lambda: len(world.outbox.settled) >= 2)
        assert {attempt.text for _, attempt in world.outbox.settled} == {"its lease runs out"}
        assert items[0].id in world.outbox.leased


async def test_a_store_that_is_down_for_a_while_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "TICK", 0.05)
    first, second = entry(), entry()
    async with ScriptedRelay() as relay, delivering(relay.url()) as world:
        world.send(first)
        await world.attempt(first)
        world.outbox.broken = 3
        world.send(second)
        assert (await world.attempt(second)).outcome is Outcome.DELIVERED


async def test_no_relay_for_a_channel_is_said_clearly() -> None:
    item, other = entry(channel="linkedin", format="json", raw=b"{}"), entry(relay="nowhere")
    async with ScriptedRelay() as relay, delivering(relay.url()) as world:
        world.send(item, other)
        attempts = [await world.attempt(each) for each in (item, other)]
    assert [attempt.outcome for attempt in attempts] == [Outcome.FAILED] * 2
    assert attempts[0].text == "no relay is set up for channel linkedin: set WEBHOOK_RELAY"
    assert attempts[1].text == "there is no relay named nowhere"
    assert relay.received == []


async def test_failures_are_reported_as_each_source_wishes_and_reports_are_never_reported() -> None:
    wishes = {"listmonk": Wish(notices="ops@example.com"), "crm": Wish(notices="crm@example.com", dsn=True)}
    quiet = [entry(address=f"gone{n}@example.org") for n in range(3)]
    told = entry(source="crm", address="nobody@example.org", dsn_envelope_id="Q1")
    silent = entry(source="crm", address="never@example.org", notify="NEVER")
    bounce = entry(source="crm", envelope_from="", address="x@example.org")
    refused = ["550 5.1.1 no such user@rcpt"] * 6
    async with ScriptedRelay(refused) as relay, delivering(relay.url(), wishes=wishes) as world:
        world.send(*quiet, told, silent, bounce)
        for item in (*quiet, told, silent, bounce):
            assert (await world.attempt(item)).hard_bounce
        [dsn] = world.outbox.reports
    notices = {report.address: report for report in world.outbox.reports[1:]}
    assert dsn.address == "news@example.com"
    assert email.message_from_bytes(dsn.raw).get_content_type() == "multipart/report"
    assert set(notices) == {"ops@example.com", "crm@example.com"}
    text = email.message_from_bytes(notices["ops@example.com"].raw, policy=email.policy.default).get_content()
    assert all(f"gone{n}@example.org" in text for n in range(3))
    crm = email.message_from_bytes(notices["crm@example.com"].raw, policy=email.policy.default).get_content()
    assert "nobody@example.org" in crm
    assert "x@example.org" not in crm.replace("never@example.org", "")


@pytest.mark.parametrize(
    ("notify", "dsn", "told"),
    [
        ("SUCCESS,FAILURE", False, True),
        ("SUCCESS", True, False),
        ("FAILURE", False, False),
        ("", False, False),
    ],
)
async def test_who_asks_hears_that_a_relay_has_it_which_reports_nothing_itself(
    notify: str, dsn: bool, told: bool
) -> None:
    offers = tuple(offer for offer in OFFERS if dsn or offer != "DSN")
    items = [entry(source=source, notify=notify) for source in ("crm", "other")]
    wishes = {"crm": Wish(dsn=True), "other": Wish(notices="ops@example.com")}
    async with ScriptedRelay(offers=offers) as relay, delivering(relay.url(), wishes=wishes) as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert [report.id for report in world.outbox.reports] == ([f"dsn-{items[0].id}"] if told else [])
    assert all(b"Action: relayed\r\n" in report.raw for report in world.outbox.reports)
    assert all(("NOTIFY=" in each.rcpt[0]) == (dsn and bool(notify)) for each in relay.received)


async def test_logs_hold_no_address_and_none_of_the_relays_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    items = [entry(), entry(), entry()]
    script = ["550 5.1.1 anna@example.org is nobody here@rcpt", "451 4.2.1 anna@example.org later@rcpt"]
    async with ScriptedRelay(script) as relay, delivering(relay.url()) as world:
        world.send(*items)
        for item in items:
            await world.attempt(item)
    lines = [vars(record) for record in caplog.records if record.name == "galateo.delivery"]
    assert [line["msg"] % line["args"] for line in lines] == [
        "delivery.failed",
        "delivery.deferred",
        "delivery.delivered",
    ]
    assert [line["entry"] for line in lines] == [item.id for item in items]
    said = str([{name: line[name] for name in line if name != "args"} for line in lines])
    assert "@" not in said
    assert "nobody" not in said


async def test_what_is_canceled_while_it_waits_for_a_relay_is_not_begun() -> None:
    items = [entry(address=f"a{n}@example.org") for n in range(4)]
    relay = ScriptedRelay(port=free_port())
    async with delivering(relay.url(), timeouts=QUICK) as world:
        world.send(*items)
        await until(lambda: world.worker.down == {"smtp": "network"} and len(world.outbox.taken) >= 4)
        world.worker.forget({items[0].id, items[2].id})
        world.outbox.forget({items[0].id, items[2].id})
        async with relay:
            for item in (items[1], items[3]):
                assert (await world.attempt(item)).outcome is Outcome.DELIVERED
            await asyncio.sleep(0.1)
    assert [each.to for each in relay.received] == ["a1@example.org", "a3@example.org"]
