"""The holds: the list, one of them, many of them at once."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from gateway.console import preview
from gateway.console.desk import Desk, Turned, Visit, go_to
from gateway.console.dossier import gather
from gateway.console.excerpts import excerpts, plain
from gateway.console.marks import compare, mark
from gateway.console.piles import AGES, Filter, Pile, find_pile, holds_of, list_piles, members
from gateway.console.replies import waiting_replies
from gateway.console.roles import DECIDE_HOLDS
from gateway.console.verdicts import Outcome, Verdicts
from gateway.intake.rebuild import rebuild
from gateway.message.address import without_addresses
from gateway.message.envelope import CHANNELS, CLASSES
from gateway.policy.live import LivePolicies
from gateway.reading.read import Reader
from gateway.review import LONGEST_REASON, Task, Tasks, find_proposal, is_own, stands_since
from gateway.store.pauses import ALONE
from gateway.store.protocol import Store
from gateway.store.records import HoldRow

_ID = re.compile(r"[0-9a-z]{26}-[0-9]{1,6}\Z")
_TASK = re.compile(r"[0-9a-z]{26}\Z")
_ROUND = re.compile(r"[0-9]{1,6}\Z", re.ASCII)
_CLUSTER = re.compile(r"[0-9a-f]{1,64}\Z")
MANY = 99
"""Replies that matched nothing are counted up to here."""
SHOWN = 400
"""Members of a pile that are listed, to leave some of them out."""
MOST_NAMED = 500
"""People who may be left out by address."""


@dataclass(frozen=True, slots=True)
class Sla:
    """How long a hold may wait: the clock of one hold at a moment."""

    seconds: float

    def left(self, since: float, now: float) -> float:
        """Seconds left, below zero when it is late."""
        return since + self.seconds - now

    def level(self, since: float, now: float) -> str:
        """fine, soon (less than a quarter is left) or late."""
        left = self.left(since, now)
        return "late" if left < 0 else "soon" if left < self.seconds / 4 else "fine"


class Holds:
    """The handlers, with what they need."""

    def __init__(
        self,
        desk: Desk,
        store: Store,
        reader: Reader,
        policies: LivePolicies,
        verdicts: Verdicts,
        tasks: Tasks,
        sla: Sla,
        subject: Callable[[str, str], bytes],
    ) -> None:
        self._desk = desk
        self._store = store
        self._reader = reader
        self._policies = policies
        self._verdicts = verdicts
        self._tasks = tasks
        self._sla = sla
        self._subject = subject

    async def index(self, visit: Visit) -> web.Response:
        """What waits, like holds together, oldest first."""
        wanted = Filter.read(visit.request.query)
        listed = await list_piles(self._store, wanted, self._desk.clock())
        return visit.show(
            "holds.html",
            wanted=wanted,
            listed=listed,
            sla=self._sla,
            replies=await waiting_replies(self._store, self._desk.clock(), most=MANY),
            many=MANY,
            tasks=[t for t in await self._tasks.latest(limit=5) if self._matters(t)],
            rules=sorted(
                {f"{e.policy}/{e.name}" for p in self._policies.current.policies for e in p.entries}
            ),
            sources=sorted(self._desk.access.sources),
            controllers=sorted(self._desk.access.controllers),
            channels=CHANNELS,
            classes=CLASSES,
            ages=list(AGES),
        )

    async def show(self, visit: Visit, problem: str = "", **given: object) -> web.Response:
        """One hold with everything that it takes to decide."""
        hold = await self._hold(visit)
        dossier = await gather(self._store, self._reader, hold)
        text = dossier.page.text
        subject = dossier.message.content.subject if dossier.message else ""
        await self._desk.note("hold.viewed", hold.id, visit.name)
        told = dossier.told
        since = stands_since(told, told[-1][1]) if told else hold.created_at
        return visit.show(
            "hold.html",
            status=409 if problem else 200,
            d=dossier,
            hold=hold,
            body=mark(text, dossier.violations),
            subject=mark(subject, dossier.violations, "subject"),
            changes=compare(dossier.other[1], text) if dossier.other else [],
            sla=self._sla,
            alone=ALONE,
            own=is_own(visit.session.reviewer, hold.source, hold.sender),
            proposal=await find_proposal(self._store, self._desk.access, self._desk.clock, hold.id, since)
            if hold.status == "open"
            else None,
            four_eyes=self._verdicts.four_eyes,
            deciding=visit.may(DECIDE_HOLDS),
            problem=problem,
            said=visit.form.get("reason"),
            given=given,
        )

    async def preview(self, visit: Visit) -> web.Response:
        """The message as its recipient would see it, for a sandboxed frame."""
        hold = await self._hold(visit)
        found = await self._store.message(hold.message_id)
        content = rebuild(*found).content if found else None
        return preview.show(content.html, content.text) if content else preview.show("", "")

    async def release(self, visit: Visit) -> web.Response:
        """Ask the policies again and send, unless they refuse."""
        hold = await self._hold(visit)
        if is_own(visit.session.reviewer, hold.source, hold.sender):
            raise Turned("own", 403)
        reason = _reason(visit)
        if not reason:
            return await self.show(visit, "reason")
        outcome = await self._verdicts.release(hold, visit.name, reason, _seen(visit))
        return await self._tell(visit, hold, outcome, "released")

    async def reject(self, visit: Visit) -> web.Response:
        """Never send it."""
        hold = await self._hold(visit)
        reason = _reason(visit)
        if not reason:
            return await self.show(visit, "reason")
        return await self._tell(
            visit, hold, await self._verdicts.reject(hold, visit.name, reason), "rejected"
        )

    async def _tell(self, visit: Visit, hold: HoldRow, outcome: Outcome, asked: str) -> web.Response:
        word, after = outcome.word, outcome.hold
        if after is not None and (after.decided_by, after.status) == (visit.name, asked):
            word = asked  # said twice: a second press of the button found the first one done
        if word in ("released", "rejected", "proposed"):
            return go_to(f"/console/?{word}={hold.id}")
        if word == "gone":
            raise Turned("gone", 404)
        return await self.show(visit, word, outcome=outcome)

    async def pile(self, visit: Visit, problem: str = "", unknown: Sequence[str] = ()) -> web.Response:
        """Like holds, with a sample and all of them listed."""
        cluster, codes = visit.request.match_info["cluster"], _codes(visit)
        found = await find_pile(self._store, cluster, codes) if _CLUSTER.match(cluster) else None
        if found is None:
            raise Turned("gone", 404)
        hold = await self._store.hold(found.oldest)
        if hold is None:
            raise Turned("gone", 404)
        dossier = await gather(self._store, self._reader, hold)
        await self._desk.note("cluster.viewed", cluster, visit.name)
        return visit.show(
            "pile.html",
            status=409 if problem else 200,
            pile=found,
            d=dossier,
            hold=hold,
            members=await members(self._store, found, SHOWN),
            proposed=[
                task
                for task in await self._tasks.latest()
                if (task.state, task.cluster, task.codes) == ("proposed", cluster, codes)
                and self._tasks.stands(task)
            ],
            body=mark(dossier.page.text, dossier.violations),
            sla=self._sla,
            own=is_own(visit.session.reviewer, hold.source, hold.sender),
            four_eyes=self._verdicts.four_eyes,
            deciding=visit.may(DECIDE_HOLDS),
            problem=problem,
            unknown=[plain(line)[:100] for line in unknown[:10]],
            leave_out=visit.form.get("leave_out"),
            chosen=visit.form.all("except"),
            said=visit.form.get("reason"),
        )

    async def decide_pile(self, visit: Visit) -> web.Response:
        """Release or reject like holds, except some."""
        cluster, codes = visit.request.match_info["cluster"], _codes(visit)
        pile = await find_pile(self._store, cluster, codes) if _CLUSTER.match(cluster) else None
        if pile is None:
            raise Turned("gone", 404)
        action = visit.form.get("action")
        if action == "look":
            return await self.pile(visit)
        if action not in ("release", "reject"):
            raise Turned("bad_form", 400)
        hold = await self._store.hold(pile.oldest)
        own = hold is None or is_own(visit.session.reviewer, hold.source, hold.sender)
        if action == "release" and own:
            raise Turned("own", 403)
        reason = _reason(visit)
        if not reason:
            return await self.pile(visit, "reason")
        except_ = [hold_id for hold_id in visit.form.all("except") if _ID.match(hold_id)]
        named, unknown = await self._named(visit, pile)
        if unknown:
            return await self.pile(visit, "unknown", unknown)
        task = await self._tasks.start(
            action=action,
            cluster=cluster,
            codes=codes,
            reason=reason,
            actor=visit.name,
            seen_at=_seen_at(visit, self._desk.clock()),
            except_=(*except_, *named),
            propose=action == "release" and self._verdicts.four_eyes,
        )
        return go_to(f"/console/tasks/{task.id}")

    async def _named(self, visit: Visit, pile: Pile) -> tuple[list[str], list[str]]:
        """The holds for people who are left out by address, and the addresses that none is for."""
        lines = [line.strip() for line in visit.form.get("leave_out").splitlines()]
        asked = {line: self._subject(pile.channel, line) for line in lines[:MOST_NAMED] if line}
        found = await holds_of(self._store, pile, asked.values())
        unknown = [line for line, subject in asked.items() if subject not in found]
        return [hold_id for ids in found.values() for hold_id in ids], unknown + lines[MOST_NAMED:]

    async def task(self, visit: Visit) -> web.Response:
        """How far a decision for many has come; only the bar of it for the page that asks again."""
        task_id = visit.request.match_info["id"]
        task = await self._tasks.find(task_id) if _TASK.match(task_id) else None
        if task is None:
            raise Turned("gone", 404)
        if "HX-Request" in visit.request.headers:
            return visit.show("progress.html", task=task)
        waits = task.state == "proposed"
        return visit.show(
            "task.html",
            task=task,
            lapsed=waits and not self._tasks.stands(task),
            pile=f"/console/piles/{task.cluster}?{urlencode({'codes': task.codes})}",
            left_out=await excerpts(self._store, task.except_[:SHOWN], 0) if waits else {},
        )

    def _matters(self, task: Task) -> bool:
        """Whether it is under way, or waits for somebody to agree."""
        return task.state == "running" or (task.state == "proposed" and self._tasks.stands(task))

    async def agree(self, visit: Visit) -> web.Response:
        """A second reviewer agrees to what the first proposed for many."""
        task_id = visit.request.match_info["id"]
        task = await self._tasks.find(task_id) if _TASK.match(task_id) else None
        if task is None:
            raise Turned("gone", 404)
        if task.state == "proposed":
            if task.proposed_by == visit.name:
                raise Turned("same_eyes", 403)
            if not self._tasks.stands(task):
                raise Turned("lapsed", 409)
            await self._tasks.agree(task, visit.name)
        return go_to(f"/console/tasks/{task.id}")

    async def _hold(self, visit: Visit) -> HoldRow:
        hold_id = visit.request.match_info["id"]
        hold = await self._store.hold(hold_id) if _ID.match(hold_id) else None
        if hold is None:
            raise Turned("gone", 404)
        return hold


def _reason(visit: Visit) -> str:
    """Why, in the reviewer's words: what does not show is taken out, and so are addresses."""
    text = visit.form.get("reason")[:LONGEST_REASON]
    return without_addresses("".join(c if c.isprintable() else " " for c in text).strip())


def _seen(visit: Visit) -> int | None:
    """Which round of decisions the page showed; None where it does not say."""
    said = visit.form.get("round")
    return int(said) if _ROUND.match(said) else None


def _codes(visit: Visit) -> str:
    return (visit.form.get("codes") or visit.request.query.get("codes", ""))[:2000]


def _seen_at(visit: Visit, now: float) -> float:
    """When the page with the pile was made: what was held since is not part of the verdict."""
    try:
        return min(float(visit.form.get("seen_at")), now)
    except ValueError:
        return 0.0
