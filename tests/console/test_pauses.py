"""The kill switch in the console: who may, what is shown, what two people do at once, and in a browser."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.access import Controller
from gateway.review import look, pause, resume
from tests.console.place import Browser, Place, place, plain, reviewers
from tests.console.test_browser import pytestmark as browser_marks
from tests.console.test_browser import seat

PATH = "/console/pauses"
SOURCE = ("source", "development", "default")
WHY = "a wrong list of bo@example.org"


async def deed(browser: Browser, verb: str, **data: str) -> tuple[int, str]:
    form = await browser.form(PATH)
    status, text, _ = await browser.post(f"{PATH}/{verb}", {"form": form, "reason": WHY} | data)
    return status, plain(text)


async def resuming(browser: Browser) -> dict[str, str]:
    """What the form of the only pause posts."""
    _, text = await browser.get(PATH)
    found = re.search(r'name="id" value="(\w+)"><input type="hidden" name="since" value="([^"]+)"', text)
    assert found, plain(text)
    return {"id": found.group(1), "since": found.group(2)}


async def deeds(here: Place) -> list[tuple[str, str, str]]:
    return [row for row in await here.audited() if row[0].endswith((".paused", ".resumed"))]


async def test_a_source_is_paused_shown_and_resumed(here: Place, ada: Browser) -> None:
    assert "Nothing is paused" in plain((await ada.get(PATH))[1])
    status, text = await deed(ada, "pause", kind="source", name="development")
    assert (status, "Within a second nothing of it leaves" in text) == (200, True)
    assert "by compliance: a wrong list of …" in text
    again = await deed(ada, "pause", kind="source", name="development")
    assert "It was paused already" in again[1]
    await look(here.line.store)
    hold = await here.hold(class_="transactional", text="Il vostro ordine è partito.")
    text = plain((await ada.get(PATH))[1])
    assert "Messages held: 1" in text
    assert "Paused: source development since" in plain((await ada.get("/console/"))[1])
    assert "It does not expire while the pause lasts." in plain((await ada.get(f"/console/holds/{hold}"))[1])
    _, text, _ = await ada.post("/console/look", {"language": "it", "back": PATH})
    assert "Fonte development Messaggi trattenuti: 1" in plain(text)
    status, text = await deed(ada, "resume", **await resuming(ada))
    assert "Ripresa. Ciò che era trattenuto sarà deciso di nuovo da sé" in text
    assert await deeds(here) == [
        ("source.paused", "development", "compliance"),
        ("source.resumed", "development", "compliance"),
    ]


async def test_a_campaign_is_written_letter_by_letter_and_a_slip_is_told(here: Place, ada: Browser) -> None:
    name = "Black\u00a0Friday <b>"
    _, text = await deed(ada, "pause", kind="campaign", name=name)
    assert "no recent message names this campaign" in text
    await here.hold(campaign=name)
    assert "no recent" in (await deed(ada, "pause", kind="campaign", name="other"))[1]
    _, raw = await ada.get(PATH)
    assert "<b>" not in raw
    assert [p.name for p in (await look(here.line.store))[0]] == [name, "other"]


async def test_what_is_missing_is_told_and_what_was_typed_stays(here: Place, ada: Browser) -> None:
    for data, said in (
        ({"kind": "source", "name": "nobody"}, "There is no such source"),
        ({"kind": "source"}, "There is no such source"),
        ({"kind": "campaign", "name": " "}, "no name was given"),
        ({"kind": "campaign", "name": "x" * 1100}, "no name was given"),
        ({"kind": "campaign", "name": "autumn", "controller": "nobody"}, "Say whose campaign"),
        ({"kind": "source", "name": "development", "reason": "bo@example.org"}, "Say why"),
    ):
        status, text = await deed(ada, "pause", **data)
        assert (status, said in text) == (409, True), (data, text)
    form = await ada.form(PATH)
    data = {"form": form, "kind": "campaign", "name": "autumn", "reason": ""}
    _, text, _ = await ada.post(f"{PATH}/pause", data)
    assert 'value="autumn"' in text
    assert await deeds(here) == []


async def test_who_may_not_sees_it_and_changes_nothing(here: Place, ada: Browser) -> None:
    async with here.browser() as other:
        await other.sign_in("auditor")
        await pause(here.line.store, *SOURCE, "cli:bob", "late")  # type: ignore[arg-type]
        text = (await other.get(PATH))[1]
        assert "by cli:bob" in plain(text)
        assert "/pauses/pause" not in text
        assert "/pauses/resume" not in text
        form = await other.form("/console/")
        for verb in ("pause", "resume"):
            data = {"form": form, "kind": "source", "name": "development", "reason": WHY}
            assert (await other.post(f"{PATH}/{verb}", data | await resuming(ada)))[0] == 403
        theirs = {"form": form, "reason": WHY, **await resuming(ada)}
    assert (await ada.post(f"{PATH}/resume", theirs))[0] == 403  # the token of another session
    mine = theirs | {"form": await ada.form(PATH)}
    assert (await ada.post(f"{PATH}/resume", mine, Origin="https://evil.example"))[0] == 403
    assert (await ada.get(f"{PATH}/resume"))[0] == 405
    for wrong in ({"id": "zz"}, {"since": "soon"}):
        assert (await ada.post(f"{PATH}/resume", mine | wrong))[0] == 400
    assert len(await deeds(here)) == 1


async def test_a_page_that_lay_open_ends_no_pause_that_began_since(here: Place, ada: Browser) -> None:
    await deed(ada, "pause", kind="source", name="development")
    seen = await resuming(ada)
    here.line.clock.now += 60
    await resume(here.line.store, *SOURCE, "bruno")  # type: ignore[arg-type]
    assert "had ended already" in (await deed(ada, "resume", **seen))[1]
    here.line.clock.now += 60
    await pause(here.line.store, *SOURCE, "bruno", "again")  # type: ignore[arg-type]
    assert "had ended already" in (await deed(ada, "resume", **seen))[1]
    assert "Nothing is paused" not in plain((await ada.get(PATH))[1])
    now = await resuming(ada)
    both = await asyncio.gather(*(deed(ada, "resume", **now) for _ in range(2)))
    assert sorted("Resumed." in text for _, text in both) == [False, True]


async def test_nobody_resumes_their_own_source_that_others_paused(tmp_path: Path) -> None:
    async with place(tmp_path, reviewers(own=frozenset({"development"}))) as here, here.browser() as bruno:
        await bruno.sign_in("bruno")
        await pause(here.line.store, *SOURCE, "compliance", "late")  # type: ignore[arg-type]
        text = (await bruno.get(PATH))[1]
        assert "ask a colleague" in plain(text)
        async with here.browser() as ada:
            await ada.sign_in()
            seen = await resuming(ada)
            assert (await deed(bruno, "resume", **seen))[0] == 403
            assert (await deed(ada, "resume", **seen))[0] == 200
        await deed(bruno, "pause", kind="source", name="development")
        assert "Resumed." in (await deed(bruno, "resume", **await resuming(bruno)))[1]


async def test_of_several_controllers_one_is_named(tmp_path: Path) -> None:
    access = reviewers()
    more = {name: Controller(name=name, jurisdiction="it") for name in ("acme", "default")}
    async with place(tmp_path, replace(access, controllers=more)) as here, here.browser() as ada:
        await ada.sign_in()
        assert "Say whose campaign" in (await deed(ada, "pause", kind="campaign", name="autumn"))[1]
        await deed(ada, "pause", kind="campaign", name="autumn", controller="acme")
        assert [p.controller for p in (await look(here.line.store))[0]] == ["acme"]


@pytest.mark.browser
@browser_marks[1]
async def test_in_a_browser_with_the_keyboard_and_on_a_telephone(here: Place) -> None:
    for n in range(3):
        await here.hold(f"p{n}@example.org", campaign="a" * 180)
    async with seat(here) as one:
        page = one.page
        await one.sign_in()
        await page.click("text=Pause a source or a campaign")
        await page.focus("select[name=name]")
        await page.keyboard.type("dev")
        await page.keyboard.press("Tab")
        await page.keyboard.type("the wrong list")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Within a second nothing of it leaves")
        await look(here.line.store)
        await here.hold("x@example.org", class_="transactional", text="Il vostro ordine è partito.")
        await page.goto(f"{here.base}{PATH}")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("li.pile:has-text('ordine')")
        await page.go_back()
        await page.fill("[data-item] input[name=reason]", "mended")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Resumed.")
        await page.keyboard.press("u")
        await page.wait_for_selector("h1:has-text('Holds')")
        assert (one.errors, one.elsewhere) == ([], [])
    await pause(here.line.store, "campaign", "a" * 180, "default", "ada", "<i>why</i>")
    for width, scheme in ((1360, "light"), (390, "dark")):
        async with seat(here, viewport={"width": width, "height": 844}, color_scheme=scheme) as one:
            await one.sign_in()
            await one.page.goto(f"{here.base}{PATH}")
            assert await one.axe() == []
            assert await one.page.evaluate("document.documentElement.scrollWidth") <= width
            await one.page.fill("[data-item] input[name=reason]", "bo@example.org")
            await one.page.keyboard.press("Enter")
            await one.page.wait_for_selector("[role=alert]")
            assert await one.axe() == []
