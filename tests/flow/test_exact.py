"""Many at once are decided exactly as one after another: caps, first contact, copies."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.flow.harness import Client, Gateway, Reply, Sink, mail, policies, stuff

CAP = """\
version: 1
policy: cap
title: Not too often
owner: compliance@example.com
why: Nobody wants to hear from us every day.
mode: enforce
applies_to: {class: [outreach]}
rules:
  - rule: contact_cap
    limit: 3
    per: 7 days
    outcome: hold
  - rule: sequence_length
    limit: 5
    outcome: reject
"""
COPIES = """\
version: 1
policy: copies
title: Written for one
owner: compliance@example.com
why: What went to many was not written for one.
mode: enforce
applies_to: {class: [greeting]}
rules:
  - rule: copied_text
    max_share: 0.5
    copies: 4
    window: 30 days
    outcome: hold
"""


class Town:
    """A gateway with a cap of three per person and at most four copies of a text."""

    def __init__(self, gateway: Gateway, sink: Sink) -> None:
        self.gateway = gateway
        self.sink = sink

    def at_once(self, submissions: Sequence[tuple[str, bytes]]) -> list[Reply]:
        """All on connections of their own, all up to the message before the first message is sent."""
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(self.gateway.smtp_port)) for _ in submissions]
            for client, (to, _) in zip(clients, submissions, strict=True):
                for line in ("MAIL FROM:<anna@client.example>", f"RCPT TO:<{to}>", "DATA"):
                    assert client.command(line).code in {250, 354}
            for client, (_, message) in zip(clients, submissions, strict=True):
                client.write(stuff(message))
            return [client.reply() for client in clients]

    def in_turn(self, submissions: Sequence[tuple[str, bytes]]) -> list[Reply]:
        """One after another on one connection."""
        with Client(self.gateway.smtp_port) as client:
            return [client.send("anna@client.example", [to], message) for to, message in submissions]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("exact")
    settings = {"MAX_CONNECTIONS": "500", "MAX_CONNECTIONS_PER_PEER": "500"}
    chosen = policies(folder / "policies", CAP, COPIES)
    with (
        Sink(keep_data=False) as sink,
        Gateway(folder, relay=sink.url, policies=chosen, settings=settings) as gateway,
    ):
        yield Town(gateway, sink)


def said(replies: Sequence[Reply]) -> Counter[tuple[int, str]]:
    """Codes and texts without the message ids."""
    return Counter((reply.code, reply.text.replace(reply.id, "ID")) for reply in replies)


def outcomes(replies: Sequence[Reply]) -> Counter[str]:
    return Counter(reply.outcome for reply in replies)


def introductions(to: str, count: int) -> list[tuple[str, bytes]]:
    """First letters that share no sentence, each from a mail of its own."""
    return [
        (
            to,
            mail(
                f"Buongiorno, sono Anna Conti della bottega {number}.\n"
                f"Le scrivo perché ho letto il suo articolo {number * 7}.\nAnna {number}",
                sender="Anna Conti <anna@client.example>",
                to=to,
                number=f"{to}.{number}",
                X_Galateo_Class="outreach",
            ),
        )
        for number in range(count)
    ]


TEXTS = {
    "winter": "La neve è arrivata fin sotto i portici e la stufa della bottega fa il suo dovere.\n"
    "Vi auguriamo sere lunghe con una coperta sulle ginocchia e qualcuno che legga ad alta voce.",
    "autumn": "Abbiamo raccolto le ultime mele e messo le conserve in fila sullo scaffale alto.\n"
    "Che il vino nuovo sia allegro e le castagne scoppino tutte nella padella giusta.",
    "march": "Stamattina una rondine ha fatto il giro del cortile e poi ha cambiato idea.\n"
    "Speriamo che il vento vi porti soltanto buone notizie e nessun raffreddore.",
    "may": "Le rose del muro sono aperte e le api hanno ripreso a litigare con il gatto.\n"
    "A voi passeggiate lente, scarpe comode e una panchina libera al momento giusto.",
}


def greetings(season: str, count: int) -> list[tuple[str, bytes]]:
    """One text, word for word, to so many people."""
    return [
        (
            f"{season}{number}@reader.example",
            mail(
                TEXTS[season],
                sender="Anna Conti <anna@client.example>",
                to=f"{season}{number}@reader.example",
                number=f"{season}.{number}",
                X_Galateo_Class="greeting",
            ),
        )
        for number in range(count)
    ]


@pytest.mark.timeout(120)
def test_two_hundred_first_contacts_with_one_person(town: Town) -> None:
    at_once = town.at_once(introductions("crowd@reader.example", 200))
    in_turn = town.in_turn(introductions("queue@reader.example", 200))
    assert outcomes(in_turn) == {"accepted": 3, "held": 197}
    assert said(at_once) == said(in_turn)


@pytest.mark.timeout(120)
def test_three_hundred_copies_to_three_hundred_people(town: Town) -> None:
    at_once = town.at_once(greetings("winter", 300))
    in_turn = town.in_turn(greetings("autumn", 300))
    assert outcomes(in_turn) == {"accepted": 4, "held": 296}
    assert said(at_once) == said(in_turn)


@pytest.mark.timeout(60)
def test_one_submission_to_a_hundred_people(town: Town) -> None:
    several = greetings("march", 100)
    with Client(town.gateway.smtp_port) as client:
        reply = client.send("anna@client.example", [to for to, _ in several], several[0][1])
    in_turn = town.in_turn(greetings("may", 100))
    assert reply.outcome == "mixed"
    assert reply.counts == dict(outcomes(in_turn)) == {"accepted": 4, "held": 96}


@pytest.mark.timeout(60)
def test_a_person_named_twice_in_one_submission_is_one_person(town: Town) -> None:
    [(to, message)] = introductions("twice@reader.example", 1)
    with Client(town.gateway.smtp_port) as client:
        assert client.send("anna@client.example", [to, to, "Twice@Reader.example"], message).code == 250
    rest = town.in_turn(introductions("twice@reader.example", 8)[1:])
    assert {"accepted", "held"} == set(outcomes(rest))
    # However the three names were counted, this person gets three messages and no more.
    came = [each for each in town.sink.settle() if each.recipients[0].lower() == "twice@reader.example"]
    assert len(came) == 3
