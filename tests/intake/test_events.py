"""What sources tell, on a real database: once, restricting always, opening only where they may."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.access import Access, Source
from gateway.intake.consents import STOPPING
from gateway.intake.events import EventResult, Events, TellEvent
from gateway.intake.inbound import own_words
from gateway.ledger.bounce import SOFT_BOUNCES
from gateway.ledger.happening import Happening
from gateway.ledger.person import ALIASES_KEPT, Person
from gateway.ledger.relationship import relationship, stage
from gateway.message.address import normalize
from gateway.message.envelope import Identifier
from gateway.policy.policies import PolicySet
from gateway.store.protocol import HoldFilter
from tests.intake.policies import line, policies
from tests.line import DAY, KEYS, NOW, Line, consent, message, reader

RUI = "elena@acme.example"
ANNA = "anna@example.org"


def ident(address: str, channel: str = "email") -> Identifier:
    return Identifier(channel=channel, address=address, key=normalize(channel, address))


def event(type_: str, *people: Identifier, **given: Any) -> Happening:
    named = people or (ident(ANNA),)
    fields: dict[str, Any] = {
        "controller": "default",
        "source": "development",
        "source_event_id": "",
        "occurred_at": NOW,
        "received_at": NOW,
        "channel": named[0].channel,
        "sender": RUI,
        "opens": True,
    }
    return Happening(type=type_, recipients=named, **(fields | given))


async def tell(gateway: Line, happening: Happening, **given: Any) -> EventResult:
    said = own_words(happening.text, happening.channel)
    reading = reader().read(message(text=said).content) if happening.text else None
    return await gateway.store.run(TellEvent(happening, KEYS, reading, **given))


async def person(gateway: Line, address: str = ANNA, channel: str = "email") -> Person:
    return await gateway.store.person(("default", KEYS.subject(channel, normalize(channel, address))))


def stops(known: Person) -> set[str]:
    return {stop.kind for stop in known.stops}


# -- once -----------------------------------------------------------------------------------------


async def test_told_ten_times_it_counts_once_and_is_answered_alike(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        reply = event("message.replied", text="Volentieri", source_event_id="e1")
        first = await tell(gateway, reply)
        again = [await tell(gateway, replace(reply, text="another", occurred_at=NOW - 5)) for _ in range(5)]
        again += await asyncio.gather(*(tell(gateway, reply) for _ in range(5)))
        assert (first.status, first.replayed, first.effect.reply) == ("applied", False, "human")
        assert {(r.id, r.status, r.replayed, r.effect.reply) for r in again} == {
            (first.id, "applied", True, "human")
        }
        assert relationship(await person(gateway), RUI).replies == 1


async def test_told_at_the_same_moment_it_counts_once(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        same = event("message.replied", text="Volentieri", source_event_id="e1")
        results = await asyncio.gather(*(tell(gateway, same) for _ in range(20)))
        assert sum(not r.replayed for r in results) == 1
        assert relationship(await person(gateway), RUI).replies == 1


async def test_another_source_may_use_the_same_id(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        for source in ("one", "two"):
            assert not (
                await tell(gateway, event("message.replied", source=source, source_event_id="1"))
            ).replayed


async def test_without_an_id_the_same_words_are_the_same_event(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        assert not (await tell(gateway, event("meeting.held"))).replayed
        assert (await tell(gateway, event("meeting.held"))).replayed
        assert not (await tell(gateway, event("meeting.held", occurred_at=NOW - 60))).replayed


async def test_long_after_it_is_still_known(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("message.replied", source_event_id="e1"))
        gateway.clock.now += 400 * DAY
        late = await tell(gateway, event("message.replied", source_event_id="e1"))
        assert late.replayed
        assert relationship(await person(gateway), RUI).replies == 1


# -- doors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_",
    [
        "connection.accepted",
        "message.replied",
        "message.answered",
        "meeting.held",
        "purchase",
        "consent.granted",
    ],
)
async def test_nobody_opens_a_door_without_the_grant(tmp_path: Path, type_: str) -> None:
    async with line(tmp_path) as gateway:
        told = event(type_, opens=False, text="Sì grazie", purpose="offers", occurred_at=NOW - 40 * DAY)
        result = await tell(gateway, told)
        assert (result.status, result.effect.note) == ("recorded", "untrusted")
        assert await person(gateway) == Person()


async def test_connected_forty_days_ago_is_a_week_at_most(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        result = await tell(
            gateway, event("connection.accepted", occurred_at=NOW - 40 * DAY), backdate_limit=7 * DAY
        )
        known = relationship(await person(gateway), RUI)
        assert result.backdated
        assert (known.connected_at, known.backdated) == (NOW - 7 * DAY, True)


async def test_nothing_happens_in_the_future(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("connection.accepted", occurred_at=NOW + 40 * DAY))
        assert relationship(await person(gateway), RUI).connected_at == NOW


async def test_a_door_belongs_to_one_sender_and_one_channel(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        profile = ident("https://www.linkedin.com/in/anna-verdi", "linkedin")
        other = ident("urn:li:person:abc123", "linkedin")
        await tell(gateway, event("connection.accepted", profile, other, ident(ANNA)))
        for address in (profile, other):
            assert stage(await person(gateway, address.address, "linkedin"), RUI) == "connected"
        assert stage(await person(gateway), RUI) == "stranger"
        assert stage(await person(gateway, profile.address, "linkedin"), "a colleague") == "stranger"


async def test_without_a_sender_there_are_no_two(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        assert (await tell(gateway, event("connection.accepted", sender=""))).effect.note == "no_sender"


async def test_the_first_human_reply_starts_a_conversation(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        first = await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        second = await tell(gateway, event("message.replied", text="Ancora", thread="t1"))
        assert (first.effect.conversation, second.effect.conversation) == (True, False)
        assert (await gateway.store.depths()).unanswered == 1
        gateway.clock.now += 3600
        answer = await tell(
            gateway, event("message.answered", occurred_at=NOW + 3600, received_at=NOW + 3600)
        )
        assert answer.effect.answered_after == 3600
        assert (await gateway.store.depths()).unanswered == 0
        assert stage(await person(gateway), RUI) == "conversation"


@pytest.mark.parametrize(
    "data", [{"automatic": "true"}, {"automatic": True}, {"subject": "Automatic reply: Hello"}]
)
async def test_an_automatic_reply_is_no_reply(tmp_path: Path, data: dict[str, Any]) -> None:
    async with line(tmp_path) as gateway:
        result = await tell(gateway, event("message.replied", text="I am away. STOP", data=data))
        assert result.effect.reply == "automatic"
        assert await person(gateway) == Person()


async def test_our_own_subject_in_a_reply_is_no_sign_of_a_machine(tmp_path: Path) -> None:
    ours = {"subject": "Re: In ferie con noi a Rimini"}
    async with line(tmp_path) as gateway:
        result = await tell(gateway, event("message.replied", text="Volentieri.", data=ours))
        assert result.effect.reply == "human"
        assert relationship(await person(gateway), RUI).replies == 1


@pytest.mark.parametrize("subject", ["Re: In ferie con noi a Rimini", "Fuori sede: il nuovo corso"])
async def test_a_first_line_that_says_stop_is_no_machines(tmp_path: Path, subject: str) -> None:
    async with line(tmp_path) as gateway:
        said = {"text": "STOP\n\nAnna", "opens": False}
        declared = {"subject": subject, "automatic": True}
        result = await tell(gateway, event("message.replied", data=declared, **said))
        assert result.effect.reply == "automatic"
        result = await tell(gateway, event("message.replied", data={"subject": subject}, sender="", **said))
        assert result.effect.note == "stop_request"
        assert stops(await person(gateway)) == {"stop_request"}


# -- stops ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize(
    "text", ["STOP", "Basta, non scrivermi più", "unsubscribe", "Abmelden", "désabonner", "baja"]
)
async def test_a_stop_stops_whoever_tells_it(tmp_path: Path, text: str, opens: bool) -> None:
    async with line(tmp_path) as gateway:
        result = await tell(gateway, event("message.replied", text=text, opens=opens))
        assert (result.effect.note, result.effect.reply) == ("stop_request", "stop")
        known = await person(gateway)
        assert stops(known) == {"stop_request"}
        assert stage(known, RUI) == "stranger"
        assert (await gateway.store.depths()).unanswered == 0
        refused = await gateway.submit(class_="outreach", text="Buongiorno Anna, sono Elena di Acme.")
        assert refused.status == "rejected"


@pytest.mark.parametrize(
    ("type_", "given", "kind"),
    [
        ("unsubscribe", {}, "unsubscribed"),
        ("consent.withdrawn", {"purpose": "newsletter"}, "unsubscribed"),
        ("consent.withdrawn", {"data": {"objected": True}}, "objected"),
        ("complaint", {}, "complained"),
        ("message.bounced", {"data": {"kind": "hard"}}, "bounced"),
        ("message.bounced", {}, "bounced"),
        ("message.bounced", {"data": {"status": "5.1.1"}}, "bounced"),
    ],
)
async def test_stops_need_no_grant(tmp_path: Path, type_: str, given: dict[str, Any], kind: str) -> None:
    async with line(tmp_path) as gateway:
        result = await tell(gateway, event(type_, opens=False, **given))
        assert result.status == "applied"
        assert stops(await person(gateway)) == {kind}


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "hard", "status": "5.7.1"},
        {"kind": "permanent", "status": "5.2.2"},
        {"kind": "hard", "status": "4.4.1"},
        {"status": "5.7.1"},
        {"status": "4.2.2"},
        {"status": "421"},
        {"kind": "soft", "status": "5.1.1"},
    ],
)
async def test_a_bounce_that_is_not_about_the_address_stops_nobody(tmp_path: Path, data: Any) -> None:
    """A block of the sender's server, a full mailbox: whatever the tool calls it."""
    async with line(tmp_path) as gateway:
        result = await tell(gateway, event("message.bounced", data=data))
        assert result.effect.bounce == "soft"
        assert stops(await person(gateway)) == set()


@pytest.mark.parametrize(
    "status",
    ["5.1.1", " 5.1.1", "550 5.1.1 unknown user", "5.1.10 (null MX)", "5.2.1", "5.0.0", "550", "unknown"],
)
async def test_a_bounce_about_the_address_stops_it(tmp_path: Path, status: str) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("message.bounced", data={"kind": "hard", "status": status}))
        assert stops(await person(gateway)) == {"bounced"}


async def test_a_stop_may_be_told_late_and_still_counts(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("unsubscribe", occurred_at=NOW - 300 * DAY, opens=False))
        assert stops(await person(gateway)) == {"unsubscribed"}


async def test_an_older_complaint_never_moves_a_newer_one(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("complaint"))
        await tell(gateway, event("complaint", occurred_at=NOW - 5 * DAY))
        assert [stop.at for stop in (await person(gateway)).stops] == [NOW]


@pytest.mark.parametrize(
    ("told", "status"), [(NOW - 2 * DAY, "accepted"), (NOW - DAY + 1, "rejected"), (NOW, "rejected")]
)
async def test_a_complaint_told_late_leaves_the_double_opt_in_that_came_after_it(
    tmp_path: Path, told: float, status: str
) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent(ANNA, at=NOW - DAY, imported=False)
        await tell(gateway, event("complaint", occurred_at=told))
        assert (await gateway.submit(class_="newsletter")).status == status


async def test_a_complaint_by_a_clock_that_is_late_is_no_older_than_the_consent(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent(ANNA, at=NOW, imported=False)
        await tell(gateway, event("complaint", occurred_at=NOW - 60))
        assert (await gateway.submit(class_="newsletter")).status == "rejected"


@pytest.mark.parametrize("status", ["", "4.2.2", "5.2.2", "552 5.2.2 mailbox full", "452 4.2.2 over quota"])
async def test_full_mailboxes_in_a_row_are_a_hard_bounce(tmp_path: Path, status: str) -> None:
    async with line(tmp_path) as gateway:
        for n in range(SOFT_BOUNCES):
            assert stops(await person(gateway)) == set()
            data = {"kind": "soft", "status": status}
            soft = event("message.bounced", data=data, source_event_id=str(n))
            assert (await tell(gateway, soft)).effect.bounce == "soft"
        assert stops(await person(gateway)) == {"bounced"}


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "soft", "status": "5.7.1"},
        {"kind": "soft", "status": "4.4.1"},
        {"status": "5.7.1"},
        {"kind": "hard", "status": "550 5.7.1 blocked"},
    ],
)
async def test_what_is_not_about_the_address_never_counts_against_it(
    tmp_path: Path, data: dict[str, str]
) -> None:
    async with line(tmp_path) as gateway:
        for n in range(2 * SOFT_BOUNCES):
            told = await tell(gateway, event("message.bounced", data=data, source_event_id=str(n)))
            assert told.effect.bounce == "soft"
        assert (await person(gateway)).soft_bounces == 0
        assert stops(await person(gateway)) == set()


@pytest.mark.parametrize(("opens", "contacts"), [(True, 0), (False, 1)])
async def test_a_soft_bounce_makes_room_only_when_it_is_believed(
    tmp_path: Path, opens: bool, contacts: int
) -> None:
    async with line(tmp_path) as gateway:
        receipt = await gateway.submit()
        soft = event("message.bounced", data={"kind": "soft"}, message=receipt.id, opens=opens)
        await tell(gateway, soft)
        assert len((await person(gateway)).contacts) == contacts


async def test_a_delivery_between_soft_bounces_begins_the_count_anew(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        for n in range(SOFT_BOUNCES - 1):
            await tell(gateway, event("message.bounced", data={"kind": "soft"}, source_event_id=str(n)))
        await tell(gateway, event("message.delivered"))
        await tell(gateway, event("message.bounced", data={"kind": "soft"}, source_event_id="last"))
        assert stops(await person(gateway)) == set()


async def test_an_objection_while_fifty_are_held_and_five_wait(tmp_path: Path, holding: PolicySet) -> None:
    async with line(tmp_path, holding) as gateway:
        held = await asyncio.gather(*(gateway.submit(class_="outreach", purpose=f"p{n}") for n in range(50)))
        assert {receipt.status for receipt in held} == {"held"}
        waiting = [await gateway.submit(class_="greeting", send_at=NOW + DAY) for _ in range(5)]
        assert {receipt.status for receipt in waiting} == {"accepted"}
        assert (await gateway.store.depths()).outbox == 5
        await tell(gateway, event("consent.withdrawn", opens=False, data={"objected": "true"}))
        assert (await gateway.store.depths()).outbox == 0
        assert await gateway.store.holds(HoldFilter()) == []
        assert len(await gateway.store.holds(HoldFilter(status="cancelled"))) == 50


async def test_a_stop_in_the_same_batch_as_what_it_stops(tmp_path: Path, holding: PolicySet) -> None:
    async with line(tmp_path, holding) as gateway:
        results = await asyncio.gather(
            *(gateway.submit(class_="outreach", purpose=f"p{n}") for n in range(5)),
            *(gateway.submit(class_="greeting", send_at=NOW + DAY) for _ in range(5)),
            tell(gateway, event("complaint", opens=False)),
        )
        assert isinstance(results[-1], EventResult)
        assert (await gateway.store.depths()).outbox == 0
        assert await gateway.store.holds(HoldFilter()) == []


@pytest.mark.parametrize("type_", ["unsubscribe", "consent.withdrawn"])
async def test_whoever_left_before_is_recorded_and_not_applied(tmp_path: Path, type_: str) -> None:
    async with line(tmp_path) as gateway:
        first = await tell(gateway, event(type_, purpose="newsletter", source_event_id="1"))
        again = await tell(gateway, event(type_, purpose="newsletter", source_event_id="2"))
        assert (first.status, first.effect.note) == ("applied", "")
        assert (again.status, again.effect.note) == ("recorded", "unchanged")


async def test_no_sales_and_a_pause(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        wish = event("preference.changed", data={"no_sales": True, "paused_until": NOW + DAY}, opens=False)
        assert (await tell(gateway, wish)).status == "applied"
        known = await person(gateway)
        assert (known.no_sales_at, known.paused_until) == (NOW, NOW + DAY)
        told = event("preference.changed", data={"paused_until": "some day"}, source_event_id="unreadable")
        assert (await tell(gateway, told)).effect.note == "unchanged"
        back = event(
            "preference.changed",
            data={"no_sales": False, "paused_until": 0},
            opens=False,
            occurred_at=NOW + 1,
        )
        assert (await tell(gateway, back)).effect.note == "unchanged"
        gateway.clock.now += 10
        await tell(gateway, replace(back, opens=True, source_event_id="x"))
        known = await person(gateway)
        assert (known.no_sales_at, known.paused_until) == (0.0, 0.0)


# -- consent --------------------------------------------------------------------------------------

PROOF = {"wording": "Sì", "confirmed_at": "2026-01-01T10:00:00Z", "confirmed_ip": "192.0.2.1"}


async def test_a_consent_counts_for_its_purpose_and_channel(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        given = event("consent.granted", purpose="newsletter", data=PROOF)
        assert (await tell(gateway, given)).status == "applied"
        [permission] = (await person(gateway)).permissions
        assert (permission.purpose, permission.channel, permission.grade) == ("newsletter", "email", "A")
        assert (
            await tell(gateway, event("consent.granted", source_event_id="2"))
        ).effect.note == "no_purpose"


async def test_a_withdrawal_yields_to_nobody_who_is_not_trusted_with_consent(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("unsubscribe", occurred_at=NOW - 60, purpose="newsletter"))
        given = event("consent.granted", purpose="newsletter", data=PROOF)
        assert (await tell(gateway, given)).effect.note == "suppressed"
        assert stops(await person(gateway)) == {"unsubscribed"}
        trusted = replace(given, source_event_id="again")
        assert (await tell(gateway, trusted, revives=True)).status == "applied"
        assert stops(await person(gateway)) == set()


async def test_the_same_word_without_proof_revives_nothing(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("unsubscribe", occurred_at=NOW - 60, purpose="newsletter"))
        bare = event("consent.granted", purpose="newsletter", data={"ip": "192.0.2.1"})
        assert (await tell(gateway, bare, revives=True)).effect.note == "suppressed"


@pytest.mark.parametrize("empty", [{"confirmed_ip": "NULL"}, {"confirmed_at": "2131-01-01T10:00:00Z"}])
async def test_evidence_that_is_none_revives_nothing(tmp_path: Path, empty: dict[str, str]) -> None:
    async with line(tmp_path) as gateway:
        given = event("consent.granted", purpose="offers", data=PROOF | empty)
        await tell(gateway, given)
        [permission] = (await person(gateway)).permissions
        assert permission.grade == "D"
        await tell(gateway, event("unsubscribe", occurred_at=NOW - 60, purpose="newsletter"))
        again = event("consent.granted", purpose="newsletter", data=PROOF | empty, source_event_id="2")
        assert (await tell(gateway, again, revives=True)).effect.note == "suppressed"


@pytest.mark.parametrize(("ago", "left"), [(120.0, True), (2 * 3600.0, False)])
async def test_a_withdrawal_by_a_clock_that_is_late_is_no_older_than_the_consent(
    tmp_path: Path, ago: float, left: bool
) -> None:
    """Two machines differ by minutes; what is told hours later was overtaken by the person's own yes."""
    async with line(tmp_path) as gateway:
        given = event("consent.granted", purpose="newsletter", data=PROOF)
        await tell(gateway, given, revives=True)
        await tell(
            gateway,
            event("unsubscribe", occurred_at=NOW - ago, purpose="newsletter", source="other", opens=False),
        )
        assert (stops(await person(gateway)) == {"unsubscribed"}) is left


@pytest.mark.parametrize(("opens", "replies"), [(True, 1), (False, 0)])
async def test_one_channel_refused_is_no_stop_of_mail(tmp_path: Path, opens: bool, replies: int) -> None:
    phone = ident("+393331234567", "sms")
    async with line(tmp_path) as gateway:
        text = "Don't text me, email me instead."
        said = event("message.replied", phone, ident(ANNA), text=text, opens=opens)
        result = await tell(gateway, said)
        assert (result.status, result.effect.note) == ("applied", "stop_channel")
        for known in (await person(gateway), await person(gateway, phone.address, "sms")):
            assert [(stop.kind, stop.channels) for stop in known.stops] == [("stop_request", ("sms",))]
        texting = await person(gateway, phone.address, "sms")
        assert relationship(texting, RUI).replies == replies
        assert relationship(texting, RUI).welcoming == 0
        sent = await gateway.submit(class_="conversation", text="Ciao Anna, ecco il verbale di ieri.")
        assert "stop_request.said" not in [v.code for v in sent.recipients[0].decision.violations]


@pytest.mark.parametrize(("refused", "left"), [("WhatsApp", 2), ("email", 0)])
async def test_one_channel_refused_cancels_what_waits_there_alone(
    tmp_path: Path, holding: PolicySet, refused: str, left: int
) -> None:
    """Told by text message, of somebody whose mail address is named, or known, beside it."""
    async with line(tmp_path, holding) as gateway:
        phone = ident("+393331234567", "sms")
        await tell(gateway, event("message.replied", phone, ident(ANNA), text="Ok", source_event_id="1"))
        await gateway.submit(class_="outreach")
        await gateway.submit(class_="greeting", send_at=NOW + DAY)
        others = [ident(ANNA)] if refused == "email" else []
        said = event("message.replied", phone, *others, text=f"No {refused} please, call the office.")
        assert (await tell(gateway, said)).effect.note == "stop_channel"
        waiting = await gateway.store.holds(HoldFilter())
        assert len(waiting) + (await gateway.store.depths()).outbox == left


@pytest.mark.parametrize("before", [[], ["Where are you?"]])
async def test_nobody_owes_an_answer_where_none_may_go(tmp_path: Path, before: list[str]) -> None:
    async with line(tmp_path) as gateway:
        for text in [*before, "Don't email me, call me on the office line."]:
            await tell(gateway, event("message.replied", text=text))
        assert relationship(await person(gateway), RUI).replies == len(before) + 1
        assert relationship(await person(gateway), RUI).unanswered_since == 0


async def test_a_stop_beside_a_refused_channel_stops_all(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        text = "Don't text me, call the office. And unsubscribe me from your list."
        result = await tell(gateway, event("message.replied", ident("+393331234567", "sms"), text=text))
        assert result.effect.note == "stop_request"


async def test_what_calls_itself_automatic_stops_nobody(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        text = "This is an automated message.\nTo unsubscribe me from your list, write to hr@acme.example."
        result = await tell(gateway, event("message.replied", text=text))
        assert result.effect.reply == "human"
        assert stops(await person(gateway)) == set()
        result = await tell(gateway, event("message.replied", text="STOP\nAutomatic reply"))
        assert result.effect.note == "stop_request"


@pytest.mark.parametrize(("opens", "replies"), [(True, 1), (False, 0)])
async def test_no_sales_in_a_reply_counts_whoever_told_it(tmp_path: Path, opens: bool, replies: int) -> None:
    async with line(tmp_path) as gateway:
        said = event("message.replied", text="Volentieri, ma niente proposte commerciali.", opens=opens)
        result = await tell(gateway, said)
        assert (result.status, result.effect.note) == ("applied", "no_sales")
        known = await person(gateway)
        assert (known.no_sales_at, stops(known)) == (NOW, set())
        assert relationship(known, RUI).replies == replies
        again = await tell(gateway, replace(said, source_event_id="2"))
        assert again.status == ("applied" if opens else "recorded")


async def test_a_profile_that_refuses_sales_is_remembered(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        named = message(to=ANNA, class_="outreach", now=NOW)
        [anna] = named.recipients
        told = replace(named, recipients=(replace(anna, attributes={"headline": "CTO. No pitches."}),))
        await gateway.intake.submit(told)
        assert (await person(gateway)).no_sales_at == NOW
        sale = await gateway.submit(class_="promotion", text="Sconto del 50% solo oggi: acquista ora!")
        assert "no_sales.declared" in {v.code for v in sale.recipients[0].decision.violations}


async def test_consent_never_travels_and_restriction_always_does(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        both = (ident(ANNA), ident("https://linkedin.com/in/anna-verdi", "linkedin"))
        await tell(gateway, event("consent.granted", *both, purpose="newsletter", data=PROOF))
        profile = await person(gateway, both[1].address, "linkedin")
        assert profile.permissions == ()
        await tell(gateway, event("complaint", both[1], opens=False))
        assert stops(await person(gateway)) == set()
        refused = await gateway.submit(class_="outreach", text="Buongiorno Anna, sono Elena di Acme.")
        assert "suppressed.complained" in {v.code for v in refused.recipients[0].decision.violations}


# -- one person, several addresses -----------------------------------------------------------------


async def test_links_go_both_ways_and_come_together(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        a, b, c = (ident(f"{name}@example.org") for name in "abc")
        await tell(gateway, event("message.delivered", a, b))
        await tell(gateway, event("message.delivered", b, c))
        keys = {x.key: KEYS.subject("email", x.key).hex() for x in (a, b, c)}
        for x in (a, b, c):
            known = await person(gateway, x.address)
            assert set(known.aliases) == {hexed for key, hexed in keys.items() if key != x.key}


async def test_links_are_bounded(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        for n in range(30):
            await tell(gateway, event("message.delivered", ident(ANNA), ident(f"a{n}@example.org")))
        crowd = [ident(f"b{n}@example.org") for n in range(30)]
        await tell(gateway, event("message.delivered", *crowd))
        assert len((await person(gateway)).aliases) == ALIASES_KEPT
        assert len((await person(gateway, "b0@example.org")).aliases) == ALIASES_KEPT


async def test_a_chain_of_addresses_ends_where_one_person_ends(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        chain = [ident(f"c{n}@example.org") for n in range(40)]
        notes = [
            (await tell(gateway, event("message.delivered", *two, opens=False))).effect.note
            for two in pairwise(chain)
        ]
        assert [n for n, note in enumerate(notes) if note] == [8, 17, 26, 35]
        assert set(notes) == {"", "too_many_addresses"}
        for n, one in enumerate(chain):
            known = (await person(gateway, one.address)).aliases
            begin = n // 9 * 9
            mine = {KEYS.subject("email", x.key).hex() for x in chain[begin : begin + 9] if x is not one}
            assert set(known) == mine
        again = await tell(gateway, event("message.delivered", chain[8], chain[9], opens=False))
        assert (again.effect.note, again.replayed) == ("too_many_addresses", True)


async def test_who_stays_apart_is_stopped_as_the_others_are(tmp_path: Path) -> None:
    """A stop that stands counts for them, and one told with all addresses counts for each."""
    async with line(tmp_path) as gateway:
        crowd = [ident(f"d{n}@example.org") for n in range(21)]
        await tell(gateway, event("message.delivered", *crowd[:9]))
        await tell(gateway, event("complaint", crowd[3], opens=False))
        for late in ((crowd[0], crowd[9]), (crowd[10], crowd[0])):
            told = await tell(gateway, event("message.sent", *late, data={"class": "greeting"}))
            assert told.effect.note == "too_many_addresses"
        for n in (0, 9, 10):
            assert (await gateway.submit(class_="outreach", to=crowd[n].address)).status == "rejected"
        assert (await gateway.submit(class_="greeting", to=crowd[20].address)).status == "accepted"
        await tell(gateway, event("complaint", *crowd, source_event_id="all", opens=False))
        for one in crowd:
            assert (await gateway.submit(class_="greeting", to=one.address)).status == "rejected"


async def test_a_stop_cancels_what_waits_for_the_other_address(tmp_path: Path, holding: PolicySet) -> None:
    async with line(tmp_path, holding) as gateway:
        both = (ident("anna@work.example"), ident(ANNA))
        await tell(gateway, event("message.delivered", *both))
        await gateway.submit(class_="outreach")
        await tell(gateway, event("message.replied", both[0], text="STOP", opens=False))
        assert await gateway.store.holds(HoldFilter()) == []


@pytest.mark.parametrize("action", [*STOPPING, "no_sales"])
async def test_a_withdrawal_or_wish_cancels_what_waits_for_the_other_address(
    tmp_path: Path, holding: PolicySet, action: str
) -> None:
    async with line(tmp_path, holding) as gateway:
        both = (ident("anna@work.example"), ident(ANNA))
        await tell(gateway, event("message.delivered", *both))
        assert (await gateway.submit(class_="outreach")).status == "held"
        assert (await gateway.submit(class_="greeting")).status == "accepted"
        if action == "no_sales":
            await tell(gateway, event("preference.changed", both[0], data={"no_sales": True}))
        else:
            left = consent(both[0].address, action=action, at=NOW)
            await gateway.consents.record([left], "import")
        assert await gateway.store.holds(HoldFilter()) == []
        assert (await gateway.store.depths()).outbox == 0


# -- what a tool sent by itself --------------------------------------------------------------------


async def test_what_a_tool_sent_takes_its_place_in_caps(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        told = event("message.sent", data={"class": "greeting"}, message="m-1", opens=False)
        assert (await tell(gateway, told)).status == "applied"
        [contact] = (await person(gateway)).contacts
        assert (contact.class_, contact.message, contact.at) == ("greeting", "m-1", NOW)
        again = await tell(gateway, replace(told, source_event_id="other"))
        assert again.effect.note == "counted_before"
        assert len((await person(gateway)).contacts) == 1


@pytest.mark.parametrize("opens", [True, False])
async def test_what_was_asked_about_counts_as_what_it_was_judged(tmp_path: Path, opens: bool) -> None:
    """Whatever the tool calls it afterwards, if anything: its pace is that of its class."""
    pace = "version: 1\npolicy: pace\nrules:\n  - {rule: burst, limit: 2, per: 1 hour, outcome: hold}\n"
    async with line(tmp_path, policies(tmp_path, pace)) as gateway:
        outcomes = []
        for n, data in enumerate(({}, {"class": "transactional"}, {})):
            to = f"p{n}@example.org"
            asked = await gateway.submit(to=to, class_="connection_request", deliver=False)
            outcomes.append(asked.status)
            told = event("message.sent", ident(to), message=asked.id, data=data, opens=opens)
            await tell(gateway, told)
            [contact] = (await person(gateway, to)).contacts
            assert contact.class_ == "connection_request"
        assert outcomes == ["accepted", "accepted", "held"]
        assert (
            await gateway.submit(to="q@example.org", class_="outreach", deliver=False)
        ).status == "accepted"


@pytest.mark.parametrize(("opens", "sent"), [(True, 1), (False, 0)])
async def test_only_a_trusted_tool_made_the_first_contact(tmp_path: Path, opens: bool, sent: int) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("message.sent", opens=opens))
        known = relationship(await person(gateway), RUI)
        assert (known.sent, known.sent_since_reply) == (sent, 1)


async def test_a_tool_cannot_answer_by_sending(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("message.replied", text="Sì"))
        await tell(gateway, event("message.sent", data={"class": "conversation"}, message="m-1"))
        assert relationship(await person(gateway), RUI).unanswered_since == NOW


COPIED = "version: 1\npolicy: copies\nrules:\n  - {rule: copied_text, outcome: hold}\n"
SAID = "Seguo da tempo le aziende della sua zona e vorrei capire come organizzate i turni durante l'estate."


async def ask_about(gateway: Line, n: int) -> tuple[str, str]:
    """Ask about the same text to somebody; the message's id and what comes of it."""
    receipt = await gateway.submit(to=f"p{n}@example.org", class_="outreach", text=SAID, deliver=False)
    return receipt.id, receipt.status


async def test_what_a_tool_sent_counts_as_a_copy(tmp_path: Path) -> None:
    async with line(tmp_path, policies(tmp_path, COPIED)) as gateway:
        for n in range(4):
            asked, status = await ask_about(gateway, n)
            assert status == "accepted"
            sent = event("message.sent", ident(f"p{n}@example.org"), message=asked, opens=n % 2 == 0)
            await tell(gateway, sent)
            await tell(gateway, replace(sent, source_event_id="again"))
        assert (await ask_about(gateway, 4))[1] == "held"


async def test_what_a_tool_only_asked_about_is_no_copy(tmp_path: Path) -> None:
    async with line(tmp_path, policies(tmp_path, COPIED)) as gateway:
        asked = [await ask_about(gateway, n) for n in range(6)]
        assert {status for _, status in asked} == {"accepted"}
        for n, (message_id, _) in enumerate(asked):
            who = ident(f"p{n}@example.org")
            await tell(gateway, event("message.sent", who, message=message_id, controller="other"))
            await tell(gateway, event("message.sent", who, message="another"))
        assert (await ask_about(gateway, 7))[1] == "accepted"


async def test_our_own_message_is_not_counted_twice(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        receipt = await gateway.submit()
        result = await tell(gateway, event("message.sent", message=receipt.id))
        assert result.effect.note == "counted_before"


async def test_a_failure_gives_its_place_back_to_whom_may_open(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        receipt = await gateway.submit()
        assert len((await person(gateway)).contacts) == 1
        await tell(gateway, event("message.failed", message=receipt.id, opens=False))
        assert len((await person(gateway)).contacts) == 1
        await tell(gateway, event("message.failed", message=receipt.id, source_event_id="2"))
        assert (await person(gateway)).contacts == ()


# -- the edge -------------------------------------------------------------------------------------


async def test_events_are_counted_once(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        source = Source(name="development", controller="default", trusted=frozenset({"consent"}))
        access = Access(sources={"development": source}, controllers={}, reviewers={})
        events = Events(gateway.store, reader(), KEYS, gateway.metrics, access)
        told: Sequence[Happening] = [
            event("message.replied", text="Sì", source_event_id="1"),
            event("message.replied", text="Sì", source_event_id="1"),
            event("message.answered", source_event_id="2", occurred_at=NOW + 60, received_at=NOW + 60),
            event("unsubscribe", source_event_id="3"),
            event("complaint", source_event_id="4"),
            event("message.bounced", source_event_id="5"),
            event("message.replied", text="On Monday Elena wrote:\n> STOP", source_event_id="6", opens=False),
        ]
        gateway.clock.now += 60
        for happening in told:
            await events.tell(happening)
        text = gateway.metrics.render()[0].decode()
        for name in (
            'galateo_replies_total{kind="human"} 1.0',
            'galateo_replies_total{kind="untrusted"} 1.0',
            "galateo_conversations_started_total 1.0",
            "galateo_reply_answer_seconds_count 1.0",
            "galateo_unsubscribes_total 1.0",
            "galateo_complaints_total 1.0",
            'galateo_bounces_total{kind="hard"} 1.0',
        ):
            assert name in text


@pytest.mark.parametrize(("trusted", "revived"), [({"consent"}, True), (set(), False)])
async def test_only_a_source_trusted_with_consent_brings_anyone_back(
    tmp_path: Path, trusted: set[str], revived: bool
) -> None:
    async with line(tmp_path) as gateway:
        source = Source(name="development", controller="default", trusted=frozenset(trusted))
        access = Access(sources={"development": source}, controllers={}, reviewers={})
        events = Events(gateway.store, reader(), KEYS, gateway.metrics, access)
        await events.tell(event("unsubscribe", occurred_at=NOW - 60, purpose="newsletter"))
        await events.tell(event("consent.granted", purpose="newsletter", data=PROOF))
        assert (stops(await person(gateway)) == set()) is revived


async def test_words_and_addresses_are_not_kept_with_an_event(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await tell(gateway, event("message.replied", text="Il mio numero è 12345"))
        stored = b"".join((tmp_path / name).read_bytes() for name in ("line.db", "line.db-wal"))
        assert b"12345" not in stored
        assert ANNA.encode() not in stored


def test_stopping_actions_are_known() -> None:
    assert set(STOPPING) == {"withdrawn", "objected"}


@pytest.mark.parametrize("text", ["No grazie", "Not for us, thanks", "Da dove avete preso il mio indirizzo?"])
async def test_a_polite_no_waits_for_an_answer_and_opens_no_door(tmp_path: Path, text: str) -> None:
    async with line(tmp_path) as gateway:
        await gateway.submit(class_="transactional")
        result = await tell(gateway, event("message.replied", text=text))
        assert (result.status, result.effect.note, result.effect.reply) == ("applied", "declined", "human")
        anna = await person(gateway)
        known = relationship(anna, RUI)
        assert (known.replies, known.welcoming, known.unanswered_since) == (1, 0, NOW)
        assert (stops(anna), anna.no_sales_at) == (set(), 0.0)
        await gateway.submit(class_="conversation", text="Va bene, grazie.")
        await tell(gateway, event("message.replied", text="Ci ho pensato: mi mandi il listino."))
        assert relationship(await person(gateway), RUI).welcoming == 1
