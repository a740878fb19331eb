"""A person's copy and erasure, as the console hands them on: on a real database."""

import asyncio
import io
import random
import time
import zipfile
from pathlib import Path

import orjson

from gateway.app.rights import Desk
from gateway.evidence.rights import Rights
from tests.line import KEYS, line

REF = ("default", KEYS.subject("email", "anna@example.org"))


async def test_a_copy_then_an_erasure(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent("anna@example.org")
        receipt = await gateway.submit()
        rights = Desk(Rights(gateway.store, KEYS, gateway.access))
        with zipfile.ZipFile(io.BytesIO(await rights.export(REF, "rita"))) as copy:
            told, page = orjson.loads(copy.read("data.json")), copy.read("data.html").decode()
        assert told["about"] == {"channel": "email", "address": "anna@example.org"}
        assert "<h1>What is stored about anna@example.org</h1>" in page
        assert "confirmed" in page
        [known] = told["known_by"]
        assert [c["action"] for c in known["consents"]] == ["confirmed"]
        await rights.erase(REF, "rita", "she asked for it")
        with zipfile.ZipFile(io.BytesIO(await rights.export(REF, "rita"))) as copy:
            page = copy.read("data.html").decode()
        assert "<h1>What is stored about you</h1>" in page
        assert "<p>," not in page
        person = await gateway.store.person(REF)
        assert [stop.kind for stop in person.stops] == ["erased"]
        found = await gateway.store.message(receipt.id)
        assert found is None or b"anna@example.org" not in found[0].meta
        kinds = {row[0] for row in await gateway.store.rows("SELECT kind FROM audit")}
        assert {"subject.exported", "subject.erasure_asked"} <= kinds


async def test_a_large_copy_holds_up_nothing_else(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.consent("anna@example.org", source=random.Random(1).randbytes(4_000_000).hex())
        rights = Desk(Rights(gateway.store, KEYS, gateway.access))
        copy = asyncio.ensure_future(rights.export(REF, "rita"))
        began = last = time.perf_counter()
        longest = 0.0
        while not copy.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        assert len(await copy) > 4_000_000
        assert longest < (last - began) / 2
