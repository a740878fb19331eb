"""The parts that every HTTP face shares, one by one."""

import asyncio
import base64
import contextlib
import json
import socket
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.values import Listen
from gateway.store.protocol import Unavailable
from gateway.web.body import Inflight
from gateway.web.credentials import Credentials, Doorkeeper, read_credentials
from gateway.web.frame import build_app
from gateway.web.language import choose_language
from gateway.web.listener import HttpListener, _Crowd
from gateway.web.often import Often
from gateway.web.peer import household_of
from gateway.web.problem import KINDS, Problem
from gateway.web.strict_json import parse_json

ROOT = Path(__file__).resolve().parents[2]
HERE = Listen("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("it", "it"),
        ("it-IT,it;q=0.9,en;q=0.8", "it"),
        ("en, it", "en"),
        ("it;q=0.4, en;q=0.5", "en"),
        ("de, it;q=0.1", "it"),
        ("it;q=0", "en"),
        ("*", "en"),
        ("it;q=nan", "en"),
        ("it;q=-1", "en"),
        (",;=;,it", "it"),
        ("it," * 1000, "en"),
    ],
)
def test_the_language_is_the_reader_s(header: str, language: str) -> None:
    assert choose_language(header) == language


@given(st.text(max_size=100))
def test_any_language_header_gives_a_language(header: str) -> None:
    assert choose_language(header) in ("en", "it")


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        ("Bearer a:b", Credentials(token="a:b")),
        ("bearer   a.b ", Credentials(token="a.b")),
        (_basic("name:se:cret"), Credentials(name="name", secret="se:cret")),
        (_basic(":key"), Credentials(name="", secret="key")),
        (_basic("no-mark"), None),
        ("Basic not base64", None),
        ("Basic", None),
        ("Negotiate abc", None),
        ("", None),
        ("Bearer " + "x" * 2000, None),
    ],
)
def test_credentials_are_read(header: str, credentials: Credentials | None) -> None:
    assert read_credentials(header) == credentials


class _Person:
    def __init__(self, secret: str) -> None:
        self.name, self.secret = "anna", secret


class TestDoorkeeper:
    async def test_who_was_recognized_is_not_verified_again_until_the_secret_changes(self) -> None:
        people = {"anna": _Person("one")}
        asked = []

        async def verify(name: str, secret: str) -> _Person | None:
            asked.append(name)
            found = people[name]
            return found if found.secret == secret else None

        async def by_token(token: str) -> _Person | None:
            return await verify(*token.split(":"))

        door = Doorkeeper(people.get, by_token, verify)
        for _ in range(3):
            assert await door.recognize("Bearer anna:one") is people["anna"]
        assert asked == ["anna"]
        people["anna"] = _Person("two")
        assert await door.recognize("Bearer anna:one") is None
        assert await door.recognize("Bearer anna:two") is people["anna"]
        del people["anna"]
        with pytest.raises(KeyError):
            await door.recognize("Bearer anna:two")

    async def test_a_crowd_of_strangers_does_not_keep_out_who_is_known(self) -> None:
        leave = asyncio.Event()
        people = {"anna": _Person("one")}

        async def verify(name: str, secret: str) -> _Person | None:
            if name != "anna":
                await leave.wait()
                return None
            return people["anna"]

        async def by_token(token: str) -> _Person | None:
            return await verify(*token.split(":"))

        door = Doorkeeper(people.get, by_token, verify)
        assert await door.recognize("Bearer anna:one")
        crowd = [asyncio.create_task(door.recognize(f"Bearer x{n}:y")) for n in range(60)]
        await asyncio.sleep(0.01)
        assert await door.recognize("Bearer anna:one")
        leave.set()
        results = await asyncio.gather(*crowd, return_exceptions=True)
        refused = [r for r in results if isinstance(r, Problem)]
        assert refused
        assert all(r.kind == "too-many-requests" for r in refused)
        assert [r for r in results if r is None]

    async def test_a_crowd_from_one_address_does_not_keep_out_another(self) -> None:
        leave = asyncio.Event()

        async def verify(name: str, secret: str) -> _Person | None:
            if name == "anna":
                return _Person("one")
            await leave.wait()
            return None

        async def by_token(token: str) -> _Person | None:
            return await verify(*token.split(":"))

        door = Doorkeeper(dict[str, _Person]().get, by_token, verify)
        crowd = [asyncio.create_task(door.recognize(f"Bearer x{n}:y", "203.0.113.9")) for n in range(60)]
        await asyncio.sleep(0.01)
        anna = asyncio.create_task(door.recognize("Bearer anna:one", "203.0.113.10"))
        await asyncio.sleep(0.01)
        leave.set()
        assert await anna
        results = await asyncio.gather(*crowd, return_exceptions=True)
        assert [r for r in results if isinstance(r, Problem)]
        assert await door.recognize("Bearer x99:y", "203.0.113.9") is None

    async def test_the_same_credentials_on_many_connections_are_verified_once(self) -> None:
        asked = []

        async def verify(name: str, secret: str) -> _Person | None:
            asked.append(name)
            await asyncio.sleep(0.05)
            return _Person("one") if secret == "one" else None

        async def by_token(token: str) -> _Person | None:
            return await verify(*token.split(":"))

        door = Doorkeeper(dict[str, _Person]().get, by_token, verify)
        first = asyncio.create_task(door.recognize("Bearer anna:one"))
        many = [asyncio.create_task(door.recognize("Bearer anna:one")) for _ in range(100)]
        await asyncio.sleep(0.01)
        first.cancel()  # who hangs up keeps nobody else from being known
        assert all(await asyncio.gather(*many))
        wrong = await asyncio.gather(*(door.recognize("Bearer anna:two") for _ in range(100)))
        assert wrong == [None] * 100
        assert asked == ["anna", "anna"]

    async def test_guessing_a_secret_is_slowed_down(self) -> None:
        people, now = {"anna": _Person("one")}, 100.0

        async def verify(name: str, secret: str) -> _Person | None:
            found = people[name]
            return found if found.secret == secret else None

        async def by_token(token: str) -> _Person | None:
            return await verify(*token.split(":"))

        tries = Often(10, 300.0)
        door = Doorkeeper(people.get, by_token, verify, tries=tries, monotonic=lambda: now)
        assert await door.recognize(_basic("anna:one"), "203.0.113.9")
        for n in range(10):
            header = f"Bearer anna:{n}" if n % 2 else _basic(f"anna:{n}")
            assert await door.recognize(header, "203.0.113.9") is None
        with pytest.raises(Problem) as refused:
            await door.recognize("Bearer anna:one", "203.0.113.9")
        assert refused.value.headers["Retry-After"] == "300"
        assert await door.recognize(_basic("anna:one"), "203.0.113.9")
        assert await door.recognize("Bearer anna:one", "203.0.113.10")
        now += 301
        assert await door.recognize("Bearer anna:11", "203.0.113.9") is None

    async def test_guesses_under_way_count(self) -> None:
        people, checked = {"anna": _Person("one")}, []

        async def verify(name: str, secret: str) -> _Person | None:
            checked.append(secret)
            await asyncio.sleep(0.01)
            if secret == "broken":
                raise OSError
            return people[name] if people[name].secret == secret else None

        async def by_token(token: str) -> _Person | None:
            return await verify(*token.split(":"))

        door = Doorkeeper(people.get, by_token, verify, tries=Often(10, 300.0), monotonic=lambda: 100.0)
        for secret in ("broken", "one"):  # neither counts as a wrong one
            await asyncio.gather(door.recognize(f"Bearer anna:{secret}", "a"), return_exceptions=True)
        many = [asyncio.create_task(door.recognize(f"Bearer anna:{n}", "a")) for n in range(16)]
        await asyncio.sleep(0)
        many[0].cancel()  # who hangs up has tried nevertheless
        told = await asyncio.gather(*many, return_exceptions=True)
        assert len(checked) == 12
        assert [isinstance(answer, Problem) for answer in told] == [False] * 10 + [True] * 6


def test_what_was_refused_takes_no_place() -> None:
    """Many who sign in at once from one address, all rightly: once they are in, all places are free again."""
    tries = Often(2, 300.0)
    assert [tries.take("office", 0.0) for _ in range(4)] == [True, True, False, False]
    for _ in range(2):
        tries.give_back("office")
    assert [tries.take("office", 1.0) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("address", "household"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_limits_count_a_household_once(address: str, household: str) -> None:
    assert household_of(address) == household


def test_a_household_is_worked_out_once() -> None:
    """Each request of the API asks for it, and to read an IPv6 address takes as long as to find a person."""
    household_of.cache_clear()
    for _ in range(3):
        assert household_of("2001:db8::1") == "2001:db8::/64"
    assert household_of.cache_info().misses == 1


def test_connections_of_a_household_count_together() -> None:
    crowd = _Crowd(10, 2, (ip_network("2001:db8:9::/48"),))
    near = ["2001:db8::1", "2001:db8::2", "2001:db8::3"]
    assert [crowd.enter(peer, 1) for peer in near] == [True, True, False]
    assert crowd.enter("2001:db8:0:1::1", 1)
    for peer in near[1:]:
        crowd.leave(peer)
    assert crowd.enter("2001:db8::4", 1)
    assert all(crowd.enter("2001:db8:9::1", 1) for _ in range(5))


def test_what_bodies_hold_is_given_back() -> None:
    inflight = Inflight(100)
    with inflight.share() as one:
        one.grow(60)
        one.grow(50)
        with inflight.share() as two, pytest.raises(Problem):
            two.grow(41)
        assert inflight.used == 60
    assert inflight.used == 0


class TestStrictJson:
    @pytest.mark.parametrize("text", ["é", "😀", "\u2028", "\x7f", "\\u0000", "a\\ud800b"])
    def test_honest_text_passes_in_either_spelling(self, text: str) -> None:
        for ascii_ in (True, False):
            raw = json.dumps({"a": [text], text: 1}, ensure_ascii=ascii_).encode()
            assert parse_json(raw) == {"a": [text], text: 1}

    def test_a_large_text_with_many_commas_passes(self) -> None:
        told = {"html": 'a,[{"\\' * 200_000}
        assert parse_json(json.dumps(told).encode()) == told

    def test_a_large_body_of_many_values_is_refused_unread(self) -> None:
        with pytest.raises(Problem):
            parse_json(b'{"meta": [' + b'"a",' * 100_000 + b'"a"]}')

    def test_pointers_lead_to_the_text(self) -> None:
        with pytest.raises(Problem) as caught:
            parse_json(b'{"a/b": [1, {"c~d": "x\\u0000"}]}')
        assert caught.value.faults[0].pointer == "#/a~1b/1/c~0d"


class TestFrame:
    async def test_a_request_under_way_ends_before_the_listener_does(self) -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def slow(request: web.Request) -> web.Response:
            entered.set()
            await leave.wait()
            return web.Response(text="done")

        listener = HttpListener(HERE, build_app([web.get("/", slow)]), grace=5)
        await listener.start()
        async with aiohttp.ClientSession() as client:
            asking = asyncio.create_task(client.get(f"http://{listener.address}/"))
            await entered.wait()
            stopping = asyncio.create_task(listener.stop())
            await asyncio.sleep(0.05)
            assert not stopping.done()
            leave.set()
            assert await (await asking).text() == "done"
            await asyncio.wait_for(stopping, 5)

    async def test_who_never_reads_an_answer_keeps_no_place(self) -> None:
        async def page(request: web.Request) -> web.Response:
            return web.Response(body=b"x" * int(request.query["size"]))

        listener = HttpListener(HERE, build_app([web.get("/", page)]), connections=2, stalled=0.4)
        await listener.start()
        asked = b"GET /?size=%d HTTP/1.1\r\nHost: a\r\n\r\n"
        mute = [socket.create_connection((listener.address.host, listener.address.port)) for _ in range(2)]
        for stream, size in zip(mute, (10_000_000, 200_000), strict=True):
            stream.sendall(asked % size * 200)
        await asyncio.sleep(0.1)
        url = f"http://{listener.address}/?size=10"
        async with aiohttp.ClientSession() as client, asyncio.timeout(10):
            with pytest.raises(aiohttp.ClientError):
                await client.get(url)
            answered = False
            while not answered:
                await asyncio.sleep(0.1)
                with contextlib.suppress(aiohttp.ClientError):
                    answered = (await client.get(url)).status == 200
        for stream in mute:
            stream.close()
        await listener.stop()

    async def test_who_reads_slowly_gets_it_all(self) -> None:
        async def page(request: web.Request) -> web.Response:
            return web.Response(body=b"x" * 12_000_000)

        listener = HttpListener(HERE, build_app([web.get("/", page)]), stalled=0.4)
        await listener.start()
        reader, writer = await asyncio.open_connection(listener.address.host, listener.address.port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        size = 0
        async with asyncio.timeout(20):
            while octets := await reader.read(200_000):
                size += len(octets)
                await asyncio.sleep(0.015)
        assert size > 12_000_000
        writer.close()
        await listener.stop()

    async def test_pages_keep_their_own_errors_and_headers(self) -> None:
        async def page(request: web.Request) -> web.Response:
            headers = {"Content-Security-Policy": "default-src 'self'"}
            return web.Response(status=404, text="<p>", content_type="text/html", headers=headers)

        async def broken(request: web.Request) -> web.Response:
            raise Unavailable("down")

        listener = HttpListener(HERE, build_app([web.get("/page", page), web.get("/broken", broken)]))
        await listener.start()
        async with aiohttp.ClientSession() as client:
            shown = await client.get(f"http://{listener.address}/page")
            assert (shown.status, shown.content_type) == (404, "text/html")
            assert shown.headers["Content-Security-Policy"] == "default-src 'self'"
            assert shown.headers["X-Content-Type-Options"] == "nosniff"
            down = await client.get(f"http://{listener.address}/broken")
            assert (down.status, down.content_type) == (503, "application/problem+json")
        await listener.stop()

    @pytest.mark.parametrize(("proxies", "served"), [((), 3), ((ip_network("127.0.0.0/8"),), 6)])
    async def test_one_address_does_not_take_every_connection(self, proxies: Any, served: int) -> None:
        async def page(request: web.Request) -> web.Response:
            return web.Response()

        async def is_served(host: str) -> bool:
            reader, writer = await asyncio.open_connection(
                listener.address.host, listener.address.port, local_addr=(host, 0)
            )
            held.append(writer)
            with contextlib.suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return bool(await reader.read(10))
            return False

        held: list[asyncio.StreamWriter] = []
        routes = build_app([web.get("/", page)])
        listener = HttpListener(HERE, routes, connections=7, each=3, proxies=proxies)
        await listener.start()
        for _ in range(3):
            assert [await is_served("127.0.0.2") for _ in range(6)].count(True) == served
            assert await is_served("127.0.0.3")
            for writer in held:
                writer.close()
            held.clear()
            await asyncio.sleep(0.05)
        await listener.stop()

    async def test_the_log_names_the_route_and_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        async def refuse(request: web.Request) -> web.Response:
            raise web.HTTPForbidden

        listener = HttpListener(HERE, build_app([web.get("/people/{who}", refuse)]))
        await listener.start()
        caplog.set_level("DEBUG", logger="gateway.web.frame")
        async with aiohttp.ClientSession() as client:
            await client.get(f"http://{listener.address}/people/anna@example.test?address=b@example.test")
        await listener.stop()
        [record] = [r for r in caplog.records if r.getMessage() == "http.request"]
        assert record.route == "/people/{who}"  # type: ignore[attr-defined]
        assert not any("example.test" in str(value) for value in vars(record).values())


def test_time_grows_with_the_size_and_no_faster() -> None:
    hostile = (b'"', b'"\\', b"[", b'"a",', b'{"a":', b"\\", b"1", b' "', b'\\"')
    for mark in hostile:
        raw = mark * (2_000_000 // len(mark))
        started = time.process_time()
        with pytest.raises(Problem):
            parse_json(raw)
        # A quadratic reading of two million octets takes minutes.
        assert time.process_time() - started < 5, mark


def test_the_documentation_lists_every_kind_of_problem() -> None:
    told = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in told and f"problem:{kind}`" not in told] == []
