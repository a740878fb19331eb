"""What a reader sees and changes by the link in a message, and what only their own mailbox shows them."""

import html
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.evidence.subjects import restrict
from gateway.intake.tokens import SHOW_SECONDS, Kind, Showing, WayOut, seal, seal_showing, seal_way_out
from gateway.message.address import normalize
from gateway.policy.policies import PolicySet
from gateway.public.pages import LANGUAGES, load_words
from tests.line import DAY, KEYS
from tests.public.house import NEWS, Pages, pages

REF = ("default", KEYS.subject("email", "anna@example.org"))


async def prepare(house: Pages) -> str:
    """Someone with three consents; the token of a message to her."""
    _, entry = await house.send()
    await house.line.consent("anna@example.org", purpose="offers")
    await house.line.consent("anna@example.org", purpose="newsletter", channel="whatsapp")
    return house.link(entry).removeprefix("/u/")


def test_every_language_says_everything() -> None:
    words = load_words()
    assert set(words) == set(LANGUAGES)
    for texts in words.values():
        assert set(texts) == set(words["en"])
        for key in texts:
            marks = {part.split("}")[0] for part in texts[key].split("{")[1:]}
            assert marks == {part.split("}")[0] for part in words["en"][key].split("{")[1:]}, key


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_shows_what_one_gets_and_not_who_one_is(tmp_path: Path, language: str) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        page = await house.ask("GET", f"/p/{token}", language=language)
        assert page.status == 200
        assert f'<html lang="{language}">' in page.text
        assert page.text.count('name="keep"') == 2
        assert "anna" not in page.text


async def test_unchecking_withdraws_only_that(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        shown = [("shown", "newsletter|email"), ("shown", "offers|email")]
        page = await house.ask(
            "POST", f"/p/{token}", data=[*shown, ("keep", "newsletter|email"), ("do", "save")]
        )
        assert page.status == 200
        assert "Saved" in page.text
        person = await house.line.store.person(REF)
        assert {(p.purpose, p.state) for p in person.permissions} == {
            ("newsletter", "granted"),
            ("offers", "withdrawn"),
        }
        again = await house.ask(
            "POST", f"/p/{token}", data=[*shown, ("keep", "newsletter|email"), ("do", "save")]
        )
        assert "Nothing needed" in again.text
        assert (
            await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        ).status == "accepted"


async def test_the_link_grants_nothing(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        await house.ask("POST", f"/p/{token}", data=[("shown", "offers|email"), ("do", "save")])
        for data in (
            [("keep", "offers|email"), ("do", "save")],
            [("shown", "offers|email"), ("keep", "offers|email"), ("do", "save")],
            [("keep", "x|email"), ("shown", "y"), ("do", "save")],
        ):
            await house.ask("POST", f"/p/{token}", data=data)
            person = await house.line.store.person(REF)
            assert {p.purpose for p in person.permissions if p.state == "granted"} == {"newsletter"}
        assert (await house.ask("POST", f"/p/{token}", data=[("do", "grant")])).status == 400


async def test_no_sales_and_a_pause_are_kept(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        until = "2027-03-05"
        house.line.clock.now = 1_798_000_000.0  # December 2026
        answer = await house.ask(
            "POST", f"/p/{token}", data=[("no_sales", "yes"), ("pause", until), ("do", "save")]
        )
        assert answer.status == 200
        assert "5 March 2027" in answer.text
        person = await house.line.store.person(REF)
        assert person.no_sales_at
        assert person.paused_until > house.line.clock()
        refused = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        codes = {v.code for v in refused.recipients[0].decision.enforced}
        assert {"suppressed.paused", "no_sales.declared"} <= codes
        sooner = await house.ask("POST", f"/p/{token}", data=[("pause", "2027-01-05"), ("do", "save")])
        assert sooner.status == 200
        assert (await house.line.store.person(REF)).paused_until == person.paused_until


@pytest.mark.parametrize(
    ("channel", "how"), [("email", "use the link that we can send you"), ("whatsapp", "please write to")]
)
async def test_it_is_said_how_a_wish_is_taken_back(tmp_path: Path, channel: str, how: str) -> None:
    async with pages(tmp_path) as house:
        subject = KEYS.subject("email", "anna@example.org")
        way = WayOut(
            controller="default", subject=subject, channel=channel, purpose="newsletter",
            message="01mcc5rm00zkmxthgd40xy0re4", n=0,
        )  # fmt: skip
        token = seal_way_out(KEYS, way, house.line.clock() + DAY)
        before = (await house.ask("GET", f"/p/{token}")).text
        assert ("Leave it empty for no pause" in before, "To take it back" in before) == (True, False)
        until = datetime.fromtimestamp(house.line.clock() + 30 * DAY, UTC).date().isoformat()
        wishes = [("no_sales", "yes"), ("pause", until), ("do", "save")]
        after = (await house.ask("POST", f"/p/{token}", data=wishes)).text
        assert "Leave it empty" not in after
        assert "a pause can only become longer" in after
        assert after.count(f"To take it back, {how}") == 2


@pytest.mark.parametrize(
    "until", ["yesterday", "2020-01-01", "2099-01-01", "2026-13-45", "<script>", "9" * 300]
)
async def test_a_day_that_cannot_be_meant_is_said_so(tmp_path: Path, until: str) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        answer = await house.ask("POST", f"/p/{token}", data=[("pause", until), ("do", "save")])
        assert answer.status == 400
        assert 'aria-invalid="true"' in answer.text
        assert (await house.line.store.person(REF)).paused_until == 0


async def test_stop_everything_stops_every_channel(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        answer = await house.ask("POST", f"/p/{token}", data={"do": "stop"})
        assert "You stopped everything" in answer.text
        person = await house.line.store.person(REF)
        assert [(s.kind, s.purposes, s.channels) for s in person.stops] == [("objected", (), ())]
        again = await house.ask("POST", f"/p/{token}", data={"do": "stop"})
        assert "Nothing needed" in again.text
        rows = await house.line.store.consents(REF)
        assert [r.action for r in rows].count("objected") == 1


async def test_stop_everything_is_heard_again_by_who_agreed_anew(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        await house.ask("POST", f"/p/{token}", data=[("do", "stop")])
        house.line.clock.now += DAY
        await house.line.consent("anna@example.org", at=house.line.clock(), imported=False)
        newsletter = {"class_": "newsletter", "purpose": "newsletter", "text": NEWS}
        assert (await house.line.submit(**newsletter)).status == "accepted"
        house.line.clock.now += DAY
        await house.ask("POST", f"/p/{token}", data=[("do", "stop")])
        assert (await house.line.submit(**newsletter)).status == "rejected"
        again = await house.ask("POST", f"/p/{token}", data=[("do", "stop")])
        assert "Nothing needed" in again.text


async def test_what_is_held_is_shown_by_mail_alone(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        assert (await house.ask("GET", f"/me/{token}")).status == 404
        answer = await house.ask("POST", f"/p/{token}/copy", data={"x": ""})
        assert answer.status == 200
        assert "anna@" not in answer.text
        path = await house.letter()
        assert path.startswith("/me/")
        page = await house.ask("GET", path)
        assert page.status == 200
        assert "double opt-in" in page.text
        assert "192.0.2.1" in page.text
        copy = await house.ask("GET", path.replace("?", "/copy.json?"))
        assert copy.headers["Content-Disposition"].startswith("attachment")
        held = json.loads(copy.text)
        assert {e["purpose"] for e in held["what_you_said"]} == {"newsletter", "offers"}
        assert held["what_you_said"][0]["proof"]["wording"] == "Sì"
        assert [m["class"] for m in held["messages"]] == ["newsletter"]
        house.line.clock.now += SHOW_SECONDS + 1
        assert (await house.ask("GET", path)).status == 410


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_dead_link_says_how_to_come_by_another(tmp_path: Path, language: str) -> None:
    """To see what is held, or to agree: nobody who wanted that is told to reply "stop"."""
    words = load_words()[language]
    async with pages(tmp_path) as house:
        long_ago = house.line.clock() - 30 * DAY
        showing = seal_showing(KEYS, Showing(controller=REF[0], subject=REF[1], channel="email"), long_ago)
        confirming = seal(KEYS, Kind.CONFIRM, (b"01mcc5rm00zkmxthgd40xy0re4",), long_ago)
        for path, status, key in (
            (f"/me/{showing}", 410, "expired_showing"), (f"/me/{showing[:-4]}", 404, "forged_showing"),
            (f"/c/{confirming}", 410, "expired_confirm"), (f"/c/{confirming[:-4]}", 404, "forged_confirm"),
            (f"/u/{house.token()[:-4]}", 404, "forged"),
        ):  # fmt: skip
            page = await house.ask("GET", path, language=language)
            assert (page.status, words[f"{key}.text"] in html.unescape(page.text)) == (status, True), path


async def test_three_links_a_day_are_enough(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        for _ in range(6):
            assert (await house.ask("POST", f"/p/{token}/copy", data={"x": ""})).status == 200
        await house.line.submit(to="bruno@example.org")
        entries = await house.line.store.take(20)
        assert len([e for e in entries if not e.envelope_from]) == 3


async def test_without_the_message_the_address_must_be_typed(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = house.token()
        assert 'name="address"' in (await house.ask("GET", f"/p/{token}")).text
        for typed in ("eve@example.org", "", "x\r\nBcc: eve@example.org"):
            await house.ask("POST", f"/p/{token}/copy", data={"address": typed})
        await house.ask("POST", f"/p/{token}/copy", data={"address": "ANNA@example.org"})
        assert normalize("email", "ANNA@example.org") == "anna@example.org"
        await house.line.submit(to="bruno@example.org")
        letters = [e.address for e in await house.line.store.take(20) if not e.envelope_from]
        assert letters == ["ANNA@example.org"]


async def test_wishes_are_taken_back_only_on_ones_own_page(tmp_path: Path) -> None:
    async with pages(tmp_path, PolicySet()) as house:
        token = await prepare(house)
        await house.ask("POST", f"/p/{token}", data=[("no_sales", "yes"), ("do", "save")])
        await house.ask("POST", f"/p/{token}", data={"do": "lift_sales"})
        assert (await house.line.store.person(REF)).no_sales_at
        showing = Showing(controller=REF[0], subject=REF[1], channel="email")
        own = seal_showing(KEYS, showing, house.line.clock())
        assert (await house.ask("POST", f"/me/{own}", data={"do": "lift_sales"})).status == 200
        assert not (await house.line.store.person(REF)).no_sales_at
        stolen = seal(KEYS, Kind.LEAVE, (b"default", REF[1], b"email"), house.line.clock() + DAY)
        assert (await house.ask("GET", f"/me/{stolen}")).status == 404


async def test_what_is_held_is_told_in_the_language_of_its_reader(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = await prepare(house)
        await house.ask("POST", f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
        await house.ask("POST", f"/p/{token}", data=[("shown", "offers|email"), ("do", "save")])
        showing = Showing(controller=REF[0], subject=REF[1], channel="email")
        own = seal_showing(KEYS, showing, house.line.clock())
        page = await house.ask("GET", f"/me/{own}", language="it")
        for where in ("il collegamento di disiscrizione", "la pagina delle preferenze"):
            assert f"<dd>{where}</dd>" in page.text
        assert "one-click" not in page.text
        assert "T00:" not in page.text
        assert "confermato il 1 gennaio 2026" in page.text


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "is restricted: it is kept"), ("it", "è limitato: sono conservati"), ("de", "eingeschränkt"),
     ("fr", "est limité"), ("es", "está limitado")],
)  # fmt: skip
async def test_a_restriction_shows_to_whom_it_protects(tmp_path: Path, language: str, says: str) -> None:
    async with pages(tmp_path) as house:
        showing = Showing(controller=REF[0], subject=REF[1], channel="email")
        own = seal_showing(KEYS, showing, house.line.clock())
        before = await house.ask("GET", f"/me/{own}", language=language)
        await restrict(house.line.store, [REF], "ada", b"0123456789")
        after = await house.ask("GET", f"/me/{own}", language=language)
        assert (says in html.unescape(before.text), says in html.unescape(after.text)) == (False, True)
        nothing = load_words()[language]["held.nothing"]
        assert html.unescape(before.text).count(nothing) == html.unescape(after.text).count(nothing) + 1


async def test_what_people_wrote_is_shown_as_text(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        await house.line.consent("anna@example.org", purpose="<b>x</b>")
        page = await house.ask("GET", f"/p/{house.token(purpose='{who.__class__}<script>')}")
        assert "<b>x</b>" not in page.text
        leave = await house.ask("GET", f"/u/{house.token(purpose='{who.__class__}<script>')}")
        assert "<script>" not in leave.text
        assert "{who.__class__}" in leave.text
