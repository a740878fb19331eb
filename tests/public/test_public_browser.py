"""The pages for recipients in a real Chromium: on a phone, with the keyboard, without JavaScript."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page

from gateway.intake.optin import OptIn
from gateway.intake.tokens import Showing, seal_showing
from gateway.public.pages import LANGUAGES, load_words
from tests.console.test_browser import CHROMIUM, Seat, seat
from tests.line import DAY, KEYS
from tests.public.house import Pages, pages

REF = ("default", KEYS.subject("email", "anna@example.org"))
PHONE = {"width": 360, "height": 740}
WORDS = load_words()

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not shutil.which(CHROMIUM) and not os.environ.get("GALATEO_REQUIRE_TOOLS"), reason="no chromium"
    ),
]


@asynccontextmanager
async def known(folder: Path) -> AsyncIterator[tuple[Pages, dict[str, str]]]:
    """Someone with three consents and a wish, and the path of every page that she can come to."""
    async with pages(folder) as house:
        _, entry = await house.send()
        await house.line.consent("anna@example.org", purpose="offers")
        await house.line.consent("anna@example.org", purpose="newsletter", channel="whatsapp")
        token = house.link(entry).removeprefix("/u/")
        await house.ask("POST", f"/p/{token}", data=[("no_sales", "yes"), ("do", "save")])
        asked = OptIn(
            controller="default", source="development", address="bruno@example.org", purpose="events",
            wording="Ja, ich möchte Einladungen zu Veranstaltungen der Buchhandlung Acme erhalten.",
        )  # fmt: skip
        await house.optins.request(asked, house.line.clock(), "Acme Srl")
        showing = Showing(controller=REF[0], subject=REF[1], channel="email")
        yield (
            house,
            {
                "leave": f"/u/{token}",
                "preferences": f"/p/{token}",
                "confirm": (await house.letter()).partition("?")[0],
                "held": f"/me/{seal_showing(KEYS, showing, house.line.clock())}",
                "forged": "/u/guess",
                "over": f"/p/{house.token(expires=house.line.clock() - DAY)}",
            },
        )


async def test_on_a_phone_everything_fits_and_axe_finds_nothing(tmp_path: Path) -> None:
    async with known(tmp_path) as (house, paths):
        for scheme, languages, audited in (("light", LANGUAGES, "it"), ("dark", ("de",), "de")):
            async with seat(house, viewport=PHONE, color_scheme=scheme, has_touch=True) as one:
                for language in languages:
                    for name, path in paths.items():
                        where = (name, language, scheme)
                        await one.page.goto(f"{house.base}{path}?lang={language}")
                        assert await one.page.get_attribute("html", "lang") == language, where
                        wide = await one.page.evaluate("document.documentElement.scrollWidth")
                        assert wide <= PHONE["width"], where
                        if language == audited and (scheme == "light" or name in ("preferences", "held")):
                            assert await one.axe() == [], where
                            assert await small_targets(one.page) == [], where
                assert one.elsewhere == []
                assert [error for error in one.errors if "404" not in error and "410" not in error] == []


async def small_targets(page: Page) -> list[str]:
    """What a finger would miss: buttons and fields lower than 44 pixels, links lower than 24."""
    return await page.evaluate(
        "[...document.querySelectorAll('button, input[type=date], input[type=email], label, nav a')]"
        ".filter(e => e.getBoundingClientRect().height < (e.tagName === 'A' ? 24 : 43.9))"
        ".map(e => e.outerHTML.slice(0, 80))"
    )


async def test_with_the_keyboard_alone(tmp_path: Path) -> None:
    async with known(tmp_path) as (house, paths), seat(house, viewport=PHONE) as one:
        await confirm(house, one, paths["confirm"])
        await choose(house, one, paths["preferences"])
        await leave(house, one, paths["leave"])


async def leave(house: Pages, one: Seat, path: str) -> None:
    await one.page.goto(f"{house.base}{path}?lang=fr")
    assert (await stops(house)) == {("offers", "email")}
    await reach(one, "button")
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_selector("[role=status]")
    assert await one.page.inner_text("h1") == WORDS["fr"]["left.title"]
    assert (await stops(house)) == {("offers", "email"), ("newsletter", "email")}


async def confirm(house: Pages, one: Seat, path: str) -> None:
    await one.page.goto(f"{house.base}{path}?lang=de")
    assert "Buchhandlung Acme" in await one.page.inner_text("blockquote")
    await reach(one, "button")
    await one.page.keyboard.press("Space")
    await one.page.wait_for_selector("[role=status]")
    assert await one.page.inner_text("h1") == WORDS["de"]["confirmed.title"]
    bruno = await house.line.store.person(("default", KEYS.subject("email", "bruno@example.org")))
    assert [(p.purpose, p.state, p.grade) for p in bruno.permissions] == [("events", "granted", "A")]
    await one.page.goto(f"{house.base}{path}?lang=de")
    assert await one.page.inner_text("h1") == WORDS["de"]["confirm_gone.title"]


async def choose(house: Pages, one: Seat, path: str) -> None:
    await one.page.goto(f"{house.base}{path}?lang=es")
    await reach(one, 'input[value="offers|email"]')
    await one.page.keyboard.press("Space")
    await reach(one, 'button[value="save"]')
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_selector("[role=status]")
    assert await one.page.inner_text("[role=status]") == WORDS["es"]["pref.saved"]
    assert (await stops(house)) == {("offers", "email")}


async def stops(house: Pages) -> set[tuple[str, str]]:
    """What the person left, by purpose and channel."""
    person = await house.line.store.person(REF)
    return {(purpose, channel) for s in person.stops for purpose in s.purposes for channel in s.channels}


async def reach(one: Seat, selector: str) -> None:
    """Go on with the tabulator until an element has the focus, which must show."""
    for _ in range(40):
        await one.page.keyboard.press("Tab")
        if await one.page.evaluate(f"document.activeElement.matches({selector!r})"):
            shown = "getComputedStyle(document.activeElement).outlineWidth"
            assert float((await one.page.evaluate(shown)).removesuffix("px")) >= 2
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


async def test_without_javascript_everything_works(tmp_path: Path) -> None:
    async with known(tmp_path) as (house, paths), seat(house, java_script_enabled=False) as one:
        page = one.page
        await page.goto(f"{house.base}{paths['leave']}?lang=it")
        await page.click("main button")
        await page.click(f"text={WORDS['it']['leave.preferences']}")
        until = datetime.fromtimestamp(house.line.clock() + 30 * DAY, UTC).date()
        await page.fill("#pause", until.isoformat())
        await page.click('button[value="save"]')
        assert await page.inner_text("[role=status]") == WORDS["it"]["pref.saved"]
        person = await house.line.store.person(REF)
        assert datetime.fromtimestamp(person.paused_until, UTC).date() == until
        await page.click(f"text={WORDS['it']['copy.button']}")
        assert await page.inner_text("h1") == WORDS["it"]["copy_sent.title"]
        await page.goto(house.base + await house.letter())
        assert "192.0.2.1" in await page.inner_text("main")
        await page.click('button[value="lift_pause"]')
        await page.wait_for_selector('button[value="lift_pause"]', state="detached")
        assert (await house.line.store.person(REF)).paused_until == 0
        assert one.elsewhere == []
