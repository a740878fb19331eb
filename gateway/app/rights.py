"""A person's rights in this gateway, and as the console asks for them."""

import asyncio
import io
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from gateway.app.parts import Parts
from gateway.evidence.backup import BackupError, shred
from gateway.evidence.origin import Origin
from gateway.evidence.rights import Rights
from gateway.evidence.subjects import as_html
from gateway.settings import Settings
from gateway.store.protocol import Unavailable
from gateway.store.records import Ref


def origin_of(settings: Settings) -> Origin:
    """Where the database is, for processes that read it on their own."""
    if settings.sqlite_file is None:
        return Origin(url=settings.database.get_secret_value())
    return Origin(settings.sqlite_file)


def make_rights(parts: Parts) -> Rights:
    """A person's rights; what an erasure deletes goes from an SQLite file and its log, too."""
    file = parts.settings.sqlite_file
    return Rights(
        parts.store, parts.keys, parts.access, clean=partial(_clean, file) if file is not None else None
    )


def _clean(file: Path) -> None:
    try:
        shred(file)
    except BackupError as error:
        raise Unavailable(f"everything was erased, but its traces are still in the files: {error}") from error


def _whose(told: dict[str, Any]) -> dict[str, str]:
    """Whom a copy is about: the console knows no address, but a message that is kept may have it."""
    for known in told["known_by"]:
        for message in known["messages"]:
            for recipient in message["recipients"]:
                return {"channel": recipient["channel"], "address": recipient["address"]}
    return {"channel": "", "address": ""}


def _zip(told: dict[str, Any]) -> bytes:
    made, files = io.BytesIO(), {"data.json": orjson.dumps(told, option=orjson.OPT_INDENT_2)}
    files["data.html"] = as_html(told).encode()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


class Desk:
    """What the console does for a person: a copy of what is stored, and erasure."""

    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    async def export(self, ref: Ref, actor: str) -> bytes:
        """Everything stored about a person, under linked addresses too, as a ZIP of JSON and of a page to
        read; the audit log says who took the copy."""
        told = await self._rights.export(await self._rights.linked(ref), "", "", actor, "console")
        told["about"] = _whose(told)
        return await asyncio.to_thread(_zip, told)  # years of mail take a second

    async def erase(self, ref: Ref, actor: str, reason: str) -> None:
        """Everything personal goes; a stop stays, so that the person is never written to again."""
        await self._rights.erase(await self._rights.linked(ref), actor, reason)
