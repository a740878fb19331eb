"""Who gets in, for how long, and who does not."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.access import Reviewer, development_access
from tests.console.place import HERE, Browser, Place, place, plain, reviewers

HOME = "/console/"


async def test_without_a_session_every_page_leads_to_the_login(here: Place) -> None:
    async with here.browser() as browser:
        for path in (HOME, "/console/messages", "/console/people", "/console/policies", "/console/overview"):
            async with browser.http.get(path, allow_redirects=False) as answer:
                assert answer.status == 303
                assert answer.headers["Location"].startswith("/console/login?next=")


async def test_a_cookie_that_no_script_and_no_other_site_sees(here: Place) -> None:
    async with here.browser() as browser:
        data = {"name": "compliance", "secret": "correct horse"}
        async with browser.http.post("/console/login", data=data, allow_redirects=False) as answer:
            cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/console/" in cookie


async def test_who_left_while_they_still_sent_a_form_decides_nothing(here: Place, ada: Browser) -> None:
    hold, access = await here.hold(), here.line.review._access
    form = await ada.form(HOME)

    async def slow() -> AsyncIterator[bytes]:
        yield b"reason=they+asked&form="
        await asyncio.sleep(0.2)
        access.reviewers = {"bruno": access.reviewers["bruno"]}
        yield form.encode()

    head = {"Content-Type": "application/x-www-form-urlencoded"}
    async with ada.http.post(f"/console/holds/{hold}/release", data=slow(), headers=head) as answer:
        assert answer.status == 401
        assert "they asked" in await answer.text()
    assert await here.status(hold) == "open"


async def test_the_token_is_not_in_the_database(here: Place, ada: Browser) -> None:
    [cookie] = [c.value for c in ada.http.cookie_jar if c.key == "galateo_console"]
    rows = await here.line.store.rows("SELECT key, answer FROM replays")
    assert rows
    assert all(cookie.encode() not in key + answer for key, answer in rows)


@pytest.mark.parametrize("secret", ["", "wrong", "correct horse ", "x" * 5000, "correct\0horse"])
async def test_a_wrong_secret_stays_out(here: Place, secret: str) -> None:
    async with here.browser() as browser:
        assert await browser.sign_in("compliance", secret) in (400, 401)
        _, text = await browser.get(HOME)
        assert 'action="/console/logout"' not in text


async def test_no_header_of_a_stranger_keeps_others_waiting(here: Place) -> None:
    async with here.browser() as browser:
        for filling in ('"', ";", "("):
            begun = time.process_time()
            kind = f"application/x-www-form-urlencoded; {filling * 7000}"
            assert (await browser.post("/console/login", b"name=x", **{"Content-Type": kind}))[0] == 401
            assert time.process_time() - begun < 0.8


async def test_guessing_is_slowed_down(here: Place) -> None:
    async with here.browser() as browser:
        found = [await browser.sign_in("compliance", f"guess {n}") for n in range(12)]
        assert found[:10] == [401] * 10
        assert found[10:] == [429] * 2
        assert await browser.sign_in() == 429
        here.line.clock.now += 301
        assert await browser.sign_in() == 200


async def test_after_a_wrong_secret_it_goes_on_where_it_was_asked(here: Place) -> None:
    """In another language too; the name need not be typed again, the secret must."""
    hold = await here.hold()
    async with here.browser() as browser:
        _, text = await browser.get(f"/console/holds/{hold}")
        after = f'name="next" value="/console/holds/{hold}"'
        assert after in text
        wrong = {"name": 'bruno"', "secret": "a guess", "next": f"/console/holds/{hold}"}
        status, text, _ = await browser.post("/console/login", wrong)
        assert (status, after in text) == (401, True)
        assert 'value="bruno&#34;"' in text
        assert "a guess" not in text
        back = re.search(r'name="back" value="([^"]+)"', text)
        assert back
        _, text, _ = await browser.post("/console/look", {"back": back.group(1), "language": "it"})
        assert after in text
        right = {"name": "bruno", "secret": "correct horse", "next": f"/console/holds/{hold}"}
        assert (await browser.post("/console/login", right))[2] == f"/console/holds/{hold}"


async def test_right_secrets_keep_nobody_out(here: Place) -> None:
    """An office signs in from one address; wrong secrets among the right ones still count."""
    async with here.browser() as browser:
        for _ in range(4):
            assert [await browser.sign_in(name) for name in ("bruno", "auditor", "admin")] == [200] * 3
        for _ in range(10):
            assert await browser.sign_in("reviewer") == 200
            assert await browser.sign_in("bruno", "a guess") == 401
        assert await browser.sign_in("reviewer") == 429


async def test_who_guesses_keeps_out_nobody_elsewhere(tmp_path: Path) -> None:
    async with place(tmp_path, proxies=(HERE,)) as here, here.browser() as browser:
        for n in range(120):
            wrong = {"name": f"guess {n}", "secret": "a guess"}
            await browser.post("/console/login", wrong, **{"X-Forwarded-For": "203.0.113.9"})
        right = {"name": "bruno", "secret": "correct horse"}
        status, _, _ = await browser.post("/console/login", right, **{"X-Forwarded-For": "203.0.113.10"})
        assert status == 200


async def test_behind_a_proxy_each_address_counts_for_itself(tmp_path: Path) -> None:
    wrong = {"name": "compliance", "secret": "a guess"}
    for trusted, others in (((HERE,), 200), ((), 429)):
        folder = tmp_path / str(others)
        folder.mkdir()
        async with place(folder, proxies=trusted) as here, here.browser() as browser:
            for _ in range(10):
                await browser.post("/console/login", wrong, **{"X-Forwarded-For": "203.0.113.9"})
            right = {"name": "bruno", "secret": "correct horse"}
            status, _, _ = await browser.post("/console/login", right, **{"X-Forwarded-For": "203.0.113.10"})
            assert status == others


async def test_an_idle_session_ends(here: Place, ada: Browser) -> None:
    here.line.clock.now += 1700
    assert "login" not in (await ada.get(HOME))[1].split("<body", 1)[1][:40]
    here.line.clock.now += 1700
    assert 'action="/console/logout"' in (await ada.get(HOME))[1]
    here.line.clock.now += 1801
    assert 'action="/console/logout"' not in (await ada.get(HOME))[1]


async def test_a_busy_session_ends_too(here: Place, ada: Browser) -> None:
    for _ in range(30):
        here.line.clock.now += 1500
        await ada.get(HOME)
    assert 'action="/console/logout"' not in (await ada.get(HOME))[1]


async def test_signing_out_ends_it_for_whoever_copied_the_cookie(here: Place, ada: Browser) -> None:
    form = await ada.form(HOME)
    [cookie] = [c.value for c in ada.http.cookie_jar if c.key == "galateo_console"]
    await ada.post("/console/logout", {"form": form})
    async with here.browser() as thief:
        _, text = await thief.get(HOME, Cookie=f"galateo_console={cookie}")
        assert 'action="/console/logout"' not in text


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "a" * 5000, "%00", "../../etc", "' OR 1=1 --"])
async def test_a_forged_cookie_is_none(here: Place, ada: Browser, cookie: str) -> None:
    async with here.browser() as thief:
        _, text = await thief.get(HOME, Cookie=f"galateo_console={cookie}")
        assert 'action="/console/logout"' not in text


async def test_a_changed_secret_or_a_removed_reviewer_ends_the_session(here: Place, ada: Browser) -> None:
    people = here.line.access.reviewers
    before = people["compliance"]
    assert isinstance(people, dict)
    people["compliance"] = before.model_copy(update={"secret": before.secret + "x"})
    assert 'action="/console/logout"' not in (await ada.get(HOME))[1]
    people["compliance"] = before
    assert 'action="/console/logout"' in (await ada.get(HOME))[1]
    del people["compliance"]
    assert 'action="/console/logout"' not in (await ada.get(HOME))[1]


async def test_sign_ins_are_in_the_audit_log(here: Place, ada: Browser) -> None:
    await ada.sign_in("compliance", "wrong")
    await ada.sign_in("nobody at all", "wrong")
    kinds = await here.audited()
    assert ("console.login.secret", "", "compliance") in kinds
    assert ("console.login.failed", "", "compliance") in kinds
    assert not any("nobody" in actor for _, _, actor in kinds)


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example/", "/console/\\evil", "/else", ""]
)
async def test_the_way_on_stays_in_the_console(here: Place, after: str) -> None:
    async with here.browser() as browser:
        data = {"name": "compliance", "secret": "correct horse", "next": after}
        async with browser.http.post("/console/login", data=data, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, HOME)


class TestProxy:
    async def test_a_trusted_proxy_says_who_it_is(self, tmp_path: Path) -> None:
        async with (
            place(tmp_path, sso_header="X-User", sso_trusted=(HERE,)) as here,
            here.browser() as browser,
        ):
            _, text = await browser.get(HOME, **{"X-User": "bruno"})
            assert "<strong>bruno</strong>" in text
            _, text = await browser.get(HOME, **{"X-User": "auditor"})
            assert "<strong>auditor</strong>" in text
            _, text = await browser.get(HOME)
            assert 'action="/console/logout"' not in text
            status, text = await browser.get(HOME, **{"X-User": "mallory"})
            assert status == 403
            assert "not listed" in text

    async def test_who_signed_out_may_come_back_and_is_not_told_to_make_a_reviewer(
        self, tmp_path: Path
    ) -> None:
        """Where a proxy says who it is, reviewers need no secret, and there is no form to fill in."""
        access = replace(reviewers(), reviewers={"ada": Reviewer(name="ada", role="compliance")})
        async with (
            place(tmp_path, access, sso_header="X-User", sso_trusted=(HERE,)) as here,
            here.browser() as browser,
        ):
            ada = {"X-User": "ada"}
            _, text = await browser.get(HOME, **ada)
            found = re.search(r'name="form" value="([0-9a-f]+)"', text)
            assert found
            _, text, path = await browser.post("/console/logout", {"form": found.group(1)}, **ada)
            assert path == "/console/login"
            assert "sign-on knows you as ada" in plain(text)
            assert f'href="{HOME}"' in text
            assert "access hash" not in text
            _, text = await browser.get(HOME, **ada)
            assert "<strong>ada</strong>" in text
            _, text = await browser.get("/console/login", **{"X-User": "mallory"})
            assert "mallory" not in text

    async def test_nobody_else_does(self, tmp_path: Path) -> None:
        async with place(tmp_path, sso_header="X-User", sso_trusted=()) as here, here.browser() as browser:
            _, text = await browser.get(HOME, **{"X-User": "admin"})
            assert 'action="/console/logout"' not in text


class TestDevelopment:
    async def test_one_click_while_there_are_no_reviewers(self, tmp_path: Path) -> None:
        async with place(tmp_path, development_access()) as here, here.browser() as browser:
            _, text = await browser.get("/console/login")
            assert "local reviewer" in plain(text)
            _, text, path = await browser.post("/console/login/local", {})
            assert path == HOME
            assert "<strong>development</strong>" in text

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"X-Forwarded-For": "203.0.113.9"},
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ],
    )
    async def test_not_for_others(self, tmp_path: Path, headers: dict[str, str]) -> None:
        async with place(tmp_path, development_access()) as here, here.browser() as browser:
            status, _, _ = await browser.post("/console/login/local", {}, **headers)
            assert status == 403

    async def test_not_outside_development(self, tmp_path: Path) -> None:
        access = replace(reviewers(), reviewers={}, development=False)
        async with place(tmp_path, access) as here, here.browser() as browser:
            _, text = await browser.get("/console/login")
            assert "galateo access hash" in text
            assert "local reviewer" not in plain(text)
            status, _, _ = await browser.post("/console/login/local", {})
            assert status == 403
