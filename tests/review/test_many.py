"""Many holds decided at once: each for itself, from readings as they were stored, and never twice."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec import structs

from gateway.access import Access, Reviewer, development_access
from gateway.console import roles as console_roles
from gateway.intake.consents import ConsentInput
from gateway.intake.held import held_key, kept_reading
from gateway.intake.rebuild import rebuild
from gateway.ops import roles as ops_roles
from gateway.review import AlreadyDecided, OwnMessage, Review, Task, Tasks
from gateway.review.tasks import LEASE, PREFIX
from gateway.store.records import HoldRow
from tests.line import DAY, KEYS, Line, consent, line, reader, shipped

TEXT = """Ciao {0},

il corso di scrittura comincia lunedì nella sala grande della biblioteca civica.

Solo oggi sconto del 30% su tutti i corsi: acquista ora il tuo posto in prima fila!
"""


async def hold_many(built: Line, count: int, **given: Any) -> list[HoldRow]:
    """Hold a pitch to each of some people that we know; the holds, oldest first."""
    given = {"class_": "newsletter", "purpose": "newsletter", "campaign": "spring"} | given
    people = [f"p{n}@example.org" for n in range(count)]
    now = built.clock()
    await built.consents.record([single_opt_in(to, now) for to in people], "test")
    receipts = await asyncio.gather(
        *(
            built.submit(
                to=to, name=f"Anna{n}", text=TEXT.format(f"Anna{n}"), list_unsubscribe="<https://x.example/u>",
                list_unsubscribe_post="List-Unsubscribe=One-Click", **given,
            )
            for n, to in enumerate(people)
        )
    )  # fmt: skip
    ids = [receipt.recipients[0].hold_id for receipt in receipts]
    assert all(ids), [receipt.status for receipt in receipts][:3]
    found = [await built.store.hold(hold_id) for hold_id in ids]
    return [hold for hold in found if hold is not None]


def single_opt_in(address: str, now: float) -> ConsentInput:
    """A consent that Italian law does not think enough of: what it asks for is held."""
    proof = {"wording": "Yes", "form_url": "https://example.com/f", "ip": "192.0.2.1"}
    return structs.replace(consent(address, now=now, action="granted"), proof=proof, imported=False)


async def statuses(built: Line, holds: list[HoldRow]) -> dict[str, int]:
    found: dict[str, int] = {}
    for hold in holds:
        now = await built.store.hold(hold.id)
        assert now is not None
        found[now.status] = found.get(now.status, 0) + 1
    return found


async def start(tasks: Tasks, like: HoldRow, **given: Any) -> Task:
    given = {"action": "release", "reason": "they asked", "actor": "ada"} | given
    given.setdefault("seen_at", like.created_at)
    return await tasks.start(cluster=like.cluster, codes=like.codes, **given)


async def ended(tasks: Tasks, task: Task) -> Task:
    for _ in range(500):
        now = await tasks.find(task.id)
        assert now is not None
        if now.state in ("ended", "stopped"):
            return now
        await asyncio.sleep(0.02)
    raise AssertionError("it did not end")


NOBODYS = Task(id="", action="reject", cluster="0", codes="x", reason="r", actor="a", seen_at=1.0)


class TestReadings:
    async def test_a_stored_reading_is_the_reading(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            [hold] = await hold_many(built, 1)
            found = await built.store.message(hold.message_id)
            assert found is not None
            again = reader().read(rebuild(*found).content)
            [(kept,)] = await built.store.rows(
                "SELECT answer FROM replays WHERE key = ?", (held_key(hold.message_id),)
            )
            lexicons = built.policies.current.lexicons
            stored = kept_reading(found[0].reading, bytes(kept), lexicons)
            assert stored is not None
            assert stored.phrases == again.phrases
            assert stored.phrases
            assert {p.hash for p in stored.phrases} != {0}
            assert (stored.promotional, stored.pressure) == (again.promotional, again.pressure)
            assert kept_reading(found[0].reading, bytes(kept), lexicons + "x") is None
            assert kept_reading(found[0].reading, bytes(kept)[:-8], lexicons) is None
            assert kept_reading(found[0].reading, b"", lexicons) is None

    async def test_without_it_the_text_is_read_again(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            holds = await hold_many(built, 3)
            built.policies.current = replace(
                shipped(), texts={**shipped().texts, "lexicons/it.yaml": "another"}, version="another"
            )
            assert await built.review.release_all(holds, "ada", "fine") == ["released"] * 3
            rows = await built.store.rows("SELECT hashes FROM fingerprints")
            assert rows


async def test_each_is_decided_for_itself(tmp_path: Path) -> None:
    async with line(tmp_path, shipped()) as built:
        holds = await hold_many(built, 40)
        await built.review.reject(holds[3].id, "bruno", "not her")
        subject = KEYS.subject("email", "p5@example.org")
        await built.consent("p6@example.org", action="withdrawn", purpose="")
        assert holds[5].subject == subject
        words = await built.review.release_all(holds, "ada", "they asked")
        assert [words[3], words[6]] == ["gone", "gone"]
        assert words.count("released") == 38
        assert await statuses(built, holds) == {"released": 38, "rejected": 1, "cancelled": 1}
        assert (await built.store.depths()).outbox == 38
        assert await built.review.release_all(holds, "ada", "again") == ["gone"] * 40
        assert (await built.store.depths()).outbox == 38


async def test_nobody_releases_their_own(tmp_path: Path) -> None:
    own = Reviewer(name="ada", role="admin", own=("elena@acme.example",))
    access = replace(development_access(), reviewers={"ada": own})
    async with line(tmp_path, shipped(), access=access) as built:
        [hold] = await hold_many(built, 1)
        with pytest.raises(OwnMessage):
            await built.review.release(hold.id, "ada", "mine")
        assert await built.review.release_all([hold], "ada", "mine") == ["own"]
        tasks = Tasks(built.store, built.review, built.clock)
        done = await ended(tasks, await start(tasks, hold))
        assert (done.own, done.decided, done.done) == (1, 0, 1)
        assert await statuses(built, [hold]) == {"open": 1}


async def test_nobody_proposes_the_release_of_their_own_among_many(tmp_path: Path) -> None:
    people = (
        Reviewer(name="ada", role="admin", own=("elena@acme.example",)),
        Reviewer(name="bruno", role="admin"),
    )
    access = replace(development_access(), reviewers={one.name: one for one in people})
    async with line(tmp_path, shipped(), access=access) as built:
        holds = await hold_many(built, 2)
        tasks = Tasks(built.store, built.review, built.clock)
        proposed = await start(tasks, holds[0], actor="ada", propose=True)
        done = await ended(tasks, await tasks.agree(proposed, "bruno"))
        assert (done.own, done.decided, done.done) == (2, 0, 2)
        assert await statuses(built, holds) == {"open": 2}


def listing(*names: str, **given: Any) -> Access:
    """An access file with these reviewers."""
    people = {name: Reviewer(name=name, **given) for name in names}
    return replace(development_access(), development=False, reviewers=people)


class TestWhoLeftTheAccessFile:
    async def test_their_pile_stops(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.review.tasks.STEP", 8)
        access = listing("ada", "bruno", own=("elena@acme.example",))
        async with line(tmp_path, shipped(), access=access) as built:
            holds = await hold_many(built, 100)
            tasks = Tasks(built.store, built.review, built.clock)
            task = await start(tasks, holds[0], action="reject")
            for _ in range(100_000):
                if (await statuses(built, holds[:1])).get("rejected"):
                    break
                await asyncio.sleep(0)
            access.adopt(listing("bruno"))
            done = await ended(tasks, task)
            assert (done.state, done.gone) == ("stopped", 0)
            found = await statuses(built, holds)
            assert found["rejected"] == done.decided
            assert found["open"] == 100 - done.decided > 0
            [(kind,)] = await built.store.rows("SELECT kind FROM audit WHERE kind LIKE 'cluster.%ed'")
            assert kind == "cluster.stopped"

    async def test_what_they_began_elsewhere_is_not_gone_on_with(self, tmp_path: Path) -> None:
        """Nor their own messages released by it: nobody knows any more which those are."""
        access = listing("ada", own=("elena@acme.example",))
        async with line(tmp_path, shipped(), access=access) as built:
            holds = await hold_many(built, 3)
            tasks = Tasks(built.store, built.review, built.clock)
            task = await start(tasks, holds[0])
            access.adopt(listing("bruno"))
            assert (await ended(tasks, task)).state == "stopped"
            assert await built.review.release_all(holds, "ada", "mine") == []
            assert await built.review.reject_all(holds, "ada", "mine") == []
            assert await built.review.release_all(holds, "bruno", "hers", proposed_by="ada") == []
            assert await statuses(built, holds) == {"open": 3}

    @pytest.mark.parametrize("now", [listing("bruno"), replace(listing("bruno"), reviewers={
        "bruno": Reviewer(name="bruno"), "ada": Reviewer(name="ada", role="auditor")})])  # fmt: skip
    async def test_their_proposal_of_a_pile_does_not_count(self, tmp_path: Path, now: Access) -> None:
        access = listing("ada", "bruno")
        async with line(tmp_path, shipped(), access=access) as built:
            holds = await hold_many(built, 3)
            tasks = Tasks(built.store, built.review, built.clock)
            task = await start(tasks, holds[0], propose=True)
            assert tasks.stands(task)
            access.adopt(now)
            assert not tasks.stands(task)
            await tasks.agree(task, "bruno")
            assert (await ended(tasks, task)).state == "stopped"
            assert await statuses(built, holds) == {"open": 3}

    async def test_their_proposal_is_asked_anew(self, tmp_path: Path) -> None:
        access = listing("ada", "bruno", "carla")
        async with line(tmp_path, shipped(), access=access) as built:
            built.review.four_eyes = True
            [hold] = await hold_many(built, 1)
            assert (await built.review.release(hold.id, "ada", "fine")).status == "proposed"
            access.adopt(listing("bruno", "carla"))
            assert (await built.review.release(hold.id, "bruno", "fine")).status == "proposed"
            assert (await built.review.release(hold.id, "carla", "yes")).status == "released"
            after = await built.store.hold(hold.id)
            assert after is not None
            assert after.reason == "yes (bruno: fine)"

    async def test_who_proposes_by_command_need_not_be_listed(self, tmp_path: Path) -> None:
        access = listing("ada")
        async with line(tmp_path, shipped(), access=access) as built:
            built.review.four_eyes = True
            [hold] = await hold_many(built, 1)
            command = Review(
                built.store, reader(), built.policies, access, KEYS, four_eyes=True, elsewhere=True
            )
            assert (await command.release(hold.id, "root", "fine")).status == "proposed"
            [(kept,)] = await built.store.rows("SELECT answer FROM replays WHERE key >= ? AND key < ?", KEPT)
            assert set(orjson.loads(kept)) == {"by", "reason", "at"}  # an older process refuses other names
            assert (await built.review.release(hold.id, "ada", "yes")).status == "released"


def test_who_may_decide_by_the_access_file_may_by_console_and_api() -> None:
    for role in console_roles.ALLOWED.keys() | ops_roles.ALLOWED.keys():
        who = Reviewer(name="ada", role=role)
        assert who.decides == console_roles.may(who, console_roles.DECIDE_HOLDS)
        assert who.decides == (ops_roles.DECIDE_HOLDS in ops_roles.ALLOWED[role])


KEPT = (b"console/proposal/", b"console/proposal0")


class TestTasks:
    async def test_what_a_process_left_another_goes_on_with(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            holds = await hold_many(built, 300)
            gone = Tasks(built.store, built.review, built.clock)
            task = await start(gone, holds[0], except_=(holds[7].id,))
            assert task.total == 299
            for _ in range(1000):
                if (await statuses(built, holds)).get("released"):
                    break
                await asyncio.sleep(0)
            gone._owner = "killed: it lets go of nothing"
            await gone.stop()
            next_ = Tasks(built.store, built.review, built.clock)
            await next_.resume()
            built.clock.now += LEASE + 1
            await next_.resume()
            done = await ended(next_, task)
            assert (done.decided, done.done) == (299, 299)
            assert await statuses(built, holds) == {"released": 299, "open": 1}
            assert (await built.store.depths()).outbox == 299

    async def test_reviewers_named_by_their_addresses_are_both_kept(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            [hold] = await hold_many(built, 1)
            tasks = Tasks(built.store, built.review, built.clock)
            reason = "p@example.org asked"
            task = await start(tasks, hold, actor="ada@acme.example", reason=reason, propose=True)
            await ended(tasks, await tasks.agree(task, "bo@acme.example"))
            after = await built.store.hold(hold.id)
            assert after is not None
            assert (after.decided_by, after.reason) == ("bo@acme.example", "ada@acme.example: … asked")

    async def test_a_graceful_stop_leaves_it_to_whoever_starts_next(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            holds = await hold_many(built, 300)
            first = Tasks(built.store, built.review, built.clock)
            task = await start(first, holds[0], action="reject", reason="no")
            await asyncio.sleep(0.01)
            await first.stop()
            next_ = Tasks(built.store, built.review, built.clock)
            await next_.resume()
            done = await ended(next_, task)
            assert (done.decided, done.done) == (300, 300)

    async def test_two_processes_do_not_share_one(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            holds = await hold_many(built, 300)
            one, other = (Tasks(built.store, built.review, built.clock) for _ in range(2))
            task = await start(one, holds[0])
            built.clock.now += LEASE + 1
            await asyncio.gather(one.resume(), other.resume(), other.resume())
            done = await ended(other, task)
            await asyncio.gather(one.stop(), other.stop())
            assert done.done == 300
            assert await statuses(built, holds) == {"released": 300}
            released = await built.store.rows("SELECT count(*) FROM audit WHERE kind = 'hold.released'")
            assert released == [(300,)]

    async def test_of_two_who_agree_one_begins(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            holds = await hold_many(built, 5)
            tasks = Tasks(built.store, built.review, built.clock)
            task = await start(tasks, holds[0], propose=True)
            await asyncio.gather(tasks.agree(task, "bruno"), tasks.agree(task, "carla"))
            await ended(tasks, task)
            begun = await built.store.rows("SELECT count(*) FROM audit WHERE kind = 'cluster.release'")
            assert begun == [(1,)]

    async def test_a_task_kept_by_an_older_version_is_read(self, tmp_path: Path) -> None:
        async with line(tmp_path, shipped()) as built:
            said: dict[str, Any] = {
                "id": "0" * 26, "action": "reject", "cluster": "0", "codes": "x", "reason": "r", "actor": "a",
                "seen_at": 1.0, "except_": [], "started_at": 1.0, "lease_until": 0.0, "total": 3,
            }  # fmt: skip
            from gateway.console.notes import Keep, Note

            key, until = PREFIX + b"0" * 26, built.clock() + DAY
            await built.store.run(Keep([Note(key=key, said=said, expires_at=until)]))
            tasks = Tasks(built.store, built.review, built.clock)
            await tasks.resume()
            done = await ended(tasks, replace(NOBODYS, id=said["id"]))
            assert (done.gone, done.done) == (3, 3)


async def test_a_hold_past_its_end_is_not_released_before_the_sweep_either(tmp_path: Path) -> None:
    async with line(tmp_path, shipped()) as built:
        first, second = await hold_many(built, 2)
        built.clock.now = first.expires_at
        with pytest.raises(AlreadyDecided, match="already expired by gateway"):
            await built.review.release(first.id, "ada", "yes")
        assert await built.review.release_all([second], "ada", "yes") == ["gone"]
        assert (await built.store.depths()).outbox == 0
        assert len(await built.review.sweep(built.clock.now)) == 2
        assert await statuses(built, [first, second]) == {"expired": 2}


async def test_who_comes_too_late_hears_who_was_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejected by another while this release reads its text: the text is gone, the hold is not."""
    async with line(tmp_path, shipped()) as built:
        hold = (await hold_many(built, 1))[0]
        cases = built.review._cases
        load = cases.load

        async def late(holds: list[HoldRow], seen: int | None) -> Any:
            await built.review.reject(hold.id, "bruno", "no")
            return await load(holds, seen)

        monkeypatch.setattr(cases, "load", late)
        with pytest.raises(AlreadyDecided, match="already rejected by bruno"):
            await built.review.release(hold.id, "ada", "yes")
