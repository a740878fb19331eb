"""Drafts, explanations and rights in the console, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.app.rights import Desk
from gateway.console.days import Days, observed_by
from gateway.console.evidence import evidence_pages
from gateway.console.http import console_routes
from gateway.console.visitor import LONGEST_FIELD
from gateway.evidence.entries import FileRows
from gateway.evidence.origin import Origin
from gateway.evidence.pack import verify_pack
from gateway.evidence.rights import Rights
from gateway.evidence.trial import Busy, Trials
from gateway.evidence.verify import Verification
from gateway.intake.events import link
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.review import Tasks
from gateway.settings.values import Listen
from gateway.store.draft import Draft, Needs
from gateway.store.records import Ref
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener
from tests.console.place import OFFERS, Browser, Place, plain, policies, reviewers
from tests.evidence.conftest import change
from tests.line import KEYS, NOW, line, reader

ANNA = "anna@example.org"


@asynccontextmanager
async def house(folder: Path, rules: PolicySet | None = None) -> AsyncIterator[Place]:
    access = reviewers()
    async with line(folder, rules or policies(), access=access) as built:
        tasks, rights = Tasks(built.store, built.review, built.clock), Rights(built.store, KEYS, access)
        shared = {"access": access, "store": built.store, "policies": built.policies, "clock": built.clock}
        trials = Trials(built.store, Origin(folder / "line.db"))
        shared["days"] = Days(built.store, built.clock)
        routes = [
            *console_routes(
                reader=reader(),
                review=built.review,
                tasks=tasks,
                consents=built.consents,
                export=Desk(rights).export,
                erase=Desk(rights).erase,
                **shared,
            ),
            *evidence_pages(rights=rights, trials=trials, keys=KEYS, **shared),
        ]
        listener = HttpListener(Listen("127.0.0.1", 0), build_app(routes), grace=0.5)
        await listener.start()
        try:
            yield Place(built, f"http://{listener.address}", tasks)
        finally:
            await listener.stop()
            await tasks.stop()


async def tried(browser: Browser, text: str, name: str = "offers") -> tuple[int, str]:
    path = f"/console/policies/{name}/past"
    data = {"form": await browser.form(path), "text": text, "days": "30"}
    status, page, _ = await browser.post(path, data)
    return status, plain(page)


async def test_a_draft_is_tried_from_the_page_of_its_policy(tmp_path: Path) -> None:
    async with house(tmp_path) as place, place.browser() as browser:
        hold = await place.hold()
        await browser.sign_in("compliance")
        _, page = await browser.get("/console/policies/offers")
        assert "/console/policies/offers/past" in page
        status, told = await tried(browser, OFFERS.replace("outcome: hold", "outcome: reject"))
        assert status == 200
        assert "1 decisions, 0 would stay as they were" in told
        assert "Newly rejected 1" in told
        assert hold in told
        status, told = await tried(browser, OFFERS.replace("rule: consent", "rule: consnt"))
        assert status == 400
        assert "offers.yaml:10" in told
        assert "did you mean" in told
        assert place.line.policies.current.policy("offers").text == OFFERS  # type: ignore[union-attr]
        assert (await browser.get("/console/policies/none/past"))[0] == 404


async def test_a_long_draft_is_tried_too(tmp_path: Path) -> None:
    """A policy with many cases has tens of thousands of characters, and its browser lets as many in."""
    async with house(tmp_path) as place, place.browser() as browser:
        await place.hold()
        await browser.sign_in("compliance")
        _, page = await browser.get("/console/policies/offers/past")
        assert f'maxlength="{LONGEST_FIELD}"' in page
        note = "# perché: «così»\n"
        draft = OFFERS + note * ((LONGEST_FIELD - len(OFFERS)) // len(note))
        status, told = await tried(browser, draft.replace("\n", "\r\n"))
        assert status == 200
        assert "1 decisions, 1 would stay as they were" in told
        assert (await tried(browser, draft + note))[0] == 400


async def test_what_a_policy_in_observe_would_have_done_is_counted_once(tmp_path: Path) -> None:
    """And kept: the page of a busy gateway does not go through the decisions of a month."""
    rules = compose({"offers.yaml": OFFERS.replace("enforce", "observe")})
    async with house(tmp_path, rules) as place, place.browser() as browser:
        offer = {"class_": "promotion", "purpose": "offers", "text": "Sconto del 30%: acquista ora!"}
        await place.line.submit(to=ANNA, list_unsubscribe="<https://example.com/u>", **offer)
        place.line.clock.now = NOW + 2 * 86400
        days = Days(place.line.store, place.line.clock)
        [row] = observed_by("offers", await days.latest(5.0))
        assert (row.would, row.was, row.count) == ("held", "accepted", 1)
        change(tmp_path / "line.db", "DELETE FROM decisions")
        await browser.sign_in("compliance")
        for _ in range(50):
            _, page = await browser.get("/console/policies/offers/past")
            if "Still counting" not in page:
                break
            await asyncio.sleep(0.1)
        assert f"{row.day} held accepted 1" in plain(page)


async def test_pages_of_one_gateway_count_a_day_once(tmp_path: Path) -> None:
    """Of today nothing is kept: what one page counted, the other shows."""
    rules = compose({"offers.yaml": OFFERS.replace("enforce", "observe")})
    async with house(tmp_path, rules) as place, place.browser() as browser:
        offer = {"class_": "promotion", "purpose": "offers", "text": "Sconto del 30%: acquista ora!"}
        await place.line.submit(to=ANNA, list_unsubscribe="<https://example.com/u>", **offer)
        place.line.clock.now = NOW + 60
        await browser.sign_in("compliance")
        for path in ("/console/overview", "/console/policies/offers/past"):
            for _ in range(50):
                _, page = await browser.get(path)
                if "Still counting" not in page:
                    break
                await asyncio.sleep(0.1)
            change(tmp_path / "line.db", "DELETE FROM decisions")
        assert "held accepted 1" in plain(page)


async def test_one_draft_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*given: object, **more: object) -> None:
        raise Busy

    monkeypatch.setattr(Trials, "run", busy)
    async with house(tmp_path) as place, place.browser() as browser:
        await browser.sign_in("admin")
        status, told = await tried(browser, OFFERS)
        assert status == 503
        assert "Another draft is being tried" in told


async def test_a_message_explains_itself_and_hands_out_its_proof(tmp_path: Path) -> None:
    async with house(tmp_path) as place, place.browser() as browser:
        name = (await place.hold()).partition("-")[0]
        await browser.sign_in("auditor")
        _, page = await browser.get(f"/console/messages/{name}/explanation", **{"Accept-Language": "it"})
        assert "offers/consent" in page
        assert "violata" in page
        assert " · promozione · " in plain(page)
        assert "quanto si conoscono" in page
        form = await browser.form(f"/console/messages/{name}/explanation")
        async with browser.http.post(f"/console/messages/{name}/evidence", data={"form": form}) as answer:
            assert verify_pack(await answer.read()).lines
        assert ("evidence.exported", "auditor") in {(k, a) for k, _, a in await place.audited()}
        assert (await browser.get("/console/messages/x/explanation"))[0] == 404


async def test_a_person_is_restricted_and_what_would_go_is_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as place, place.browser() as browser:
        await place.hold()
        await place.line.consent(ANNA)
        await browser.sign_in("admin")
        path = f"/console/people/default/{KEYS.subject('email', ANNA).hex()}"
        _, page = await browser.get(f"{path}/rights")
        assert "Consents 1" in plain(page)
        assert "Messages 1" in plain(page)
        form = await browser.form(f"{path}/rights")
        _, page, _ = await browser.post(f"{path}/restrict", {"form": form, "lift": "0"})
        assert "Restricted: the data stays" in plain(page)
        _, page, _ = await browser.post(f"{path}/restrict", {"form": form, "lift": "1"})
        assert "Not restricted." in plain(page)
        await browser.post(f"{path}/erase", {"form": form, "reason": f"she ({ANNA}) asked", "sure": "erase"})
        _, page = await browser.get(f"{path}/rights")
        assert "Consents 0" in plain(page)
        kinds = {kind for kind, _, _ in await place.audited()}
        assert {"subject.restricted", "subject.unrestricted", "subject.erasure_asked", "erased"} <= kinds
        details = await place.line.store.rows("SELECT detail FROM audit")
        assert not any(ANNA.encode() in bytes(row[0]) for row in details)
        assert (await Verification(FileRows(tmp_path / "line.db")).run()).breaks == []


async def test_a_person_is_all_their_addresses(tmp_path: Path) -> None:
    bella, carla = "bella@example.org", "carla@example.org"
    async with house(tmp_path) as place, place.browser() as browser:
        for one in (ANNA, bella, carla):
            await place.line.consent(one)
        refs = [("default", KEYS.subject("email", one)) for one in (ANNA, bella, carla)]
        for one, other in (refs[:2], refs[1:]):  # as it is when the first pair was linked long ago
            await place.line.store.run(_Linked(one, other))
        await browser.sign_in("admin")
        path = f"/console/people/default/{refs[0][1].hex()}"
        _, page = await browser.get(f"{path}/rights")
        assert "Other addresses of this person are linked to it: 2." in plain(page)
        assert "Consents 3" in plain(page)
        form = await browser.form(f"{path}/rights")
        await browser.post(f"{path}/restrict", {"form": form, "lift": "0"})
        assert all([(await place.line.store.person(ref)).restricted_at for ref in refs])
        await browser.post(f"{path}/erase", {"form": form, "reason": "they asked", "sure": "erase"})
        for ref in refs:
            assert [stop.kind for stop in (await place.line.store.person(ref)).stops] == ["erased"]


class _Linked:
    def __init__(self, one: Ref, other: Ref) -> None:
        self._pair = (one, other)
        self.needs = Needs(people=self._pair)

    def apply(self, draft: Draft[None]) -> None:
        link(draft, self._pair)


async def test_who_may_not_sees_none_of_it(tmp_path: Path) -> None:
    async with house(tmp_path) as place, place.browser() as browser:
        name = (await place.hold()).partition("-")[0]
        path = f"/console/people/default/{KEYS.subject('email', ANNA).hex()}"
        await browser.sign_in("reviewer")
        assert (await browser.get(f"/console/messages/{name}/explanation"))[0] == 200
        for closed in ("/console/policies/offers/past", f"{path}/rights"):
            assert (await browser.get(closed))[0] == 403
        form = await browser.form("/console/")
        for closed in (
            "/console/policies/offers/past",
            f"{path}/restrict",
            f"/console/messages/{name}/evidence",
        ):
            assert (await browser.post(closed, {"form": form}))[0] == 403
            assert (await browser.post(closed, {"form": "0" * 32}))[0] == 403


async def test_sign_ins_are_in_the_audit_log(tmp_path: Path) -> None:
    async with house(tmp_path) as place, place.browser() as browser:
        await browser.sign_in("compliance", "wrong")
        await browser.sign_in("compliance")
        await browser.post("/console/logout", {"form": await browser.form("/console/")})
        told = [kind for kind, _, actor in await place.audited() if actor == "compliance"]
        assert told == ["console.login.failed", "console.login.secret", "console.logout"]
        state = await Verification(FileRows(tmp_path / "line.db")).run()
        assert (state.entries, state.breaks) == (3, [])
