"""The way out of a message: what mail programs post, what people click, what scanners must not do."""

import asyncio
import base64
import json
from pathlib import Path

import aiohttp
import pytest

from gateway.delivery.transaction import compose
from gateway.message.parse import parse
from gateway.policy.policies import PolicySet
from tests.line import DAY, KEYS, message
from tests.public.house import NEWS, ONE_CLICK, pages


async def test_a_newsletter_leaves_with_one_click_headers(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        receipt, entry = await house.send()
        assert receipt.status == "accepted"
        raw = compose(entry)
        assert isinstance(raw, bytes)
        headers = parse(raw).headers
        assert headers.get("list-unsubscribe-post") == "List-Unsubscribe=One-Click"
        assert headers.get("list-unsubscribe").startswith("<https://out.example/u/")
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


async def test_one_post_withdraws_at_once(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        answer = await house.ask("POST", house.link(entry), data=ONE_CLICK)
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        refused = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        assert "suppressed.unsubscribed" in {v.code for v in refused.recipients[0].decision.enforced}
        [row] = [
            r
            for r in await house.line.store.consents(("default", KEYS.subject("email", "anna@example.org")))
            if r.action == "withdrawn"
        ]
        assert (row.purpose, row.channel, row.source) == ("newsletter", "email", "recipient")
        assert b'"ip":"127.0.0.1"' in row.proof
        assert house.line.metrics.registry.get_sample_value("galateo_unsubscribes_total") == 1


@pytest.mark.parametrize("jump", [-40 * DAY, -3600.0, 3600.0, 400 * DAY])
async def test_a_clock_that_jumps_makes_nobody_stay(tmp_path: Path, jump: float) -> None:
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        house.line.clock.now += jump
        assert (await house.ask("POST", house.link(entry), data=ONE_CLICK)).status == 200
        for _ in range(2):
            refused = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
            assert "suppressed.unsubscribed" in {v.code for v in refused.recipients[0].decision.enforced}
            house.line.clock.now -= jump


async def test_multipart_is_as_good_as_urlencoded(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        with aiohttp.MultipartWriter("form-data") as form:
            form.append("One-Click").set_content_disposition("form-data", name="List-Unsubscribe")
        answer = await house.ask("POST", house.link(entry), data=form)
        assert answer.status == 200
        person = await house.line.store.person(("default", KEYS.subject("email", "anna@example.org")))
        assert person.stops


async def test_what_waits_is_canceled(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        later = await house.line.intake.submit(
            message(
                class_="newsletter",
                purpose="newsletter",
                text=NEWS,
                now=house.line.clock(),
                send_at=house.line.clock() + DAY,
            )
        )
        assert later.status == "accepted"
        before = (await house.line.store.depths()).outbox
        await house.ask("POST", house.link(entry), data=ONE_CLICK)
        assert (await house.line.store.depths()).outbox < before
        assert await house.line.store.waiting(later.id) == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_following_the_link_changes_nothing(tmp_path: Path, method: str) -> None:
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        answer = await house.ask(method, house.link(entry))
        assert answer.status == 200
        assert "anna@example.org" not in answer.text
        person = await house.line.store.person(("default", KEYS.subject("email", "anna@example.org")))
        assert person.stops == ()


async def test_pages_are_kept_to_themselves(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        answer = await house.ask("GET", f"/u/{house.token()}")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("it-IT,it;q=0.9", "Annulla l&#39;iscrizione"),
        ("en", "Unsubscribe"),
        ("de", "Abmelden"),
        ("fr-CA", "Me désabonner"),
        ("es", "Darme de baja"),
        ("zz, *;q=0.1", "Unsubscribe"),
    ],
)
async def test_the_page_speaks_the_readers_language(tmp_path: Path, language: str, says: str) -> None:
    async with pages(tmp_path) as house:
        answer = await house.ask("GET", f"/u/{house.token()}", language=language)
        assert says in answer.text


async def test_who_left_is_told_so_and_not_asked_again(tmp_path: Path) -> None:
    """By the same link in another language, too; who agreed again may leave again."""
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        link = house.link(entry)
        assert "Unsubscribe?" in (await house.ask("GET", link)).text
        await house.ask("POST", link, data=ONE_CLICK)
        for language, title in (("en", "You are unsubscribed"), ("it", "Disiscrizione avvenuta")):
            page = await house.ask("GET", f"{link}?lang={language}")
            assert (page.status, title in page.text, "<form" in page.text) == (200, True, False)
        house.line.clock.now += DAY
        await house.line.consent("anna@example.org", at=house.line.clock(), imported=False)
        assert "Unsubscribe?" in (await house.ask("GET", link)).text


async def test_without_a_purpose_it_is_about_all_marketing(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        link = f"/u/{house.token(purpose='')}"
        asked = await house.ask("GET", link)
        assert "You will no longer receive any marketing message by email" in asked.text
        left = await house.ask("POST", link, data=ONE_CLICK)
        assert "You will receive no more marketing messages by email" in left.text
        assert "all messages" not in asked.text + left.text


async def test_another_language_after_asking_for_the_link(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        token = house.token()
        asked = await house.ask("POST", f"/p/{token}/copy", data={"address": "anna@example.org"})
        assert 'href="?lang=it"' in asked.text
        page = await house.ask("GET", f"/p/{token}/copy?lang=it")
        assert (page.status, page.headers["Location"]) == (303, f"/p/{token}?lang=it")


@pytest.mark.parametrize("path", ["/", "/u", "/u/", "/p/", "/me", "/c/"])
async def test_a_link_that_was_cut_is_told_to_people_as_a_page(tmp_path: Path, path: str) -> None:
    async with pages(tmp_path) as house:
        browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        page = await house.ask("GET", path, language="it", headers=browser)
        assert (page.status, "Questo collegamento non funziona" in page.text) == (404, True)
        program = await house.ask("GET", path)
        assert (program.status, json.loads(program.text)["status"]) == (404, 404)


async def test_bad_tokens_change_nothing_and_say_so(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        good = house.token()
        octets = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
        bent = base64.urlsafe_b64encode(octets[:40] + bytes((octets[40] ^ 1,)) + octets[41:]).decode()
        for token, status in (
            (good[:-4], 404),
            (bent.rstrip("="), 404),
            (good + "A", 404),
            ("x", 404),
            ("%00%ff", 404),
            ("A" * 3000, 404),
            (house.token(expires=house.line.clock() - 1), 410),
        ):
            answer = await house.ask("POST", f"/u/{token}", data=ONE_CLICK)
            assert answer.status == status, token[:20]
            assert "<h1>" in answer.text
        person = await house.line.store.person(("default", KEYS.subject("email", "anna@example.org")))
        assert person.stops == ()


async def test_forms_that_are_none_change_nothing(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        path = f"/u/{house.token()}"
        for given in (
            {"data": b""},
            {"data": {"List-Unsubscribe": "no"}},
            {"json": {"List-Unsubscribe": "One-Click"}},
            {"data": b"x" * 20_000, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            {"data": b"\xff\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            {"data": b"--a", "headers": {"Content-Type": "multipart/form-data"}},
        ):
            assert (await house.ask("POST", path, **given)).status == 400, given
        assert (await house.ask("DELETE", path)).status == 405
        person = await house.line.store.person(("default", KEYS.subject("email", "anna@example.org")))
        assert person.stops == ()


async def test_two_withdrawals_at_once_are_one(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        _, entry = await house.send()
        path = house.link(entry)
        answers = await asyncio.gather(*(house.ask("POST", path, data=ONE_CLICK) for _ in range(20)))
        assert {a.status for a in answers} == {200}
        rows = await house.line.store.consents(("default", KEYS.subject("email", "anna@example.org")))
        assert [r.action for r in rows].count("withdrawn") == 1


async def test_guessers_wait_and_readers_do_not(tmp_path: Path) -> None:
    async with pages(tmp_path) as house:
        statuses = [(await house.ask("GET", f"/u/guess{n}")).status for n in range(70)]
        assert statuses[0] == 404
        assert statuses[-1] == 429
        answer = await house.ask("POST", f"/u/{house.token()}", data=ONE_CLICK)
        assert answer.status == 200


async def test_only_marketing_mail_gets_a_way_out(tmp_path: Path) -> None:
    async with pages(tmp_path, PolicySet()) as house:
        for class_, text, added in (
            ("transactional", "Il vostro ordine è partito.", False),
            ("newsletter", NEWS, True),
            ("promotion", "Sconto del 50% solo oggi, acquista ora!", True),
            ("outreach", "Buongiorno, sono Elena: ho letto il suo saggio sulle api.", False),
        ):
            _, entry = await house.send(class_=class_, text=text)
            assert bool(entry.add_headers) is added, class_


async def test_a_tools_own_way_out_stays_unless_someone_signs_after(tmp_path: Path) -> None:
    own = {
        "list_unsubscribe": "<https://tool.example/u/1>",
        "list_unsubscribe_post": "List-Unsubscribe=One-Click",
    }
    plain = {"list_unsubscribe": "<mailto:leave@tool.example>"}
    for number, (head, given, added) in enumerate((
        ({}, own, False),
        ({"relay_signs": True}, own, True),
        ({"signs": lambda domain: domain == "acme.example"}, own, True),
        ({"signs": lambda domain: domain == "other.example"}, own, False),
        ({}, plain, True),
        ({}, plain | {"signed": True}, False),
        ({}, {"signed": True}, True),
        ({"signs": lambda domain: True, "resign": True}, own | {"signed": True}, True),
        ({"signs": lambda domain: True}, own | {"signed": True}, False),
    )):  # fmt: skip
        async with pages(tmp_path / str(number), **head) as house:
            receipt, entry = await house.send(**given)
            assert receipt.status == "accepted"
            assert bool(entry.add_headers) is added, (head, given)
            assert ("list-unsubscribe" in entry.strip_headers) is (added and "list_unsubscribe" in given)


async def test_the_tool_learns_of_it_once(tmp_path: Path) -> None:
    own = {
        "list_unsubscribe": "<mailto:l@tool.example>, <https://tool.example/u/1?a=b>",
        "list_unsubscribe_post": "List-Unsubscribe=One-Click",
    }
    async with pages(tmp_path, relay_signs=True) as house:
        _, entry = await house.send(**own)
        for _ in range(3):
            await house.ask("POST", house.link(entry), data=ONE_CLICK)
        async with asyncio.timeout(5):
            [told] = await house.line.store.take(10)
        assert (told.relay, told.format, told.raw) == (
            "one-click",
            "one-click",
            b"https://tool.example/u/1?a=b",
        )
        await house.ask("POST", f"/p/{house.link(entry).removeprefix('/u/')}", data={"do": "stop"})
        assert (await house.line.store.depths()).outbox >= 1
