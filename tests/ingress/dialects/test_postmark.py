"""Postmark: single, batch, the wording that its clients parse."""

import dataclasses
import json
import re
import uuid
from typing import Any

import pytest

from tests.ingress.dialects.shop import UUID_KEY, Shop, access_of_shop, digest
from tests.ingress.http.house import SECRET, Answer
from tests.tools import shared

FOUND = re.compile(r"Found inactive addresses: (.+?)\.? Inactive")
THESE = re.compile(r"these inactive addresses: (.+?)\.?$")


def mail(to: str = "ana@example.test", class_: str = "transactional", **fields: Any) -> dict[str, Any]:
    headers = [
        {"Name": "X-Galateo-Class", "Value": class_},
        {"Name": "X-Galateo-Purpose", "Value": "newsletter"},
    ]
    return {
        "From": "Acme <news@acme.test>",
        "To": to,
        "Subject": "Your order",
        "TextBody": "Your order 12 left today.",
        "Headers": headers,
        **fields,
    }


async def send(shop: Shop, body: Any, path: str = "/email", key: str = UUID_KEY) -> Answer:
    headers = {"X-Postmark-Server-Token": key} if key else {}
    return await shop.ask("POST", path, json=body, **headers)


async def test_accepted(shop: Shop) -> None:
    answer = await send(shop, mail("Ana <ana@example.test>"))
    assert answer.status == 200
    told = answer.json
    assert (told["To"], told["ErrorCode"], told["Message"]) == ("ana@example.test", 0, "OK")
    assert uuid.UUID(told["MessageID"]).version == 4
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", told["SubmittedAt"])


async def test_held_is_as_good_as_accepted(shop: Shop) -> None:
    answer = await send(shop, mail("bo@example.test", "promotion"))
    assert (answer.status, answer.json["ErrorCode"]) == (200, 0)


async def test_refused_is_inactive(shop: Shop) -> None:
    answer = await send(shop, mail("bo@example.test", "newsletter"))
    assert (answer.status, answer.json["ErrorCode"]) == (422, 406)
    found = FOUND.search(answer.json["Message"])
    assert found is not None
    assert found[1] == "bo@example.test"
    assert "newsletters/consent." in answer.json["Message"]


async def test_refused_among_others(shop: Shop) -> None:
    answer = await send(shop, mail("ana@example.test, Bo <bo@example.test>", "newsletter"))
    assert (answer.status, answer.json["ErrorCode"]) == (200, 0)
    found = THESE.search(answer.json["Message"])
    assert found is not None
    assert found[1] == "bo@example.test"


async def test_a_batch_is_200_with_a_code_for_each(shop: Shop) -> None:
    body = [
        mail(class_="newsletter"),
        mail("bo@example.test", "newsletter"),
        mail("nobody"),
        mail("bo@example.test", "promotion"),
        7,
    ]
    answer = await send(shop, body, "/email/batch")
    assert answer.status == 200
    assert [each["ErrorCode"] for each in answer.json] == [0, 406, 300, 0, 300]
    assert await shop.stored() == 3
    assert shop.told == ["bo@example.test"]


async def test_streams_give_the_class(shop: Shop) -> None:
    await send(shop, mail(Headers=[], MessageStream="broadcast"))
    await send(shop, mail(Headers=[], MessageStream="outbound"))
    assert [m.class_ for m in shop.messages] == ["newsletter", ""]


async def test_templates_of_a_batch_are_refused_one_by_one(shop: Shop) -> None:
    body = {"From": "a@acme.test", "To": "ana@example.test", "TemplateAlias": "hi"}
    answer = await send(shop, {"Messages": [body, mail()]}, "/email/batchWithTemplates")
    assert [each["ErrorCode"] for each in answer.json] == [300, 0]
    assert "TemplateAlias" in answer.json[0]["Message"]
    assert await shop.stored() == 1


async def test_the_test_token_sends_nothing(shop: Shop) -> None:
    answer = await send(shop, mail(), key="POSTMARK_API_TEST")
    assert (answer.status, answer.json["ErrorCode"], answer.json["Message"]) == (200, 0, "Test job accepted")
    assert not shop.messages[0].deliver


async def test_the_samples(shop: Shop) -> None:
    for name in ("postmark_single", "postmark_batch"):
        sample = json.loads(shared(f"data/payloads/{name}.json").read_text())
        answer = await send(shop, sample["body"], sample["path"])
        assert answer.status in (200, 422), answer.text
    message = shop.messages[0]
    assert (message.campaign, message.sequence_step, message.class_) == ("c1", 2, "newsletter")


async def test_keys(shop: Shop) -> None:
    assert (await send(shop, mail(), key=f"tool:{SECRET}")).status == 200
    for key in ("", "wrong", UUID_KEY[:-1] + "6"):
        answer = await send(shop, mail(), key=key)
        assert (answer.status, answer.json["ErrorCode"]) == (401, 10)


BAD: dict[str, dict[str, Any]] = {
    "no from": mail(From=""),
    "no to": mail(""),
    "51 people": mail(", ".join(f"a{n}@x.test" for n in range(51))),
    "no body": mail(TextBody=""),
    "bad address": mail("nobody"),
    "line end in an address": mail("a@x.test\r\nBcc: b@x.test"),
    "line end in the subject": mail(Subject="a\r\nBcc: b@x.test"),
    "line end in a header": mail(Headers=[{"Name": "X-A", "Value": "b\r\nBcc: c"}]),
    "headers as an object": mail(Headers={"X-A": "b"}),
    "bad attachment": mail(Attachments=[{"Name": "a", "Content": "%%", "ContentType": "text/plain"}]),
    "to as an array": mail(To=["ana@example.test"]),
    "unknown class": mail(class_="gossip"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_requests_store_nothing(shop: Shop, case: str) -> None:
    answer = await send(shop, BAD[case])
    assert (answer.status, answer.json["ErrorCode"]) == (422, 300), answer.text
    assert answer.json["Message"]
    assert await shop.stored() == 0


async def test_too_many_in_a_batch(shop: Shop) -> None:
    answer = await send(shop, [mail()] * 501, "/email/batch")
    assert (answer.status, answer.json["ErrorCode"]) == (422, 410)
    assert await shop.stored() == 0


async def test_wrong_content_type(shop: Shop) -> None:
    answer = await shop.ask(
        "POST", "/email", data=b"{}", Content_Type="text/plain", **{"X-Postmark-Server-Token": UUID_KEY}
    )
    assert answer.status == 415
    assert answer.json["ErrorCode"]


async def test_capitals_are_no_other_person(shop: Shop) -> None:
    assert (await send(shop, mail("ana@example.test, ANA@example.test"))).status == 200
    assert len(shop.messages[0].recipients) == 1


async def test_its_key_in_the_access_file_is_changed(shop: Shop) -> None:
    assert (await send(shop, mail())).status == 200
    fresh, tool = access_of_shop(), shop.access.sources["tool"]
    given = {**tool.dialects, "postmark": {**tool.dialects["postmark"], "key": digest("another")}}
    changed = tool.model_copy(update={"dialects": given})
    shop.access.adopt(dataclasses.replace(fresh, sources={**fresh.sources, "tool": changed}))
    assert (await send(shop, mail())).status == 401
    assert (await send(shop, mail(), key="another")).status == 200
    shop.access.adopt(dataclasses.replace(fresh, sources={"plain": fresh.sources["plain"]}))
    assert (await send(shop, mail(), key="another")).status == 401
