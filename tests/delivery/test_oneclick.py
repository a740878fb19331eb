"""Tools learn of withdrawals over real TLS; an address from a message leads nowhere it must not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest
import trustme
from aiohttp import web

from gateway.delivery.circuit import Circuit
from gateway.delivery.oneclick import TRIES, OneClickRelay, may_reach, read_url
from gateway.delivery.verdict import Result
from gateway.store.attempt import Kind
from tests.delivery.outbox import entry

HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@asynccontextmanager
async def tool(status: int = 200, **headers: str) -> AsyncIterator[tuple[str, list[Any], ssl.SSLContext]]:
    """A tool's one-click address on this machine: its URL, what it was sent, whom to trust."""
    authority, seen = trustme.CA(), []
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)

    async def take(request: web.Request) -> web.Response:
        seen.append((request.method, request.path_qs, await request.text(), dict(request.headers)))
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"https://localhost:{port}/u/1?x=2", seen, client
    finally:
        await runner.cleanup()


async def call(
    url: str, trust: ssl.SSLContext | None = None, *, allowed: Any = HERE, attempts: int = 0
) -> Result:
    relay = OneClickRelay("one-click", Circuit(), allowed=allowed, trust=trust, timeout=5)
    done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    relay.start(lambda e, result, name, seconds: done.set_result(result), lambda: None)
    relay.push(entry(raw=url.encode(), format="one-click", attempts=attempts))
    try:
        return await asyncio.wait_for(done, 10)
    finally:
        await relay.stop(1)


async def test_the_tool_gets_the_post_of_rfc_8058() -> None:
    async with tool() as (url, seen, trust):
        assert (await call(url, trust)).kind is Kind.DELIVERED
        [(method, path, body, headers)] = seen
        assert (method, path, body) == ("POST", "/u/1?x=2", "List-Unsubscribe=One-Click")
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert "Cookie" not in headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Kind.PERMANENT), (500, Kind.TEMPORARY), (429, Kind.TEMPORARY), (302, Kind.PERMANENT)],
)
async def test_answers_mean_what_they_say_and_no_bounce(status: int, kind: Kind) -> None:
    async with tool(status, Location="https://localhost:1/") as (url, seen, trust):
        result = await call(url, trust)
        assert result.kind is kind
        assert result.code == 0
        assert len(seen) == 1


async def test_a_few_tries_are_enough() -> None:
    async with tool(503) as (url, _, trust):
        assert (await call(url, trust, attempts=TRIES - 1)).kind is Kind.PERMANENT


async def test_a_certificate_must_be_good() -> None:
    async with tool() as (url, seen, _):
        assert (await call(url)).kind is Kind.NETWORK
        assert seen == []


async def test_a_name_that_leads_inside_is_not_followed() -> None:
    async with tool() as (url, seen, trust):
        result = await call(url, trust, allowed=())
        assert (result.kind, result.text) == (Kind.PERMANENT, "leads into a private network")
        numeric = await call(url.replace("localhost", "127.1"), trust, allowed=())
        assert numeric.kind is Kind.PERMANENT
        assert seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://tool.example/u", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "ftp://x/",
        "https://10.1.2.3/", "https://169.254.169.254/latest", "https://u:p@tool.example/", "https://tool.example:22/",
        "https://[64:ff9b::a00:1]/", "https://[fe80::1%25eth0]/", "https:///x", "", "https://[", "https://0.0.0.0/",
        "https://tool.example:99999/", "https://224.0.0.1/", "https://100.64.0.1/",
    ],
)  # fmt: skip
def test_addresses_that_are_never_called(url: str) -> None:
    assert read_url(url, ()) is None


def test_addresses_that_are() -> None:
    for url in (
        "https://tool.example/u/1",
        "https://8.8.8.8/u",
        "https://tool.example:8443/",
        "https://[2606:4700::1]/",
    ):
        assert read_url(url, ()) is not None, url
    assert may_reach("10.0.0.5", [ip_network("10.0.0.0/8")])
    assert not may_reach("10.0.0.5", [ip_network("10.1.0.0/16")])
