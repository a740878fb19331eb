"""Amazon SES v2: what it takes, how it refuses, and who signed."""

import base64
import json
import time
from typing import Any

import orjson
import pytest

from tests.ingress.dialects.aws import signed
from tests.ingress.dialects.shop import Shop
from tests.ingress.http.house import Answer
from tests.tools import shared

PATH = "/v2/email/outbound-emails"
ANA, BO = "ana@example.test", "bo@example.test"


def mail(class_: str, *people: str, **content: Any) -> dict[str, Any]:
    simple = {
        "Subject": {"Data": "News"},
        "Body": {"Text": {"Data": "A workshop opens on the 12th."}},
        "Headers": [
            {"Name": "X-Galateo-Class", "Value": class_},
            {"Name": "X-Galateo-Purpose", "Value": "newsletter"},
        ],
    }
    return {
        "FromEmailAddress": "News <news@acme.test>",
        "Destination": {"ToAddresses": list(people)},
        "Content": content or {"Simple": simple},
        "EmailTags": [{"Name": "campaign", "Value": "spring"}],
    }


async def send(shop: Shop, body: Any, **how: Any) -> Answer:
    raw = orjson.dumps(body)
    how["at"] = time.time() - how.pop("late", 0.0)
    headers = signed("POST", PATH, how.pop("host", shop.listener.address), how.pop("over", raw), **how)
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    return await shop.ask("POST", PATH, data=raw, Content_Type="application/json", **named)


@pytest.mark.parametrize(
    ("class_", "people", "status"),
    [
        ("newsletter", [ANA], 200),
        ("promotion", [BO], 200),
        ("newsletter", [BO], 400),
        ("newsletter", [ANA, BO], 200),
    ],
)
async def test_outcomes(shop: Shop, class_: str, people: list[str], status: int) -> None:
    answer = await send(shop, mail(class_, *people))
    assert answer.status == status, answer.text
    if status == 200:
        assert len(answer.json["MessageId"]) == 26
    else:
        assert answer.headers["x-amzn-ErrorType"] == "MessageRejected"
        assert "newsletters/consent." in answer.json["message"]
    assert shop.messages[0].campaign == "spring"


async def test_the_sample(shop: Shop) -> None:
    sample = orjson.loads(shared("data/payloads/ses_v2_simple.json").read_bytes())
    answer = await send(shop, sample["body"])
    assert (answer.status, bool(answer.json["MessageId"])) == (200, True)
    assert shop.messages[0].list_unsubscribe == "<https://acme.test/u/abc>"


@pytest.mark.parametrize("named", [True, False])
async def test_a_whole_message(shop: Shop, named: bool) -> None:
    raw = b"From: news@acme.test\nTo: Ana <ana@example.test>\nX-Galateo-Class: transactional\n\nIt left.\n"
    body = mail("", Raw={"Data": base64.b64encode(raw).decode()})
    body["Destination"] = {"ToAddresses": [BO]} if named else {}
    assert (await send(shop, body)).status == 200
    assert [r.address for r in shop.messages[0].recipients] == [BO if named else ANA]


async def test_blind_copies_of_a_whole_message_stay_blind(shop: Shop) -> None:
    raw = b"From: news@acme.test\nTo: ana@example.test\nBcc: Bo\n <bo@example.test>\nbcc : cy@example.test\n"
    raw += b"Resent-Bcc: di@example.test\nX-Galateo-Class: transactional\n\nBcc: it left.\n"
    body = mail("", Raw={"Data": base64.b64encode(raw).decode()})
    body["Destination"] = {}
    assert (await send(shop, body)).status == 200
    (message,) = shop.messages
    assert {r.address for r in message.recipients} >= {ANA, BO}
    head, _, text = message.raw.partition(b"\r\n\r\n")
    assert not [name for name in (b"bcc", b"bo@", b"cy@", b"di@") if name in head.lower()]
    assert text == b"Bcc: it left.\r\n"


async def test_template_data_that_is_no_json_is_named(shop: Shop) -> None:
    body = mail("", ANA, Template={"TemplateName": "t1", "TemplateData": "Ana"})
    answer = await send(shop, body)
    assert (answer.status, "TemplateData" in answer.json["message"]) == (400, True), answer.text


def inline(text: str, data: dict[str, Any], **more: str) -> dict[str, Any]:
    content = {"Subject": "Order {{order.id}}", "Text": text, **more}
    body = mail("", ANA, Template={"TemplateContent": content, "TemplateData": json.dumps(data)})
    body["Content"]["Template"]["Headers"] = [{"Name": "X-Galateo-Class", "Value": "transactional"}]
    return body


async def test_a_template_that_comes_with_its_text_is_filled(shop: Shop) -> None:
    data = {"name": "Ana & Co", "order": {"id": 12}, "paid": True}
    answer = await send(shop, inline("{{ name }}: {{{order.id}}} {{paid}}", data, Html="<p>{{name}}</p>"))
    assert answer.status == 200, answer.text
    assert shop.messages[0].class_ == "transactional"
    content = shop.messages[0].content
    assert (content.subject, content.text, content.html) == (
        "Order 12",
        "Ana & Co: 12 true",
        "<p>Ana & Co</p>",
    )


@pytest.mark.parametrize(
    "text", ["{{missing}}", "{{order}}", "{{#if name}}x{{/if}}", "{{order.id.x}}", "{{", "{{name}} {{name}"]
)
async def test_a_template_that_cannot_be_filled_is_named(shop: Shop, text: str) -> None:
    answer = await send(shop, inline(text, {"name": "Ana", "order": {"id": 12}}))
    assert (answer.status, "TemplateContent.Text" in answer.json["message"]) == (400, True), answer.text
    broken = await send(shop, inline("Hi", {"order": {"id": "1\r\nBcc: eve@example.test"}}))
    assert (broken.status, "TemplateContent.Subject" in broken.json["message"]) == (400, True)
    huge = await send(shop, inline("{{name}}" * 1000, {"name": "x" * 200_000, "order": {"id": 1}}))
    assert huge.status == 413
    assert await shop.stored() == 0


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "another-secret-of-enough-length"},
        {"secret": ""},
        {"access_key": "AKIANOBODY0000000000"},
        {"service": "s3"},
        {"late": 400.0},
        {"late": -400.0},
        {"host": "elsewhere.test"},
        {"over": b"{}"},
    ],
    ids=["secret", "no secret", "key", "service", "stale", "early", "host", "body"],
)
async def test_signatures_that_are_none(shop: Shop, how: dict[str, Any]) -> None:
    answer = await send(shop, mail("transactional", ANA), **how)
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "UnrecognizedClientException")
    assert await shop.stored() == 0
