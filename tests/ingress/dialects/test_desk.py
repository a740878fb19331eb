"""What all dialects share."""

import copy
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.ingress.dialects.desk import LARGE, Call
from gateway.policy.jurisdiction import Jurisdiction
from tests.ingress.dialects.shop import Shop, bearer
from tests.ingress.dialects.tongues import TONGUES
from tests.ingress.http.house import Answer, policies_of_test


@pytest.mark.parametrize(("size", "apart"), [(LARGE, False), (LARGE + 1, True)])
async def test_large_bodies_are_read_beside_the_loop(size: int, apart: bool) -> None:
    """Else everybody waits while somebody's attachment is decoded."""
    nothing: Any = None
    call = Call(
        request=nothing,
        source=nothing,
        raw=bytes(size),
        now=0.0,
        dialect=nothing,
        desk=nothing,
        share=nothing,
    )
    assert (await call.aside(threading.get_ident) != threading.get_ident()) is apart


ANA, BO = "ana@example.test", "bo@example.test"
LOOSE = "X-Galateo-Jurisdiction"


@pytest_asyncio.fixture
async def lawful(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop that knows of a jurisdiction which asks less than its own."""
    loose = Jurisdiction(code="us", consent_channels=frozenset())
    policies = replace(policies_of_test(), jurisdictions={"us": loose})
    async with Shop(tmp_path, policies=policies) as opened:
        yield opened


async def _batch(shop: Shop, name: str, path: str, *, loose: bool, **headers: str) -> Answer:
    """Two messages, the second of which declares a jurisdiction that asks less, where `loose`."""
    two = [copy.deepcopy(TONGUES[name].body) for _ in range(2)]
    if name == "postmark":
        two[0]["To"], two[1]["To"] = ANA, BO
        two[1]["Headers"] += [{"Name": LOOSE, "Value": "us"}] * loose
    else:
        two[0]["to"], two[1]["to"] = [ANA], [BO]
        two[1]["headers"] = two[1]["headers"] | ({LOOSE: "us"} if loose else {})
    return await shop.ask("POST", path, json=two, **TONGUES[name].key(headers.pop("key")), **headers)


async def test_a_request_that_is_not_allowed_sends_none_of_its_messages(lawful: Shop) -> None:
    people: list[dict[str, Any]] = [{"to": [{"email": one}]} for one in (ANA, BO)]
    people[1]["headers"] = {LOOSE: "us"}
    body = {**TONGUES["sendgrid"].body, "personalizations": people}
    answer = await lawful.ask("POST", "/v3/mail/send", json=body, Authorization=bearer())
    assert (answer.status, "jurisdiction" in answer.text) == (403, True)
    assert await lawful.stored() == 0
    del people[1]["headers"]
    answer = await lawful.ask("POST", "/v3/mail/send", json=body, Authorization=bearer())
    assert (answer.status, await lawful.stored()) == (202, 2)


async def test_an_element_that_is_not_allowed_is_its_own_error(lawful: Shop) -> None:
    key = bearer().partition(" ")[2]
    answer = await _batch(lawful, "postmark", "/email/batch", loose=True, key=key)
    assert answer.status == 200, answer.text
    assert [one["ErrorCode"] > 0 for one in answer.json] == [False, True]
    assert "jurisdiction" in answer.json[1]["Message"]
    assert await lawful.stored() == 1
    strict = await _batch(lawful, "resend", "/emails/batch", loose=True, key=key)
    assert (strict.status, await lawful.stored()) == (403, 1)
    some = await _batch(
        lawful, "resend", "/emails/batch", loose=True, key=key, x_batch_validation="permissive"
    )
    assert (some.status, len(some.json["data"]), await lawful.stored()) == (200, 1, 2)
    assert [error["index"] for error in some.json["errors"]] == [1]
    assert (await _batch(lawful, "postmark", "/email/batch", loose=False, key=key)).status == 200
    assert await lawful.stored() == 4
