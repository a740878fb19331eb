"""A person's rights over the ops API: copy, erasure, restriction. An address stands in a body, never in a
URL."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from gateway.evidence.rights import NoSuchController, Rights, Stored
from gateway.evidence.subjects import as_html
from gateway.message.address import is_valid
from gateway.ops.desk import Desk, answer
from gateway.ops.evidence_models import Erasure, Person, Restriction
from gateway.ops.roles import ERASE_SUBJECTS, EXPORT_SUBJECTS, RESTRICT_SUBJECTS
from gateway.store.records import Ref
from gateway.web.problem import malformed

log = logging.getLogger(__name__)


class PeopleRights:
    """The handlers, with what they need."""

    def __init__(self, desk: Desk, rights: Rights) -> None:
        self._desk = desk
        self._rights = rights

    async def export(self, request: web.Request) -> web.Response:
        """Everything stored about a person (GDPR 15 and 20); as a page where HTML is asked for."""
        reviewer = await self._desk.admit(request, EXPORT_SUBJECTS)
        who = _checked(await self._desk.read(request, Person))
        refs = await _seek(self._rights.find, who)
        told = await self._rights.export(refs, who.channel, who.address, reviewer.name, "api")
        log.info("subject.exported", extra={"reviewer": reviewer.name})
        if request.headers.get("Accept", "").partition(",")[0].strip().startswith("text/html"):
            return web.Response(text=as_html(told), content_type="text/html")
        return answer(request, told)

    async def erase(self, request: web.Request) -> web.Response:
        """Erase a person (GDPR 17), or say what would go."""
        reviewer = await self._desk.admit(request, EXPORT_SUBJECTS)
        who = _checked(await self._desk.read(request, Erasure))
        if who.dry_run:
            refs = await _seek(self._rights.find, who)
            return answer(request, _told(await self._rights.list(refs), dry_run=True))
        await self._desk.admit(request, ERASE_SUBJECTS)
        if not who.reason.strip() or "@" in who.reason:
            raise malformed(
                "#/reason",
                "Say why, in words that name nobody: the reason stays in the audit log for good.",
                "Indicare il motivo, senza nominare nessuno: resta per sempre nel registro di audit.",
            )
        refs = await _seek(self._rights.everywhere, who)
        there = await self._rights.list(refs)
        await self._rights.erase(refs, reviewer.name, who.reason)
        log.info("subject.erased", extra={"reviewer": reviewer.name})
        return answer(request, _told(there, dry_run=False))

    async def restrict(self, request: web.Request) -> web.Response:
        """Keep a person's data and use it no more (GDPR 18), or end that."""
        reviewer = await self._desk.admit(request, RESTRICT_SUBJECTS)
        who = _checked(await self._desk.read(request, Restriction))
        seek = self._rights.find if who.lift else self._rights.everywhere
        refs = await _seek(seek, who)
        there = await self._rights.list(refs)
        changed = sum(1 for stored in there if stored.restricted is who.lift)
        if not who.dry_run:
            changed = await self._rights.restrict(refs, reviewer.name, lift=who.lift)
            log.info("subject.restricted", extra={"reviewer": reviewer.name, "lifted": who.lift})
        return answer(request, {**_told(there, dry_run=who.dry_run), "changed": changed, "lift": who.lift})


def _checked(who: Any) -> Any:
    if not is_valid(who.channel, who.address):
        raise malformed(
            "#/address",
            f"This cannot be an address of the channel {who.channel}.",
            f"Non può essere un indirizzo del canale {who.channel}.",
        )
    return who


async def _seek(seek: Callable[[str, str, str], Awaitable[list[Ref]]], who: Any) -> list[Ref]:
    try:
        return await seek(who.channel, who.address, who.controller)
    except NoSuchController as error:
        raise malformed("#/controller", error.words.en, error.words.it) from None


def _told(there: Sequence[Stored], *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "subjects": [
            {"controller": stored.controller, "rows": stored.counts, "restricted": stored.restricted}
            for stored in there
        ],
    }
