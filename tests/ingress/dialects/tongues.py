"""Every dialect's request as it should be, and how it says that one is not: for tests of all alike."""

import copy
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from tests.ingress.dialects.aws import signed
from tests.ingress.dialects.shop import Shop, basic, bearer
from tests.ingress.http.house import SECRET, Answer

FORM = "application/x-www-form-urlencoded"
BREAK = "a\r\nBcc: eve@example.test"
TEXT = "Your order 12 left today."
HEADERS = {"X-Galateo-Class": "transactional"}
RUI = "https://www.linkedin.com/in/rui-alves"

Change = Callable[[Any], Any]
"""Spoils a body in place; what it gives, if anything, takes the body's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """One dialect. `key` gives the headers for a key (None for none), `key_in_body` says that it stands in
    the body, `signs` that requests are signed with it; `body` is a good request, for a form a list of pairs;
    `said` takes the text of an error out of an answer and fails where it is not in the dialect's shape.
    `breaks` put a line end where there may be none; `many` asks for more than the dialect takes; `twins`
    writes to one person twice, in other letters; `file` attaches so many characters of Base64."""

    path: str
    key: Callable[[str | None], Mapping[str, str]]
    body: Any
    good: int
    said: Callable[[Answer], str]
    unauthorized: int = 401
    wrong_type: int = 415
    too_large: int = 413
    malformed: int = 400
    form: bool = False
    both: bool = False
    key_in_body: bool = False
    signs: bool = False
    breaks: Mapping[str, Change] = field(default_factory=dict)
    many: Change | None = None
    twins: Change | None = None
    file: Callable[[Any, str], Any] | None = None
    abroad: Change | None = None

    def changed(self, change: Change) -> Any:
        """A good body, spoiled."""
        body = copy.deepcopy(self.body)
        made = change(body)
        return body if made is None else made

    async def send(self, shop: Shop, body: Any, key: str | None = f"tool:{SECRET}", kind: str = "") -> Answer:
        """A request with this body, in the encoding that `kind` names."""
        if self.key_in_body:
            body = {**body, "key": key} if key is not None else {k: v for k, v in body.items() if k != "key"}
        kind = kind or (FORM if self.form else "json")
        if kind == "json":
            raw = orjson.dumps(_joined(body) if self.form else body)
            headers = self.proof(shop, raw, key)
            octets = io.BytesIO(raw)
            return await shop.ask("POST", self.path, data=octets, Content_Type="application/json", **headers)
        pairs = body if isinstance(body, list) else list(body.items())
        if kind == FORM:
            raw = urlencode(pairs).encode()
            headers = self.proof(shop, raw, key)
            return await shop.ask("POST", self.path, data=raw, Content_Type=FORM, **headers)
        data = aiohttp.FormData(default_to_multipart=True)
        for name, value in pairs:
            data.add_field(name, value if isinstance(value, str) else str(value))
        if self.signs:
            writer = data()
            raw, said = await writer.as_bytes(), writer.headers["Content-Type"]
            headers = self.proof(shop, raw, key)
            return await shop.ask("POST", self.path, data=raw, Content_Type=said, **headers)
        return await shop.ask("POST", self.path, data=data, **self.proof(shop, b"", key))

    def proof(
        self, shop: Shop, raw: bytes, key: str | None = f"tool:{SECRET}", method: str = "POST"
    ) -> dict[str, str]:
        """The headers that say who asks; where requests are signed, any other key is another secret."""
        if not self.signs or key is None:
            return dict(self.key(key))
        given = {} if key == f"tool:{SECRET}" else {"secret": key}
        made = signed(method, self.path, shop.listener.address, raw, **given)
        return {name.replace("-", "_"): value for name, value in made.items()}


def _joined(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A form as an object; names that repeat become arrays."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = [*found[name], value] if isinstance(found.get(name), list) else value
        if [each for each, _ in pairs].count(name) > 1 and not isinstance(found[name], list):
            found[name] = [value]
    return found


def put(*path: Any) -> Callable[[Any], Change]:
    """`put("a", 0, "b")(value)` is the change that writes a value there."""

    def given(value: Any) -> Change:
        def change(body: Any) -> None:
            for step in path[:-1]:
                body = body[step]
            body[path[-1]] = value

        return change

    return given


def pair(name: str) -> Callable[[str], Change]:
    """The same in a form: the pair of that name gets the value, or is added."""
    return lambda value: lambda body: [*[p for p in body if p[0] != name], (name, value)]


def several(*names: tuple[str, str]) -> Change:
    """A form with these pairs in place of those of the same names."""
    gone = {name for name, _ in names}
    return lambda body: [*[p for p in body if p[0] not in gone], *names]


def _authorization(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _header(name: str) -> Callable[[str | None], Mapping[str, str]]:
    return lambda key: {} if key is None else {name: key}


def _text(*path: Any) -> Callable[[Answer], str]:
    def said(answer: Answer) -> str:
        found = answer.json
        for step in path:
            found = found[step]
        assert isinstance(found, str), answer.text
        assert found, answer.text
        return found

    return said


def _mailgun(answer: Answer) -> str:
    return answer.text if answer.status == 401 else _text("message")(answer)


def _postmark(answer: Answer) -> str:
    assert isinstance(answer.json["ErrorCode"], int)
    assert answer.json["ErrorCode"] > 0
    return _text("Message")(answer)


def _mandrill(answer: Answer) -> str:
    assert answer.json["status"] == "error"
    assert answer.json["code"] < 0
    assert answer.json["name"]
    return _text("message")(answer)


def _resend(answer: Answer) -> str:
    assert answer.json["statusCode"] == answer.status
    assert answer.json["name"]
    return _text("message")(answer)


def _unipile(answer: Answer) -> str:
    assert answer.json["status"] == answer.status
    assert answer.json["type"].startswith("errors/")
    return _text("detail")(answer)


NAME, SUBJECT = "Àna 🎈", "È partito: perché no? 🎈"
ABROAD = "anà@exämple.test"
MANY = [f"p{n}@example.test" for n in range(1001)]

TONGUES: Mapping[str, Tongue] = {
    "sendgrid": Tongue(
        path="/v3/mail/send",
        key=_authorization,
        good=202,
        said=_text("errors", 0, "message"),
        body={
            "personalizations": [{"to": [{"email": "cy@example.test"}]}],
            "from": {"email": "news@acme.test"},
            "subject": "Your order",
            "content": [{"type": "text/plain", "value": TEXT}],
            "headers": HEADERS,
        },
        breaks={
            "subject": put("subject")(BREAK),
            "name": put("from", "name")(BREAK),
            "address": put("personalizations", 0, "to", 0, "email")(f"{BREAK}@x.test"),
            "header": put("headers", "X-A")(BREAK),
            "header's name": put("headers", BREAK)("b"),
            "file": lambda b: b.update(attachments=[{"content": "YQ==", "filename": BREAK}]),
        },
        many=put("personalizations")([{"to": [{"email": one}]} for one in MANY]),
        twins=put("personalizations", 0, "to")([{"email": "cy@example.test"}, {"email": "CY@Example.test"}]),
        file=lambda b, content: b.update(attachments=[{"content": content, "filename": "a.pdf"}]),
        abroad=lambda b: b.update(
            subject=SUBJECT, personalizations=[{"to": [{"email": ABROAD, "name": NAME}]}]
        ),
    ),
    "mailgun": Tongue(
        path="/v3/mg.acme.test/messages",
        key=lambda key: {} if key is None else {"Authorization": basic("api", key)},
        good=200,
        said=_mailgun,
        form=True,
        both=True,
        body=[
            ("from", "news@acme.test"),
            ("to", "cy@example.test"),
            ("subject", "Your order"),
            ("text", TEXT),
            ("h:X-Galateo-Class", "transactional"),
        ],
        breaks={
            "subject": pair("subject")(BREAK),
            "name": pair("from")("A\r\nBcc: b@x.test <news@acme.test>"),
            "address": pair("to")(f"{BREAK}@x.test"),
            "header": pair("h:X-A")(BREAK),
            "header's name": pair(f"h:{BREAK}")("b"),
        },
        many=several(*(("to", one) for one in MANY)),
        twins=several(("to", "cy@example.test"), ("to", "CY@Example.test")),
        file=lambda b, content: pair("attachment")(content)(b),
        abroad=several(("subject", SUBJECT), ("to", f"{NAME} <{ABROAD}>")),
    ),
    "postmark": Tongue(
        path="/email",
        key=_header("X_Postmark_Server_Token"),
        good=200,
        malformed=422,
        said=_postmark,
        body={
            "From": "news@acme.test",
            "To": "cy@example.test",
            "Subject": "Your order",
            "TextBody": TEXT,
            "Headers": [{"Name": "X-Galateo-Class", "Value": "transactional"}],
        },
        breaks={
            "subject": put("Subject")(BREAK),
            "name": put("From")("A\r\nBcc: b@x.test <news@acme.test>"),
            "address": put("To")(f"{BREAK}@x.test"),
            "header": put("Headers", 0)({"Name": "X-A", "Value": BREAK}),
            "header's name": put("Headers", 0)({"Name": BREAK, "Value": "b"}),
        },
        many=put("To")(",".join(MANY)),
        twins=put("To")("cy@example.test, CY@Example.test"),
        file=lambda b, content: b.update(
            Attachments=[{"Name": "a.pdf", "Content": content, "ContentType": "application/pdf"}]
        ),
        abroad=lambda b: b.update(Subject=SUBJECT, To=f"{NAME} <{ABROAD}>"),
    ),
    "resend": Tongue(
        path="/emails",
        key=_authorization,
        good=200,
        malformed=422,
        said=_resend,
        body={
            "from": "news@acme.test",
            "to": ["cy@example.test"],
            "subject": "Your order",
            "text": TEXT,
            "headers": HEADERS,
        },
        breaks={
            "subject": put("subject")(BREAK),
            "name": put("from")("A\r\nBcc: b@x.test <news@acme.test>"),
            "address": put("to")([f"{BREAK}@x.test"]),
            "header": put("headers", "X-A")(BREAK),
        },
        many=put("to")(MANY),
        twins=put("to")(["cy@example.test", "CY@Example.test"]),
        file=lambda b, content: b.update(attachments=[{"content": content, "filename": "a.pdf"}]),
        abroad=lambda b: b.update(subject=SUBJECT, to=[f"{NAME} <{ABROAD}>"]),
    ),
    "brevo": Tongue(
        path="/v3/smtp/email",
        key=_header("api_key"),
        good=201,
        said=_text("message"),
        body={
            "sender": {"email": "news@acme.test"},
            "to": [{"email": "cy@example.test"}],
            "subject": "Your order",
            "textContent": TEXT,
            "headers": HEADERS,
        },
        breaks={
            "subject": put("subject")(BREAK),
            "name": put("sender", "name")(BREAK),
            "address": put("to", 0, "email")(f"{BREAK}@x.test"),
            "header": put("headers", "X-A")(BREAK),
        },
        many=put("to")([{"email": one} for one in MANY]),
        twins=put("to")([{"email": "cy@example.test"}, {"email": "CY@Example.test"}]),
        file=lambda b, content: b.update(attachment=[{"content": content, "name": "a.pdf"}]),
        abroad=lambda b: b.update(subject=SUBJECT, to=[{"email": ABROAD, "name": NAME}]),
    ),
    "mandrill": Tongue(
        path="/api/1.0/messages/send.json",
        key=lambda key: {},
        key_in_body=True,
        good=200,
        malformed=500,
        wrong_type=500,
        said=_mandrill,
        body={
            "message": {
                "from_email": "news@acme.test",
                "to": [{"email": "cy@example.test"}],
                "subject": "Your order",
                "text": TEXT,
                "headers": HEADERS,
            }
        },
        breaks={
            "subject": put("message", "subject")(BREAK),
            "name": put("message", "from_name")(BREAK),
            "address": put("message", "to", 0, "email")(f"{BREAK}@x.test"),
            "header": put("message", "headers", "X-A")(BREAK),
        },
        many=put("message", "to")([{"email": one} for one in MANY]),
        twins=put("message", "to")([{"email": "cy@example.test"}, {"email": "CY@Example.test"}]),
        file=lambda b, content: b["message"].update(attachments=[{"content": content, "name": "a.pdf"}]),
        abroad=lambda b: b["message"].update(subject=SUBJECT, to=[{"email": ABROAD, "name": NAME}]),
    ),
    "listmonk": Tongue(
        path="/ingress/listmonk/messenger",
        key=lambda key: {} if key is None else {"Authorization": basic(*key.split(":", 1))},
        good=200,
        said=_text("message"),
        body={
            "subject": "Your order",
            "from_email": "News <news@acme.test>",
            "content_type": "plain",
            "body": TEXT,
            "recipients": [{"uuid": "u1", "email": "cy@example.test", "name": "Cy", "attribs": {}}],
            "campaign": None,
        },
        breaks={
            "subject": put("subject")(BREAK),
            "name": put("from_email")("A\r\nBcc: b@x.test <news@acme.test>"),
            "address": put("recipients", 0, "email")(f"{BREAK}@x.test"),
            "header": put("campaign")({"headers": [{"X-A": BREAK}]}),
        },
        many=put("recipients")([{"email": one} for one in MANY]),
        file=lambda b, content: b.update(attachments=[{"name": "a.pdf", "header": {}, "content": content}]),
        abroad=lambda b: b.update(subject=SUBJECT, recipients=[{"email": ABROAD, "name": NAME}]),
    ),
    "ses": Tongue(
        path="/v2/email/outbound-emails",
        key=lambda key: {},
        signs=True,
        good=200,
        unauthorized=403,
        wrong_type=400,
        said=_text("message"),
        body={
            "FromEmailAddress": "news@acme.test",
            "Destination": {"ToAddresses": ["cy@example.test"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Your order"},
                    "Body": {"Text": {"Data": TEXT}},
                    "Headers": [{"Name": "X-Galateo-Class", "Value": "transactional"}],
                }
            },
        },
        breaks={
            "subject": put("Content", "Simple", "Subject", "Data")(BREAK),
            "name": put("FromEmailAddress")("A\r\nBcc: b@x.test <news@acme.test>"),
            "address": put("Destination", "ToAddresses")([f"{BREAK}@x.test"]),
            "header": put("Content", "Simple", "Headers", 0)({"Name": "X-A", "Value": BREAK}),
        },
        many=put("Destination", "ToAddresses")(MANY),
        twins=put("Destination", "ToAddresses")(["cy@example.test", "CY@Example.test"]),
        file=lambda b, content: b["Content"]["Simple"].update(
            Attachments=[{"FileName": "a.pdf", "RawContent": content, "ContentType": "application/pdf"}]
        ),
        abroad=lambda b: (
            b["Content"]["Simple"].update(Subject={"Data": SUBJECT}),
            b["Destination"].update(ToAddresses=[f"{NAME} <{ABROAD}>"]),
        )[0],
    ),
    "unipile": Tongue(
        path="/api/v1/chats",
        key=_header("X_API_KEY"),
        good=201,
        said=_unipile,
        form=True,
        both=True,
        body=[("account_id", "acc_1"), ("text", TEXT), ("attendees_ids", "ACoAAexample03")],
        breaks={
            "address": several(("attendees_ids", BREAK)),
            "subject": pair("subject")(BREAK),
        },
        many=several(*(("attendees_ids", f"ACoAAexample{n}") for n in range(1001))),
        file=lambda b, content: pair("attachments")(content)(b),
        abroad=several(("text", f"{SUBJECT} {NAME}")),
    ),
    "lemlist": Tongue(
        path="/api/inbox/linkedin",
        key=lambda key: {} if key is None else {"Authorization": basic("", key)},
        good=200,
        said=_text("message"),
        body={"sendUserId": "usr_1", "leadId": "lea_1", "contactId": "ctc_1", "message": TEXT},
        breaks={"address": put("leadId")(BREAK), "name": put("sendUserId")(BREAK)},
        file=lambda b, content: b.update(message=content),
        abroad=put("message")(f"{SUBJECT} {NAME}"),
    ),
    "generic": Tongue(
        path="/v1/hooks/tool",
        key=_authorization,
        good=200,
        said=_text("message"),
        both=True,
        body={
            "email": "cy@example.test",
            "from": "news@acme.test",
            "subject": "Your order",
            "text": TEXT,
            "class": "transactional",
        },
        breaks={
            "subject": put("subject")(BREAK),
            "name": put("from_name")(BREAK),
            "address": put("email")(f"{BREAK}@x.test"),
        },
        file=lambda b, content: b.update(html=content),
        abroad=lambda b: b.update(subject=SUBJECT, email=ABROAD, name=NAME),
    ),
}
"""Every dialect; a native request answers in RFC 9457 and is tried elsewhere."""

__all__ = ["ABROAD", "FORM", "NAME", "SUBJECT", "TONGUES", "Tongue", "bearer"]
