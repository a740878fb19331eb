"""Bodies and requests that mean harm: each a clear error with the right code, nothing stored."""

import asyncio
import gzip
import json
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access import Source
from gateway.ingress.http import HttpLimits, HttpListener
from gateway.ingress.http_message import read_message
from gateway.ingress.http_models import NewMessage
from gateway.message.envelope import Message
from gateway.message.parse import bare_line_ends, parse
from gateway.web.problem import Problem
from gateway.web.strict_json import parse_json
from gateway.web.validation import validate
from tests.ingress.http.house import ANYWHERE, SECRET, House, development, event, mail, note

JSON = {"Content_Type": "application/json"}


async def _empty(house: House) -> bool:
    depths = await house.store.depths()
    return depths.outbox == 0 and not depths.holds


def _with(path: str, value: Any, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body with one value put in place, by a path such as `recipient/addresses/0/value`."""
    whole: dict[str, Any] = json.loads(json.dumps(body or mail()))
    *steps, last = path.split("/")
    at: Any = whole
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    at[int(last) if isinstance(at, list) else last] = value
    return whole


NOT_JSON = [
    b"",
    b"{",
    b"nonsense",
    b"\xff\xfe{}",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": ' + b"9" * 30 + b"}",
    b'{"a": 1, "a": 2}',
    b'{"x": {"a": 1, "\\u0061": 2}}',
    b"[" * 100_000,
    b"[" * 33 + b"]" * 33,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"a": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"a": "x\\u0000y"}',
    b'{"a": "x\x00y"}',
    b'{"a": "line\nend"}',
    b"[" + b"0," * 200_000 + b"0]",
]


@pytest.mark.parametrize("raw", NOT_JSON, ids=range(len(NOT_JSON)))
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/events"])
async def test_what_is_no_strict_json_is_malformed(house: House, raw: bytes, path: str) -> None:
    answer = await house.post(path, data=raw, **JSON)
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["type"] == "urn:galateo:problem:malformed"
    assert answer.json["errors"][0]["pointer"].startswith("#")
    assert await _empty(house)


WRONG = [
    ("channel", "pigeon", "#/channel"),
    ("channel", 1, "#/channel"),
    ("channel", None, "#/channel"),
    ("kind", "letter", "#/kind"),
    ("class", "spam", "#/class"),
    ("unknown", 1, "#/unknown"),
    ("recipient/extra", 1, "#/recipient/extra"),
    ("deliver", "false", "#/deliver"),
    ("deliver", 0, "#/deliver"),
    ("text", ["a"], "#/text"),
    ("text", "   ", "#/text"),
    ("subject", "a\r\nBcc: victim@example.test", "#/subject"),
    ("subject", "a\nb", "#/subject"),
    ("subject", "a\u2028b", "#/subject"),
    ("sender/name", "R\r\nX: y", "#/sender/name"),
    ("recipient/name", "A\nB", "#/recipient/name"),
    ("recipient/addresses/0/value", "a@example.test\r\nRCPT TO:<b@example.test>", None),
    ("recipient/addresses/0/value", "a@example.test>,<b@example.test", "#/recipient/addresses/0/value"),
    ("recipient/addresses/0/value", "no address", "#/recipient/addresses/0/value"),
    ("recipient/addresses/0/value", "", "#/recipient/addresses/0/value"),
    ("recipient/addresses/0/value", "a" * 2000 + "@example.test", "#/recipient/addresses/0/value"),
    ("recipient/addresses", [], "#/recipient/addresses"),
    ("recipient/addresses", {}, "#/recipient/addresses"),
    ("recipient", [], "#/recipient"),
    ("recipients", [{"addresses": [{"type": "email", "value": "b@example.test"}]}], "#/recipient"),
    ("sender", None, "#/sender"),
    ("campaign/id", "a\r\nb", "#/campaign/id"),
    ("sequence/step", -1, "#/sequence/step"),
    ("sequence/step", 1.5, "#/sequence/step"),
    ("sequence/step", True, "#/sequence/step"),
    ("send_at", "tomorrow", "#/send_at"),
    ("send_at", "2026-02-30T10:00:00Z", "#/send_at"),
    ("send_at", "2126-02-20T10:00:00Z", "#/send_at"),
    ("send_at", "2026-02-20T10:00:00", "#/send_at"),
    ("purpose", "", "#/purpose"),
    ("purpose", "a\nb", "#/purpose"),
    ("recipient/jurisdiction", "../it", "#/recipient/jurisdiction"),
    ("recipient/attributes", {"a": {"b": 1}}, None),
    ("recipient/attributes", {"a\nb": "c"}, None),
    ("attachments", [{"content": "!!!"}], "#/attachments/0/content"),
    ("attachments", [{"content": "aGk=", "type": "text/plain\r\nX: y"}], "#/attachments/0/type"),
    ("attachments", [{"content": "aGk=", "filename": 'a"\r\nX: y'}], "#/attachments/0/filename"),
    ("thread/in_reply_to", "<a@b>\r\nX: y", "#/thread/in_reply_to"),
    ("id", "a\nb", "#/id"),
    ("spec", "outreach.message/9", "#/spec"),
    ("consent", {"basis": "opt_in", "proof": {"at": "2026-13-01T00:00:00Z"}}, "#/consent/proof/at"),
]


@pytest.mark.parametrize(("path", "value", "pointer"), WRONG)
async def test_what_is_wrong_is_named(house: House, path: str, value: Any, pointer: str | None) -> None:
    answer = await house.post(json=_with(path, value))
    assert answer.status == 400, answer.text
    pointers = [error["pointer"] for error in answer.json["errors"]]
    assert pointer is None or pointer in pointers, pointers
    assert "victim" not in answer.text
    assert await _empty(house)


@pytest.mark.parametrize("body", [[], [mail()], "text", 1, None, True])
async def test_a_message_is_an_object(house: House, body: Any) -> None:
    assert (await house.post(data=json.dumps(body), **JSON)).status == 400


@pytest.mark.parametrize(
    "body",
    [
        note(**{"class": "newsletter", "kind": "connection_request"}),
        note(**{"class": "connection_request", "kind": "recommendation_request"}),
        note(kind="email"),
        mail(kind="connection_request"),
        mail(kind="inmail"),
    ],
)
async def test_a_contradiction_is_malformed(house: House, body: dict[str, Any]) -> None:
    assert (await house.post(json=body)).status == 400
    assert await _empty(house)


async def test_what_a_source_may_not_do_is_forbidden(house: House) -> None:
    class_ = await house.post(json=mail(**{"class": "promotion"}), who="mailer")
    assert class_.status == 403
    foreign = _with("sender/addresses/0/value", "ceo@bank.test")
    assert (await house.post(json=foreign, who="mailer")).status == 403
    near = _with("sender/addresses/0/value", "ceo@acme.test.evil.test")
    assert (await house.post(json=near, who="mailer")).status == 403
    assert (await house.post(json=note(), who="mailer")).status in (202, 422)


async def test_too_many_recipients_or_the_same_twice(tmp_path: Path) -> None:
    async with House(tmp_path, limits=HttpLimits(recipients=3)) as house:
        people = [{"addresses": [{"type": "email", "value": f"p{n}@example.test"}]} for n in range(4)]
        body = mail(recipients=people)
        del body["recipient"]
        assert (await house.post(json=body)).status == 400
        body["recipients"] = [people[0], {"addresses": [{"type": "email", "value": "P0@EXAMPLE.test"}]}]
        assert (await house.post(json=body)).status == 400
        assert await _empty(house)


class TestForm:
    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=utf-16",
            "text/json",
            "multipart/form-data; boundary=x",
        ],
    )
    async def test_other_types_are_refused(self, house: House, kind: str) -> None:
        answer = await house.post(data=json.dumps(mail()).encode(), Content_Type=kind)
        assert answer.status == 415
        assert answer.json["type"] == "urn:galateo:problem:unsupported-media-type"

    async def test_compressed_bodies_are_refused(self, house: House) -> None:
        bomb = gzip.compress(b"0" * 10_000_000)
        for coding in ("gzip", "deflate", "br"):
            answer = await house.post(data=bomb, Content_Encoding=coding, **JSON)
            assert answer.status == 415

    async def test_a_large_body_is_refused_before_it_is_whole(self, tmp_path: Path) -> None:
        async with House(tmp_path, limits=HttpLimits(message_bytes=10_000)) as house:
            assert (await house.post(json=mail(text="x" * 20_000))).status == 413

            async def chunks() -> Any:
                for _ in range(50):
                    yield b" " * 1000

            assert (await house.post(data=chunks(), **JSON)).status == 413
            assert (await house.post(json=mail(text="x" * 5_000))).status == 202

    async def test_all_bodies_together_are_bounded(self, tmp_path: Path) -> None:
        async with House(tmp_path, limits=HttpLimits(inflight_bytes=5_000)) as house:
            answer = await house.post(json=mail(text="x" * 20_000))
            assert answer.status == 503
            assert "Retry-After" in answer.headers
            put_off = {"source": "crm", "channel": "unknown", "class": "unknown", "outcome": "deferred"}
            counted = house.metrics.registry.get_sample_value("galateo_messages_total", put_off)
            assert counted == 1
            for _ in range(3):
                assert (await house.post(json=mail())).status == 202

    async def test_a_slow_body_is_given_up(self, tmp_path: Path) -> None:
        async with House(tmp_path, limits=HttpLimits(body_timeout=0.2)) as house:
            reader, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
            writer.write(
                b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer crm:" + SECRET.encode() + b"\r\nContent-Length: 1000\r\n\r\n{"
            )
            assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()

    async def test_what_is_not_http_is_told_so(self, house: House) -> None:
        for said in (
            b"EHLO there\r\n\r\n",
            b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
            b"\x16\x03\x01\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
            writer.write(said)
            assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()

    @pytest.mark.parametrize(("expected", "code"), [("200-ok", b" 417 "), ("100-Continue", b" 100 ")])
    async def test_what_a_tool_expects_is_met_or_a_problem(
        self, house: House, expected: str, code: bytes
    ) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
        writer.write(
            b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: %b\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" % expected.encode()
        )
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert code in said.partition(b"\r\n")[0]
        assert b"application/problem+json" in said
        assert b"X-Content-Type-Options: nosniff" in said

    async def test_smuggled_requests_are_refused(self, house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
        writer.write(
            b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()

    @pytest.mark.parametrize(
        "body",
        [
            b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n",
            b"Content-Length: -1\r\n\r\n{}",
            b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        ],
        ids=range(5),
    )
    async def test_a_broken_transfer_is_malformed(self, house: House, body: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
        writer.write(
            b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer crm:" + SECRET.encode() + b"\r\n" + body
        )
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()

    async def test_a_tool_that_hangs_up_disturbs_nobody(
        self, house: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        for sent in (b"{", b""):
            _, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
            writer.write(
                b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer crm:" + SECRET.encode() + b"\r\nContent-Length: 9\r\n\r\n" + sent
            )
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
        await asyncio.sleep(0.1)
        assert (await house.post(json=mail())).status == 202
        assert not [r for r in caplog.records if r.levelname == "ERROR"], caplog.text

    async def test_two_keys_are_malformed(self, house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.ingest.address.port)
        writer.write(
            b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n"
            b"Authorization: Bearer crm:" + SECRET.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
        )
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()

    async def test_too_many_connections_are_hung_up_on(self, tmp_path: Path) -> None:
        async with House(tmp_path) as house:
            app = house.ingest._runner.app
            tight = HttpListener(ANYWHERE, app, connections=2, keepalive=0.3)
            await tight.start()
            open_ = [socket.create_connection(("127.0.0.1", tight.address.port)) for _ in range(3)]
            open_[2].settimeout(3)
            assert await asyncio.to_thread(open_[2].recv, 1) == b""
            # Silence is not kept company for ever either.
            open_[0].settimeout(5)
            open_[0].send(b"GET / HT")
            assert await asyncio.to_thread(open_[0].recv, 1) == b""
            for connection in open_:
                connection.close()
            await tight.stop()

    async def test_every_answer_is_safe_to_show(self, house: House) -> None:
        for answer in (
            await house.get("/openapi.json", who=""),
            await house.get("/nope"),
            await house.post(),
        ):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert "aiohttp" not in answer.headers["Server"]

    async def test_other_methods_are_told_which(self, house: House) -> None:
        answer = await house.ask("DELETE", "/v1/messages")
        assert answer.status == 405
        assert "POST" in answer.headers["Allow"]


class TestWho:
    @pytest.mark.parametrize(
        "header",
        [
            "Bearer crm:wrong",
            "Bearer nobody:" + SECRET,
            "Bearer ",
            "Bearer x",
            "Basic !!!",
            "Basic Y3Jt",
            "Digest x",
            "Bearer " + "x" * 5000,
            "x",
        ],
    )
    async def test_strangers_are_not_let_in(self, house: House, header: str) -> None:
        answer = await house.post(json=mail(), Authorization=header)
        assert answer.status == 401
        assert "WWW-Authenticate" in answer.headers
        assert await _empty(house)

    async def test_nobody_at_all(self, house: House) -> None:
        for path in ("/v1/messages", "/v1/events"):
            assert (await house.post(path, json=mail(), who="")).status == 401
        assert (await house.get("/v1/messages/x", who="")).status == 401

    @pytest.mark.parametrize(
        "header", [f"Bearer crm:{SECRET}", f"Bearer crm.{SECRET}", f"bearer crm:{SECRET}"]
    )
    async def test_both_forms_of_token(self, house: House, header: str) -> None:
        assert (await house.post(json=mail(), Authorization=header)).status == 202

    async def test_basic(self, house: House) -> None:
        import base64

        told = base64.b64encode(f"crm:{SECRET}".encode()).decode()
        assert (await house.post(json=mail(), Authorization=f"Basic {told}")).status == 202

    async def test_a_changed_secret_shuts_out_at_once(self, house: House) -> None:
        assert (await house.post(json=mail())).status == 202
        sources = dict(house.access.sources)
        sources["crm"] = Source(name="crm", controller="acme", secret="")
        house.access.sources = sources
        assert (await house.post(json=mail())).status in (202, 401)

    async def test_a_reviewer_is_no_source(self, house: House) -> None:
        assert (await house.post(json=mail(), who="admin")).status == 401

    async def test_development_is_for_this_machine_alone(self, tmp_path: Path) -> None:
        async with House(tmp_path, access=development()) as house:
            assert (await house.post(json=mail(), who="")).status == 202
            for name in (
                "Forwarded",
                "X-Forwarded-For",
                "X-Forwarded-Anything",
                "Via",
                "X-Real-IP",
                "Origin",
            ):
                refused = await house.post(json=mail(), who="", **{name: "127.0.0.1"})
                assert refused.status == 403, name
            for host in ("evil.test", "evil.test:8080", "127.evil.test"):
                assert (await house.post(json=mail(), who="", Host=host)).status == 403, host

    async def test_a_stranger_behind_a_proxy_keeps_out_nobody_else_behind_it(self, tmp_path: Path) -> None:
        async with House(tmp_path, limits=HttpLimits(proxies=(ip_network("127.0.0.0/8"),))) as house:
            stranger = {"who": "", "X_Forwarded_For": "192.0.2.1"}
            crowd = [
                asyncio.create_task(house.post(json=mail(), Authorization=f"Bearer crm:{n}", **stranger))
                for n in range(40)
            ]
            known = asyncio.create_task(house.post(json=mail(), X_Forwarded_For="192.0.2.2"))
            assert {answer.status for answer in await asyncio.gather(*crowd)} == {401, 429}
            assert (await known).status == 202

    async def test_a_quick_source_is_slowed(self, tmp_path: Path) -> None:
        async with House(tmp_path, limits=HttpLimits(source_rate=2)) as house:
            statuses = [(await house.post(json=mail())).status for _ in range(6)]
            assert statuses[:2] == [202, 202]
            assert 429 in statuses
            refused = await house.post(json=mail())
            while refused.status != 429:
                refused = await house.post(json=mail())
            assert int(refused.headers["Retry-After"]) >= 1


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
PATHS = [
    "channel", "kind", "class", "purpose", "sender", "sender/name", "sender/addresses", "recipient",
    "recipient/name", "recipient/addresses", "recipient/addresses/0", "recipient/addresses/0/value",
    "recipient/attributes", "recipients", "subject", "text", "html", "campaign", "sequence", "thread",
    "thread/id", "consent", "send_at", "attachments", "meta", "deliver", "id", "spec",
]  # fmt: skip
SOURCE = Source(name="crm", controller="acme")


@settings(max_examples=300)
@given(st.sampled_from(PATHS), ANY, st.booleans())
def test_any_value_anywhere_is_a_message_or_a_problem(path: str, value: Any, private: bool) -> None:
    body = _with(path, value, note() if private else mail())
    message: Message | None = None
    told = None
    try:
        parsed = parse_json(json.dumps(body).encode())
        message = read_message(validate(NewMessage, parsed), SOURCE, "0" * 26, 1.8e9, most=10)
    except Problem as problem:
        told = problem
    if message is None:
        assert told is not None
        assert 400 <= told.status < 500
        assert told.describe("it", "")["detail"]
        return
    assert message.recipients
    assert not bare_line_ends(message.raw) or message.format == "json"
    if message.format == "mime":
        head = message.raw.partition(b"\r\n\r\n")[0]
        assert head.count(b"\r\nTo: ") == 1
        assert head.lower().count(b"\r\nbcc:") == 0
        assert parse(message.raw).message_id == message.message_id


@settings(max_examples=200)
@given(st.text(), st.text(), st.text())
def test_header_text_never_makes_a_header(subject: str, sender: str, recipient: str) -> None:
    body = _with("subject", subject)
    body["sender"]["name"], body["recipient"]["name"] = sender, recipient
    try:
        parsed = parse_json(json.dumps(body).encode())
        message = read_message(validate(NewMessage, parsed), SOURCE, "0" * 26, 1.8e9, most=10)
    except Problem:
        return
    head = message.raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert names == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type",
        b"Content-Transfer-Encoding",
    ]  # fmt: skip


@settings(max_examples=300)
@given(st.binary(max_size=200) | ANY.map(lambda value: json.dumps(value).encode()))
def test_any_octets_are_json_or_a_problem(raw: bytes) -> None:
    try:
        value = parse_json(raw)
    except Problem as problem:
        value = problem
    assert value == json.loads(raw) if not isinstance(value, Problem) else value.kind == "malformed"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY, max_size=3), st.booleans())
async def test_no_body_shakes_the_listener(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[Any], events: bool
) -> None:
    async with House(tmp_path_factory.mktemp("any")) as house:
        path = "/v1/events" if events else "/v1/messages"
        for body in bodies:
            answer = await house.post(path, data=json.dumps(body).encode(), **JSON)
            assert answer.status in (202, 400)
        assert (await house.post("/v1/events", json=event())).status == 202
