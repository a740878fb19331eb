"""SendGrid's mail send: its fields, its answers, its errors."""

import asyncio
import base64
import copy
import gzip
import json
from typing import Any

import pytest

from gateway.message.parse import parse
from gateway.policy.outcome import Outcome
from tests.ingress.dialects.shop import SENDGRID_KEY, Shop, bearer
from tests.tools import shared

SEND = "/v3/mail/send"


def mail(*people: dict[str, Any], class_: str = "transactional", **fields: Any) -> dict[str, Any]:
    """A request to some people, of a class that decides what becomes of it."""
    return {
        "personalizations": [p if "to" in p else {"to": [p]} for p in people] or [{"to": [ANA]}],
        "from": {"email": "news@acme.test", "name": "Acme"},
        "subject": "Your order",
        "content": [{"type": "text/plain", "value": "Your order 12 left today."}],
        "headers": {"X-Galateo-Class": class_, "X-Galateo-Purpose": "newsletter"},
        **fields,
    }


ANA = {"email": "ana@example.test", "name": "Ana Ruiz"}
BO = {"email": "bo@example.test"}


async def send(shop: Shop, body: Any, **headers: str) -> Any:
    headers.setdefault("Authorization", bearer())
    return await shop.ask("POST", SEND, json=body, **headers)


async def test_accepted_is_202_without_a_body(shop: Shop) -> None:
    answer = await send(shop, mail(ANA))
    assert (answer.status, answer.text) == (202, "")
    assert len(answer.headers["X-Message-Id"]) == 26
    (message,) = shop.messages
    assert message.recipients[0].name == "Ana Ruiz"
    assert b"To: Ana Ruiz <ana@example.test>\r\n" in message.raw
    assert message.content.text == "Your order 12 left today."


async def test_held_is_202(shop: Shop) -> None:
    answer = await send(shop, mail(BO, class_="promotion"))
    assert (answer.status, answer.text) == (202, "")
    assert shop.seen[0][1].status == "held"


async def test_refused_for_all_is_403_with_the_reason(shop: Shop) -> None:
    answer = await send(shop, mail(BO, class_="newsletter"))
    assert answer.status == 403
    (error,) = answer.json["errors"]
    assert error["message"].startswith("rejected newsletters/consent.")
    assert (error["field"], error["help"]) == (None, None)
    assert shop.told == []


async def test_refused_for_some_is_202_and_told_elsewhere(shop: Shop) -> None:
    answer = await send(shop, mail(ANA, BO, class_="newsletter"))
    assert answer.status == 202
    assert sorted(receipt.status for _, receipt in shop.seen) == ["accepted", "rejected"]
    assert shop.told == ["bo@example.test"]


async def test_a_copy_is_decided_alone(shop: Shop) -> None:
    answer = await send(shop, mail({"to": [ANA], "cc": [BO]}, class_="newsletter"))
    assert answer.status == 202
    ((message, receipt),) = shop.seen
    assert [r.outcome for r in receipt.recipients] == [Outcome.ACCEPT, Outcome.REJECT]
    assert b"\r\nCc: bo@example.test\r\n" in message.raw


async def test_substitutions_stand_before_reading(shop: Shop) -> None:
    words = {"-first-": "Ana", "-offer-": "-spring-"}
    body = mail(
        {"to": [ANA], "substitutions": words},
        {"to": [BO], "substitutions": {"-first-": "Bo", "-offer-": ""}},
        subject="Hi -first-",
        content=[
            {"type": "text/plain", "value": "Hello -first- -offer-"},
            {"type": "text/html", "value": "<p>Hello -first-</p>"},
        ],
        sections={"-spring-": "spring!"},
    )
    assert (await send(shop, body)).status == 202
    ana, bo = sorted(shop.messages, key=lambda m: m.recipients[0].address)
    assert (ana.content.subject, ana.content.text) == ("Hi Ana", "Hello Ana spring!")
    assert (bo.content.subject, bo.content.html) == ("Hi Bo", "<p>Hello Bo</p>")
    assert "Ana" in ana.content.own_words


async def test_what_is_encoded_in_a_subject_is_read_as_it_will_be_seen(shop: Shop) -> None:
    assert (await send(shop, mail(ANA, subject="=?utf-8?b?U2NvbnRvIGRlbCA1MCU=?= a?"))).status == 202
    (message,) = shop.messages
    assert message.content.subject == "Sconto del 50% a?"
    assert b"Subject: =?utf-8?b?U2NvbnRvIGRlbCA1MCU=?= a?" in message.raw


async def test_sandbox_is_200_and_sends_nothing(shop: Shop) -> None:
    answer = await send(shop, mail(ANA, mail_settings={"sandbox_mode": {"enable": True}}))
    assert (answer.status, answer.text) == (200, "")
    assert not shop.messages[0].deliver
    assert await shop.store.waiting(shop.messages[0].id) == []


CALENDAR = "BEGIN:VEVENT\r\nSUMMARY:Only today: 50%\r\n  off\r\nEND:VEVENT\r\n"


async def test_nothing_is_left_out_of_a_mail_without_a_word(shop: Shop) -> None:
    plain = {"type": "text/plain", "value": "Your order 12 left today."}
    calendar = {"type": "text/calendar; method=REQUEST", "value": CALENDAR}
    answer = await send(shop, mail(ANA, content=[plain, calendar]))
    assert answer.status == 400
    (error,) = answer.json["errors"]
    assert error["field"] == "content.1.type"
    assert "attachments" in error["message"]
    assert await shop.stored() == 0
    amp = {"type": "text/x-amp-html", "value": "<html amp4email></html>"}
    assert (await send(shop, mail(ANA, content=[plain, amp]))).status == 202


async def test_an_invitation_is_read_where_it_is_attached(shop: Shop) -> None:
    content = base64.b64encode(CALENDAR.encode()).decode()
    file = {"content": content, "filename": "invite.ics", "type": "text/calendar"}
    assert (await send(shop, mail(ANA, attachments=[file]))).status == 202
    (message,) = shop.messages
    assert message.content.besides == ("Only today: 50% off",)
    assert parse(message.raw).content.besides == message.content.besides


async def test_the_sample_with_everything(shop: Shop) -> None:
    sample = json.loads(shared("data/payloads/sendgrid_full.json").read_text())
    answer = await send(shop, sample["body"])
    assert answer.status in (202, 403), answer.text
    ana = next(m for m in shop.messages if m.recipients[0].address == "ana@example.test")
    assert (ana.campaign, ana.sequence_step) == ("spring-2026", 2)
    assert ana.content.subject == "Hi Ana"
    assert ana.list_unsubscribe == "<https://acme.test/u/abc>"
    assert ana.send_at == 1900000000
    assert b"\r\nX-Entity-Ref-ID: r1\r\n" in ana.raw
    assert b"\r\nReply-To: hello@acme.test\r\n" in ana.raw
    assert ana.content.attachments[0].filename == "agenda.txt"


@pytest.mark.parametrize("custom", [{"campaign_id": "c1"}, '{"campaign_id": "c1"}'])
async def test_custom_args_as_an_object_or_its_text(shop: Shop, custom: Any) -> None:
    assert (await send(shop, mail(ANA, custom_args=custom))).status == 202
    assert shop.messages[0].campaign == "c1"


@pytest.mark.parametrize("custom", ["campaign-1", '["c1"]', '{"a": NaN}', 7])
async def test_custom_args_that_are_no_object_are_named(shop: Shop, custom: Any) -> None:
    for body, field in (
        (mail(ANA, custom_args=custom), "custom_args"),
        (mail({"to": [ANA], "custom_args": custom}), "personalizations.0.custom_args"),
    ):
        answer = await send(shop, body)
        assert (answer.status, answer.json["errors"][0]["field"]) == (400, field), answer.text
        assert "object" in answer.json["errors"][0]["message"]
    assert await shop.stored() == 0


async def test_keys_of_every_shape(shop: Shop) -> None:
    for header in (bearer(), bearer().replace("tool:", "tool."), f"Bearer {SENDGRID_KEY}"):
        assert (await send(shop, mail(ANA), Authorization=header)).status == 202
    assert {m.source for m in shop.messages} == {"tool"}


@pytest.mark.parametrize(
    "header", ["", "Bearer nobody:x", "Bearer SG.wrong", "Basic xx", "Bearer tool:wrong"]
)
async def test_unknown_key(shop: Shop, header: str) -> None:
    answer = await send(shop, mail(ANA), Authorization=header)
    assert answer.status == 401
    assert answer.json == {
        "errors": [
            {
                "message": "The provided authorization grant is invalid, expired, or revoked",
                "field": None,
                "help": None,
            }
        ]
    }


def spoil(**fields: Any) -> dict[str, Any]:
    body = copy.deepcopy(mail(ANA))
    for name, value in fields.items():
        if value is None:
            del body[name]
        else:
            body[name] = value
    return body


BAD = {
    "no personalizations": (spoil(personalizations=[]), 400, "personalizations"),
    "no to": (spoil(personalizations=[{"subject": "x"}]), 400, "personalizations.0.to"),
    "1001 personalizations": (spoil(personalizations=[{"to": [ANA]}] * 1001), 400, "personalizations"),
    "1001 people": (
        spoil(personalizations=[{"to": [{"email": f"a{n}@x.test"} for n in range(1001)]}]),
        400,
        "personalizations.0.to",
    ),
    "capitals are no other person": (
        spoil(personalizations=[{"to": [ANA, {"email": "ANA@example.test"}]}]),
        400,
        "personalizations.0.to",
    ),
    "no from": (spoil(**{"from": None}), 400, "from.email"),
    "bad address": (
        spoil(personalizations=[{"to": [{"email": "nobody"}]}]),
        400,
        "personalizations.0.to.0.email",
    ),
    "address with a line end": (
        spoil(personalizations=[{"to": [{"email": "a@x.test\r\nBcc: b@x.test"}]}]),
        400,
        "personalizations.0.to.0.email",
    ),
    "name with a line end": (
        spoil(**{"from": {"email": "a@acme.test", "name": "A\r\nBcc: b@x.test"}}),
        400,
        "from.email",
    ),
    "no subject": (spoil(subject=None), 400, "subject"),
    "subject with a line end": (spoil(subject="a\r\nBcc: b@x.test"), 400, "subject"),
    "no content": (spoil(content=None), 400, "content"),
    "empty content": (spoil(content=[{"type": "text/plain", "value": ""}]), 400, "content.0.value"),
    "content of the wrong type": (spoil(content="hello"), 400, "content"),
    "reserved header": (spoil(headers={"Received": "x"}), 400, "headers"),
    "header with a line end": (spoil(headers={"X-A": "b\r\nBcc: b@x.test"}), 400, "headers"),
    "header name with a line end": (spoil(headers={"X-A\r\nBcc": "b"}), 400, "headers"),
    "attachment that is no base64": (
        spoil(attachments=[{"content": "%%%", "filename": "a"}]),
        400,
        "attachments.0.content",
    ),
    "unknown class": (spoil(headers={"X-Galateo-Class": "gossip"}), 400, "class"),
    "send_at as text": (spoil(send_at="tomorrow"), 400, "send_at"),
    "two ways to answer": (spoil(reply_to=BO, reply_to_list=[BO]), 400, "reply_to"),
    "an array": ([], 400, None),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_requests_store_nothing(shop: Shop, case: str) -> None:
    body, status, field = BAD[case]
    answer = await send(shop, body)
    assert answer.status == status, answer.text
    assert answer.json["errors"][0]["field"] == field
    assert await shop.stored() == 0


@pytest.mark.parametrize("raw", [b"{", b"", b'{"from":1,"from":2}', b"\xff", b"[" * 2000])
async def test_what_is_no_json(shop: Shop, raw: bytes) -> None:
    answer = await shop.ask("POST", SEND, data=raw, Authorization=bearer(), Content_Type="application/json")
    assert answer.status == 400
    assert answer.json["errors"][0]["message"]


async def test_wrong_content_type(shop: Shop) -> None:
    answer = await shop.ask("POST", SEND, data=b"a=b", Authorization=bearer(), Content_Type="text/plain")
    assert answer.status == 415
    assert answer.json["errors"][0]["message"] == "Content-Type should be application/json."


async def test_other_methods(shop: Shop) -> None:
    answer = await shop.ask("GET", SEND, Authorization=bearer())
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert answer.json["errors"]


async def test_unknown_fields_are_ignored(shop: Shop) -> None:
    assert (await send(shop, mail(ANA, tracking_settings={"x": 1}, nonsense=[1]))).status == 202


async def test_headers_of_the_request_say_nothing(shop: Shop) -> None:
    body = mail(ANA)
    del body["headers"]
    assert (await send(shop, body, X_Galateo_Class="transactional")).status in (202, 403)
    assert shop.messages[0].class_ == ""


async def test_non_ascii_everywhere(shop: Shop) -> None:
    body = mail(
        {"email": "anà@exämple.test", "name": "Àna 🎈"},
        subject="Buongiorno, è partito",
        content=[{"type": "text/plain", "value": "Perché no? 🎈"}],
        headers={"X-Galateo-Class": "transactional", "X-Città": "x"},
    )
    assert (await send(shop, body)).status == 400
    del body["headers"]["X-Città"]
    body["headers"]["X-City"] = "Cefalù"
    assert (await send(shop, body)).status == 202
    assert shop.messages[0].smtputf8


async def test_only_its_own_domains(shop: Shop) -> None:
    body = mail(ANA, **{"from": {"email": "boss@bank.test"}})
    del body["headers"]
    answer = await send(shop, body, Authorization=bearer("letters"))
    assert (answer.status, answer.json["errors"][0]["field"]) == (403, "from")


async def test_large_attachments(shop: Shop) -> None:
    file = {"content": "QUJD" * 5_000_000, "filename": "a.bin"}
    assert (await send(shop, mail(ANA, attachments=[file]))).status == 202
    answer = await send(shop, mail(ANA, attachments=[file, file]))
    assert answer.status == 413
    assert answer.json["errors"]
    answer = await send(shop, mail(*[ANA] * 20, attachments=[file]))
    assert answer.status == 413
    assert await shop.stored() == 1


async def test_words_that_would_swell_a_text(shop: Shop) -> None:
    body = mail(
        {"to": [ANA], "substitutions": {"a": "b" * 9000}},
        content=[{"type": "text/plain", "value": "a" * 100_000}],
    )
    assert (await send(shop, body)).status == 413


async def test_gzip(shop: Shop) -> None:
    raw = gzip.compress(json.dumps(mail(ANA)).encode())
    answer = await shop.ask(
        "POST",
        SEND,
        data=raw,
        Authorization=bearer(),
        Content_Type="application/json",
        Content_Encoding="gzip",
    )
    assert answer.status == 202


@pytest.mark.parametrize(
    ("raw", "coding", "status"),
    [
        (gzip.compress(b" " * 60_000_000), "gzip", 413),
        (b"plain", "gzip", 400),
        (gzip.compress(b"{}" * 99)[:20], "gzip", 400),
        (b"{}", "br", 415),
    ],
    ids=["swells", "plain", "broken off", "unknown"],
)
async def test_what_swells_or_is_broken_off(shop: Shop, raw: bytes, coding: str, status: int) -> None:
    answer = await shop.ask(
        "POST",
        SEND,
        data=raw,
        Authorization=bearer(),
        Content_Type="application/json",
        Content_Encoding=coding,
    )
    assert answer.status == status
    assert "application/json" not in answer.json["errors"][0]["message"]
    assert await shop.stored() == 0


async def test_a_request_that_broke_off_stores_each_message_once(shop: Shop) -> None:
    body = mail(*({"email": f"p{n}@example.test"} for n in range(80)))
    shop.break_after = 40
    answer = await send(shop, body)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    shop.break_after = -1
    assert (await send(shop, body)).status == 202
    assert await shop.stored() == 80
    assert (await send(shop, body)).status == 202
    assert await shop.stored() == 160


async def test_idempotency_key(shop: Shop) -> None:
    body = mail(ANA, BO)
    first = await send(shop, body, Idempotency_Key="k1")
    again = await send(shop, body, Idempotency_Key="k1")
    assert first.headers["X-Message-Id"] == again.headers["X-Message-Id"]
    assert await shop.stored() == 2
    answer = await send(shop, mail(ANA, BO, subject="Another"), Idempotency_Key="k1")
    assert answer.status == 422
    assert await shop.stored() == 2


async def test_a_key_used_for_another_body_sends_nothing_of_this_one(shop: Shop) -> None:
    """Neither what is beyond the first body's messages, nor what stands where the first was refused."""
    assert (await send(shop, mail(ANA), Idempotency_Key="k1")).status == 202
    for several in (mail(ANA, BO), mail(BO, ANA, BO)):
        answer = await send(shop, several, Idempotency_Key="k1")
        assert (answer.status, await shop.stored()) == (422, 1), answer.text
    news = mail(BO, ANA, class_="newsletter")
    assert (await send(shop, news, Idempotency_Key="k2")).status == 202
    assert sorted(receipt.status for _, receipt in shop.seen[-2:]) == ["accepted", "rejected"]
    stored = await shop.stored()
    answer = await send(shop, mail(ANA, BO, subject="Another"), Idempotency_Key="k2")
    assert (answer.status, await shop.stored()) == (422, stored)
    assert (await send(shop, news, Idempotency_Key="k2")).status == 202


async def test_batch_id_and_scopes(shop: Shop) -> None:
    answer = await shop.ask("POST", "/v3/mail/batch", Authorization=bearer())
    assert answer.status == 201
    assert answer.json["batch_id"]
    answer = await shop.ask("GET", "/v3/scopes", Authorization=bearer())
    assert "mail.send" in answer.json["scopes"]


async def test_a_thousand_people_are_quick(shop: Shop) -> None:
    body = mail(*({"email": f"p{n}@example.test"} for n in range(1000)))
    async with asyncio.timeout(20):
        assert (await send(shop, body)).status == 202
    assert await shop.stored() == 1000
