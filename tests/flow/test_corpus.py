"""Real and broken mail through a running gateway: a proper reply each time, and what is accepted
comes out as it went in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.harness import ROOT, Client, Gateway, Reply, Sink

CORPUS = ROOT.parent / "shared" / "data" / "eml"
FILES = sorted(CORPUS.glob("*.eml")) if CORPUS.is_dir() else []
# What the gateway may take away, and what it may add.
STRIPPED = re.compile(rb"x-galateo-|(?:bcc|resent-bcc|return-path)[ \t]*:", re.IGNORECASE)
ADDED = re.compile(rb"(received|list-unsubscribe|list-unsubscribe-post|dkim-signature)\s*:", re.IGNORECASE)
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3} ")


class World:
    """A gateway that only observes, so that it delivers whatever is a message, and where that goes."""

    def __init__(self, gateway: Gateway, sink: Sink) -> None:
        self.gateway = gateway
        self.sink = sink

    def send(self, recipient: str, message: bytes) -> Reply:
        """Submit, and see that the session is as usable afterwards as before."""
        with Client(self.gateway.smtp_port) as client:
            reply = client.send("corpus@client.example", [recipient], message)
            assert client.command("NOOP").code == 250
        return reply

    def delivered(self, recipient: str) -> bytes:
        """What came out for this recipient."""

        def found() -> list[bytes]:
            return [each.data for each in list(self.sink.deliveries) if each.recipients == (recipient,)]

        for _ in range(500):
            if found():
                return found()[0]
            self.sink.settle(quiet=0.02)
        raise AssertionError("it never came out")


@pytest.fixture(scope="module", params=["observe", "enforce"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("corpus")
    with Sink() as sink, Gateway(folder, relay=sink.url, settings={"MODE": request.param}) as gateway:
        yield World(gateway, sink)


def crlf(octets: bytes) -> bytes:
    """As a client sends a file: line feeds alone become line ends; a file that mixes is left as it is."""
    if b"\r" not in octets:
        octets = octets.replace(b"\n", b"\r\n")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def fields(header: bytes) -> list[bytes]:
    """Header fields with their continuation lines."""
    return re.split(rb"\r\n(?![ \t])", header)


def without_additions(delivered: bytes, original: bytes) -> bytes:
    """What came out, less the fields that the gateway may have added."""
    head, blank, body = delivered.partition(b"\r\n\r\n")
    known = fields(original.partition(b"\r\n\r\n")[0])
    kept = [field for field in fields(head) if field in known or not ADDED.match(field)]
    return b"\r\n".join(kept) + blank + body


def without_stripped(original: bytes) -> bytes:
    """What went in, less the fields that speak to the gateway alone."""
    head, blank, body = original.partition(b"\r\n\r\n")
    return b"\r\n".join(field for field in fields(head) if not STRIPPED.match(field)) + blank + body


def check(world: World, name: str, message: bytes) -> Reply:
    recipient = f"{re.sub('[^a-z0-9]', '-', name.lower())}@reader.example"
    reply = world.send(recipient, message)
    assert reply.code == 250 or 500 <= reply.code < 600, reply
    assert ENHANCED.match(reply.text), reply
    assert reply.text.isascii()
    assert len(reply.text) < 400
    if reply.outcome == "accepted":
        came = world.delivered(recipient)
        assert without_additions(came, message) == without_stripped(message)
    return reply


@pytest.mark.skipif(not FILES, reason="the corpus ../shared/data/eml is not here")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_of_the_corpus(world: World, path: Path) -> None:
    check(world, path.stem, crlf(path.read_bytes()))


@pytest.mark.skipif(not FILES, reason="the corpus ../shared/data/eml is not here")
def test_most_of_the_corpus_is_mail_and_comes_out(world: World) -> None:
    if world.gateway.settings["MODE"] == "observe":
        came = {delivery.recipients for delivery in world.sink.settle()}
        assert len(came) >= 0.9 * len(FILES)


def nested(depth: int) -> bytes:
    head = b"Subject: matryoshka\r\nFrom: a@client.example\r\nMessage-ID: <nested@client.example>\r\n"
    head += b"MIME-Version: 1.0\r\n"
    for level in range(depth):
        edge = b"b%d" % level
        head += b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n' % (edge, edge)
    ends = b"".join(b"\r\n--b%d--\r\n" % level for level in reversed(range(depth)))
    return head + b"Content-Type: text/plain\r\n\r\nthe smallest doll\r\n" + ends


HEAD = b"From: a@client.example\r\nSubject: odd\r\nMessage-ID: <odd@client.example>\r\n"
UTF8 = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
ODD = {
    "nested 100 deep": nested(100),
    "one long line": HEAD + b"\r\n" + b"x" * 500_000 + b"\r\n",
    "a long header line": HEAD + b"X-Long: " + b"y" * 20_000 + b"\r\n\r\nhi\r\n",
    "ten thousand header fields": HEAD + b"X-Many: z\r\n" * 10_000 + b"\r\nhi\r\n",
    "utf-8 that is latin-1": HEAD + UTF8 + b"\r\nperch\xe9 no\r\n",
    "an unknown charset": HEAD + UTF8.replace(b"utf-8", b"klingon") + b"\r\n\xff\xfe\r\n",
    "only a header": HEAD,
    "only a body": b"\r\nno header at all\r\n",
    "nothing": b"\r\n",
    "dots": HEAD + b"\r\n.\r\n..\r\n...\r\n.x\r\n",
    "our header, folded": b"X-Galateo-Class: newsletter\r\n"
    + HEAD
    + b"X-Galateo-Purpose:\r\n newsletter\r\n\r\nhi\r\n",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_messages(world: World, name: str) -> None:
    check(world, name, ODD[name])


BAD = {
    "a NUL": b"be\0low",
    "a bare CR": b"be\rlow",
    "a bare LF": b"be\nlow",
    "smuggling": b"x\n.\nMAIL FROM:<a@b>\r\ny",
}


@pytest.mark.parametrize("name", BAD)
def test_octets_that_could_smuggle_are_refused_or_made_harmless(world: World, name: str) -> None:
    recipient = f"{name.replace(' ', '-').lower()}@reader.example"
    reply = world.send(recipient, HEAD + b"\r\n" + BAD[name] + b"\r\n")
    assert reply.code in {250, 550, 554, 500, 501, 552}
    if reply.outcome == "accepted":
        came = world.delivered(recipient)
        assert b"\0" not in came
        assert came.count(b"\r") == came.count(b"\n") == came.count(b"\r\n")
