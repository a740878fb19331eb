"""Mailgun's messages: forms in both encodings, recipient variables, whole messages, the list of events."""

import asyncio
import contextlib
import json
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.forms import parse_form
from gateway.ingress.dialects.render import put_in_variables
from gateway.message.parse import parse
from tests.ingress.dialects.shop import Shop, basic, bearer
from tests.ingress.http.house import SECRET, Answer
from tests.tools import shared

DATE = "Mon, 01 Jun 2026 10:00:00 +0200"
SEND = "/v3/mg.acme.test/messages"
KEY = basic("api", f"tool:{SECRET}")

Fields = list[tuple[str, str]]


def fields(*to: str, class_: str = "transactional", **more: str) -> Fields:
    """A message to some people, of a class that decides what becomes of it."""
    return [
        ("from", "Acme <news@acme.test>"),
        *(("to", one) for one in to or ("ana@example.test",)),
        ("subject", "Your order"),
        ("text", "Your order 12 left today."),
        ("h:X-Galateo-Class", class_),
        ("h:X-Galateo-Purpose", "newsletter"),
        *((name.replace("__", ":").replace("_", "-"), value) for name, value in more.items()),
    ]


async def send(
    shop: Shop, form: Fields, *, path: str = SEND, multipart: bool = False, key: str = KEY
) -> Answer:
    if not multipart:
        body = urlencode(form).encode()
        kind = "application/x-www-form-urlencoded"
        return await shop.ask("POST", path, data=body, Content_Type=kind, Authorization=key)
    data = aiohttp.FormData()
    for name, value in form:
        data.add_field(name, value, content_type="text/plain")
    return await shop.ask("POST", path, data=data, Authorization=key)


@pytest.mark.parametrize("multipart", [False, True])
async def test_accepted_in_both_encodings(shop: Shop, multipart: bool) -> None:
    answer = await send(shop, fields("Àna <ana@example.test>"), multipart=multipart)
    assert answer.status == 200, answer.text
    assert answer.json["message"] == "Queued. Thank you."
    (message,) = shop.messages
    assert answer.json["id"] == message.message_id
    assert message.recipients[0].name == "Àna"


async def test_held_and_refused(shop: Shop) -> None:
    assert (await send(shop, fields("bo@example.test", class_="promotion"))).status == 200
    answer = await send(shop, fields("bo@example.test", class_="newsletter"))
    assert answer.status == 403
    assert answer.json["message"].startswith("rejected newsletters/consent.")


async def test_without_variables_they_see_each_other(shop: Shop) -> None:
    answer = await send(shop, fields("ana@example.test, Bo <bo@example.test>", class_="newsletter"))
    assert answer.status == 200
    ((message, receipt),) = shop.seen
    assert receipt.status == "mixed"
    assert b"To: ana@example.test,\r\n Bo <bo@example.test>\r\n" in message.raw


async def test_variables_make_a_message_for_each(shop: Shop) -> None:
    words = {
        "ANA@example.test": {"first": "Ana", "u": "https://acme.test/u/a"},
        "bo@example.test": {"first": "Bo"},
    }
    form = fields("ana@example.test", "Bo Rossi <bo@example.test>", "BO@example.test", class_="newsletter")
    form = [(n, v) for n, v in form if n not in ("subject", "text")]
    form += [
        ("subject", "Hi %recipient.first%"),
        ("text", "Hello %recipient.first% (%recipient_name%), %recipient.missing%"),
        ("h:List-Unsubscribe", "<%recipient.u%>, <%tag_unsubscribe_email%>"),
        ("v:step", "2"),
        ("v:email-id", "64f0"),
        ("recipient-variables", json.dumps(words)),
    ]
    answer = await send(shop, form, multipart=True)
    assert answer.status == 200
    ana, bo = shop.messages
    assert (ana.content.subject, bo.content.subject) == ("Hi Ana", "Hi Bo")
    assert bo.content.text == "Hello Bo (Bo Rossi), %recipient.missing%"
    assert ana.list_unsubscribe == "<https://acme.test/u/a>"
    assert (ana.campaign, ana.sequence_step) == ("64f0", 2)
    assert shop.told == ["bo@example.test"]


async def test_the_samples(shop: Shop) -> None:
    for name in ("mailgun_urlencoded", "mailgun_multipart_batch", "mailgun_mime"):
        sample = json.loads(shared(f"data/payloads/{name}.json").read_text())
        if "form" in sample:
            form = [(n, v) for n, v in sample["form"]]
            answer = await send(shop, form, path=sample["path"], multipart=True)
        else:
            answer = await shop.ask(
                "POST",
                sample["path"],
                data=sample["raw_body"].encode(),
                Content_Type=sample["content_type"],
                Authorization=KEY,
            )
        assert answer.status in (200, 403), (name, answer.text)
    assert len(shop.messages) == 4
    assert shop.messages[-1].message_id == "<m1@acme.test>"


async def test_attachments(shop: Shop) -> None:
    data = aiohttp.FormData(fields("ana@example.test"))
    data.add_field("attachment", b"a\r\n--b\0", filename='à"g.txt', content_type="text/plain; charset=utf-8")
    data.add_field("inline", b"\x89PNG", filename="logo.png", content_type="image/png")
    answer = await shop.ask("POST", SEND, data=data, Authorization=KEY)
    assert answer.status == 200, answer.text
    one, two = shop.messages[0].content.attachments
    assert (one.size, one.inline, two.inline, two.type) == (7, False, True, "image/png")


async def test_a_whole_message(shop: Shop) -> None:
    mime = "From: a@acme.test\nTo: x@x.test\nX-Galateo-Class: transactional\n\nYour order.\n"
    data = aiohttp.FormData([("to", "ana@example.test"), ("to", "bo@example.test")])
    data.add_field("message", mime.encode(), filename="message.mime")
    answer = await shop.ask("POST", SEND + ".mime", data=data, Authorization=KEY)
    assert answer.status == 200, answer.text
    (message,) = shop.messages
    assert [r.address for r in message.recipients] == ["ana@example.test", "bo@example.test"]
    assert b"\n" not in message.raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "written", ["", "Message-ID: \nDate:\n", f"Message-ID: <1@acme.test>\nDate: {DATE}\n"]
)
async def test_a_whole_message_leaves_with_its_name_and_date(shop: Shop, written: str) -> None:
    mime = (
        f"From: a@acme.test\nBcc: bo@example.test\n{written}X-Galateo-Class: transactional\n\nYour order.\n"
    )
    data = aiohttp.FormData([("to", "ana@example.test")])
    data.add_field("message", mime.encode(), filename="message.mime")
    answer = await shop.ask("POST", SEND + ".mime", data=data, Authorization=KEY)
    assert answer.status == 200, answer.text
    (message,) = shop.messages
    headers = parse(message.raw).headers
    assert headers.get_all("message-id") == (message.message_id,) == (answer.json["id"],)
    assert headers.get_all("date") == (DATE if DATE in written else formatdate(message.received_at),)
    assert answer.json["id"].endswith("@acme.test>")
    assert b"bo@example.test" not in message.raw


def in_parts(boundary: str, form: Fields) -> dict[str, Any]:
    """A form as a client sends it that drew this boundary."""
    head = 'Content-Disposition: form-data; name="%s"'
    parts = "".join(f"--{boundary}\r\n{head % name}\r\n\r\n{value}\r\n" for name, value in form)
    kind = f"multipart/form-data; boundary={boundary}"
    return {"data": f"{parts}--{boundary}--\r\n".encode(), "Content_Type": kind, "Authorization": KEY}


async def test_another_attempt_with_another_boundary_is_the_same_request(shop: Shop) -> None:
    people = [f"p{n}@example.test" for n in range(40)]
    form = [*fields(*people), ("recipient-variables", json.dumps({one: {} for one in people}))]
    shop.break_after = 1
    assert (await shop.ask("POST", SEND, **in_parts("AAAA", form))).status == 503
    shop.break_after = -1
    assert (await shop.ask("POST", SEND, **in_parts("BBBB", form))).status == 200
    assert await shop.stored() == 40


async def test_a_key_is_bound_to_what_a_form_says(shop: Shop) -> None:
    one = await shop.ask("POST", SEND, **in_parts("AAAA", fields()), Idempotency_Key="k1")
    two = await shop.ask("POST", SEND, **in_parts("BBBB", fields()), Idempotency_Key="k1")
    assert (one.status, two.status, one.json) == (200, 200, two.json)
    assert one.json["id"] == shop.messages[0].message_id
    for other in ([*fields(), ("o:tag", "x")], fields()[::-1], [(n, v + " ") for n, v in fields()]):
        assert (await shop.ask("POST", SEND, **in_parts("AAAA", other), Idempotency_Key="k1")).status == 422
    assert await shop.stored() == 1


async def test_test_mode_sends_nothing(shop: Shop) -> None:
    assert (await send(shop, fields(o__testmode="yes"))).status == 200
    assert not shop.messages[0].deliver


def without(name: str) -> Fields:
    return [(n, v) for n, v in fields() if n != name]


BAD: dict[str, tuple[Fields, int]] = {
    "no from": (without("from"), 400),
    "no to": (without("to"), 400),
    "no text": (without("text"), 400),
    "bad address": (fields("nobody"), 400),
    "line end in an address": (fields("a@x.test\r\nBcc: b@x.test"), 400),
    "line end in the subject": ([*without("subject"), ("subject", "a\r\nBcc: b@x.test")], 400),
    "line end in a header": (fields(h__X_A="b\r\nBcc: b@x.test"), 400),
    "line end in a variable": (
        [
            *fields(h__X_A="%recipient.a%"),
            ("recipient-variables", '{"ana@example.test": {"a": "b\\r\\nBcc: b@x.test"}}'),
        ],
        400,
    ),
    "variables that are no JSON": ([*fields(), ("recipient-variables", "{")], 400),
    "1001 people": (fields(*(f"a{n}@x.test" for n in range(1001))), 400),
    "bad date": (fields(o__deliverytime="tomorrow"), 400),
    "unknown class": (fields(class_="gossip"), 400),
    "an attachment that is no file": (fields(attachment="x"), 400),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_requests_store_nothing(shop: Shop, case: str) -> None:
    form, status = BAD[case]
    answer = await send(shop, form)
    assert answer.status == status, answer.text
    assert answer.json["message"]
    assert await shop.stored() == 0


@pytest.mark.parametrize("key", ["", basic("api", "wrong"), basic("api", "tool:wrong"), "Bearer x"])
async def test_unknown_key_is_one_word(shop: Shop, key: str) -> None:
    answer = await send(shop, fields(), key=key)
    assert (answer.status, answer.text) == (401, "Forbidden")


async def test_wrong_content_type(shop: Shop) -> None:
    answer = await shop.ask("POST", SEND, json={"to": "a"}, Authorization=KEY)
    assert answer.status == 415


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=zz"])
async def test_broken_multipart(shop: Shop, kind: str) -> None:
    answer = await shop.ask("POST", SEND, data=b"--yy\r\n\r\nx", Content_Type=kind, Authorization=KEY)
    assert answer.status == 400


async def test_not_utf8(shop: Shop) -> None:
    kind = "application/x-www-form-urlencoded"
    answer = await shop.ask("POST", SEND, data=b"from=%ff&to=a", Content_Type=kind, Authorization=KEY)
    assert answer.status == 400


async def test_events_tell_of_what_was_refused(shop: Shop) -> None:
    form = fields("ana@example.test", "bo@example.test", class_="newsletter", v__email_id="e1")
    answer = await send(shop, [*form, ("recipient-variables", "{}")])
    assert answer.status == 200
    listed = await shop.ask(
        "GET", "/v3/mg.acme.test/events?event=failed+OR+delivered&limit=5", Authorization=KEY
    )
    (item,) = listed.json["items"]
    assert (item["event"], item["severity"], item["reason"]) == (
        "failed",
        "permanent",
        "suppress-unsubscribe",
    )
    assert item["recipient"] == "bo@example.test"
    assert item["user-variables"] == {"email-id": "e1"}
    following = listed.json["paging"]["next"].removeprefix(shop.url)
    assert following.endswith("?event=failed+OR+delivered&limit=5"), "an address as RFC 3986 has it"
    assert (await shop.ask("GET", following, Authorization=KEY)).json["items"] == []
    other = await shop.ask("GET", "/v3/mg.acme.test/events", Authorization=bearer("plain"))
    assert other.json["items"] == []
    assert (await shop.ask("GET", "/v3/mg.acme.test/events/xx", Authorization=KEY)).status == 404
    assert (await shop.ask("GET", "/v3/mg.acme.test/events?begin=xx", Authorization=KEY)).status == 400


@given(st.binary(max_size=300), st.sampled_from(["a", "b", "--"]))
def test_multipart_never_raises_anything_else(raw: bytes, boundary: str) -> None:
    raw = (
        raw.replace(b"0", b"\r\n--" + boundary.encode()).replace(b"1", b"\r\n\r\n").replace(b"2", b"; name=x")
    )
    with contextlib.suppress(Bad):
        for part in parse_form(f"multipart/form-data; boundary={boundary}", raw).parts:
            assert isinstance(part.text, str)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
            st.text(st.characters(codec="utf-8"), max_size=40),
        ),
        max_size=8,
    )
)
def test_both_encodings_say_the_same(pairs: list[tuple[str, str]]) -> None:
    plain = parse_form("application/x-www-form-urlencoded", urlencode(pairs).encode())
    assert [(p.name, p.text) for p in plain.parts] == pairs
    data = aiohttp.FormData(default_to_multipart=True)
    pairs = [(n, v) for n, v in pairs if n.isalnum()]
    for name, value in pairs:
        data.add_field(name, value, content_type="text/plain")
    if not pairs:
        return
    raw, kind = asyncio.run(_encode(data))
    assert [(p.name, p.text) for p in parse_form(kind, raw).parts] == pairs


async def _encode(data: aiohttp.FormData) -> tuple[bytes, str]:
    payload: Any = data()
    return await payload.as_bytes(), payload.headers["Content-Type"]


def test_unknown_variables_stay() -> None:
    text = "%recipient.a% %recipient.b% %recipient% 100% %recipient"
    assert put_in_variables(text, {"a": "%recipient.b%"}, "x@y.test", "") == (
        "%recipient.b% %recipient.b% x@y.test 100% %recipient"
    )
