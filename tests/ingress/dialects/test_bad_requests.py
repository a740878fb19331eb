"""Bad input in every dialect: its own error, and nothing stored."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from gateway.ingress.dialects import DIALECTS
from gateway.ingress.http import HttpLimits
from gateway.message.headers import decode_words
from gateway.message.parse import parse
from tests.ingress.dialects.shop import Shop
from tests.ingress.dialects.tongues import ABROAD, FORM, NAME, SUBJECT, TONGUES, Tongue
from tests.ingress.http.house import SECRET, Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = 64 * 1024
"""Octets of a body that the gateways of these tests take, in place of 25 MiB."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """One shop for all: what is refused leaves it as it was."""
    async with Shop(tmp_path_factory.mktemp("shop"), limits=HttpLimits(message_bytes=SMALL)) as opened:
        yield opened


ALL = pytest.mark.parametrize("tongue", TONGUES.values(), ids=list(TONGUES))


def those(can: Callable[[Tongue], object]) -> pytest.MarkDecorator:
    """The dialects that have such a thing."""
    names = [name for name, tongue in TONGUES.items() if can(tongue)]
    return pytest.mark.parametrize("tongue", [TONGUES[name] for name in names], ids=names)


async def refused(place: Shop, tongue: Tongue, answer: Answer, status: int, stored: int) -> None:
    """The answer is the dialect's own error of that status, and nothing was stored."""
    assert answer.status == status, answer.text
    assert tongue.said(answer)
    assert "Traceback" not in answer.text
    assert await place.stored() == stored


async def test_every_dialect_is_tried() -> None:
    assert set(TONGUES) == {dialect.name for dialect in DIALECTS}


@ALL
async def test_a_good_request_is_taken(place: Shop, tongue: Tongue) -> None:
    before = await place.stored()
    answer = await tongue.send(place, tongue.body)
    assert answer.status == tongue.good, answer.text
    assert await place.stored() == before + 1


@pytest.mark.parametrize(
    "key", [None, "", "tool", "tool:wrong", f"nobody:{SECRET}", f"plain:{SECRET}x", "é:ü", "x" * 4000]
)
@ALL
async def test_missing_and_wrong_keys(place: Shop, tongue: Tongue, key: str | None) -> None:
    if key is not None and not key.isascii() and not tongue.key_in_body:
        key = "x:y"  # no client can write it in a header
    if key is not None and ":" not in key and tongue is TONGUES["listmonk"]:
        key = f"{key}:"
    before = await place.stored()
    await refused(place, tongue, await tongue.send(place, tongue.body, key), tongue.unauthorized, before)


@pytest.mark.parametrize("kind", ["text/html", "application/xml", "image/png"])
@ALL
async def test_wrong_content_type(place: Shop, tongue: Tongue, kind: str) -> None:
    before = await place.stored()
    raw = b"<key>tool:%b</key>" % SECRET.encode()
    answer = await place.ask("POST", tongue.path, data=raw, Content_Type=kind, **tongue.proof(place, raw))
    wanted = tongue.unauthorized if tongue.key_in_body else tongue.wrong_type
    # Whoever keeps the key in the body cannot be known when it is not read.
    await refused(place, tongue, answer, answer.status if tongue.key_in_body else wanted, before)
    assert answer.status in (wanted, tongue.wrong_type)


@pytest.mark.parametrize("kind", ["json", FORM, "multipart/form-data"])
@ALL
async def test_encodings_are_taken_or_refused(place: Shop, tongue: Tongue, kind: str) -> None:
    takes = tongue.both or kind == "json"
    if tongue is TONGUES["mailgun"]:
        takes = kind != "json"
    before = await place.stored()
    flat = tongue.body if not tongue.key_in_body or kind == "json" else {"message": "x"}
    answer = await tongue.send(place, flat, kind=kind)
    if takes:
        assert answer.status == tongue.good, answer.text
        return
    wanted = answer.status if tongue.key_in_body else tongue.wrong_type
    await refused(place, tongue, answer, wanted, before)


@those(lambda tongue: not tongue.form)
async def test_keys_that_repeat(place: Shop, tongue: Tongue) -> None:
    """In JSON readers differ in which of them counts; in forms they are values of one field."""
    before = await place.stored()
    body = {**tongue.body, "key": f"tool:{SECRET}"} if tongue.key_in_body else tongue.body
    raw = orjson.dumps(body)
    first = next(iter(tongue.body))
    twice = b'{"%b":%b,%b' % (first.encode(), orjson.dumps(tongue.body[first]), raw[1:])
    answer = await place.ask(
        "POST", tongue.path, data=twice, Content_Type="application/json", **tongue.proof(place, twice)
    )
    await refused(place, tongue, answer, tongue.malformed, before)


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b'{"a": NaN}', b"\xff\xfe", b"[" * 5000])
@ALL
async def test_what_is_no_request(place: Shop, tongue: Tongue, raw: bytes) -> None:
    before = await place.stored()
    kind = "multipart/form-data; boundary=b" if tongue.form else "application/json"
    answer = await place.ask("POST", tongue.path, data=raw, Content_Type=kind, **tongue.proof(place, raw))
    assert 400 <= answer.status < 500 or answer.status == tongue.malformed, answer.text
    await refused(place, tongue, answer, answer.status, before)


@pytest.mark.parametrize(
    ("tongue", "where"),
    [
        pytest.param(tongue, where, id=f"{name}-{where}")
        for name, tongue in TONGUES.items()
        for where in tongue.breaks
    ],
)
async def test_a_line_end_begins_no_header(place: Shop, tongue: Tongue, where: str) -> None:
    before = await place.stored()
    answer = await tongue.send(place, tongue.changed(tongue.breaks[where]))
    assert answer.status in (tongue.malformed, 400, 422), answer.text
    await refused(place, tongue, answer, answer.status, before)


@those(lambda tongue: tongue.many)
async def test_too_many(place: Shop, tongue: Tongue) -> None:
    assert tongue.many is not None
    before = await place.stored()
    answer = await tongue.send(place, tongue.changed(tongue.many))
    assert answer.status in (tongue.malformed, 400, 413, 422), answer.text
    await refused(place, tongue, answer, answer.status, before)


@those(lambda tongue: tongue.twins)
async def test_letters_of_another_size_are_no_other_person(place: Shop, tongue: Tongue) -> None:
    """An error where the real service has one; else the person counts once."""
    assert tongue.twins is not None
    before, seen = await place.stored(), len(place.seen)
    answer = await tongue.send(place, tongue.changed(tongue.twins))
    if answer.status != tongue.good:
        await refused(place, tongue, answer, tongue.malformed, before)
        return
    people = {(m.id, r.key) for m, _ in place.seen[seen:] for r in m.recipients}
    keys = {key for _, key in people}
    assert keys == {"cy@example.test"}
    for message, _ in place.seen[seen:]:
        assert len(message.recipients) == 1


@ALL
async def test_a_body_that_is_too_large(place: Shop, tongue: Tongue) -> None:
    assert tongue.file is not None
    before = await place.stored()
    answer = await tongue.send(place, tongue.changed(lambda b: tongue.file(b, "QUJD" * (SMALL // 3))))
    await refused(place, tongue, answer, tongue.too_large, before)


FILES: dict[str, tuple[str, str, str]] = {
    "sendgrid": ("attachments", "content", "filename"),
    "postmark": ("Attachments", "Content", "Name"),
    "resend": ("attachments", "content", "filename"),
    "brevo": ("attachment", "content", "name"),
    "mandrill": ("attachments", "content", "name"),
    "listmonk": ("attachments", "content", "name"),
    "ses": ("Attachments", "RawContent", "FileName"),
}
"""What attachments are called, and their parts, where a body is JSON and takes them."""


@pytest.mark.parametrize(
    "given", [{}, {"content": None}, {"path": "https://files.example/f.pdf"}, {"url": "u", "content": ""}]
)
@pytest.mark.parametrize("name", FILES)
async def test_no_attachment_leaves_as_an_empty_file(
    place: Shop, name: str, given: dict[str, str | None]
) -> None:
    tongue, (files, content, filename) = TONGUES[name], FILES[name]
    before = await place.stored()
    file = {filename: "f.pdf"} | {content if key == "content" else key: v for key, v in given.items()}

    def attach(body: dict[str, Any]) -> None:
        where = {"mandrill": lambda: body["message"], "ses": lambda: body["Content"]["Simple"]}
        where.get(name, lambda: body)()[files] = [file]

    answer = await tongue.send(place, tongue.changed(attach))
    await refused(place, tongue, answer, tongue.malformed, before)
    assert "content" in tongue.said(answer)


@pytest.mark.parametrize("name", [name for name in FILES if name != "sendgrid"])
async def test_a_file_that_is_empty_on_purpose(place: Shop, name: str) -> None:
    """SendGrid refuses those too."""
    tongue = TONGUES[name]
    assert tongue.file is not None
    answer = await tongue.send(place, tongue.changed(lambda b: tongue.file(b, "")))
    assert answer.status == tongue.good, answer.text
    assert [file.size for file in place.seen[-1][0].content.attachments] == [0]


@ALL
async def test_non_ascii_everywhere(place: Shop, tongue: Tongue) -> None:
    assert tongue.abroad is not None
    answer = await tongue.send(place, tongue.changed(tongue.abroad))
    assert answer.status == tongue.good, answer.text
    content = place.seen[-1][0].content
    assert SUBJECT in (content.subject or content.text)


LONG: Mapping[str, Mapping[str, str]] = {
    "name": {NAME: "Università degli Studi di Forlì – Facoltà di Economia", ABROAD: "cy@example.test"},
    "name of one word": {NAME: "W" * 74, ABROAD: "cy@example.test"},
    "address": {f"{NAME} <{ABROAD}>": ABROAD, NAME: "", ABROAD: f"{'a' * 60}@{'b' * 30}.test"},
    "subject of one word": {
        SUBJECT: "https://acme.test/orders/2026/11/22/confirmation?id=1234567890&token=abcdef"
    },
}
"""What does not fit in a line of a header together with the name of its field."""


@pytest.mark.parametrize("what", LONG)
@ALL
async def test_what_is_longer_than_a_line_is_taken(place: Shop, tongue: Tongue, what: str) -> None:
    assert tongue.abroad is not None
    given = orjson.dumps(tongue.changed(tongue.abroad)).decode()
    for short, long in LONG[what].items():
        given = given.replace(short, long)
    body = [tuple(pair) for pair in made] if isinstance(made := orjson.loads(given), list) else made
    answer = await tongue.send(place, body)
    assert answer.status == tongue.good, answer.text
    message = place.seen[-1][0]
    if message.format == "mime":
        headers = parse(message.raw).headers
        assert len(headers.get_all("to")) == len(headers.get_all("subject")) == 1
        assert decode_words(headers.get("subject")) == message.content.subject
        assert message.recipients[0].address in headers.get("to")


@ALL
async def test_unknown_fields_are_ignored(place: Shop, tongue: Tongue) -> None:
    def more(body: object) -> object:
        if isinstance(body, list):
            return [*body, ("x-unknown", "1"), ("o:unknown", "yes")]
        assert isinstance(body, dict)
        return {**body, "unknown": {"a": [1]}, "another": None}

    answer = await tongue.send(place, tongue.changed(more))
    assert answer.status == tongue.good, answer.text


@ALL
async def test_other_methods(place: Shop, tongue: Tongue) -> None:
    answer = await place.ask("PUT", tongue.path, **tongue.proof(place, b"", method="PUT"))
    assert answer.status == 405, answer.text
    assert "POST" in answer.headers["Allow"]
    assert tongue.said(answer)


@ALL
async def test_when_the_gateway_fails_nothing_is_stored(place: Shop, tongue: Tongue) -> None:
    before = await place.stored()
    place.break_after = 0
    try:
        answer = await tongue.send(place, tongue.body)
    finally:
        place.break_after = -1
    await refused(place, tongue, answer, 503, before)
    assert "Retry-After" in answer.headers


@ALL
async def test_what_is_broken_off_stores_nothing(place: Shop, tongue: Tongue, tmp_path: Path) -> None:
    """A body that says it is compressed, and is not."""
    before = await place.stored()
    answer = await place.ask(
        "POST",
        tongue.path,
        data=b"{}",
        Content_Type="application/json",
        Content_Encoding="gzip",
        **tongue.proof(place, b"{}"),
    )
    await refused(place, tongue, answer, answer.status, before)
    assert 400 <= answer.status < 500 or answer.status == tongue.malformed


async def test_what_is_put_off_because_memory_is_full_is_counted(tmp_path: Path) -> None:
    tongue = TONGUES["postmark"]
    async with Shop(tmp_path, limits=HttpLimits(inflight_bytes=10)) as full:
        answer = await tongue.send(full, tongue.body)
        assert answer.status == 503
        assert b'channel="unknown",class="unknown",outcome="deferred"' in full.metrics.render()[0]
