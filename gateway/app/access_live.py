"""The access file of a gateway that serves: what it says is taken up while messages go on, or refused as
a whole."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from gateway.access import Access, AccessError
from gateway.app.access_file import read_access_file, upstreams_of
from gateway.app.access_watch import AccessWatch
from gateway.app.delivering import hearing
from gateway.app.parts import Parts
from gateway.delivery.announcer import Announcer, Endpoint, endpoints_of
from gateway.delivery.echo import Echo, Echoes, echoes_of
from gateway.delivery.endings import Endings
from gateway.delivery.setup import change_worker, make_wishes
from gateway.delivery.upstream import UpstreamTarget
from gateway.delivery.worker import Worker
from gateway.intake.gate import GatedOutbox

log = logging.getLogger(__name__)

KEPT = "the access file cannot be used, so what it said before stays in force"
GONE = "it cannot be read, or is empty"
NOBODY = "it names nobody any more; restart the gateway to run without anybody"
BROKEN = "it could not be read through; the log says where that stopped (access.broken)"
BARE = (
    "a controller left the access file: what still waits in its name is judged by the strictest rules;"
    " put it back if that was not meant"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reading of the file that can be taken up: nothing in it can fail any more."""

    access: Access
    upstreams: dict[str, UpstreamTarget]
    endpoints: tuple[Endpoint, ...]
    echoes: dict[str, Echo]


class LiveAccess:
    """Keeps the one `Access`, which everybody asks, at what the file says, and tells those few who have made
    something of it."""

    def __init__(
        self,
        watch: AccessWatch,
        parts: Parts,
        outbox: GatedOutbox,
        worker: Worker,
        announcer: Announcer,
        echoes: Echoes,
        endings: Endings,
    ) -> None:
        self._watch = watch
        self._access, self._metrics, self._now = parts.access, parts.metrics, parts.store.now
        self._outbox = outbox
        self._worker = worker
        self._announcer = announcer
        self._echoes = echoes
        self._endings = endings
        self._turn = asyncio.Lock()
        self._stopped = False

    async def look(self) -> None:
        """Take the file up where it changed."""
        async with self._turn:
            octets = await asyncio.to_thread(self._watch.look)
            if octets is not None:
                await self._take(octets)

    async def reload(self) -> None:
        """Take the file up as it is now, with the keys that stand in files of their own. Where there was
        none from the start (development), there is nothing to do."""
        async with self._turn:
            octets = await asyncio.to_thread(self._watch.read)
            if octets or not self._access.development:
                await self._take(octets)

    def stop(self) -> None:
        """Take up nothing more."""
        self._stopped = True

    async def _take(self, octets: bytes) -> None:
        try:
            fresh = await asyncio.to_thread(read, self._watch.path, octets, self._access)
            if not self._stopped:
                self._adopt(fresh)
        except AccessError as error:
            self._refuse(str(error))
        except Exception:
            log.exception("access.broken")
            self._refuse(f"{self._watch.path}: {BROKEN}")

    def _refuse(self, problem: str) -> None:
        self._access.problem = problem
        self._metrics.access_reload("failed")
        self._metrics.access_refused(refused=True)
        log.error("access.refused", extra={"problem": f"{KEPT}: {problem}"})

    def _adopt(self, fresh: Reading) -> None:
        """All at once: nothing waits in here."""
        for name in sorted(self._access.controllers.keys() - fresh.access.controllers.keys()):
            log.warning("access.controller_gone", extra={"controller": name, "problem": BARE})
        self._access.adopt(fresh.access)
        self._outbox.tell(hearing(fresh.access, "message.delivered"))
        change_worker(self._worker, fresh.upstreams, fresh.access, self._now)
        self._announcer.adopt(fresh.endpoints)
        self._echoes.adopt(fresh.echoes)
        self._endings.adopt(make_wishes(fresh.access))
        self.show()
        self._metrics.access_reload("loaded")
        self._metrics.access_refused(refused=False)
        counts = {name: len(getattr(fresh.access, name)) for name in ("sources", "controllers", "reviewers")}
        log.info("access.loaded", extra=counts)

    def show(self) -> None:
        """Have the metrics show every source and relay."""
        sources = self._access.sources.values()
        self._metrics.reply_feeds({s.name: s.reply_feed for s in sources})
        self._metrics.begin({s.name: s.classes for s in sources}, self._worker.up)


def read(path: Path, octets: bytes, before: Access) -> Reading:
    """What a reading of the file comes to, the keys of providers read as well. Raises AccessError."""
    if not octets:
        raise AccessError(f"{path}: {GONE}")
    access = read_access_file(path, octets)
    if not (access.sources or access.reviewers) and (before.sources or before.reviewers):
        raise AccessError(f"{path}: {NOBODY}")
    return Reading(
        access=access,
        upstreams=upstreams_of(access),
        endpoints=endpoints_of(access.sources.values()),
        echoes=echoes_of(access.sources.values()),
    )
