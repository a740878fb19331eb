"""The smaller dialects: Resend, Brevo, lemlist's inbox."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.message.parse import parse
from tests.ingress.dialects.shop import Shop, basic, bearer
from tests.ingress.http.house import SECRET, Answer
from tests.tools import shared

MARKS = {"X-Galateo-Class": "newsletter", "X-Galateo-Purpose": "newsletter"}


def resend(to: Any = "ana@example.test", **fields: Any) -> dict[str, Any]:
    return {
        "from": "Acme <news@acme.test>",
        "to": to,
        "subject": "Hi",
        "text": "Hi Ana",
        "headers": MARKS,
        **fields,
    }


def brevo(to: str = "ana@example.test", **fields: Any) -> dict[str, Any]:
    return {
        "sender": {"email": "news@acme.test", "name": "Acme"},
        "to": [{"email": to}],
        "subject": "Hi",
        "textContent": "Hi",
        "headers": MARKS,
        **fields,
    }


async def test_resend(shop: Shop) -> None:
    answer = await shop.ask("POST", "/emails", json=resend(), Authorization=bearer(), Idempotency_Key="a/b")
    assert (answer.status, len(answer.json["id"])) == (200, 36)
    again = await shop.ask("POST", "/emails", json=resend(), Authorization=bearer(), Idempotency_Key="a/b")
    assert again.json == answer.json
    assert [one.headers.get("Idempotency-Replayed") for one in (answer, again)] == [None, "true"]
    assert await shop.stored() == 1
    answer = await shop.ask("POST", "/emails", json=resend(["bo@example.test"]), Authorization=bearer())
    assert (answer.status, answer.json["name"]) == (403, "invalid_access")


async def test_what_only_some_programs_open_is_told_as_of_the_mail_that_it_becomes(shop: Shop) -> None:
    sold = "Ultimi giorni per avere lo sconto sui nostri corsi"
    people = {"reply_to": f"{sold} <a@acme.test>", "cc": f"{sold} oggi <bo@example.test>"}
    file = {"filename": "winmail.dat", "content": "YQ==", "content_type": "application/ms-tnef"}
    text = "Ciao\nbegin 644 prices.pdf\n" + "M" + "A" * 60 + "\n`\nend\n"
    body = resend(text=text, attachments=[file], **people)
    answer = await shop.ask("POST", "/emails", json=body, Authorization=bearer())
    assert answer.status == 200, answer.text
    message, _ = shop.seen[-1]
    for content in (message.content, parse(message.raw).content):
        assert sorted(one.filename for one in content.attachments) == ["prices.pdf", "winmail.dat"]
        assert sorted(content.besides) == [sold, f"{sold} oggi"]
        assert not content.whole


async def test_resend_batch(shop: Shop) -> None:
    body = [resend(), resend("bo@example.test"), resend("nobody")]
    strict = await shop.ask("POST", "/emails/batch", json=body, Authorization=bearer())
    assert (strict.status, strict.json["name"]) == (422, "validation_error")
    assert await shop.stored() == 0
    answer = await shop.ask(
        "POST", "/emails/batch", json=body, Authorization=bearer(), x_batch_validation="permissive"
    )
    assert answer.status == 200
    assert len(answer.json["data"]) == 1
    assert [e["index"] for e in answer.json["errors"]] == [1, 2]


async def test_brevo(shop: Shop) -> None:
    key = f"tool:{SECRET}"
    answer = await shop.ask("POST", "/v3/smtp/email", json=brevo(), api_key=key)
    assert answer.status == 201
    assert answer.json["messageId"] == shop.messages[0].message_id
    answer = await shop.ask("POST", "/v3/smtp/email", json=brevo("bo@example.test"), api_key=key)
    assert (answer.status, answer.json["code"]) == (400, "invalid_parameter")
    versions = [
        {"to": [{"email": "ana@example.test"}]},
        {"to": [{"email": "bo@example.test"}], "subject": "Hi Bo"},
    ]
    answer = await shop.ask("POST", "/v3/smtp/email", json=brevo(messageVersions=versions), api_key=key)
    assert answer.status == 201
    assert shop.messages[-1].content.subject == "Hi Bo"
    assert shop.told == ["bo@example.test"]
    sandbox = brevo(headers={**MARKS, "X-Sib-Sandbox": "drop"})
    assert (await shop.ask("POST", "/v3/smtp/email", json=sandbox, api_key=key)).status == 201
    assert not shop.messages[-1].deliver


PARAMS = {"first": "Ana & Bo", "order": {"id": 12, "paid": True}, "mark": "{{params.first}}"}


@pytest.mark.parametrize(
    ("template", "text", "html"),
    [
        ("Hi {{params.first}}, {{ params.order.id }}", "Hi Ana & Bo, 12", "Hi Ana &amp; Bo, 12"),
        ("{{params.mark}}", "{{params.first}}", "{{params.first}}"),
        *((kept, kept, kept) for kept in ("{{params.last}}", "{{params.order}}", "{{params.order.paid}}")),
        *((kept, kept, kept) for kept in ("{{contact.FIRSTNAME}}", "{{params.first | upper}}", "{{params}}")),
    ],
)
async def test_brevo_puts_parameters_in(shop: Shop, template: str, text: str, html: str) -> None:
    """As in the first example of its libraries; what is not known stays, and is seen."""
    key = f"tool:{SECRET}"
    body = brevo(subject=template, textContent=template, htmlContent=f"<p>{template}</p>", params=PARAMS)
    assert (await shop.ask("POST", "/v3/smtp/email", json=body, api_key=key)).status == 201
    content = shop.messages[-1].content
    assert (content.subject, content.text, content.html) == (text, text, f"<p>{html}</p>")
    body["params"] = {}
    version = {"to": body.pop("to"), "params": PARAMS}
    body["messageVersions"] = [version]
    assert (await shop.ask("POST", "/v3/smtp/email", json=body, api_key=key)).status == 201
    assert shop.messages[-1].content.text == text


async def test_brevo_parameters_begin_no_header(shop: Shop) -> None:
    body = brevo(subject="{{params.x}}", params={"x": "a\r\nBcc: b@x.test"})
    assert (await shop.ask("POST", "/v3/smtp/email", json=body, api_key=f"tool:{SECRET}")).status == 400
    long = brevo(textContent="{{params.x}}" * 100, params={"x": "x" * 60_000})
    assert (await shop.ask("POST", "/v3/smtp/email", json=long, api_key=f"tool:{SECRET}")).status == 413
    assert await shop.stored() == 0


async def test_brevo_takes_its_controls_out(shop: Shop) -> None:
    key = f"tool:{SECRET}"
    controls = {
        "sender.ip": "192.0.2.1",
        "idempotencyKey": "b52dbf-81dd",
        "charset": "utf-8",
        "X-Own": "kept",
    }
    body = brevo(headers={**MARKS, **controls})
    first = await shop.ask("POST", "/v3/smtp/email", json=body, api_key=key)
    again = await shop.ask("POST", "/v3/smtp/email", json=body, api_key=key)
    assert (first.status, again.json) == (201, first.json)
    assert await shop.stored() == 1
    head = shop.messages[0].raw.partition(b"\r\n\r\n")[0].lower()
    assert b"x-own: kept" in head
    assert not any(name in head for name in (b"sender.ip", b"idempotencykey", b"charset: utf-8"))
    other = await shop.ask("POST", "/v3/smtp/email", json={**body, "subject": "Other"}, api_key=key)
    assert other.status == 422


def mandrill(*people: str, key: str = f"tool:{SECRET}", **fields: Any) -> dict[str, Any]:
    message = {
        "from_email": "news@acme.test",
        "to": [{"email": one, "type": "to"} for one in people],
        "subject": "Hi *|FIRST|*",
        "text": "Hi *|FIRST|*, *|UNKNOWN|*",
        "headers": MARKS,
        "merge_vars": [{"rcpt": "ana@example.test", "vars": [{"name": "first", "content": "Ana"}]}],
        **fields,
    }
    return {"key": key, "message": message}


async def test_mandrill(shop: Shop) -> None:
    for path in ("/api/1.0/messages/send", "/api/1.0/messages/send.json"):
        answer = await shop.ask("POST", path, json=mandrill("ana@example.test", "bo@example.test"))
        assert answer.status == 200, answer.text
        assert [one["status"] for one in answer.json] == ["sent", "rejected"]
        assert [one["reject_reason"] for one in answer.json] == [None, "unsub"]
    assert shop.messages[0].content.subject == "Hi Ana"
    assert shop.messages[0].content.text == "Hi Ana, *|UNKNOWN|*"
    held = await shop.ask(
        "POST", path, json=mandrill("bo@example.test", headers={"X-Galateo-Class": "promotion"})
    )
    assert held.json[0]["status"] == "queued"


IN_JUNE = datetime(2099, 6, 1, 12, tzinfo=UTC).timestamp()


async def test_mandrill_schedules(shop: Shop) -> None:
    path = "/api/1.0/messages/send"
    body = mandrill("ana@example.test", "bo@example.test") | {"send_at": "2099-06-01 12:00:00"}
    answer = await shop.ask("POST", path, json=body)
    assert [one["status"] for one in answer.json] == ["scheduled", "rejected"]
    assert [message.send_at for message in shop.messages] == [IN_JUNE, IN_JUNE]
    answer = await shop.ask("POST", path, json=body | {"send_at": "2020-06-01 12:00:00"})
    assert [one["status"] for one in answer.json] == ["sent", "rejected"]
    before = await shop.stored()
    answer = await shop.ask("POST", path, json=body | {"send_at": "tomorrow"})
    assert (answer.status, "send_at" in answer.json["message"]) == (500, True)
    assert await shop.stored() == before


async def test_mandrill_recipients_see_each_other(shop: Shop) -> None:
    people = [{"email": f"{n}@example.test", "type": n} for n in ("to", "cc", "bcc")]
    body = mandrill(to=people, preserve_recipients=True, merge_vars=[], bcc_address="all@acme.test")
    body["message"] |= {"headers": {"X-Galateo-Class": "transactional"}, "subject": "Hi", "text": "It left."}
    answer = await shop.ask("POST", "/api/1.0/messages/send", json=body)
    assert [(one["email"], one["status"]) for one in answer.json] == [
        *((one["email"], "sent") for one in people),
        ("all@acme.test", "sent"),
    ]
    (message,) = shop.messages
    head = message.raw.partition(b"\r\n\r\n")[0]
    assert b"\r\nTo: to@example.test\r\nCc: cc@example.test\r\n" in head
    assert b"bcc@" not in head
    assert b"all@" not in head
    body["message"]["preserve_recipients"] = False
    answer = await shop.ask("POST", "/api/1.0/messages/send", json=body)
    assert [one["email"] for one in answer.json if one["email"] != "all@acme.test"] == [
        one["email"] for one in people
    ]
    assert [[r.address for r in one.recipients] for one in shop.messages[1:]] == [
        [one["email"], "all@acme.test"] for one in people
    ]


async def test_mandrill_an_archive_takes_nobody_their_name(shop: Shop) -> None:
    """Whoever has it set for all mail is judged as without it."""
    body = mandrill(bcc_address="all@acme.test", to=[{"email": "ana@example.test", "name": "Ana Ruiz"}])
    told = [{"name": "first", "content": "Ana"}, {"name": "company", "content": "Bindery"}]
    body["message"]["merge_vars"] = [{"rcpt": "ana@example.test", "vars": told}]
    answer = await shop.ask("POST", "/api/1.0/messages/send", json=body)
    assert [one["email"] for one in answer.json] == ["ana@example.test", "all@acme.test"]
    (message,) = shop.messages
    ana, archive = message.recipients
    assert (ana.name, ana.attributes["FIRST"]) == ("Ana Ruiz", "Ana")
    assert (archive.name, dict(archive.attributes)) == ("", {})
    assert message.content.recipient_name == "Ana Ruiz"
    assert b"all@" not in message.raw.partition(b"\r\n\r\n")[0]


async def test_mandrill_one_recipient_sees_nobody_else(shop: Shop) -> None:
    """Programs set it for everything, merge variables or not."""
    body = mandrill("ana@example.test", preserve_recipients=True)
    answer = await shop.ask("POST", "/api/1.0/messages/send", json=body)
    assert (answer.status, shop.messages[0].content.subject) == (200, "Hi Ana"), answer.text


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"preserve_recipients": True}, "preserve_recipients"),
        ({"preserve_recipients": "yes"}, "preserve_recipients"),
        ({"bcc_address": "nobody"}, "bcc_address"),
        ({"to": [{"email": "ana@example.test", "type": "from"}]}, "to.0.type"),
    ],
)
async def test_mandrill_refuses_by_name(shop: Shop, fields: dict[str, Any], named: str) -> None:
    people = ("ana@example.test", "bo@example.test")
    answer = await shop.ask("POST", "/api/1.0/messages/send", json=mandrill(*people, **fields))
    assert (answer.status, named in answer.json["message"]) == (500, True), answer.text
    assert await shop.stored() == 0


@pytest.mark.parametrize(
    "written", ["2099-06-01T12:00:00", "2099-06-01T12:00:00Z", "2099-06-01T14:00:00+02:00"]
)
async def test_a_time_without_a_zone_is_in_utc(
    shop: Shop, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        await shop.ask("POST", "/emails", json=resend(scheduled_at=written), Authorization=bearer())
        await shop.ask("POST", "/v3/smtp/email", json=brevo(scheduledAt=written), api_key=f"tool:{SECRET}")
        form = {"o:deliverytime": "Mon, 01 Jun 2099 12:00:00", "from": "a@acme.test", "text": "Hi"}
        form |= {"to": "ana@example.test", "h:X-Galateo-Class": "transactional"}
        await shop.ask(
            "POST", "/v3/acme.test/messages", data=form, Authorization=basic("api", f"tool:{SECRET}")
        )
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [message.send_at for message in shop.messages] == [IN_JUNE] * 3


@pytest.mark.parametrize("key", ["", "wrong", "tool:wrong"])
async def test_mandrill_key(shop: Shop, key: str) -> None:
    answer = await shop.ask("POST", "/api/1.0/messages/send", json=mandrill("ana@example.test", key=key))
    assert (answer.status, answer.json["name"]) == (401, "Invalid_Key")
    ping = await shop.ask("POST", "/api/1.0/users/ping2", json={"key": f"tool:{SECRET}"})
    assert ping.json == {"PING": "PONG!"}


async def test_lemlist(shop: Shop) -> None:
    body = {"sendUserId": "usr_1", "leadId": "lea_1", "contactId": "ctc_1", "message": "Hi Ana, a follow-up."}
    key = basic("", f"tool:{SECRET}")
    answer = await shop.ask("POST", "/api/inbox/linkedin", json=body, Authorization=key)
    assert (answer.status, answer.json["ok"]) == (200, True)
    assert shop.messages[0].recipients[0].key == "urn:li:lemlist:lea_1"
    answer = await shop.ask(
        "POST", "/api/inbox/linkedin", json=body, Authorization=basic("", f"sales:{SECRET}")
    )
    assert (answer.status, answer.json["ok"]) == (422, False)
    body["linkedinUrl"] = "Ana Ruiz <ana>"
    answer = await shop.ask("POST", "/api/inbox/linkedin", json=body, Authorization=key)
    assert (answer.status, answer.json["message"].rpartition(" ")[2]) == (400, "(linkedinUrl)")


async def test_the_samples(shop: Shop) -> None:
    keys = {"Authorization": bearer(), "api_key": f"tool:{SECRET}"}
    for name in ("resend_single", "resend_batch", "brevo_single", "mandrill_send"):
        sample = json.loads(shared(f"data/payloads/{name}.json").read_text())
        body = sample["body"]
        if isinstance(body, dict) and "key" in body:
            body["key"] = f"tool:{SECRET}"
        answer = await shop.ask("POST", sample["path"], json=body, **keys)
        assert answer.status in (200, 201, 400, 403), (name, answer.text)


CASES: list[tuple[str, Any]] = [
    ("/emails", resend(to=[])),
    ("/emails", resend("a@x.test\r\nBcc: b@x.test")),
    ("/emails", resend(text="")),
    ("/emails", resend(headers={"X-A": "a\r\nb"})),
    ("/emails/batch", {}),
    ("/v3/smtp/email", brevo("nobody")),
    ("/v3/smtp/email", brevo(sender={})),
    ("/v3/smtp/email", brevo(subject="a\r\nBcc: b@x.test")),
    ("/api/inbox/linkedin", {"message": "x"}),
    ("/api/1.0/messages/send", mandrill()),
    ("/api/1.0/messages/send", mandrill("nobody")),
    ("/api/1.0/messages/send", mandrill("ana@example.test", subject="a\r\nb")),
]


@pytest.mark.parametrize(("path", "body"), CASES)
async def test_bad_requests_store_nothing(shop: Shop, path: str, body: Any) -> None:
    answer = await shop.ask("POST", path, json=body, Authorization=bearer(), api_key=f"tool:{SECRET}")
    assert answer.status in (400, 422, 500), answer.text
    assert await shop.stored() == 0


@pytest.mark.parametrize("path", ["/emails", "/v3/smtp/email", "/api/inbox/linkedin"])
async def test_unknown(shop: Shop, path: str) -> None:
    answer: Answer = await shop.ask("POST", path, json={})
    assert answer.status == 401
