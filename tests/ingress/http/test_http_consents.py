"""Requests for consent over a real socket: what forms send, what attackers send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.ingress.http import HttpLimits, build_app, native_routes
from gateway.ingress.http_consents import PER_ADDRESS, PER_IP, ConsentAsked
from gateway.ingress.openapi import describe_api
from gateway.intake.letters import Office
from gateway.intake.optin import OptIns
from gateway.keys import new_keys
from gateway.web.listener import HttpListener
from tests.ingress.http.house import ANYWHERE, House

PATH = "/v1/consents/request"


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[House]:
    async with House(folder) as house:
        optins = OptIns(house.store, new_keys(), Office(public_url="https://o.example", sender="n@o.example"))
        await house.ingest.stop()

        async def nothing(*given: Any) -> Any:
            raise AssertionError

        routes = native_routes(
            access=house.access, submit=nothing, tell=nothing, store=house.store, limits=HttpLimits(),
            optins=optins, clock=house.clock,
        )  # fmt: skip
        house.ingest = HttpListener(ANYWHERE, build_app(routes), grace=2)
        await house.ingest.start()
        yield house


def asked(**fields: Any) -> dict[str, Any]:
    return {
        "address": "ana@example.test",
        "channel": "email",
        "purpose": "newsletter",
        "wording": "Yes, send me the newsletter.",
        "language": "de",
        "form_url": "https://acme.test/news",
        "ip": "192.0.2.7",
        **fields,
    }


async def test_a_form_gets_one_answer_whoever_is_asked(tmp_path: Path) -> None:
    async with office(tmp_path) as house:
        first = await house.post(PATH, json=asked())
        again = await house.post(PATH, json=asked(address="ANA@example.test"))
        assert first.status == again.status == 202
        assert first.json["status"] == again.json["status"] == "requested"
        assert set(first.json) == set(again.json)
        async with asyncio.timeout(5):
            [entry] = await house.store.take(10)
        assert entry.address == "ana@example.test"
        assert b"https://o.example/c/" in entry.raw


async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    async with office(tmp_path) as house:
        for fields, pointer in (
            ({"address": "nobody"}, "#/address"),
            ({"address": "a@b.example\r\nBcc: x@y.example"}, "#/address"),
            ({"channel": "linkedin"}, "#/channel"),
            ({"purpose": ""}, "#/purpose"),
            ({"wording": "  "}, "#/wording"),
            ({"language": "xx"}, "#/language"),
            ({"form_url": "javascript:alert(1)"}, "#/form_url"),
            ({"ip": "1.2.3"}, "#/ip"),
            ({"controller": "other"}, "#/controller"),
        ):
            answer = await house.post(PATH, json=asked(**fields))
            assert answer.status == 400, fields
            assert answer.json["errors"][0]["pointer"] == pointer
        assert (await house.post(PATH, json=asked(), who="")).status == 401
        assert (await house.post(PATH, data=b"{")).status == 415


async def test_an_address_and_an_ip_may_only_be_so_often(tmp_path: Path) -> None:
    async with office(tmp_path) as house:
        for n in range(PER_ADDRESS[0]):
            assert (await house.post(PATH, json=asked(ip=f"192.0.2.{n}", purpose=f"p{n}"))).status == 202
        assert (await house.post(PATH, json=asked(ip="192.0.2.99", purpose="more"))).status == 429
        for n in range(PER_IP[0]):
            given = asked(ip="198.51.100.1", address=f"p{n}@example.test")
            assert (await house.post(PATH, json=given)).status == 202
        last = await house.post(PATH, json=asked(ip="198.51.100.1", address="q@example.test"))
        assert last.status == 429
        assert last.headers["Retry-After"]


@pytest.mark.parametrize(
    "spelled",
    [
        [f"2001:db8::{n:x}" for n in range(PER_IP[0])],
        ["2001:DB8:0:0:0:0:0:7", "2001:db8::7", "2001:0db8::0007"] * 7,
        ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"] * 7,
    ],
)
async def test_an_ip_counts_however_it_is_spelled(tmp_path: Path, spelled: list[str]) -> None:
    async with office(tmp_path) as house:
        statuses = [
            (await house.post(PATH, json=asked(ip=ip, address=f"p{n}@example.test"))).status
            for n, ip in enumerate([*spelled, spelled[0]])
        ]
        assert statuses[0] == 202
        assert statuses[-1] == 429
        other = await house.post(PATH, json=asked(ip="2001:db8:0:1::7", address="other@example.test"))
        assert other.status == 202


async def test_purposes_are_one_in_any_capitals(tmp_path: Path) -> None:
    async with office(tmp_path) as house:
        assert (await house.post(PATH, json=asked(purpose=" Newsletter "))).status == 202
        [(kept,)] = await house.store.rows("SELECT answer FROM replays")
        assert b'"newsletter"' in kept


def test_the_document_describes_it() -> None:
    post = describe_api(HttpLimits(), optin=True)["paths"][PATH]["post"]
    for example in post["requestBody"]["content"]["application/json"]["examples"].values():
        ConsentAsked.model_validate(example["value"])
