"""Photographs every page of the console, at desk and phone width, into docs/images/.

    python -m docs.screenshots [FOLDER]

A gateway of its own is filled with the demo's month; Chromium must be installed.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Page, async_playwright

from gateway import logs, settings
from gateway.access import Reviewer, hash_secret
from gateway.app.listening import review_habits
from gateway.app.parts import Parts, open_parts
from gateway.console.http import console_routes
from gateway.demo.month import fill_month, tools
from gateway.review import Tasks
from gateway.settings.values import Listen
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener

IMAGES = Path(__file__).parent / "images"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars"
).split()
SIZES = {"desk": (1360, 900, "light", "en-GB"), "phone": (390, 844, "dark", "it-IT")}
SECRET = "only for the photographs"
DAYS = 30
DAY = 86400.0


async def main(folder: Path) -> None:
    """Fill, serve, photograph."""
    logs.configure("error")
    with tempfile.TemporaryDirectory(prefix="galateo-photographs-") as place:
        own = settings.load(
            development=True,
            access=Path(place) / "none.yaml",
            database=f"sqlite:///{place}/galateo.db",
            keys=Path(place) / "keys",
        )
        began, moment = time.time(), afternoon(time.time())
        print(f"{await fill_month(own, DAYS, moment)} messages written")
        parts = await open_parts(own, serving=True)
        try:
            await photograph(parts, folder, lambda: moment + time.time() - began)
        finally:
            await parts.store.close()


def afternoon(now: float) -> float:
    """The last working day's afternoon: a good hour to look at a day."""
    at = now // DAY * DAY + 16.5 * 3600
    while at > now or time.gmtime(at).tm_wday > 4:
        at -= DAY
    return at


async def photograph(parts: Parts, folder: Path, clock: Callable[[], float]) -> None:
    """Serve the console to a browser, page by page."""
    ada = Reviewer(name="ada", role="admin", secret=hash_secret(SECRET))
    access = replace(tools(parts.access), reviewers={"ada": ada})
    routes = console_routes(
        access=access,
        store=parts.store,
        reader=parts.reader,
        policies=parts.policies,
        review=parts.review,
        tasks=Tasks(parts.store, parts.review, clock),
        clock=clock,
        consents=parts.consents,
        habits=review_habits(parts.settings),
    )
    listener = HttpListener(Listen("127.0.0.1", 0), build_app(routes))
    await listener.start()
    try:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for name, (width, height, scheme, locale) in SIZES.items():
                context = await chromium.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale
                )
                await tour(await context.new_page(), f"http://{listener.address}", folder, name)
                await context.close()
            await chromium.close()
    finally:
        await listener.stop()


async def tour(page: Page, base: str, folder: Path, size: str) -> None:
    """Every page, in one size."""

    async def keep(name: str, path: str = "") -> None:
        if path:
            await page.goto(base + path)
        for frame in await page.query_selector_all("iframe"):  # drawn once it was in sight
            await frame.scroll_into_view_if_needed()
        await page.wait_for_timeout(400)
        await page.evaluate("scrollTo(0, 0)")
        await page.screenshot(
            path=folder / f"console-{name}-{size}.png", full_page=name not in ("policies", "messages")
        )
        print(f"console-{name}-{size}.png")

    await keep("login", "/console/login")
    await page.fill("#name", "ada")
    await page.fill("#secret", SECRET)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".bar")
    await keep("holds", "/console/")
    pile = await page.get_attribute('a.open[href*="/piles/"]', "href")
    await keep("pile", pile or "/console/")
    hold = await page.get_attribute('.members a[href*="/holds/"] >> nth=-1', "href")
    await keep("hold", hold or "/console/")
    await keep("replies", "/console/replies")
    await keep("messages", "/console/messages")
    message = (hold or "").rpartition("/")[2].partition("-")[0]
    await keep("message", f"/console/messages/{message}")
    person = await page.get_attribute('a[href^="/console/people/"]', "href")
    await keep("people", "/console/people")
    await keep("person", person or "/console/people")
    await page.goto(f"{base}/console/overview")
    await page.wait_for_timeout(3000)
    await keep("policies", "/console/policies")
    await keep("policy", "/console/policies/first-contact")
    await keep("overview", "/console/overview")
    await page.goto(f"{base}/console/pauses")
    await page.select_option("select[name=name]", index=1)
    await page.fill("section:has(select[name=name]) input[name=reason]", "The October list went out twice")
    await page.click("section:has(select[name=name]) button")
    await page.wait_for_selector("[data-item]")
    await keep("pauses")
    await page.fill("[data-item] input[name=reason]", "The list is mended")
    await page.click("[data-item] button")
    await page.wait_for_selector("[data-item]", state="detached")


if __name__ == "__main__":
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    images.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(images))
