"""Double opt-in from the request to the ledger, and what must not come of it."""

import asyncio
from pathlib import Path
from typing import Any

import orjson

from gateway.access import development_access
from gateway.evidence.rights import Rights
from gateway.evidence.subjects import as_html
from gateway.intake.optin import CONFIRM_SECONDS, OptIn
from gateway.intake.review_pile import Kept, TakeIn
from gateway.ledger.consent import suppress
from gateway.message.parse import parse
from gateway.policy.dates import day
from gateway.store.draft import Draft, Needs
from tests.line import DAY, KEYS
from tests.public.house import NEWS, Pages, pages

REF = ("default", KEYS.subject("email", "anna@example.org"))
WORDS = "Sì, desidero ricevere la newsletter di Acme per email."


def asked(**given: Any) -> OptIn:
    return OptIn(
        controller="default",
        source="development",
        purpose="newsletter",
        wording=WORDS,
        wording_version="3",
        form_url="https://acme.example/iscriviti",
        ip="192.0.2.7",
        user_agent="Firefox",
        **{"address": "anna@example.org", "language": "it"} | given,
    )


async def request(house: Pages, **given: Any) -> bool:
    return (await house.optins.request(asked(**given), house.line.clock(), "Acme Srl")).sent


async def test_both_steps_are_logged_and_make_the_best_grade(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        assert await request(house)
        path = await house.letter()
        refused = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        assert "consent.pending" in {v.code for v in refused.recipients[0].decision.enforced}
        page = await house.ask("GET", path, language="it")
        assert WORDS in page.text
        assert await house.line.store.consents(REF) == []
        house.line.clock.now += 60
        done = await house.ask("POST", path, data={"confirm": "yes"}, headers={"User-Agent": "Safari"})
        assert done.status == 200
        first, second = await house.line.store.consents(REF)
        assert (first.action, second.action, second.grade) == ("requested", "confirmed", "A")
        proof = orjson.loads(second.proof)
        assert proof["wording"] == WORDS
        assert (proof["ip"], proof["user_agent"]) == ("192.0.2.7", "Firefox")
        assert (proof["confirmed_ip"], proof["confirmed_user_agent"]) == ("127.0.0.1", "Safari")
        assert proof["requested_at"] < proof["confirmed_at"]
        assert proof["confirmation_message"] == proof["request"]
        sent = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        assert sent.status == "accepted", [v.code for v in sent.recipients[0].decision.enforced]


async def test_who_presses_the_button_twice_reads_that_it_was_recorded(tmp_path: Path) -> None:
    """A browser shows the answer to the second press of a double click."""
    said = {"en": "your confirmation was recorded", "it": "la sua conferma è stata registrata"}
    async with pages(tmp_path) as house:
        await request(house)
        path = await house.letter()
        assert (await house.ask("POST", path, data={"confirm": "yes"})).status == 200
        for language, words in said.items():
            link = f"{path.partition('?')[0]}?lang={language}"
            again = await house.ask("POST", link, data={"confirm": "yes"})
            assert again.status == 410
            assert words in again.text
        assert [row.action for row in await house.line.store.consents(REF)] == ["requested", "confirmed"]


async def test_the_letter_sells_nothing_and_says_who_asks(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        await request(house, address="Anna@Example.org")
        [entry] = await house.line.store.take(5)
        letter = parse(entry.raw)
        assert letter.headers.get("auto-submitted") == "auto-generated"
        assert WORDS in " ".join(letter.content.text.split())
        assert "Acme Srl" in letter.headers.get("from")
        assert f"cancellata il {day(house.line.clock() + CONFIRM_SECONDS, 'it')}." in " ".join(
            letter.content.text.split()
        )
        assert entry.address == "Anna@Example.org"


async def test_a_link_confirms_once(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        await request(house)
        path = await house.letter()
        answers = await asyncio.gather(*(house.ask("POST", path, data={"confirm": "yes"}) for _ in range(5)))
        assert sorted(a.status for a in answers) == [200, 410, 410, 410, 410]
        await house.ask("POST", f"/p/{house.token()}", data={"do": "stop"})
        assert (await house.ask("POST", path, data={"confirm": "yes"})).status == 410
        assert (await house.line.store.person(REF)).permissions[0].state == "objected"


async def test_it_reopens_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        await house.send()
        await house.ask("POST", f"/p/{house.token()}", data={"do": "stop"})
        house.line.clock.now += 60
        assert await request(house)
        await house.ask("POST", await house.letter(), data={"confirm": "yes"})
        sent = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        assert sent.status == "accepted", [v.code for v in sent.recipients[0].decision.enforced]
        for class_, purpose in (("promotion", "offers"), ("newsletter", "offers"), ("outreach", "")):
            other = await house.line.submit(class_=class_, purpose=purpose, text=NEWS)
            assert "suppressed.objected" in {v.code for v in other.recipients[0].decision.enforced}, class_


async def test_a_request_that_nobody_confirms_revives_nothing(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        then = house.line.clock.now - 90 * DAY
        await house.line.consent("anna@example.org", action="granted", at=then, imported=True)
        await house.line.consent("anna@example.org", action="expired", at=then + 30 * DAY)
        assert await request(house)
        house.line.clock.now += CONFIRM_SECONDS + 1
        assert await house.optins.sweep(house.line.clock()) == 1
        await house.line.consent("anna@example.org", action="granted", at=then + DAY, imported=True)
        [left] = (await house.line.store.person(REF)).permissions
        assert (left.state, left.at) == ("expired", then + 30 * DAY)


async def test_a_request_that_nobody_confirms_leaves_an_end_that_was_told(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        then = house.line.clock.now - 90 * DAY
        end = {"at": then + DAY, "expires_at": then + 30 * DAY}
        await house.line.consent("anna@example.org", action="changed", **end)
        assert await request(house)
        house.line.clock.now += CONFIRM_SECONDS + 1
        assert await house.optins.sweep(house.line.clock()) == 1
        await house.line.consent("anna@example.org", action="granted", at=then, imported=True)
        [known] = (await house.line.store.person(REF)).permissions
        assert (known.state, known.expires_at) == ("granted", then + 30 * DAY)


async def test_a_copy_holds_what_is_kept_outside_of_their_own_rows(tmp_path: Path) -> None:
    """Requests that wait for them, and replies of theirs that were matched to nobody; not those of others."""
    async with pages(tmp_path) as house:
        store, now = house.line.store, house.line.clock()
        assert await request(house)
        assert await request(house, address="bruno@example.org")
        for n, author in enumerate(("Anna@example.org", "bruno@example.org")):
            kept = Kept(
                dedup=bytes([n]) * 16, controller="", reason="unmatched", message="", author=author,
                addressed=("elena@acme.example",), subject="?", text=f"Chi siete? {author}", at=now,
            )  # fmt: skip
            await store.run(TakeIn(kept=kept))
        rights = Rights(store, KEYS, development_access())
        told = await rights.export([REF], "email", "anna@example.org", "ada", "api")
        [known] = told["known_by"]
        [asked] = known["requests_not_confirmed"]
        assert (asked["purpose"], asked["proof"]["wording"]) == ("newsletter", WORDS)
        [reply] = told["replies_matched_to_nobody"]
        assert reply["text"] == "Chi siete? Anna@example.org"
        assert reply["text"] in as_html(told)
        assert WORDS in as_html(told)
        assert "bruno@" not in as_html(told)
        stranger = await rights.export([], "email", "bruno@example.org", "ada", "api")
        assert "Nothing" not in as_html(stranger)
        await rights.erase([REF], "ada", "asked for it")
        left = await rights.export([REF], "email", "anna@example.org", "ada", "api")
        assert left["replies_matched_to_nobody"] == left["known_by"][0]["requests_not_confirmed"] == []


async def test_what_nobody_confirms_is_deleted(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        await request(house)
        path = await house.letter()
        assert await house.optins.sweep(house.line.clock()) == 0
        house.line.clock.now += CONFIRM_SECONDS + 1
        assert (await house.ask("POST", path, data={"confirm": "yes"})).status == 410
        assert await house.optins.sweep(house.line.clock()) == 1
        assert await house.optins.sweep(house.line.clock()) == 0
        assert (await house.line.store.person(REF)).permissions == ()
        assert await house.line.store.consents(REF) == []
        [(kept,)] = await house.line.store.rows("SELECT count(*) FROM replays WHERE length(answer) > 0")
        assert kept == 0


async def test_asking_again_and_again_sends_one_letter(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        assert await request(house)
        assert not await request(house)
        assert not await request(house, address="ANNA@example.org")
        house.line.clock.now += 3600
        assert await request(house)


async def test_a_dead_or_forgotten_address_gets_no_letter(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:

        class Kill:
            needs = Needs(people=(REF,))

            def apply(self, draft: Draft[None]) -> None:
                draft.set_person(REF, suppress(draft.person(REF), "bounced", draft.now, "", "email"))

        await house.line.store.run(Kill())
        assert not await request(house)


async def test_following_the_link_confirms_nothing(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        await request(house)
        path = await house.letter()
        for method, given in (
            ("GET", {}),
            ("HEAD", {}),
            ("POST", {"data": {}}),
            ("POST", {"data": {"confirm": "no"}}),
        ):
            await house.ask(method, path, **given)
        assert await house.line.store.consents(REF) == []


async def test_hostile_words_stay_words(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        evil = OptIn(
            controller="default",
            source="s",
            address="anna@example.org",
            purpose="x\r\nBcc: eve@example.org",
            wording="<script>alert(1)</script>\r\n.\r\n{link}{0}\u202e",
            form_url="javascript:\r\nX: y",
            language="xx",
        )
        await house.optins.request(evil, house.line.clock(), "Acme\r\nBcc: eve@example.org")
        [entry] = await house.line.store.take(5)
        assert b"\nBcc:" not in entry.raw
        assert parse(entry.raw).headers.get("bcc") == ""
