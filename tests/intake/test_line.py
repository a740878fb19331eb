"""submit -> Receipt on a real database: decided once, stored once, in order."""

import asyncio
import contextlib
import re
from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from gateway.access import Access, Controller, Source
from gateway.intake import NotAllowed
from gateway.policy.load import compose
from gateway.policy.outcome import Outcome
from gateway.policy.policies import PolicySet
from gateway.store.attempt import Attempt, Kind
from gateway.store.attempt import Outcome as Delivered
from gateway.store.protocol import HoldFilter, StoreError
from tests.line import Clock, line, message

NEWSLETTER = "Ecco le novità di marzo della nostra libreria: tre romanzi e un incontro con l'autore."


async def test_a_receipt_passes_and_waits_in_the_outbox(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        receipt = await gateway.submit()
        assert receipt.status == "accepted"
        [entry] = await gateway.store.take(10)
        assert entry.address == "anna@example.org"
        assert entry.raw.endswith(b"partito oggi.\r\n")


async def test_what_is_for_servers_alone_does_not_leave(tmp_path: Path) -> None:
    blind = b"BCC: a@hid.example,\r\n b@hid.example\r\n"
    head = b"Return-Path: <old@acme.example>\r\nFrom: elena@acme.example\r\n" + blind
    rest = b"Subject: Bcc: x\r\nX-Bcc: kept\r\nTo: anna@example.org\r\n"
    end = b"\r\nBcc: of the text\r\n"
    async with line(tmp_path) as gateway:
        written = message()
        raw = head + rest + b"Resent-Bcc: c@hid.example\r\n" + end
        await gateway.intake.submit(replace(written, raw=raw))
        [entry] = await gateway.store.take(10)
        assert entry.raw == b"From: elena@acme.example\r\n" + rest + end


async def test_what_was_delivered_leaves_no_bytes(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        receipt = await gateway.submit()
        [entry] = await gateway.store.take(10)
        gateway.store.settle(
            entry, Attempt(outcome=Delivered.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)
        )
        await gateway.submit(to="bruno@example.org")
        found = await gateway.store.message(receipt.id)
        assert found is not None
        assert found[1] == b""
        assert (await gateway.store.depths()).outbox == 1
        assert [row[3] for row in await gateway.store.attempts(receipt.id)] == ["delivered"]


async def test_every_recipient_is_counted_whatever_came_of_them(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        people = ["anna@example.org", "bo@example.org", "cy@example.org"]
        await gateway.submit(to=people)
        with contextlib.closing(apsw.Connection(str(tmp_path / "line.db"))) as db:
            db.set_busy_timeout(5000)
            db.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
            with pytest.raises(StoreError):
                await gateway.submit(to=people)
        told = gateway.metrics.render("")[0].decode()
        counted = dict(re.findall(r'galateo_messages_total\{.*outcome="(\w+)".*\} (\S+)', told))
        assert counted == {"accepted": "3.0", "deferred": "3.0"}


async def test_a_newsletter_needs_an_opt_in(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        refused = await gateway.submit(class_="newsletter", purpose="newsletter", text=NEWSLETTER)
        assert refused.status == "rejected"
        assert "consent.missing" in {v.code for v in refused.recipients[0].decision.enforced}
        await gateway.consent("anna@example.org")
        unsubscribe = {
            "list_unsubscribe": "<https://a.example/u>",
            "list_unsubscribe_post": "List-Unsubscribe=One-Click",
        }
        sent = await gateway.submit(class_="newsletter", purpose="newsletter", text=NEWSLETTER, **unsubscribe)
        assert sent.status == "accepted", sent.recipients[0].decision.enforced


async def test_an_import_never_revives_who_left(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent("anna@example.org")
        await gateway.consent("anna@example.org", action="withdrawn", purpose="", at=gateway.clock() - 60)
        await gateway.consent("anna@example.org", at=gateway.clock() - 30)
        receipt = await gateway.submit(class_="newsletter", purpose="newsletter", text=NEWSLETTER)
        assert receipt.status == "rejected"
        assert "suppressed" in {v.rule for v in receipt.recipients[0].decision.enforced}


async def test_every_recipient_has_a_decision_of_their_own(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent("anna@example.org")
        receipt = await gateway.submit(
            to=["anna@example.org", "bruno@example.org"],
            class_="newsletter",
            purpose="newsletter",
            text=NEWSLETTER,
            list_unsubscribe="<https://a.example/u>",
            list_unsubscribe_post="List-Unsubscribe=One-Click",
        )
        assert receipt.status == "mixed"
        assert [r.outcome for r in receipt.recipients] == [Outcome.ACCEPT, Outcome.REJECT]
        assert [d.outcome for d in await gateway.store.decisions(receipt.id)] == [0, 2]
        entries = await gateway.store.take(10)
        assert [e.address for e in entries] == ["anna@example.org"]


async def test_the_same_submission_twice_is_sent_once(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        first = await gateway.submit(idempotency_key="k1")
        again = await gateway.submit(idempotency_key="k1")
        assert again.id == first.id
        assert again.replayed
        assert len(await gateway.store.take(10)) == 1
        gateway.clock.now += 25 * 3600
        later = await gateway.submit(idempotency_key="k1")
        assert not later.replayed


async def test_a_rejected_submission_does_not_use_up_its_key(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        given = {"class_": "newsletter", "purpose": "newsletter", "text": NEWSLETTER, "idempotency_key": "k"}
        given |= {
            "list_unsubscribe": "<https://a.example/u>",
            "list_unsubscribe_post": "List-Unsubscribe=One-Click",
        }
        assert (await gateway.submit(**given)).status == "rejected"
        await gateway.consent("anna@example.org")
        assert (await gateway.submit(**given)).status == "accepted"


async def test_a_withdrawal_cancels_what_waits(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent("anna@example.org")
        given = {"class_": "newsletter", "purpose": "newsletter", "text": NEWSLETTER}
        given |= {
            "list_unsubscribe": "<https://a.example/u>",
            "list_unsubscribe_post": "List-Unsubscribe=One-Click",
        }
        receipt = await gateway.submit(send_at=gateway.clock() + 3600, **given)
        await gateway.consent("anna@example.org", action="withdrawn", purpose="", at=gateway.clock())
        assert (await gateway.store.depths()).outbox == 0
        found = await gateway.store.message(receipt.id)
        assert found is not None
        assert found[1] == b""


@pytest.mark.parametrize("together", [True, False])
async def test_a_burst_is_decided_as_one_after_another(tmp_path: Path, together: bool) -> None:
    text = (
        "Ti scrivo per augurare a te e ai tuoi cari un sereno Natale e un anno nuovo pieno di successi,"
        " professionali e non, di salute e di belle sorprese da condividere."
    )
    async with line(tmp_path) as gateway:
        messages = [
            message(
                to=f"linkedin.com/in/p{n}",
                channel="linkedin",
                class_="greeting",
                text=text,
                now=gateway.clock(),
            )
            for n in range(30)
        ]
        if together:
            receipts = await asyncio.gather(*(gateway.intake.submit(m) for m in messages))
        else:
            receipts = [await gateway.intake.submit(m) for m in messages]
        rules = [sorted({v.code for v in r.recipients[0].decision.enforced}) for r in receipts]
        copied = [n for n, codes in enumerate(rules) if any(code.startswith("copied_text") for code in codes)]
        assert copied == list(range(copied[0], 30))
        assert 1 < copied[0] <= 5


async def test_a_hold_is_released_rejected_or_expires(tmp_path: Path) -> None:
    text = "Ciao {{first_name}}, sono Elena della libreria Acme: ho letto il suo saggio sulle api."
    async with line(tmp_path) as gateway:
        receipts = [
            await gateway.submit(to=f"p{n}@example.org", class_="outreach", text=text) for n in range(3)
        ]
        holds = await gateway.store.holds(HoldFilter())
        held = [r for r in receipts if r.status == "held"]
        assert [h.id for h in holds] == [r.recipients[0].hold_id for r in held]
        if not held:
            assert {r.status for r in receipts} == {"rejected"}
            return
        await gateway.review.reject(holds[0].id, "rita", "not filled in")
        gateway.clock.now += 20 * 86400
        done = await gateway.review.sweep(gateway.clock())
        assert {r.status for r in done} == {"expired"}
        assert await gateway.store.holds(HoldFilter()) == []


async def test_nothing_is_lost_when_the_process_stops(tmp_path: Path) -> None:
    clock = Clock()
    async with line(tmp_path, PolicySet(), clock=clock) as gateway:
        ids = {(await gateway.submit(to=f"p{n}@example.org")).id for n in range(5)}
        assert len(await gateway.store.take(2)) == 2
    async with line(tmp_path, PolicySet(), clock=clock) as gateway:
        entries = [entry for _ in range(1) for entry in await gateway.store.take(10)]
        assert {e.message_id for e in entries} == ids
        assert [e.message_id for e in entries] == sorted(ids)


async def test_an_untrusted_source_may_not_loosen_the_jurisdiction(tmp_path: Path) -> None:
    source = Source(name="development", controller="default")
    access = Access(
        sources={"development": source},
        controllers={"default": Controller(name="default", jurisdiction="it")},
        reviewers={},
    )
    async with line(tmp_path, access=access) as gateway:
        for declared in ("us", "US "):
            loose = message(now=gateway.clock())
            [anna] = loose.recipients
            loose = replace(loose, recipients=(replace(anna, jurisdiction=declared),))
            with pytest.raises(NotAllowed, match="may not declare"):
                await gateway.intake.submit(loose)
        strict = message(now=gateway.clock())
        strict = replace(strict, recipients=(replace(strict.recipients[0], jurisdiction="unknown"),))
        assert (await gateway.intake.submit(strict)).status == "accepted"
        assert (await gateway.store.depths()).outbox == 1


async def test_asking_only_sends_nothing_and_holds_nothing(tmp_path: Path) -> None:
    text = "Ciao Anna, {{azienda}} sarebbe felice di collaborare."
    async with line(tmp_path) as gateway:
        given = {"channel": "linkedin", "deliver": False, "now": gateway.clock()}
        fine = await gateway.intake.submit(message(to="linkedin.com/in/anna", **given))
        assert fine.status == "accepted"
        doubtful = await gateway.intake.submit(
            message(to="linkedin.com/in/bea", text=text, class_="greeting", **given)
        )
        assert doubtful.status != "accepted"
        assert await gateway.store.holds(HoldFilter()) == []
        assert (await gateway.store.depths()).outbox == 0
        found = await gateway.store.message(doubtful.id)
        assert found is not None
        assert found[1] == b""
        assert len(await gateway.store.decisions(doubtful.id)) == 1


COPIES = """
policy: copies
version: 1
title: "Copies"
rules:
  - rule: copied_text
    copies: 2
    window: 1 day
    outcome: reject
"""


async def test_a_text_is_a_copy_for_as_long_as_the_window_says(tmp_path: Path) -> None:
    async with line(tmp_path, compose({"copies.yaml": COPIES})) as gateway:

        async def send(person: int, text: str = NEWSLETTER) -> str:
            return (await gateway.submit(to=f"p{person}@example.org", class_="outreach", text=text)).status

        assert [await send(n) for n in range(3)] == ["accepted", "accepted", "rejected"]
        for n in range(2):
            gateway.clock.now += 86_401
            assert await send(10 + n, f"Le scrivo della visita {n} al vostro mulino di pietra.") == "accepted"
        assert await send(3) == "accepted"


async def test_a_source_that_left_the_access_file_while_its_message_came_in(tmp_path: Path) -> None:
    """Its message is refused with the reason, whatever else happens; nothing breaks."""
    async with line(tmp_path) as gateway:
        gateway.access.adopt(Access(sources={}, controllers={}, reviewers={}))
        with pytest.raises(NotAllowed) as refused:
            await gateway.submit()
        assert refused.value.words.en.startswith("This source is not in access.yaml any more.")
        with pytest.raises(NotAllowed):
            gateway.intake.check(message())
