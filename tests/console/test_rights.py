"""A person's copy and erasure, as the console hands them on: on a real database."""

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
        rights = Desk(Rights(gateway.store, KEYS, ["default"]))
        [known] = orjson.loads(await rights.export(REF, "rita"))["known_by"]
        assert [c["action"] for c in known["consents"]] == ["confirmed"]
        await rights.erase(REF, "rita", "she asked for it")
        person = await gateway.store.person(REF)
        assert [stop.kind for stop in person.stops] == ["erased"]
        found = await gateway.store.message(receipt.id)
        assert found is None or b"anna@example.org" not in found[0].meta
        kinds = {row[0] for row in await gateway.store.rows("SELECT kind FROM audit")}
        assert {"subject.exported", "subject.erasure_asked"} <= kinds
