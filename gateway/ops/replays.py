"""`/api/v1/replay`: a draft of policies tried on the past."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from aiohttp import web

from gateway.evidence.replaying import as_csv, as_json
from gateway.evidence.trial import Busy, Failed, Trials, changed
from gateway.ops.desk import Desk, answer
from gateway.ops.evidence_models import Draft, seconds_of
from gateway.ops.roles import TRY_POLICIES
from gateway.policy.document import PolicyErrors
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Words
from gateway.policy.policies import PolicySet
from gateway.web.problem import Fault, Problem
from gateway.web.strict_json import escape

log = logging.getLogger(__name__)

SHOWN = 20
_DRAFT = Words(
    "These policies do not load; nothing was tried. Each fault names its file and line.",
    "Queste policy non si caricano; nulla è stato provato. Ogni errore nomina file e riga.",
)
_BUSY = Words(
    "Another draft is being tried. Ask again in a few seconds.",
    "Un'altra bozza è in prova. Riprovare fra qualche secondo.",
)
_FAILED = Words(
    "The process that tried the draft ended early. Ask for fewer decisions, or use `galateo replay`.",
    "Il processo che provava la bozza è terminato. Chiedere meno decisioni, o usare `galateo replay`.",
)


class Replays:
    """The handler, with what it needs."""

    def __init__(
        self, desk: Desk, trials: Trials, policies: LivePolicies, clock: Callable[[], float]
    ) -> None:
        self._desk = desk
        self._trials = trials
        self._policies = policies
        self._clock = clock

    async def run(self, request: web.Request) -> web.Response:
        """What the draft would have changed; as CSV where that is asked for."""
        reviewer = await self._desk.admit(request, TRY_POLICIES)
        asked = await self._desk.read(request, Draft)
        current, now = self._policies.current, self._clock()
        base = PolicySet() if asked.whole else current
        try:
            tried = await self._trials.run(
                changed(base, asked.policies),
                now - seconds_of(asked.since),
                now + 1,
                observing=current.observing,
                keep=asked.samples,
                most=asked.most,
            )
        except PolicyErrors as error:
            raise Problem("malformed", _DRAFT, faults=_faults(error)) from None
        except Busy:
            raise Problem("too-many-requests", _BUSY, headers={"Retry-After": "5"}) from None
        except Failed:
            raise Problem("unavailable", _FAILED, headers={"Retry-After": "5"}) from None
        log.info("policies.tried", extra={"reviewer": reviewer.name, "decided": tried.changes.decided})
        if request.headers.get("Accept", "").partition(",")[0].strip().startswith("text/csv"):
            return web.Response(
                text=await asyncio.to_thread(as_csv, tried.changes), content_type="text/csv", charset="utf-8"
            )
        told: Mapping[str, object] = as_json(tried.changes)
        return answer(request, {**told, "total": tried.total, "complete": tried.complete})


def _faults(error: PolicyErrors) -> list[Fault]:
    found = []
    for problem in error.problems[:SHOWN]:
        said = f"{problem.file}:{problem.line}: {problem.text}" + (
            f" ({problem.suggestion})" if problem.suggestion else ""
        )
        found.append(Fault(f"#/policies/{escape(problem.file)}", Words(said, said)))
    return found
