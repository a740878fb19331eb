"""Mail that comes back over a real socket: what opens a door, what only stops, what is kept for a person."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiosmtplib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.access import Access, Controller, Source
from gateway.intake.inbound import Inbound
from gateway.intake.replies import Replies
from gateway.intake.return_path import return_path
from gateway.intake.tokens import leave_address
from gateway.ledger.person import Person
from gateway.ledger.relationship import relationship, stage
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.outbox import Entry
from tests.ingress.replies.mailbox import (
    ANNA,
    ELENA,
    FORGED,
    GENUINE,
    MX,
    Mailbox,
    bounce,
    complaint,
    mailbox,
    reply,
)
from tests.intake.policies import line
from tests.line import DAY, KEYS, NOW, message, reader


async def write(box: Mailbox, to: str | list[str] = ANNA, message_id: str = "<m3@acme.example>") -> str:
    """Send Anna the message m3, and take it out of the outbox."""
    receipt = await box.gateway.submit(to=to, message_id=message_id)
    assert receipt.status == "accepted"
    await box.gateway.store.take(10)
    return receipt.id


async def waiting(box: Mailbox) -> list[Entry]:
    if not (await box.gateway.store.depths()).outbox:
        return []
    try:
        async with asyncio.timeout(0.3):
            return await box.gateway.store.take(10)
    except TimeoutError:
        return []


# -- doors ----------------------------------------------------------------------------------------


async def test_a_genuine_reply_opens_the_door(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply()) == "human"
        known = await box.known()
        assert (known.replies, known.unanswered_since) == (1, NOW)
        assert set(known.threads) == {"<m3@acme.example>", "<r1@example.org>"}
        assert stage(await box.anna(), ELENA) == "replied"
        assert 'galateo_replies_total{kind="human"} 1.0' in box.gateway.metrics.render()[0].decode()


async def test_the_same_reply_twice_counts_once(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        said = await asyncio.gather(*(box.deliver("Received: from x\r\n" * n + reply()) for n in range(4)))
        assert set(said) == {"human"}
        assert (await box.known()).replies == 1


@pytest.mark.parametrize("results", [FORGED, "", GENUINE.replace(MX, "mx.evil.example"), FORGED + GENUINE])
async def test_a_spoofed_reply_opens_nothing_and_is_kept(tmp_path: Path, results: str) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply(results=results)) == "unmatched"
        assert (await box.known()).replies == 0
        [kept] = await box.kept()
        assert (kept["reason"], kept["from"], kept["text"]) == ("untrusted", ANNA, "Volentieri, sentiamoci.")


async def test_nobody_is_trusted_unless_a_server_is_named(tmp_path: Path) -> None:
    async with mailbox(tmp_path, trusted="") as box:
        await write(box)
        assert await box.deliver(reply()) == "unmatched"


async def test_a_machine_that_is_not_ours_is_not_believed(tmp_path: Path) -> None:
    async with mailbox(tmp_path, settings={"reply_peers": "192.0.2.0/24"}) as box:
        await write(box)
        assert await box.deliver(reply()) == "unmatched"
        assert (await box.known()).replies == 0


async def test_someone_else_answering_opens_no_door(tmp_path: Path) -> None:
    evil = GENUINE.replace("example.org", "evil.example")
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply(author="Eve <eve@evil.example>", results=evil)) == "unmatched"
        assert (await box.kept())[0]["reason"] == "other_address"
        assert (await box.anna()).relationships[ELENA].replies == 0


@pytest.mark.parametrize(
    "author",
    [f"{ANNA}, Eve <eve@evil.example>", f"Anna <{ANNA}>\r\nFrom: eve@evil.example", "", "undisclosed"],
)
async def test_an_author_who_is_not_one_opens_no_door(tmp_path: Path, author: str) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply(author=author)) == "unmatched"
        assert (await box.known()).replies == 0


async def test_a_reply_without_ids_belongs_to_whom_it_is_written(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply(answers="", author=f"ANNA <{ANNA.upper()}>")) == "human"
        box.gateway.clock.now += 200 * DAY
        assert await box.deliver(reply(answers="", message_id="<r2@example.org>")) == "unmatched"


async def test_a_stranger_writes_to_us(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        assert await box.deliver(reply()) == "unmatched"
        assert await box.anna() == Person()
        assert (await box.kept())[0]["reason"] == "unmatched"


@pytest.mark.parametrize(
    ("more", "mail_from", "subject"),
    [
        ("Auto-Submitted: auto-replied\r\n", ANNA, "Re: x"),
        ("", "", "Re: x"),
        ("", ANNA, "Automatic reply: x"),
        ("Precedence: auto_reply\r\n", ANNA, "Re: x"),
    ],
)
async def test_machines_answer_nothing(tmp_path: Path, more: str, mail_from: str, subject: str) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        raw = reply("I am away.\r\nSTOP", more=more, subject=subject)
        assert await box.deliver(raw, mail_from) == "automatic"
        assert (await box.known()).replies == 0
        assert await box.stops() == set()
        assert await box.kept() == []


OURS = "In ferie con noi a Rimini"


async def write_with(box: Mailbox, subject: str) -> None:
    """Send Anna the message m3 with a subject; the relay takes it, so that its body goes."""
    ours = message(message_id="<m3@acme.example>")
    ours = replace(ours, content=replace(ours.content, subject=subject))
    assert (await box.gateway.intake.submit(ours)).status == "accepted"
    [entry] = await box.gateway.store.take(10)
    box.gateway.store.settle(entry, Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="relay"))
    for _ in range(250):
        found = await box.gateway.store.message(ours.id)
        if found and not found[1]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the body is still there")


@pytest.mark.parametrize("subject", [f"Re: {OURS}", f"R: [EXT] {OURS.upper()}", f"AW: RE: {OURS}"])
async def test_our_own_subject_in_a_reply_speaks_for_no_machine(tmp_path: Path, subject: str) -> None:
    async with mailbox(tmp_path) as box:
        await write_with(box, OURS)
        assert await box.deliver(reply(subject=subject)) == "human"
        assert (await box.known()).replies == 1
        stop = reply("Grazie.\r\nSTOP", subject=subject, message_id="<r2@example.org>")
        assert await box.deliver(stop) == "stop"
        assert await box.stops() == {"stop_request"}


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ("In ferie fino al 25 agosto", ""),
        ("Re: In ferie fino al 25 agosto", ""),
        (f"Risposta automatica: {OURS}", ""),
        (f"Re: {OURS}", "Auto-Submitted: auto-replied\r\n"),
    ],
)
async def test_a_machine_that_answers_such_a_subject_stays_one(
    tmp_path: Path, subject: str, more: str
) -> None:
    async with mailbox(tmp_path) as box:
        await write_with(box, OURS)
        assert await box.deliver(reply("Sono in ferie.\r\nSTOP", subject=subject, more=more)) == "automatic"
        assert (await box.known()).replies == 0
        assert await box.stops() == set()


@pytest.mark.parametrize("subject", [f"Re: {OURS}", "Fuori sede: il nuovo corso"])
async def test_a_first_line_that_says_stop_is_heard_whatever_the_subject(
    tmp_path: Path, subject: str
) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        machine = reply("STOP", subject=subject, more="Auto-Submitted: auto-replied\r\n", message_id="<r@x>")
        assert await box.deliver(machine) == "automatic"
        assert await box.stops() == set()
        assert await box.deliver(reply("STOP", subject=subject)) == "stop"
        assert await box.stops() == {"stop_request"}


async def test_a_human_answer_closes_the_circle(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        await box.deliver(reply())
        assert (await box.gateway.store.depths()).unanswered == 1
        answer = await box.gateway.submit(
            class_="conversation", text="Grazie Anna, la chiamo domani.", in_reply_to=("<r1@example.org>",)
        )
        decided = answer.recipients[0].decision
        assert decided.class_ == "conversation"


# -- stops ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("results", [GENUINE, FORGED, ""])
@pytest.mark.parametrize(
    "text", ["STOP", "Basta, non scrivermi più", "Please remove me from your list.", "Abmelden"]
)
async def test_a_stop_stops_believed_or_not(tmp_path: Path, text: str, results: str) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply(text, results=results)) == "stop"
        assert await box.stops() == {"stop_request"}
        assert (await box.known()).replies == 0
        assert (await box.gateway.submit(class_="outreach", text="Buongiorno Anna.")).status == "rejected"


async def test_a_stop_from_another_address_stops_both(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        await box.gateway.submit(to="office@example.org")
        assert await box.deliver(reply("STOP", author="office@example.org")) == "stop"
        office = await box.gateway.store.person(("default", KEYS.subject("email", "office@example.org")))
        assert await box.stops() == {"stop_request"}
        assert {stop.kind for stop in office.stops} == {"stop_request"}
        value = box.gateway.metrics.registry.get_sample_value
        assert value("galateo_replies_total", {"kind": "stop"}) == 1
        assert value("galateo_unsubscribes_total") == 1


UNPLACED_STOP = reply("STOP", answers="<unknown@x.example>").replace(ELENA, "x@y")
ISP = f"Authentication-Results: {MX}; dkim=pass header.d=isp.example.org\r\n"


@pytest.mark.parametrize(
    ("raw", "taken", "stop", "counter"),
    [
        (complaint(original="<unknown@x>", results=ISP), "complaint", "complained", "complaints"),
        (
            reply("STOP", answers="<unknown@x.example>").replace(ELENA, "x@y"),
            "stop",
            "stop_request",
            "unsubscribes",
        ),
    ],
)
async def test_what_several_controllers_hear_stops_all_and_is_counted_once(
    tmp_path: Path, raw: str, taken: str, stop: str, counter: str
) -> None:
    names = ("default", "other")
    controllers = {name: Controller(name=name) for name in names}
    sources = {name: Source(name=name, controller=name) for name in names}
    access = Access(sources=sources, controllers=controllers, reviewers={})
    async with mailbox(tmp_path, access=access) as box:
        for name in names:
            sent = replace(message(), source=name, controller=name)
            assert (await box.gateway.intake.submit(sent)).status == "accepted"
        assert [await box.deliver(raw) for _ in range(2)] == [taken] * 2
        for name in names:
            person = await box.gateway.store.person((name, KEYS.subject("email", ANNA)))
            assert {each.kind for each in person.stops} == {stop}
        assert box.gateway.metrics.registry.get_sample_value(f"galateo_{counter}_total") == 1


PAUL = "paul@beta.example"


@asynccontextmanager
async def two_clients(folder: Path, sender: str) -> AsyncIterator[Mailbox]:
    """Anna was written to by Elena, for one controller, and then by `sender`, for another."""
    names = ("default", "other")
    access = Access(
        sources={name: Source(name=name, controller=name) for name in names},
        controllers={name: Controller(name=name) for name in names},
        reviewers={},
    )
    async with mailbox(folder, access=access) as box:
        for n, (name, address) in enumerate(zip(names, (ELENA, sender), strict=True)):
            written = message(sender=address, message_id=f"<m{3 + n}@acme.example>", now=NOW - 10 + n)
            await box.gateway.intake.submit(replace(written, source=name, controller=name))
        yield box


async def of_anna(box: Mailbox, controller: str) -> Person:
    return await box.gateway.store.person((controller, KEYS.subject("email", ANNA)))


@pytest.mark.parametrize("answers", ["", "<m3@acme.example>"])
@pytest.mark.parametrize(("text", "taken"), [("STOP", "stop"), ("No sales pitches please.", "human")])
async def test_a_wish_told_to_the_senders_of_two_controllers_is_heard_for_both(
    tmp_path: Path, answers: str, text: str, taken: str
) -> None:
    async with two_clients(tmp_path, PAUL) as box:
        raw = reply(text, answers=answers, more=f"Cc: Paul <{PAUL}>\r\n")
        assert await box.deliver(raw) == taken
        for name in ("default", "other"):
            person = await of_anna(box, name)
            assert bool(person.stops) is (text == "STOP")
            assert bool(person.no_sales_at) is (text != "STOP")


async def test_a_reply_without_an_id_answers_the_latest_message_whoevers_it_was(tmp_path: Path) -> None:
    """A freelancer writes for two clients from one mailbox."""
    async with two_clients(tmp_path, ELENA) as box:
        assert await box.deliver(reply(answers="")) == "human"
        known = [relationship(await of_anna(box, name), ELENA).replies for name in ("default", "other")]
        assert known == [0, 1]


async def test_a_stop_that_answers_nothing_stops_whoever_knows_them(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        assert await box.deliver(reply("STOP", answers="", results="", message_id="<r0@x>")) == "unmatched"
        await write(box)
        raw = reply("STOP", answers="<unknown@x.example>", results="").replace(ELENA, "sales@acme.example")
        assert await box.deliver(raw) == "stop"
        assert await box.stops() == {"stop_request"}


async def test_a_mailto_way_out_needs_only_its_subject(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        raw = reply(
            "Sent by the mail program.",
            subject="unsubscribe",
            answers="",
            more="Auto-Submitted: auto-generated\r\n",
        )
        assert await box.deliver(raw) == "stop"
        assert await box.stops() == {"stop_request"}


async def test_mail_to_a_way_out_leaves_whatever_it_says(tmp_path: Path) -> None:
    async with mailbox(tmp_path, forward="sender") as box:
        message = await write(box)
        address = leave_address(KEYS, "in.acme.example", f"{message}-0")
        assert (
            await box.deliver(reply("Grazie.", author="x@y.example", results=""), to=address) == "unsubscribe"
        )
        [stop] = (await box.anna()).stops
        assert (stop.kind, stop.channels) == ("unsubscribed", ("email",))
        assert await waiting(box) == []


@pytest.mark.parametrize(("change", "mail_from"), [("-0-", ANNA), ("", "")])
async def test_a_forged_or_automatic_leave_changes_nothing(
    tmp_path: Path, change: str, mail_from: str
) -> None:
    async with mailbox(tmp_path) as box:
        message = await write(box)
        address = leave_address(KEYS, "in.acme.example", f"{message}-0")
        await box.deliver(reply("Grazie.", results=""), mail_from, address.replace(change or "#", "-1-"))
        assert await box.stops() == set()


async def test_our_own_words_quoted_stop_nobody(tmp_path: Path) -> None:
    quoted = "Sì, volentieri.\r\n\r\nIl giorno 3 marzo Elena ha scritto:\r\n> Rispondi STOP\r\n> STOP"
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(reply(quoted)) == "human"


# -- bounces and complaints -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "stops", "soft"),
    [("5.1.1", {"bounced"}, 0), ("5.0.0", set(), 0), ("5.7.1", set(), 0), ("4.2.2", set(), 1)],
)
async def test_a_bounce_by_message_id(tmp_path: Path, status: str, stops: set[str], soft: int) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(bounce(status), "") == "bounce"
        assert await box.stops() == stops
        assert (await box.anna()).soft_bounces == soft


async def test_a_bounce_to_our_own_return_path(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        message = await write(box, [ANNA, "bruno@example.org"])
        path = return_path(KEYS, "in.acme.example", f"{message}-0")
        raw = bounce(address="someone@forwarded.example", original="<none@x>")
        assert await box.deliver(raw, "", path) == "bounce"
        assert await box.stops() == {"bounced"}
        assert (await box.anna()).contacts == ()


DMA = (
    "From: MAILER-DAEMON@mx.example.org\r\nSubject: Mail delivery failed\r\nMessage-ID: <d1@example.org>\r\n"
    "{}\r\nThis is the DragonFly Mail Agent v0.13 at mx.example.org.\r\n\r\n"
    "There was an error delivering your mail to <anna@example.org>.\r\n\r\nNo luck.\r\n"
)
QMAIL = (
    "From: MAILER-DAEMON@mx.example.org\r\nSubject: failure notice\r\nMessage-ID: <q1@mx.example.org>\r\n"
    "{}\r\nHi. This is the qmail-send program at mx.example.org.\r\n\r\n"
    "<anna@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n"
)


@pytest.mark.parametrize(("letter", "stops", "kept"), [(DMA, set(), ["bounce"]), (QMAIL, {"bounced"}, [])])
async def test_a_bounce_that_is_for_people_alone_counts_at_our_own_return_path(
    tmp_path: Path, letter: str, stops: set[str], kept: list[str]
) -> None:
    async with mailbox(tmp_path) as box:
        path = return_path(KEYS, "in.acme.example", f"{await write(box)}-0")
        for _ in range(2):
            assert await box.deliver(letter.format(""), "", path) == "bounce"
        assert await box.stops() == stops
        assert (await box.anna()).soft_bounces == 0
        assert [each["reason"] for each in await box.kept()] == kept
        counted = f'galateo_bounces_total{{kind="{"hard" if stops else "soft"}"}} 1.0'
        assert counted in box.gateway.metrics.render()[0].decode()


@pytest.mark.parametrize(
    ("letter", "to"),
    [
        (DMA.format("Auto-Submitted: auto-replied\r\n"), ""),
        (QMAIL.replace("failure notice", "Risposta automatica").format(""), ""),
        (QMAIL.format(""), "reply@in.acme.example"),
    ],
)
async def test_what_may_be_an_automatic_reply_is_no_bounce(tmp_path: Path, letter: str, to: str) -> None:
    async with mailbox(tmp_path) as box:
        path = return_path(KEYS, "in.acme.example", f"{await write(box)}-0")
        assert await box.deliver(letter, "", to or path) == "automatic"
        assert await box.stops() == set()
        assert await box.kept() == []


async def test_a_bounce_about_nothing_of_ours_stops_nobody(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(bounce(original="<other@x.example>"), "") == "unmatched"
        forged = return_path(KEYS, "in.acme.example", "01mcc5rm00zkmxthgd40xy0re4-0")
        assert await box.deliver(bounce("5.1.2", original="<other@x.example>"), "", forged) == "unmatched"
        assert await box.stops() == set()


async def test_a_delay_is_no_bounce(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(bounce("4.4.1", action="delayed"), "") == "bounce"
        assert (await box.anna()).soft_bounces == 0


@pytest.mark.parametrize("to", [ANNA, ""])
async def test_a_complaint(tmp_path: Path, to: str) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        assert await box.deliver(complaint(to=to), "feedback@isp.example.org") == "complaint"
        assert await box.stops() == {"complained"}


async def test_a_complaint_about_one_of_many_needs_a_name(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await write(box, [ANNA, "bruno@example.org"])
        assert await box.deliver(complaint(to=""), "feedback@isp.example.org") == "unmatched"
        assert await box.stops() == set()
        assert await box.deliver(complaint(), "feedback@isp.example.org") == "complaint"
        assert await box.stops() == {"complained"}


async def test_a_complaint_without_the_message_counts_from_a_believed_reporter(tmp_path: Path) -> None:
    believed = f"Authentication-Results: {MX}; dkim=pass header.d=isp.example.org\r\n"
    async with mailbox(tmp_path) as box:
        await write(box)
        unknown = complaint(original="<none@x>")
        assert await box.deliver(unknown, "feedback@isp.example.org") == "unmatched"
        assert await box.stops() == set()
        known = complaint(original="<none2@x>", results=believed)
        assert await box.deliver(known, "feedback@isp.example.org") == "complaint"
        assert await box.stops() == {"complained"}


@pytest.mark.parametrize(
    ("feedback", "stops"), [("not-spam", set()), ("opt-out", {"unsubscribed"}), ("fraud", {"complained"})]
)
async def test_feedback_types(tmp_path: Path, feedback: str, stops: set[str]) -> None:
    async with mailbox(tmp_path) as box:
        await write(box)
        await box.deliver(complaint(feedback), "feedback@isp.example.org")
        assert await box.stops() == stops


# -- on to whom it concerns --------------------------------------------------------------------------


async def test_a_reply_goes_on_to_the_sender_once(tmp_path: Path) -> None:
    async with mailbox(tmp_path, forward="sender") as box:
        await write(box)
        await box.deliver(reply())
        await box.deliver(reply())
        [letter] = await waiting(box)
        assert (letter.address, letter.envelope_from, letter.notify) == (ELENA, "", "NEVER")
        assert letter.raw.startswith(b"X-Galateo-Forwarded: ")
        assert letter.raw.endswith(reply().encode())


@pytest.mark.parametrize("results", [GENUINE, FORGED])
async def test_replies_never_go_round(tmp_path: Path, results: str) -> None:
    async with mailbox(tmp_path, forward="sender", own_domains=["in.acme.example"]) as box:
        await write(box)
        await box.deliver(reply(results=results))
        [letter] = await waiting(box)
        await box.deliver(letter.raw, ELENA)
        await box.deliver(letter.raw.replace(b"<r1@", b"<r2@"), "")
        assert await waiting(box) == []


@pytest.mark.parametrize("forward", ["box@in.acme.example", ANNA])
async def test_nothing_goes_where_it_came_from(tmp_path: Path, forward: str) -> None:
    async with mailbox(tmp_path, forward=forward, own_domains=["in.acme.example"]) as box:
        await write(box)
        assert await box.deliver(reply()) == "human"
        assert await waiting(box) == []


async def test_to_an_address_everything_goes_even_what_nobody_knows(tmp_path: Path) -> None:
    async with mailbox(tmp_path, forward="inbox@acme.example") as box:
        assert await box.deliver(reply()) == "unmatched"
        [letter] = await waiting(box)
        assert letter.address == "inbox@acme.example"


async def test_a_bounce_goes_on_to_the_tool(tmp_path: Path) -> None:
    async with mailbox(tmp_path, forward="sender") as box:
        await write(box)
        await box.deliver(bounce(), "")
        [letter] = await waiting(box)
        assert letter.address == ELENA


async def test_a_warning_of_a_delay_goes_on_once_and_changes_nothing(tmp_path: Path) -> None:
    async with mailbox(tmp_path, forward="sender") as box:
        await write(box)
        before = await box.anna()
        for _ in range(2):
            assert await box.deliver(bounce("4.4.1", action="delayed"), "") == "bounce"
        assert [each.address for each in await waiting(box)] == [ELENA]
        assert await box.anna() == before
        assert await box.kept() == []


@pytest.mark.parametrize("form", ["a stranger", "nobody"])
async def test_a_bounce_of_nobody_we_know_is_kept_and_goes_on(tmp_path: Path, form: str) -> None:
    async with mailbox(tmp_path, forward="sender") as box:
        await write(box, [ANNA, "bruno@example.org"])
        raw = bounce(address="someone@forwarded.example")
        if form == "nobody":
            raw = raw.replace("Final-Recipient: rfc822;someone@forwarded.example\r\n", "")
        for _ in range(2):
            assert await box.deliver(raw, "") == "unmatched"
        assert await box.stops() == set()
        assert [each["reason"] for each in await box.kept()] == ["bounce"]
        letters = [each.address for each in await waiting(box) if each.sender == ""]
        assert letters == [ELENA]


# -- the listener ----------------------------------------------------------------------------------


async def test_only_for_its_domains(tmp_path: Path) -> None:
    settings = {"reply_domains": "in.acme.example", "return_path_domain": "b.acme.example"}
    async with mailbox(tmp_path, settings=settings) as box:
        for good in ("reply@in.acme.example", "bounces+x@B.acme.example"):
            assert await box.deliver(reply(), to=good) == "unmatched"
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await box.deliver(reply(), to="someone@elsewhere.example")
        assert refused.value.recipients[0].code == 550


async def test_no_password_is_asked_or_offered(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=box.port, start_tls=False)
        await client.connect()
        code, said = await client.ehlo()
        assert code == 250
        assert "AUTH" not in said
        assert "STARTTLS" not in said
        await client.quit()


async def test_what_is_too_big_or_smuggles_is_refused(tmp_path: Path) -> None:
    async with mailbox(tmp_path, settings={"max_message_bytes": 2000}) as box:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await box.deliver(reply("x" * 3000))
        assert refused.value.code == 552
        reader_, writer = await asyncio.open_connection("127.0.0.1", box.port)
        head = b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<r@in.acme.example>\r\nDATA\r\n"
        writer.write(head + reply("one\n.\nMAIL FROM:<evil@x>").encode() + b".\r\nQUIT\r\n")
        said = await reader_.read()
        writer.close()
        assert b"\r\n550 5.6.11 " in said
        assert await box.kept() == []


async def test_a_closed_store_asks_to_come_again(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        await box.gateway.store.close()
        with pytest.raises(aiosmtplib.SMTPDataError) as deferred:
            await box.deliver(reply())
        assert deferred.value.code == 451


@pytest.mark.parametrize("domains", ["in.acme.example, b.example", ""])
async def test_mail_to_postmaster_alone_is_taken(tmp_path: Path, domains: str) -> None:
    given = {"reply_domains": domains, "public_url": "https://gw.example"}
    async with mailbox(tmp_path, settings=given) as box:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=box.port, start_tls=False) as client:
            await client.ehlo()
            for said in ("MAIL FROM:<zoe@x.example>", "RCPT TO:<PostMaster>"):
                assert (await client.execute_command(said.encode())).code == 250, said
            await client.data(reply(author="zoe@x.example", results="", answers=""))
        [kept] = await box.kept()
        assert kept["to"] == ["PostMaster@in.acme.example" if domains else "PostMaster@gw.example"]


async def test_a_flood_fills_no_disk(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        replies = Replies(box.gateway.store, reader(), KEYS, box.gateway.access, box.gateway.metrics)
        replies._pile._most = 3
        for n in range(6):
            raw = reply(message_id=f"<f{n}@x.example>").encode()
            inbound = Inbound(raw=raw, mail_from=ANNA, recipients=("r@in.acme.example",), received_at=NOW)
            assert await replies.receive(inbound) == "unmatched"
        assert len(await box.kept()) == 3


async def test_one_controllers_reply_is_not_anothers(tmp_path: Path) -> None:
    access = Access(
        sources={
            name: Source(name=name, controller=c) for name, c in (("development", "default"), ("b", "other"))
        },
        controllers={name: Controller(name=name, jurisdiction="it") for name in ("default", "other")},
        reviewers={},
    )
    async with mailbox(tmp_path, access=access) as box:
        await write(box)
        assert await box.deliver(reply()) == "human"
        other = await box.gateway.store.person(("other", KEYS.subject("email", ANNA)))
        assert other == Person()


# -- whatever comes ---------------------------------------------------------------------------------

SAMPLES = [reply().encode(), bounce().encode(), complaint().encode()]


@pytest.fixture(scope="module")
def receive(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, str], str]:
    """Takes octets in on a store of its own, each time."""

    def take(raw: bytes, mail_from: str) -> str:
        async def run() -> str:
            async with line(tmp_path_factory.mktemp("store")) as gateway:
                replies = Replies(
                    gateway.store,
                    reader(),
                    KEYS,
                    gateway.access,
                    gateway.metrics,
                    trusted=MX,
                    forward="sender",
                )
                inbound = Inbound(
                    raw=raw, mail_from=mail_from, recipients=("r@x.example",), received_at=NOW, believed=True
                )
                return await replies.receive(inbound)

        return asyncio.run(run())

    return take


@settings(max_examples=40)
@given(
    st.sampled_from(SAMPLES),
    st.integers(0, 900),
    st.integers(0, 60),
    st.binary(max_size=20),
    st.sampled_from(["", ANNA]),
)
def test_damaged_mail_is_taken_in(
    receive: Callable[[bytes, str], str], raw: bytes, at: int, length: int, put: bytes, mail_from: str
) -> None:
    damaged = raw[:at] + put + raw[at + length :]
    assert receive(damaged, mail_from) in (
        "human",
        "stop",
        "automatic",
        "bounce",
        "complaint",
        "receipt",
        "unmatched",
    )
