"""One decision stands, whoever else tries."""

import asyncio
import html
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus

import orjson
import pytest

from gateway.console.pages import load_words
from gateway.policy.load import compose
from gateway.review import Pausing, look, pause, resume
from tests.console.place import OFFERS, Browser, Place, place, plain, reviewers
from tests.intake.policies import policies
from tests.line import DAY, KEYS, consent


async def test_a_release_sends_it_and_says_so(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    status, text = await ada.decide(hold, "release")
    assert (status, await here.status(hold)) == (200, "released")
    assert "on its way" in text
    assert (await here.line.store.depths()).outbox == 1
    assert ("hold.released", hold, "compliance") in await here.audited()


ALWAYS_QUIET = """
version: 1
policy: quiet
rules:
  - {rule: quiet_hours, from: "00:00", to: "23:59", outcome: hold}
"""


async def test_a_release_waives_what_its_page_showed(here: Place, ada: Browser, tmp_path: Path) -> None:
    hold = await here.hold()
    form = {"form": await ada.form("/console/"), "reason": "they asked for it"}
    before = here.line.policies.current
    quiet = policies(tmp_path, ALWAYS_QUIET).policies
    here.line.policies.current = replace(before, policies=(*before.policies, *quiet))
    await here.line.review.release(hold, "bruno", "fine")
    status, text, _ = await ada.post(f"/console/holds/{hold}/release", form | {"round": "0"})
    assert (status, await here.status(hold)) == (409, "open")
    shown = re.findall(r'name="round" value="(\d+)"', text)
    assert shown == ["2"]
    status, _, _ = await ada.post(f"/console/holds/{hold}/release", form | {"round": shown[0]})
    assert (status, await here.status(hold)) == (200, "released")


async def test_what_was_released_still_says_why_it_was_held(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    await ada.decide(hold, "release")
    _, text = await ada.get(f"/console/holds/{hold}")
    assert "Why it was held" in plain(text)
    assert "no consent of this person" in plain(text)
    _, text = await ada.get(f"/console/holds/{hold}", Cookie="galateo_language=it")
    assert "Perché era trattenuto" in plain(text)


async def test_a_rejection_never_sends_it(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    await ada.decide(hold, "reject", "no consent, no offer")
    stored = await here.line.store.hold(hold)
    assert stored is not None
    assert (stored.status, stored.decided_by, stored.reason) == (
        "rejected",
        "compliance",
        "no consent, no offer",
    )
    assert (await here.line.store.depths()).outbox == 0


@pytest.mark.parametrize("reason", ["", "   ", "\t\r\n"])
async def test_a_decision_needs_a_reason(here: Place, ada: Browser, reason: str) -> None:
    hold = await here.hold()
    status, text = await ada.decide(hold, "release", reason)
    assert (status, await here.status(hold)) == (409, "open")
    assert "needs a reason" in text


REASON = "asked by anna@example.org, see https://www.linkedin.com/in/anna-conti (in March)"
KEPT = "asked by … see … (in March)"


async def test_an_address_in_a_reason_is_not_kept(here: Place, ada: Browser) -> None:
    holds = [await here.hold(f"p{n}@example.org") for n in range(4)]
    await ada.decide(holds[0], "release", REASON)
    await ada.decide(holds[1], "reject", REASON)
    path = await decide_pile(here, ada, holds[2], "reject", reason=f"Both {REASON}")
    assert "2 of 2" in plain(await finished(ada, path))
    stored = [await here.line.store.hold(hold) for hold in holds]
    assert [hold and hold.reason for hold in stored] == [KEPT, KEPT, f"Both {KEPT}", f"Both {KEPT}"]
    rows = await here.line.store.rows("SELECT answer FROM replays")
    assert not any(b"anna" in bytes(row[0]) for row in rows)


async def test_an_address_alone_is_no_reason(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    status, text = await ada.decide(hold, "reject", "anna@example.org, luca@example.org")
    assert (status, await here.status(hold)) == (409, "open")
    assert "an address alone is none" in plain(text)


async def test_an_address_in_a_proposal_is_not_kept(tmp_path: Path) -> None:
    async with place(tmp_path, four_eyes=True) as here, here.browser() as ada, here.browser() as bruno:
        hold = await here.hold()
        await ada.sign_in()
        await bruno.sign_in("bruno")
        await ada.decide(hold, "release", REASON)
        await bruno.decide(hold, "release", "fine, anna@example.org knows us")
        stored = await here.line.store.hold(hold)
        assert stored is not None
        assert (stored.status, stored.reason) == ("released", f"fine, … knows us (compliance: {KEPT})")
        rows = await here.line.store.rows("SELECT answer FROM replays")
        assert not any(b"anna" in bytes(row[0]) for row in rows)


async def test_a_withdrawal_meanwhile_makes_the_hold_go(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    await ada.get(f"/console/holds/{hold}")
    await here.line.consents.record(
        [
            consent(
                "anna@example.org",
                now=here.line.clock(),
                action="withdrawn",
                purpose="",
                at=here.line.clock(),
            )
        ],
        "test",
    )
    status, text = await ada.decide(hold, "release")
    assert status == 409
    assert "Nothing will be sent. The person took back their consent." in plain(text)
    assert "quicker" not in plain(text)
    assert (await here.line.store.depths()).outbox == 0
    _, text = await ada.get(f"/console/holds/{hold}", Cookie="galateo_language=it")
    assert "La persona ha revocato il consenso." in plain(text)
    assert "consent withdrawn" not in plain(text)


async def test_the_same_verdict_said_twice_is_no_quarrel(here: Place, ada: Browser) -> None:
    for verdict, said in (("release", "it is on its way"), ("reject", "it will not be sent")):
        hold = await here.hold()
        for _ in range(2):
            status, text = await ada.decide(hold, verdict)
            assert (status, said in plain(text)) == (200, True)
        async with here.browser() as other:
            await other.sign_in("bruno")
            status, text = await other.decide(hold, verdict)
        assert (status, "Somebody was quicker" in plain(text)) == (409, True)


def test_why_a_hold_was_canceled_is_said_in_both_languages() -> None:
    """Every reason that the gateway itself cancels or ends a hold for."""
    root, words = Path(__file__).resolve().parents[2] / "gateway", load_words()
    found = {"stop request", "complained", "consent withdrawn", "consent objected", "nobody decided in time"}
    for file in root.rglob("*.py"):
        found |= set(re.findall(r'draft\.cancel\([^()]*(?:\(\))?, "([^"]+)"[,)]', file.read_text("utf-8")))
    assert {"bounced", "restricted", "erased", "no sales, please", "the person asked for it"} <= found
    for reason in found:
        assert all(texts.name("cancelled", reason) != reason for texts in words.values()), reason


async def test_the_policies_are_asked_again_and_their_no_is_told(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    stricter = OFFERS.replace("outcome: hold", "outcome: reject")
    here.line.policies.current = compose({"offers.yaml": stricter})
    status, text = await ada.decide(hold, "release")
    assert (status, await here.status(hold)) == (409, "open")
    marks = re.findall(r' id="([^"]+)"', text)
    assert len(marks) == len(set(marks))
    assert "The policies refuse it today" in plain(text)
    assert "no consent of this person" in plain(text)
    assert (await here.line.store.depths()).outbox == 0


async def test_of_two_at_once_one_stands_and_the_other_is_told(here: Place, ada: Browser) -> None:
    hold = await here.hold()
    async with here.browser() as other:
        await other.sign_in("bruno")
        found = await asyncio.gather(ada.decide(hold, "release"), other.decide(hold, "reject"))
    statuses = sorted(status for status, _ in found)
    assert statuses == [200, 409]
    [told] = [plain(text) for status, text in found if status == 409]
    assert "Somebody was quicker" in told
    assert "Your decision changed nothing" in told
    assert await here.status(hold) in ("released", "rejected")


class TestForms:
    @pytest.mark.parametrize("form", ["", "0" * 32, "é", "x" * 5000])
    async def test_a_forged_token_decides_nothing(self, here: Place, ada: Browser, form: str) -> None:
        hold = await here.hold()
        status, _, _ = await ada.post(f"/console/holds/{hold}/reject", {"form": form, "reason": "x"})
        assert (status, await here.status(hold)) == (403, "open")

    async def test_another_session_s_token_decides_nothing(self, here: Place, ada: Browser) -> None:
        hold = await here.hold()
        async with here.browser() as other:
            await other.sign_in("bruno")
            theirs = await other.form("/console/")
        status, _, _ = await ada.post(f"/console/holds/{hold}/reject", {"form": theirs, "reason": "x"})
        assert (status, await here.status(hold)) == (403, "open")

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    async def test_another_site_decides_nothing(
        self, here: Place, ada: Browser, headers: dict[str, str]
    ) -> None:
        hold, form = await here.hold(), await ada.form("/console/")
        data = {"form": form, "reason": "x"}
        status, _, _ = await ada.post(f"/console/holds/{hold}/reject", data, **headers)
        assert (status, await here.status(hold)) == (403, "open")

    async def test_a_session_that_ended_meanwhile_is_told(self, here: Place, ada: Browser) -> None:
        hold, form = await here.hold(), await ada.form("/console/")
        here.line.clock.now += DAY
        status, text, _ = await ada.post(f"/console/holds/{hold}/reject", {"form": form, "reason": "x"})
        assert (status, await here.status(hold)) == (401, "open")
        assert "Nothing was changed" in plain(text)

    async def test_the_answer_to_a_form_can_be_read_in_another_language(
        self, here: Place, ada: Browser
    ) -> None:
        """What a form posts to answers no link, and a pile is none without its rules."""
        holds = [await here.hold(f"p{n}@example.org") for n in range(3)]
        stored = await here.line.store.hold(holds[0])
        assert stored is not None
        form, pile = await ada.form("/console/"), f"/console/piles/{stored.cluster}"
        posts = {
            f"/console/holds/{holds[0]}/release": {"reason": ""},
            f"/console/holds/{holds[0]}/reject": {"reason": "", "form": "forged"},
            pile: {"codes": stored.codes, "action": "release", "reason": ""},
            "/console/people": {"address": "none"},
            "/console/replies/x/done": {},
        }
        for path, data in posts.items():
            status, text, _ = await ada.post(path, {"form": form} | data)
            assert status >= 400, path
            found = re.search(r'name="back" value="([^"]+)"', text)
            assert found, path
            status, text, _ = await ada.post(
                "/console/look", {"back": html.unescape(found.group(1)), "language": "it"}
            )
            assert (status, '<html lang="it"' in text) == (200, True), path
            if path == pile:
                assert "3 messaggi simili" in plain(text)

    async def test_what_was_written_when_a_session_ended_is_not_lost(self, here: Place, ada: Browser) -> None:
        hold, form = await here.hold(), await ada.form("/console/")
        stored = await here.line.store.hold(hold)
        assert stored is not None
        here.line.clock.now += DAY
        pile = f"/console/piles/{stored.cluster}"
        posts = {
            f"/console/holds/{hold}/release": ({"reason": "<b>a long story"}, f"/console/holds/{hold}"),
            pile: ({"codes": "offers/consent a/b", "leave_out": "<b>a long story"}, f"{pile}?codes=offers"),
        }
        for path, (typed, page) in posts.items():
            status, text, _ = await ada.post(path, {"form": form, **typed})
            assert (status, "&lt;b&gt;a long story</textarea>" in text) == (401, True)
            found = re.search(r'href="([^"]+)">Sign in', text)
            assert found
            _, login = await ada.get(html.unescape(found.group(1)))
            assert f'name="next" value="{page}' in login
            _, text, _ = await ada.post(path, {"form": form, **typed}, Origin="https://evil.example")
            assert "a long story" not in text

    async def test_nothing_is_decided_by_a_link(self, here: Place, ada: Browser) -> None:
        hold = await here.hold()
        status, _ = await ada.get(f"/console/holds/{hold}/release")
        assert (status, await here.status(hold)) == (405, "open")


class TestRoles:
    async def test_an_auditor_sees_and_decides_nothing(self, here: Place) -> None:
        hold = await here.hold()
        async with here.browser() as browser:
            await browser.sign_in("auditor")
            status, text = await browser.get(f"/console/holds/{hold}")
            assert status == 200
            assert "/release" not in text
            status, _ = await browser.decide(hold, "release")
            assert (status, await here.status(hold)) == (403, "open")

    async def test_a_reviewer_does_not_see_people(self, here: Place) -> None:
        subject = KEYS.subject("email", "anna@example.org").hex()
        async with here.browser() as browser:
            await browser.sign_in("reviewer")
            assert (await browser.get("/console/people"))[0] == 403
            assert (await browser.get(f"/console/people/default/{subject}"))[0] == 403
            form = await browser.form("/console/")
            withdraw = f"/console/people/default/{subject}/withdraw"
            data = {"form": form, "action": "withdrawn", "channel": "email", "how": "phone"}
            assert (await browser.post(withdraw, data))[0] == 403
        assert not (await here.line.store.person(("default", bytes.fromhex(subject)))).stops

    async def test_nobody_releases_their_own(self, tmp_path: Path) -> None:
        access = reviewers(own=("elena@acme.example",))
        async with place(tmp_path, access) as here, here.browser() as browser:
            hold = await here.hold()
            await browser.sign_in("bruno")
            status, text = await browser.decide(hold, "release")
            assert (status, await here.status(hold)) == (403, "open")
            assert "ask a colleague" in plain(text)
            await browser.decide(hold, "reject")
            assert await here.status(hold) == "rejected"


class TestFourEyes:
    async def test_two_people_release(self, tmp_path: Path) -> None:
        async with place(tmp_path, four_eyes=True) as here, here.browser() as ada, here.browser() as bruno:
            hold = await here.hold()
            await ada.sign_in()
            await bruno.sign_in("bruno")
            _, text = await ada.decide(hold, "release", "a reader since 2019")
            assert "a second reviewer must agree" in plain(text)
            await ada.decide(hold, "release", "once more")
            assert await here.status(hold) == "open"
            _, text = await bruno.get(f"/console/holds/{hold}")
            assert "compliance proposes" in plain(text)
            await bruno.decide(hold, "release", "I agree")
            assert await here.status(hold) == "released"
            assert ("hold.proposed", hold, "compliance") in await here.audited()

    async def test_a_proposal_is_kept_as_replicas_of_the_version_before_read_it(self, tmp_path: Path) -> None:
        async with place(tmp_path, four_eyes=True) as here:
            hold = await here.hold()
            assert (await here.line.review.release(hold, "ada", "a reader since 2019")).status == "proposed"
            key = b"console/proposal/" + hold.encode()
            [(kept,)] = await here.line.store.few("SELECT answer FROM replays WHERE key = ?", (key,))
            assert set(orjson.loads(kept)) == {"by", "reason", "at"}

    async def test_two_people_see_all_that_is_waived(self, tmp_path: Path) -> None:
        """What was found after a proposal only the second reviewer saw, who then is the first."""
        async with place(tmp_path, four_eyes=True) as here, here.browser() as bruno:
            hold, review = await here.hold(), here.line.review
            await bruno.sign_in("bruno")
            assert (await review.release(hold, "ada", "a reader since 2019")).status == "proposed"
            before = here.line.policies.current
            quiet = policies(tmp_path, ALWAYS_QUIET).policies
            here.line.policies.current = replace(before, policies=(*before.policies, *quiet))
            here.line.clock.now += 60
            status, text = await bruno.decide(hold, "release", "fine")
            assert (status, await here.status(hold)) == (409, "open")
            assert "ada proposes" not in plain(text)
            assert (await review.release(hold, "bruno", "fine")).status == "proposed"
            here.line.clock.now += 60
            assert (await review.release(hold, "ada", "at night, too")).status == "released"
            stored = await here.line.store.hold(hold)
            assert stored is not None
            assert stored.reason == "at night, too (bruno: fine)"

    async def test_who_proposes_from_a_stale_page_has_not_seen_what_was_found_since(
        self, tmp_path: Path
    ) -> None:
        async with place(tmp_path, four_eyes=True) as here, here.browser() as ada, here.browser() as bruno:
            hold, review = await here.hold(), here.line.review
            await ada.sign_in()
            await bruno.sign_in("bruno")
            before = here.line.policies.current
            quiet = policies(tmp_path, ALWAYS_QUIET).policies
            here.line.policies.current = replace(before, policies=(*before.policies, *quiet))
            form = {"form": await ada.form("/console/"), "reason": "they asked for it", "round": "0"}
            await ada.post(f"/console/holds/{hold}/release", form)
            here.line.clock.now += 60
            assert (await review.release(hold, "bruno", "as it was", 0)).status == "open"
            here.line.clock.now += 60
            _, text, _ = await ada.post(f"/console/holds/{hold}/release", form)
            assert "a second reviewer must agree" in plain(text)
            _, text = await bruno.get(f"/console/holds/{hold}")
            assert "compliance proposes" not in plain(text)
            assert (await review.release(hold, "bruno", "at night, too", 1)).status == "proposed"
            assert (await review.release(hold, "compliance", "at night, too", 1)).status == "released"

    async def test_a_pile_too(self, tmp_path: Path) -> None:
        async with place(tmp_path, four_eyes=True) as here, here.browser() as ada, here.browser() as bruno:
            holds = [await here.hold(f"p{n}@example.org") for n in range(3)]
            await ada.sign_in()
            await bruno.sign_in("bruno")
            path = await decide_pile(here, ada, holds[0], "release", (holds[1],), reason="met at the fair")
            hold = await here.line.store.hold(holds[0])
            assert hold is not None
            pile = f"/console/piles/{hold.cluster}?codes={quote_plus(hold.codes)}"
            _, text = await bruno.get(path)
            assert f'href="{pile}"' in text
            assert "Left out: Anna Conti" in plain(text)
            assert "It goes on" not in plain(text)
            _, text = await bruno.get(pile)
            assert f'href="{path}"' in text
            assert "compliance: met at the fair" in plain(text)
            form = await ada.form("/console/")
            assert (await ada.post(f"{path}/agree", {"form": form}))[0] == 403
            assert {await here.status(hold) for hold in holds} == {"open"}
            await bruno.post(f"{path}/agree", {"form": await bruno.form("/console/")})
            await finished(bruno, path)
            assert [await here.status(hold) for hold in holds] == ["released", "open", "released"]
            _, text = await bruno.get(path)
            assert "bruno · compliance: met at the fair" in plain(text)
            assert "It goes on" not in plain(text)
            hold = await here.line.store.hold(holds[0])
            assert hold is not None
            assert (hold.decided_by, hold.reason) == ("bruno", "compliance: met at the fair")


async def test_who_left_the_access_file_counts_for_nothing(tmp_path: Path) -> None:
    access = replace(reviewers(), development=False)
    async with (
        place(tmp_path, access, four_eyes=True) as here,
        here.browser() as ada,
        here.browser() as bruno,
    ):
        holds = [await here.hold(f"p{n}@example.org") for n in range(3)]
        await ada.sign_in()
        await bruno.sign_in("bruno")
        await ada.decide(holds[2], "release", "a reader since 2019")
        path = await decide_pile(here, ada, holds[0], "release", (holds[2],))
        form = await bruno.form("/console/")
        access.reviewers = {"bruno": access.reviewers["bruno"]}
        _, text = await bruno.get(f"/console/holds/{holds[2]}")
        assert "compliance proposes" not in plain(text)
        _, text = await bruno.get("/console/")
        assert f'href="{path}"' not in text
        _, text = await bruno.get(path)
        assert "Whoever proposed this may not decide any more" in plain(text)
        assert f'action="{path}/agree"' not in text
        status, text, _ = await bruno.post(f"{path}/agree", {"form": form})
        assert (status, "does not count any more" in plain(text)) == (409, True)
        task = await here.tasks.find(path.rpartition("/")[2])
        assert task is not None
        await here.tasks.agree(task, "bruno")  # had it been agreed to in that very moment
        text = plain(await finished(bruno, path))
        assert "Stopped: 0 of 2 looked at" in text
        assert "the rest was left as it was" in text
        _, text = await bruno.get(path)
        assert "Look at the rest and decide it anew" in plain(text)
        assert {await here.status(hold) for hold in holds} == {"open"}


async def decide_pile(
    here: Place,
    browser: Browser,
    hold_id: str,
    action: str,
    except_: tuple[str, ...] = (),
    reason: str = "like the others",
) -> str:
    """Decide all that are like a hold; the path of the task."""
    hold = await here.line.store.hold(hold_id)
    assert hold is not None
    data = [
        ("form", await browser.form("/console/")), ("codes", hold.codes), ("seen_at", str(here.line.clock())),
        ("action", action), ("reason", reason), *(("except", hold) for hold in except_),
    ]  # fmt: skip
    status, text, path = await browser.post(f"/console/piles/{hold.cluster}", data)
    assert status == 200, plain(text)
    return path


async def finished(browser: Browser, path: str) -> str:
    """The page of a task once it ended."""
    for _ in range(200):
        _, text = await browser.get(path, **{"HX-Request": "true"})
        if "hx-get" not in text:
            return text
        await asyncio.sleep(0.02)
    raise AssertionError(text)


class TestPiles:
    async def test_what_the_policies_refuse_is_not_called_decided(self, here: Place, ada: Browser) -> None:
        hold, *_ = [await here.hold(f"p{n}@example.org") for n in range(3)]
        stricter = OFFERS.replace("outcome: hold", "outcome: reject")
        here.line.policies.current = compose({"offers.yaml": stricter})
        path = await decide_pile(here, ada, hold, "release")
        text = plain(await finished(ada, path))
        assert "Done: 3 of 3 looked at" in text
        assert "Refused by the policies today 3" in text
        assert "decided" not in text

    async def test_all_but_some(self, here: Place, ada: Browser) -> None:
        holds = [await here.hold(f"p{n}@example.org") for n in range(12)]
        path = await decide_pile(here, ada, holds[0], "release", (holds[3], holds[5]))
        text = plain(await finished(ada, path))
        assert "10" in text
        kept = [hold for hold in holds if await here.status(hold) == "open"]
        assert kept == [holds[3], holds[5]]
        assert sum(kind == "hold.released" for kind, _, _ in await here.audited()) == 10

    async def test_some_by_address(self, here: Place, ada: Browser) -> None:
        holds = [await here.hold(f"p{n}@example.org") for n in range(6)]
        hold = await here.line.store.hold(holds[0])
        assert hold is not None
        data = {
            "form": await ada.form("/console/"), "codes": hold.codes, "seen_at": str(here.line.clock()),
            "action": "release", "reason": "like the others",
            "leave_out": "P2@example.org\n\n nobody@example.org",
        }  # fmt: skip
        status, text, _ = await ada.post(f"/console/piles/{hold.cluster}", data)
        assert status == 409
        assert "none of these is for nobody@example.org" in plain(text)
        assert {await here.status(hold_id) for hold_id in holds} == {"open"}
        long = "\r\n".join(f"https://www.linkedin.com/in/a-long-name-{n:08}" for n in range(500))
        status, text, _ = await ada.post(f"/console/piles/{hold.cluster}", data | {"leave_out": long})
        assert (status, "none of these is for" in plain(text)) == (409, True)
        data["leave_out"] = "P2@example.org"
        status, _, path = await ada.post(f"/console/piles/{hold.cluster}", data)
        assert status == 200
        await finished(ada, path)
        assert [await here.status(hold_id) for hold_id in holds].count("released") == 5
        assert await here.status(holds[2]) == "open"

    async def test_what_was_held_after_the_page_was_made_stays(self, here: Place, ada: Browser) -> None:
        first = await here.hold("p1@example.org")
        seen = here.line.clock()
        here.line.clock.now += 5
        later = await here.hold("p2@example.org")
        here.line.clock.now = seen
        path = await decide_pile(here, ada, first, "reject")
        here.line.clock.now += 5
        await finished(ada, path)
        assert [await here.status(first), await here.status(later)] == ["rejected", "open"]

    async def test_a_task_whose_process_went_away_goes_on(self, here: Place, ada: Browser) -> None:
        from dataclasses import asdict, replace

        from gateway.console.notes import Keep, Note
        from gateway.review.tasks import PREFIX, Task

        holds = [await here.hold(f"p{n}@example.org") for n in range(6)]
        hold = await here.line.store.hold(holds[0])
        assert hold is not None
        for done in holds[:2]:
            await here.line.review.reject(done, "compliance", "like the others")
        now = here.line.clock()
        task = Task(
            id="0" * 26, action="reject", cluster=hold.cluster, codes=hold.codes, reason="like the others",
            actor="compliance", seen_at=now, total=6, decided=1, cursor=holds[0], started_at=now,
            lease_until=now - 1,
        )  # fmt: skip
        note = Note(key=PREFIX + task.id.encode(), said=asdict(replace(task)), expires_at=now + 999)
        await here.line.store.run(Keep([note]))
        text = plain(await finished(ada, f"/console/tasks/{task.id}"))
        assert "6 of 6" in text
        assert {await here.status(hold) for hold in holds} == {"rejected"}

    @pytest.mark.parametrize(
        "path", ["/console/piles/zz?codes=x", "/console/piles/00?codes=%27", "/console/tasks/x"]
    )
    async def test_a_pile_that_is_not_there(self, ada: Browser, path: str) -> None:
        status, text = await ada.get(path)
        assert status == 404
        assert "no longer here" in plain(text)


def test_what_words_show_is_said_in_the_reviewers_language() -> None:
    words = load_words()
    assert words["en"].shows("sent to 72 others") == "sent to 72 others"
    assert words["it"].shows("sent to 72 others") == "inviato ad altri 72"
    assert words["it"].shows("merge tag") == "segnaposto non compilato"
    assert words["it"].shows("promotional: offer") == "vende qualcosa (offer)"


async def test_a_pause_is_told_on_every_page_and_a_release_waits_for_its_end(
    here: Place, ada: Browser
) -> None:
    hold = await here.hold()
    store = here.line.store
    await pause(store, "source", "development", "default", "cli:ada", "a wrong list")
    await pause(store, "campaign", "<b>autumn</b>", "default", "cli:ada")
    await look(store)
    for path in ("/console/", "/console/overview", "/console/policies"):
        _, text = await ada.get(path)
        assert "Paused: source development since" in plain(text), path
        assert "Paused: campaign &lt;b&gt;autumn&lt;/b&gt; (default) since" in text
    _, text = await ada.get("/console/", Cookie="galateo_language=it")
    assert "In pausa: fonte development dal" in plain(text)
    status, text = await ada.decide(hold, "release")
    assert (status, await here.status(hold)) == (409, "open")
    assert "It is not released yet: a pause keeps it." in plain(text)
    assert "Waits for: the end of a pause." in plain(text)
    await resume(store, "source", "development", "default", "cli:ada")
    await look(store)
    await Pausing(store, here.line.review, here.line.metrics.paused).wake()
    assert await here.status(hold) == "released"
    _, text = await ada.get("/console/")
    assert "Paused: source" not in plain(text)
