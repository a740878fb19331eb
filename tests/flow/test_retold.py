"""The complaints told a second time: other channels, other languages, other doors, another order.

`test_stories` tells them in Italian by private message; here tools with credentials of their own speak HTTP,
a person answers from the mailbox, and recipients come by the pages and by mail.
"""

import itertools
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.access import hash_secret
from tests.flow.harness import Answer, Client, Gateway, Sink, Target, consent, eventually

SECRET = "correct horse"
HASH = hash_secret(SECRET)
NORA = "nora.lind@acme.example"
HUGO = "hugo.berg@acme.example"
MX = "mx.acme.example"
PUBLIC = "https://out.acme.example"
DAY = 86400.0

SOURCES: list[dict[str, Any]] = [
    {"name": "tool", "reply_feed": True},
    {"name": "crm", "events": "open", "trusted": ["consent", "jurisdiction"], "reply_feed": True},
    {"name": "desk", "kind": "person", "events": "open", "reply_feed": True},
    {"name": "shop", "default_class": "transactional", "reply_feed": True},
]

NEWS = {
    "de": "Guten Tag {name}, hier sind unsere Neuigkeiten im März: drei Romane, ein Bildband über Bienen"
    " und der"
    " Leseabend am Donnerstag.",
    "en": "Hello {name}, this is what is new in our bookshop in March: three novels, a book about bees,"
    " and the"
    " reading on Thursday evening.",
}
INTROS = (
    (
        "Dear {name},\n\nI am Nora Lind and look after readings at Acme Books in Milan. I am writing because"
        " I read your"
        " piece on lighthouse libraries and would like to quote it at our evening in April. I found your"
        " address on your"
        " own site; if you would rather not hear from me, a word is enough.\n\nNora Lind"
    ),
    (
        "Hello {name},\n\nmy name is Nora Lind, bookseller at Acme in Milan. Your lecture on tide mills came"
        " up at our"
        " table yesterday, which is why I write: who drew the maps you showed? I found your address on the"
        " site of"
        " your institute. Tell me if you prefer that I do not write again.\n\nNora"
    ),
    (
        "Gentile {name},\n\nsono Nora Lind e curo gli incontri alla Libreria Acme di Milano. Le scrivo perché"
        " ho letto il"
        " suo saggio sui fari del Tirreno e vorrei citarlo in una serata di aprile. Ho trovato il suo"
        " indirizzo sul suo"
        " sito; se preferisce che non le scriva, me lo dica.\n\nNora Lind"
    ),
    (
        "Buongiorno {name},\n\nmi chiamo Nora Lind, libraia da Acme. Ho ascoltato alla radio la sua"
        " intervista sulle"
        " scuole di montagna e le scrivo per chiederle il titolo del diario che ha letto. Ho trovato il suo"
        " indirizzo sul"
        " sito della radio; se non desidera che le scriva, basta dirmelo.\n\nNora"
    ),
    (
        "Good morning {name},\n\nI am Nora, a bookseller at Acme in Milan. I write because a reader asked"
        " us for your"
        " notes on dialect atlases, and none of our wholesalers has them. Where may one find a copy? I"
        " got your"
        " address from the register of your faculty; say so if I should not write.\n\nNora Lind"
    ),
    (
        "Cara {name},\n\nsono Nora della Libreria Acme. Mi scrivo da settimane gli appunti della sua"
        " mostra sulle"
        " mappe antiche, per questo le chiedo: il catalogo si può ancora avere? Ho trovato il suo"
        " indirizzo nel sito"
        " del museo; mi dica pure se preferisce che non le scriva.\n\nNora Lind"
    ),
)
PITCHES = {
    "en": "Thanks for connecting! Our agency helps bookshops sell 40% more: book a free 15-minute demo at"
    " https://www.acme.example/demo and get 20% off until Friday.",
    "de": "Danke für die Vernetzung! Unsere Agentur steigert Ihren Umsatz um 40%: Buchen Sie jetzt eine"
    " kostenlose"
    " Demo unter https://www.acme.example/demo, 20% Rabatt nur bis Freitag.",
}
WISH = (
    "Dear {name}, at this special time of the year I wish you and your loved ones a merry Christmas and a"
    " happy new"
    " year full of joy and success. All the best!"
)


class World:
    """A gateway of a company with four sources, its replies' door, and people nobody wrote to yet."""

    def __init__(self, gateway: Gateway, sink: Sink) -> None:
        self.gateway = gateway
        self.sink = sink
        self._numbers = itertools.count(1)
        self._intros = itertools.cycle(INTROS)

    @property
    def number(self) -> int:
        return next(self._numbers)

    def intro(self, name: str) -> str:
        """A first mail that says who and why, and is no copy of the one before."""
        return next(self._intros).format(name=name)

    @property
    def reply_port(self) -> int:
        said = re.findall(r'"reply": "127\.0\.0\.1:(\d+)"', self.gateway.said())
        return int(said[-1])

    def someone(self, channel: str = "email") -> str:
        n = self.number
        if channel in ("whatsapp", "sms"):
            return f"+39 333 {1000000 + n}"
        return {"email": f"p{n}@readers.example", "telegram": f"@reader{n}"}.get(
            channel, f"https://www.linkedin.com/in/reader-{n}-example"
        )

    def say(
        self,
        to: str,
        text: str,
        class_: str,
        channel: str = "email",
        *,
        source: str = "tool",
        sender: str = NORA,
        name: str = "Lena",
        recipient: dict[str, Any] | None = None,
        **given: Any,
    ) -> Answer:
        person = {"name": f"{name} Neri", "addresses": [{"type": channel, "value": to}]}
        body = {
            "channel": channel,
            "class": class_,
            "sender": {
                "name": "Nora Lind",
                "addresses": [{"type": channel, "value": self.mine(sender, channel)}],
            },
            "recipient": person | (recipient or {}),
            "text": text,
            **({"subject": "A word"} if channel == "email" else {}),
            **given,
        }
        return self.post("/v1/messages", body, source)

    @staticmethod
    def mine(sender: str, channel: str) -> str:
        """The sender's own address on a channel."""
        local = sender.partition(".")[0]
        return {"email": sender, "whatsapp": "+39 333 0000001", "telegram": f"@{local}"}.get(
            channel, f"https://www.linkedin.com/in/{local}-example"
        )

    def happens(
        self, type_: str, to: str, channel: str = "email", *, ago: float = 0.0, source: str = "crm",
        sender: str = NORA, **given: Any,
    ) -> dict[str, Any]:  # fmt: skip
        body = {
            "type": type_,
            "source_event_id": f"e{self.number}",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago)),
            "channel": channel,
            "sender": {"addresses": [{"type": channel, "value": self.mine(sender, channel)}]},
            "recipient": {"addresses": [{"type": channel, "value": to}]},
            **given,
        }
        answer = self.post("/v1/events", body, source)
        assert answer.status == 202, answer.body
        return dict(answer.json()["results"][0])

    def post(self, path: str, body: Any, source: str) -> Answer:
        return self.gateway.request("POST", path, body, {"Authorization": f"Bearer {source}:{SECRET}"})

    def agree(self, to: str, purpose: str, channel: str = "email") -> None:
        """A double opt-in of last week's, told by a source that is trusted with consent."""
        proof = {
            "wording": "Yes, please.",
            "confirmed_at": "2026-11-01T10:00:00Z",
            "confirmed_ip": "192.0.2.1",
        }
        told = self.happens("consent.granted", to, channel, ago=6 * DAY, purpose=purpose, data=proof)
        assert told["status"] == "applied", told

    def carry(self, to: str, purpose: str, **given: str) -> None:
        """A line of an old list, entered as it is."""
        row = {name: said for name, said in consent(to, purpose=purpose, controller="acme").items() if said}
        answer = self.review("POST", "/api/v1/consents", [row | given])
        assert answer.status == 201, answer.body

    def holds(self) -> list[dict[str, Any]]:
        """What waits for a person or a condition."""
        answer = self.review("GET", "/api/v1/holds?limit=200")
        assert answer.status == 200, answer.body
        return list(answer.json()["holds"])

    def review(self, method: str, path: str, body: Any = None) -> Answer:
        """A request of compliance."""
        bearer = {"Authorization": f"Bearer ines:{SECRET}"}
        return self.gateway.request(method, path, body, bearer, ops=True)

    def write_back(
        self, author: str, text: str, *, answers: str = "", genuine: bool = True, more: str = ""
    ) -> str:
        """Mail that comes back by the reply listener; what it was taken as."""
        result = "pass" if genuine else "fail"
        thread = f"In-Reply-To: {answers}\r\n" if answers else ""
        octets = (
            f"Authentication-Results: {MX}; dkim={result} header.d={author.partition('@')[2]}\r\n"
            f"From: <{author}>\r\nTo: <{NORA}>\r\nSubject: Re: A word\r\n{thread}{more}"
            f"Message-ID: <r{self.number}@readers.example>\r\nContent-Type: text/plain;"
            f" charset=utf-8\r\n\r\n{text}\r\n"
        ).encode()
        with Client(self.reply_port) as client:
            said = client.send(author, ["replies@in.acme.example"], octets)
        assert said.code == 250, said.text
        return said.text.rpartition(" taken as ")[2]

    def delivered(self, to: str) -> Any:
        """The mail that left for an address."""
        return eventually(
            lambda: next((d for d in self.sink.deliveries if to in str(d.recipients)), None),
            what=f"mail to {to}",
        )


def status(answer: Answer) -> str:
    return "rejected" if answer.status == 422 else str(answer.json()["status"])


def codes(answer: Answer) -> set[str]:
    return {violation["code"] for violation in answer.json()["violations"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("retold")
    identity = "Acme Books, via Roma 1, 20121 Milano"
    access = {
        "sources": [{"controller": "acme", "secret": HASH} | source for source in SOURCES],
        "reviewers": [{"name": "ines", "role": "compliance", "secret": HASH}],
        "controllers": [{"name": "acme", "jurisdiction": "it", "identity": identity}],
    }
    (folder / "access.yaml").write_text(json.dumps(access))
    settings = {
        "PUBLIC_URL": PUBLIC,
        "REPLY_LISTEN": "127.0.0.1:0",
        "REPLY_TRUSTED": MX,
        "REPLY_DOMAINS": "in.acme.example",
    }
    with (
        Sink() as sink,
        Target() as target,
        Gateway(
            folder, relay=sink.url, webhook_relay=target.url, access=folder / "access.yaml", settings=settings
        ) as gateway,
    ):
        yield World(gateway, sink)


def test_a_newsletter_needs_an_opt_in_for_this_very_channel(world: World) -> None:
    lena, mail = world.someone("whatsapp"), world.someone()
    text = NEWS["de"].format(name="Lena")
    for n in (1, 2):
        answer = world.say(lena, text, "newsletter", "whatsapp", purpose="newsletter")
        assert (status(answer), "consent.missing" in codes(answer)) == ("rejected", True)
        counted = world.gateway.metric("galateo_messages_total", outcome="rejected", channel="whatsapp")
        assert counted == n
    world.agree(mail, "newsletter")
    by_other = {"addresses": [{"type": "whatsapp", "value": lena}, {"type": "email", "value": mail}]}
    linked = world.say(lena, text, "newsletter", "whatsapp", purpose="newsletter", recipient=by_other)
    assert "consent.missing" in codes(linked)
    other = world.say(mail, text, "newsletter", purpose="events")
    assert "consent.missing" in codes(other)
    sent = world.say(mail, text, "newsletter", purpose="Newsletter")
    assert status(sent) == "accepted", sent.body
    head = world.delivered(mail).data.partition(b"\r\n\r\n")[0]
    assert f"<{PUBLIC}/u/".encode() in head
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
    world.agree(lena, "newsletter", "whatsapp")
    without = world.say(lena, text, "newsletter", "whatsapp", purpose="newsletter")
    assert status(without) == "held"
    assert any(code.startswith("unsubscribe") for code in codes(without))
    closing = " Wenn Sie nichts mehr erhalten möchten, antworten Sie STOPP."
    good = world.say(lena, text + closing, "newsletter", "whatsapp", purpose="newsletter")
    assert status(good) == "accepted", good.body


@pytest.mark.parametrize(("language", "channel"), [("en", "telegram"), ("de", "linkedin")])
@pytest.mark.parametrize("class_", ["outreach", "promotion"])
def test_an_offer_seconds_after_the_handshake(world: World, language: str, channel: str, class_: str) -> None:
    ben = world.someone(channel)
    world.happens("connection.accepted", ben, channel, ago=30)
    pitch = PITCHES[language]
    first = world.say(ben, pitch, class_, channel, purpose="offers")
    assert status(first) == "rejected", first.body
    assert {"consent.missing", "no_pitch.too_soon"} <= codes(first)
    assert first.json()["earliest"] is None
    world.agree(ben, "offers", channel)
    second = world.say(ben, pitch, class_, channel, purpose="offers")
    [violation] = [v for v in second.json()["violations"] if v["code"] == "no_pitch.too_soon"][:1]
    assert violation["earliest"] > time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 12 * DAY))
    assert "repl" in violation["remedy"]


def test_introduction_reply_and_the_offer_they_asked_for_by_mail(world: World) -> None:
    eva = world.someone()
    first = world.say(eva, world.intro("Eva"), "outreach", name="Eva", purpose="offers")
    assert status(first) == "accepted", first.body
    message = world.delivered(eva).data.decode()
    [sent_as] = re.findall(r"(?im)^message-id:\s*(<[^>]+>)", message)
    assert world.write_back(eva, "Thank you Nora, what would the course cost?", answers=sent_as) == "human"
    offer = (
        "Thank you for asking, Eva. The course has eight evenings and costs 240 euros; if you register by"
        " Friday there"
        " is 20% off. Shall I keep a place for you?"
    )
    answer = world.say(
        eva, offer, "conversation", name="Eva", source="desk", purpose="offers",
        thread={"in_reply_to": sent_as},
    )  # fmt: skip
    assert status(answer) == "accepted", answer.body


@pytest.mark.parametrize(
    "note",
    ["", "Hi!", "I'd like to add you to my professional network on LinkedIn.", "👋", "Hallo, vernetzen?"],
)
def test_invitations_without_a_word_of_their_own(world: World, note: str) -> None:
    for _ in range(4):
        answer = world.say(
            world.someone("linkedin"), note, "connection_request", "linkedin", kind="connection_request",
            purpose="contacts", sender=HUGO,
        )  # fmt: skip
        assert status(answer) == "rejected", answer.body
        assert any(code.startswith("bare_invitation") for code in codes(answer))


def test_christmas_wishes_by_mail(world: World) -> None:
    names = ("Ada", "Ben", "Cora", "Dan", "Edda", "Finn", "Gro", "Hans")
    outcomes = []
    for n in range(14):
        friend = world.someone()
        world.happens("message.replied", friend, ago=6 * DAY, text="Gladly!")
        world.happens("message.answered", friend, ago=5 * DAY)
        answer = world.say(
            friend, WISH.format(name=names[n % 8]), "greeting", name=names[n % 8], purpose="season",
            campaign={"id": "xmas"},
        )  # fmt: skip
        outcomes.append(status(answer))
    assert outcomes[:3] == ["accepted"] * 3
    assert set(outcomes[6:]) == {"held"}, outcomes
    holds = [hold for hold in world.holds() if hold["campaign"] == "xmas"]
    assert len(holds) >= 8
    assert len({hold["cluster"] for hold in holds}) == 1
    own = " I still think of the night shift in the Verona warehouse that you told me about."
    one = world.say(
        world.someone(), WISH.format(name="Ida") + own, "greeting", name="Ida", purpose="season",
        campaign={"id": "own"},
    )  # fmt: skip
    assert status(one) == "accepted", one.body


def test_the_third_step_meets_a_reply_by_mail(world: World) -> None:
    rita = world.someone()
    first = world.say(rita, world.intro("Rita"), "outreach", name="Rita", purpose="offers")
    assert status(first) == "accepted", first.body
    message = world.delivered(rita).data.decode()
    [sent_as] = re.findall(r"(?im)^message-id:\s*(<[^>]+>)", message)
    assert world.write_back(rita, "I will answer at leisure tomorrow.", answers=sent_as) == "human"
    third = (
        "Dear Rita, Nora Lind of Acme Books once more: I am writing again because of the April evening on"
        " lighthouse"
        " libraries. I found your address on your site; a word is enough if you would rather not hear"
        " from me."
    )
    answer = world.say(
        rita, third, "outreach", name="Rita", purpose="offers", sequence={"id": "s", "step": 3, "of": 4}
    )
    assert status(answer) == "held", answer.body
    [duty] = [v for v in answer.json()["violations"] if v["code"].startswith("reply_duty")]
    assert time.strftime("%Y", time.gmtime()) in duty["reason"]
    human = "Thank you, Rita, tomorrow is perfect; I look forward to it."
    said = world.say(rita, human, "conversation", name="Rita", source="desk", thread={"in_reply_to": sent_as})
    assert status(said) == "accepted", said.body
    hold = answer.json()["hold_id"]
    eventually(lambda: hold not in {h["id"] for h in world.holds()}, what="the hold's end")


def page_of(world: World, to: str) -> str:
    """The path of the preference page of a newsletter that was sent."""
    world.agree(to, "newsletter")
    sent = world.say(
        to, NEWS["en"].format(name="Ugo") + f" ({world.number})", "newsletter", purpose="newsletter"
    )
    assert status(sent) == "accepted", sent.body
    found = re.search(rf"<{PUBLIC}/u/([\w-]+)>", world.delivered(to).data.decode())
    assert found
    return f"/p/{found[1]}"


def form(world: World, path: str, body: str) -> Answer:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "es"}
    return world.gateway.request("POST", path, body.encode(), kind)


@pytest.mark.parametrize("how", ["page", "reply", "forged reply", "event", "attribute", "profile"])
def test_no_sales_please_however_it_is_said(world: World, how: str) -> None:
    ugo = world.someone()
    world.agree(ugo, "offers")
    world.happens("message.replied", ugo, ago=6 * DAY, text="Happy to talk.")
    world.happens("message.answered", ugo, ago=5 * DAY)
    known: dict[str, Any] = {}
    if how == "page":
        assert form(world, page_of(world, ugo), "no_sales=yes&do=save").status == 200
    elif how in ("reply", "forged reply"):
        introduced = world.say(ugo, world.intro("Ugo"), "outreach", name="Ugo", purpose="offers")
        assert status(introduced) == "accepted", introduced.body
        taken = world.write_back(ugo, "Glad to chat, but no sales pitches please.", genuine=how == "reply")
        assert taken == ("human" if how == "reply" else "no_sales")
        world.happens("message.answered", ugo)
    elif how == "event":
        world.happens("preference.changed", ugo, source="tool", data={"no_sales": True})
    else:
        attributes = (
            {"No sales": True} if how == "attribute" else {"headline": "CTO. Niente vendite, grazie."}
        )
        known = {"recipient": {"attributes": attributes}}
    pitch = world.say(ugo, PITCHES["en"], "promotion", name="Ugo", purpose="offers", **known)
    assert status(pitch) == "rejected", pitch.body
    assert "no_sales.declared" in codes(pitch)
    again = world.say(ugo, PITCHES["de"], "outreach", name="Ugo", purpose="offers")
    assert "no_sales.declared" in codes(again)
    intro = world.say(ugo, world.intro("Ugo"), "outreach", name="Ugo", purpose="offers")
    assert status(intro) == "accepted", codes(intro)


def test_asking_leave_by_mail_and_where_the_law_allows_it(world: World) -> None:
    ask = (
        "Dear {name}, I am Nora Lind of Acme Books. We met at the Turin fair, at the stand number {n},"
        " and talked about"
        " old bindings. May I send you the programme of our readings now and then? If not, just tell me."
    )
    stranger, friend = world.someone(), world.someone("linkedin")
    answer = world.say(
        stranger,
        ask.format(name="Ida", n=world.number),
        "permission_request",
        name="Ida",
        purpose="newsletter",
    )
    assert status(answer) == "rejected", answer.body
    assert any(code.startswith("permission_request") for code in codes(answer))
    world.happens("connection.accepted", friend, "linkedin", ago=6 * DAY)
    answer = world.say(
        friend, ask.format(name="Ida", n=world.number), "permission_request", "linkedin", name="Ida",
        purpose="newsletter",
    )  # fmt: skip
    assert status(answer) == "held", answer.body
    pitched = world.say(
        friend, ask.format(name="Ida", n=world.number) + " " + PITCHES["en"], "permission_request",
        "linkedin", name="Ida", purpose="newsletter",
    )  # fmt: skip
    assert status(pitched) == "rejected", pitched.body


def test_a_colleagues_replies_and_a_tools_tales_open_nothing(world: World) -> None:
    zoe = world.someone()
    world.agree(zoe, "offers")
    world.happens("message.replied", zoe, ago=5 * DAY, sender=HUGO, text="Yes, tell me more.")
    world.happens("message.answered", zoe, ago=4 * DAY, sender=HUGO)
    answer = world.say(zoe, PITCHES["en"], "outreach", name="Zoe", purpose="offers", sender=NORA)
    assert status(answer) == "rejected"
    assert any(code.startswith("no_pitch") for code in codes(answer))
    for type_ in ("connection.accepted", "message.replied", "meeting.held", "purchase", "consent.granted"):
        told = world.happens(type_, zoe, ago=40 * DAY, source="tool", text="yes", purpose="offers")
        assert told["status"] == "recorded", (type_, told)
    again = world.say(zoe, PITCHES["en"], "outreach", name="Zoe", purpose="offers", sender=NORA)
    assert codes(again) == codes(answer)
    backdated = world.happens("connection.accepted", zoe, ago=40 * DAY)
    assert backdated["backdated"]
    soon = world.say(zoe, PITCHES["en"], "outreach", name="Zoe", purpose="offers", sender=NORA)
    assert any(code.startswith("no_pitch") for code in codes(soon))


def test_an_old_list_revives_nobody_who_left_by_one_click(world: World) -> None:
    vera = world.someone()
    path = page_of(world, vera).replace("/p/", "/u/")
    assert form(world, path, "List-Unsubscribe=One-Click").status == 200
    again = {"at": "2026-11-20T10:00:00Z", "confirmed_at": "2026-11-20T10:05:00Z"}
    world.carry(vera.upper(), "NEWSLETTER", action="imported", **again)
    told = world.happens(
        "consent.granted", vera, source="crm", ago=3 * DAY, purpose="newsletter",
        data={"wording": "Yes", "confirmed_at": "2026-11-18T10:00:00Z", "confirmed_ip": "192.0.2.1"},
    )  # fmt: skip
    assert told["status"] == "recorded", told
    reply = world.say(vera, NEWS["en"].format(name="Vera"), "newsletter", purpose="newsletter")
    assert "suppressed.unsubscribed" in codes(reply)


def test_a_backlog_of_replies_that_came_by_mail(world: World) -> None:
    busy = "busy.bee@acme.example"
    for _ in range(20):
        world.happens("message.replied", world.someone(), ago=6.8 * DAY, sender=busy, text="Please do tell.")
    answer = world.say(
        world.someone(),
        world.intro("Lia"),
        "outreach",
        name="Lia",
        purpose="offers",
        sender=busy,
    )
    assert status(answer) == "held", answer.body
    assert any(code.startswith("reply_backlog") for code in codes(answer))
    other = world.say(world.someone(), world.intro("Lia"), "outreach", name="Lia", purpose="offers")
    assert status(other) == "accepted", other.body


def test_what_cannot_be_read_by_http(world: World) -> None:
    ada = world.someone()
    world.agree(ada, "newsletter")
    picture = {"html": '<p><img src="https://a.example/offer.png" alt=""></p>', "text": None}
    pdf = {"filename": "offer.pdf", "type": "application/pdf", "content": "JVBERi0xLjQg" + "eHh4" * 2000}
    for given in (picture, {"text": "See attached.", "attachments": [pdf]}):
        body = {"purpose": "newsletter", **given}
        text = body.pop("text")
        answer = world.say(ada, text, "newsletter", **body)
        assert status(answer) == "held", answer.body
        assert any(code.startswith("readable") for code in codes(answer)), codes(answer)
    template = {
        "from": {"email": NORA}, "personalizations": [{"to": [{"email": ada}]}],
        "template_id": "d-0123456789abcdef0123456789abcdef",
        "headers": {"X-Galateo-Class": "newsletter", "X-Galateo-Purpose": "newsletter"},
    }  # fmt: skip
    answer = world.post("/v3/mail/send", template, "tool")
    assert answer.status == 400, answer.body  # nobody could send it: no requests of this source go on
    found = eventually(lambda: [h for h in world.holds() if "readable" in str(h["codes"])], what="the holds")
    assert len(found) == 2


def test_receipts_with_and_without_something_to_sell(world: World) -> None:
    tom = world.someone()
    plain = world.say(
        tom, "Dear Tom, your order 1042 left us today and arrives on Friday.", "transactional", source="shop"
    )
    assert status(plain) == "accepted", plain.body
    selling = world.say(
        tom,
        "Dear Tom, your order 1043 left us today.\n\nLast chance: 50% off our premium plan, today only!"
        " Buy now at"
        " https://www.acme.example/premium and save 120 euros.",
        "transactional",
        source="shop",
    )
    assert status(selling) == "held", selling.body
    assert any(code.startswith("class_matches") for code in codes(selling))


@pytest.mark.parametrize("how", ["complaint", "reply", "page"])
def test_an_objection_ends_all_that_waits(world: World, how: str) -> None:
    omar = world.someone()
    path = page_of(world, omar)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    held, waiting = [], 0
    for _ in range(4):
        text = NEWS["en"].format(name="Omar") + f" Part {world.number}."
        answer = world.say(omar, text, "newsletter", purpose="newsletter", send_at=later)
        waiting += status(answer) == "accepted"
        asked = world.say(omar, world.intro("Omar"), "outreach", name="Bruno", purpose="offers")
        held += [asked.json()["hold_id"]] if status(asked) == "held" else []
    assert waiting == 4
    assert held
    if how == "complaint":
        world.happens("complaint", omar, source="tool")
    elif how == "reply":
        assert world.write_back(omar, "STOP", genuine=False) == "stop"
    else:
        assert form(world, path, "do=stop").status == 200
    assert not set(held) & {hold["id"] for hold in world.holds()}
    refused = world.say(omar, NEWS["en"].format(name="Omar"), "newsletter", purpose="newsletter")
    assert any(code.startswith(("suppressed", "stop_request")) for code in codes(refused))
    # Events of what was accepted for others may be on their way; what waits for an hour ahead would stay.
    eventually(lambda: world.gateway.metric("galateo_outbox_messages") == 0, what="nothing left to send")
