"""A reviewer's day in a real Chromium: with the keyboard, in two languages, over hostile mail."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.console.place import Place, place, reviewers
from tests.console.test_evidence import house
from tests.console.test_preview import ATTACKS
from tests.console.test_replies import keep
from tests.line import consent

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
_RUN = (
    "axe.run({iframes:false}).then(r => r.violations.map(v => v.id + ' ' +"
    " v.nodes.map(n => n.target).join(' ')))"
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not shutil.which(CHROMIUM) and not os.environ.get("GALATEO_REQUIRE_TOOLS"), reason="no chromium"
    ),
]


class Seat:
    """A page, with what it complained about and what it asked of other hosts."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: None if r.url.startswith(base) else self.elsewhere.append(r.url))
        page.on("dialog", lambda d: self.errors.append(f"dialog {d.message}"))

    async def sign_in(self, name: str = "compliance") -> None:
        await self.page.goto(f"{self.base}/console/")
        await self.page.fill("#name", name)
        await self.page.fill("#secret", "correct horse")
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_selector(".bar")

    async def axe(self) -> Any:
        """What axe finds, run beside the page: the page's own policy lets no script in."""
        session = await self.page.context.new_cdp_session(self.page)
        tree = await session.send("Page.getFrameTree")
        frame = tree["frameTree"]["frame"]["id"]
        world = await session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        where = {"contextId": world["executionContextId"]}
        await session.send("Runtime.evaluate", {"expression": AXE, **where})
        said = {"expression": _RUN, "awaitPromise": True, "returnByValue": True, **where}
        return (await session.send("Runtime.evaluate", said))["result"]["value"]


@asynccontextmanager
async def seat(here: Place, **given: Any) -> AsyncIterator[Seat]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            context = await chromium.new_context(locale="en-GB", **given)
            yield Seat(await context.new_page(), here.base)
        finally:
            await chromium.close()


async def test_a_day_with_the_keyboard_alone(here: Place) -> None:
    for n in range(5):
        await here.hold(f"p{n}@example.org")
    alone = await here.hold(
        "luca@example.org", campaign="autumn", text="Sconto del 50% sul miele: compra adesso"
    )
    gone = await here.hold(
        "gina@example.org", campaign="winter", text="Sconto del 10% sulla lana: compra subito"
    )
    pitch = await here.hold(
        "ugo@example.org",
        class_="outreach",
        text="Piacere, Ugo! Sconto del 20%: acquista ora il nostro corso.",
    )
    async with seat(here) as one:
        page = one.page
        await one.sign_in()
        await page.keyboard.press("?")
        assert await page.is_visible("#help")
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('5 like messages')")
        await page.keyboard.press("j")
        await page.keyboard.press("x")
        await page.keyboard.press("r")
        await page.keyboard.type("they signed up at the fair")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Done: 4 of 4")
        assert one.page.url.startswith(f"{here.base}/console/tasks/")
        await page.keyboard.press("u")
        await page.wait_for_selector("[data-item]")

        await page.goto(f"{here.base}/console/holds/{pitch}")
        assert "acquista" in " ".join(await page.locator("mark").all_inner_texts())

        await page.goto(f"{here.base}/console/holds/{alone}")
        await page.keyboard.press("x")
        await page.keyboard.type("honey is not what they asked for")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Rejected: it will not be sent")
        assert await here.status(alone) == "rejected"

        await page.goto(f"{here.base}/console/holds/{gone}")
        now = here.line.clock()
        stop = consent("gina@example.org", now=now, action="withdrawn", purpose="", at=now)
        await here.line.consents.record([stop], "test")
        await page.fill("#reason", "she likes wool")
        await page.click("button.release")
        await page.wait_for_selector("text=Your decision changed nothing")
        assert (await here.line.store.depths()).outbox == 4
        assert [e for e in one.errors if "409" not in e] == []


async def test_enter_on_a_name_of_a_pile_opens_it_and_decides_nothing(here: Place) -> None:
    holds = [await here.hold(f"p{n}@example.org") for n in range(3)]
    stored = await here.line.store.hold(holds[0])
    assert stored is not None
    pile = f"{here.base}/console/piles/{stored.cluster}?codes={stored.codes}"
    async with seat(here) as one:
        await one.sign_in()
        await one.page.goto(pile)
        await one.page.fill("#reason", "they signed up at the fair")
        for key in ("Escape", "j", "j", "Enter"):
            await one.page.keyboard.press(key)
        await one.page.wait_for_url(f"{here.base}/console/holds/{holds[1]}")
    async with seat(here, java_script_enabled=False) as one:
        await one.sign_in()
        await one.page.goto(pile)
        await one.page.fill("#reason", "they signed up at the fair")
        await one.page.check(f"input[value='{holds[2]}']")
        await one.page.focus(f"input[value='{holds[0]}']")
        await one.page.keyboard.press("Enter")
        await one.page.wait_for_load_state()
        assert await one.page.input_value("#reason") == "they signed up at the fair"
        assert await one.page.is_checked(f"input[value='{holds[2]}']")
        assert [await here.status(hold) for hold in holds] == ["open"] * 3
        await one.page.click("button.reject")
        await one.page.wait_for_selector("h1:has-text('A rejection of many')")


async def test_axe_finds_nothing_and_everything_fits(here: Place) -> None:
    await here.line.consent("anna@example.org")
    await here.hold("anna@example.org", purpose="events")
    hold = await here.hold("luca@example.org")
    for number in range(2):
        await keep(here, number)
    stored = await here.line.store.hold(hold)
    assert stored is not None
    paths = [
        "/console/", f"/console/holds/{hold}", f"/console/piles/{stored.cluster}?codes={stored.codes}",
        "/console/messages", f"/console/messages/{hold.partition('-')[0]}", "/console/people",
        f"/console/people/default/{stored.subject.hex()}", "/console/policies", "/console/policies/offers",
        "/console/overview", "/console/replies",
    ]  # fmt: skip
    for width, scheme in ((1360, "light"), (390, "dark")):
        async with seat(here, viewport={"width": width, "height": 844}, color_scheme=scheme) as one:
            await one.page.goto(f"{here.base}/console/login")
            assert await one.axe() == []
            await one.sign_in()
            for path in paths:
                await one.page.goto(here.base + path)
                assert await one.axe() == [], path
                assert await one.page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert one.errors == []
            assert one.elsewhere == []


async def test_axe_finds_nothing_in_an_explanation(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        hold = await here.hold()
        async with seat(here, viewport={"width": 390, "height": 844}) as one:
            await one.sign_in()
            await one.page.goto(f"{here.base}/console/messages/{hold.partition('-')[0]}/explanation")
            assert await one.axe() == []


async def test_hostile_mail_does_nothing(here: Place) -> None:
    raw = b"Subject: <script>alert(1)</script>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    hold = await here.hold_mail(raw + "".join(f"<p>{a}</p>" for a in ATTACKS).encode(), name="<b>Anna</b>")
    async with seat(here) as one:
        await one.sign_in()
        await one.page.goto(f"{here.base}/console/holds/{hold}")
        await one.page.goto(f"{here.base}/console/holds/{hold}")
        await one.page.wait_for_timeout(500)
        frames = [frame.url for frame in one.page.frames]
        assert frames == [f"{here.base}/console/holds/{hold}", f"{here.base}/console/holds/{hold}/preview"]
        await one.page.goto(f"{here.base}/console/holds/{hold}/preview")
        await one.page.wait_for_timeout(300)
        assert one.page.url.endswith("/preview")
        assert one.elsewhere == []
        assert not [error for error in one.errors if "dialog" in error or "alert" in error]


async def test_language_and_colors_change_and_stay(here: Place) -> None:
    async with seat(here) as one:
        await one.sign_in()
        await one.page.click("button[value=it]")
        assert await one.page.inner_text("h1") == "Trattenuti"
        await one.page.click("button[value=dark]")
        await one.page.goto(f"{here.base}/console/policies")
        assert await one.page.inner_text("h1") == "Policy"
        assert await one.page.get_attribute("html", "data-theme") == "dark"


async def test_without_javascript_the_essentials_work(tmp_path: Path) -> None:
    async with place(tmp_path, reviewers()) as here, seat(here, java_script_enabled=False) as one:
        hold = await here.hold()
        await one.sign_in()
        await one.page.click("a.open")
        await one.page.fill("#reason", "they asked for it")
        await one.page.click("button.release")
        await one.page.wait_for_selector("text=Released: it is on its way")
        assert await here.status(hold) == "released"
