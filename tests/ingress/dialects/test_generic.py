"""The generic webhook: any body, by a map of fields."""

import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Access, Source
from gateway.ingress.dialects import dialect_faults
from gateway.ingress.dialects.generic import DEFAULTS
from gateway.ingress.dialects.paths import BadPath, apply_map, check_map, find, parse_path
from gateway.ingress.http import HttpLimits
from tests.ingress.dialects.shop import Shop, basic, bearer
from tests.ingress.http.house import SECRET, Answer
from tests.tools import shared

FORM = "application/x-www-form-urlencoded"


def contact(email: str = "ana@example.test", **fields: Any) -> dict[str, Any]:
    return {
        "vid": 101,
        "properties": {"email": {"value": email}, "firstname": {"value": "Ana"}, "city": {"value": "Porto"}},
        "scores": [{"name": "warm"}],
        "note": "Your order left today.",
        **fields,
    }


async def post(shop: Shop, body: Any, **headers: str) -> Answer:
    headers.setdefault("Authorization", f"Bearer {SECRET}")
    return await shop.ask("POST", "/v1/hooks/hub", json=body, **headers)


async def test_a_map_finds_everything(shop: Shop) -> None:
    answer = await post(shop, contact())
    assert (answer.status, answer.json["status"]) == (200, "accepted")
    (message,) = shop.messages
    assert (message.content.subject, message.content.text) == ("Your order 101", "Your order left today.")
    assert message.recipients[0].attributes == {"city": "Porto", "lead": "warm"}
    assert message.sender.name == "Rui Alves"


async def test_held_and_refused_are_200(shop: Shop) -> None:
    answer = await post(shop, contact("bo@example.test", **{"class": "promotion"}))
    assert (answer.status, answer.json["status"]) == (200, "held")
    answer = await post(shop, contact("bo@example.test", **{"class": "newsletter"}))
    assert (answer.status, answer.json["status"]) == (200, "rejected")
    assert answer.json["violations"][0]["code"].startswith("consent.")
    assert shop.told == ["bo@example.test"]


@pytest.mark.parametrize(
    "key",
    [
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": bearer("hub")},
        {"Authorization": basic("hub", SECRET)},
        {"Authorization": "", "X_API_Key": SECRET},
    ],
)
async def test_keys(shop: Shop, key: dict[str, str]) -> None:
    assert (await post(shop, contact(), **key)).status == 200


async def test_a_key_in_the_url(shop: Shop) -> None:
    path = f"/v1/hooks/hub?{urlencode({'key': SECRET})}"
    assert (await shop.ask("POST", path, json=contact())).status == 200
    assert (await shop.ask("POST", "/v1/hooks/hub?key=no", json=contact())).status == 401
    assert (
        await shop.ask("POST", "/v1/hooks/tool", json=contact(), Authorization=basic("hub", SECRET))
    ).status == 404


async def test_a_form_without_a_map(shop: Shop) -> None:
    form = {
        "email": "ana@example.test",
        "firstname": "Ana",
        "from": "linkedin.com/in/rui",
        "to": "linkedin.com/in/ana-ruiz",
        "channel": "linkedin",
        "kind": "connection_request",
        "text": "Hi Ana",
        "campaign": "spring",
        "deliver": "false",
    }
    answer = await shop.ask(
        "POST",
        "/v1/hooks/plain",
        data=urlencode(form).encode(),
        Content_Type=FORM,
        Authorization=bearer("plain"),
    )
    assert answer.status == 200, answer.text
    (message,) = shop.messages
    assert (message.channel, message.kind, message.campaign, message.deliver) == (
        "linkedin",
        "connection_request",
        "spring",
        False,
    )


@pytest.mark.parametrize("field", ["email", "to", "recipient", "contact[email]"])
async def test_a_form_with_an_address_under_any_name(shop: Shop, field: str) -> None:
    form = {field: "ana@example.test", "from": "news@acme.test", "subject": "Hi", "text": "Your order left."}
    answer = await shop.ask(
        "POST",
        "/v1/hooks/plain",
        data=urlencode(form).encode(),
        Content_Type=FORM,
        Authorization=bearer("plain"),
    )
    assert answer.status == 200, answer.text
    assert shop.messages[0].recipients[0].address == "ana@example.test"


def test_the_default_map_can_be_meant() -> None:
    check_map(DEFAULTS)


async def test_json_under_another_name(shop: Shop) -> None:
    raw = json.dumps(contact()).encode()
    answer = await shop.ask(
        "POST", "/v1/hooks/hub", data=raw, Content_Type="text/plain", Authorization=bearer("hub")
    )
    assert answer.status == 200


async def test_the_samples(shop: Shop) -> None:
    sample = json.loads(shared("data/payloads/hubspot_workflow_contact.json").read_text())
    answer = await post(shop, {**sample["body"], "note": "Your order left."})
    assert answer.status == 200, answer.text


BAD: dict[str, tuple[Any, int]] = {
    "nobody to write to": ({"note": "hi"}, 422),
    "an address with a line end": (contact("ana@example.test\r\nBcc: b@x.test"), 400),
    "no address": (contact("nobody"), 400),
    "a list for an address": (contact(["a@x.test"]), 422),  # type: ignore[arg-type]
    "a class that is none": (contact(**{"class": "gossip"}), 400),
    "nothing to say": (contact(note=None), 400),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_requests_store_nothing(shop: Shop, case: str) -> None:
    body, status = BAD[case]
    answer = await post(shop, body)
    assert (answer.status, answer.json["status"]) == (status, "error"), answer.text
    assert await shop.stored() == 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"channel": "linkedin", "from": "linkedin.com/in/rui"}, "to"),
        ({"channel": "linkedin", "to": "linkedin.com/in/ana-ruiz"}, "from"),
        ({"from_name": "Rui\r\nBcc: x"}, "from_name"),
        ({"name": "a" * 201}, "name"),
        ({"campaign": "a" * 201}, "campaign"),
        ({"in_reply_to": "a\nb"}, "in_reply_to"),
        ({"class": "gossip"}, "class"),
        ({"email": ""}, "to"),
    ],
)
async def test_what_is_wrong_is_named_as_in_the_map(shop: Shop, fields: dict[str, str], named: str) -> None:
    body = {"email": "ana@example.test", "from": "news@acme.test", "subject": "Hi", "text": "It left."}
    answer = await shop.ask("POST", "/v1/hooks/plain", json=body | fields, Authorization=bearer("plain"))
    assert answer.status in (400, 422)
    assert answer.json["field"] == named, answer.text


async def test_whom_nobody_knows_hears_what_to_send(shop: Shop) -> None:
    answer = await shop.ask("POST", "/v1/hooks/plain", json={}, Authorization="Bearer no")
    assert answer.status == 401
    assert "Authorization: Bearer <secret>" in answer.json["message"]


async def test_wrong_type_of_body(shop: Shop) -> None:
    answer = await shop.ask(
        "POST", "/v1/hooks/hub", data=b"<a/>", Content_Type="text/xml", Authorization=bearer("hub")
    )
    assert answer.status == 415


@pytest.mark.parametrize("path", ["$", "$.a", "$.a.b[0]", "$['a b'].c", '$["x"][-1]', "$.a-b"])
def test_paths_that_are_understood(path: str) -> None:
    assert isinstance(parse_path(path), tuple)


@pytest.mark.parametrize("path", ["", "a.b", "$..a", "$.a[*]", "$[?@.a]", "$.a[", "$." + "a" * 300])
def test_paths_that_are_not(path: str) -> None:
    with pytest.raises(BadPath):
        parse_path(path)


def test_what_a_map_makes() -> None:
    data = {"a": {"b": [1, {"c d": "x"}]}, "t": True, "empty": ""}
    assert apply_map(["$.no", "$.empty", "$.a.b[-1]['c d']"], data) == "x"
    assert apply_map("Hi {$.a.b[0]}, {$.t}{$.none}!", data) == "Hi 1, true!"
    assert apply_map({"x": "$.a.b[0]", "y": "$.no"}, data) == {"x": 1}
    with pytest.raises(BadPath):
        check_map({"a": ["{$..b}"]})


@given(
    st.text(max_size=40),
    st.recursive(
        st.none() | st.text() | st.integers(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    ),
)
def test_paths_never_raise_anything_else(path: str, data: Any) -> None:
    with contextlib.suppress(BadPath):
        find(data, parse_path("$" + path))


@pytest.mark.parametrize(
    "dialects",
    [{"smoke": {}}, {"sendgrid": 7}, {"sendgrid": {"key": "plain"}}, {"sendgrid": {"key": "sha256:xx"}}],
)
def test_an_access_file_that_cannot_be_meant(dialects: Any) -> None:
    source = Source(name="a", controller="c", dialects=dialects)
    faults = list(dialect_faults(Access(sources={"a": source}, controllers={}, reviewers={})))
    assert [(fault.source, fault.path[0]) for fault in faults] == [("a", "dialects")]


async def test_a_batch_counts_all_its_messages(tmp_path: Path) -> None:
    async with Shop(tmp_path, limits=HttpLimits(source_rate=0.01)) as shop:
        mails = [
            {"From": "news@acme.test", "To": f"p{n}@example.test", "Subject": "Order", "TextBody": "It left."}
            for n in range(6)
        ]
        key = f"tool:{SECRET}"
        first = await shop.ask("POST", "/email/batch", json=mails, X_Postmark_Server_Token=key)
        second = await shop.ask("POST", "/email", json=mails[0], X_Postmark_Server_Token=key)
        assert (first.status, len(shop.seen)) == (200, 6)
        assert second.status == 429
        assert int(second.headers["Retry-After"]) > 500
