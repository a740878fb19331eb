"""Sample traffic that leaves a mark on every metric: letters, replies, reviews, a dead address."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme

from tests.flow.harness import Client, Gateway, Sink, Target, consent, eventually, mail, policies

MAILBOX = "elena.riva@acme.example"
PROFILE = "https://www.linkedin.com/in/elena-riva-example"
DOCUMENTS = (
    """
version: 1
policy: letters
title: A letter only to those who asked for it
owner: compliance@acme.example
why: They did not ask.
applies_to: {class: newsletter}
rules:
  - {rule: consent, outcome: reject}
""",
    """
version: 1
policy: first-words
title: Say who you are
owner: compliance@acme.example
why: Nobody likes a stranger without a name.
applies_to: {class: outreach}
rules:
  - {rule: introduction, outcome: hold}
""",
    """
version: 1
policy: calm
title: One letter a day would do
owner: compliance@acme.example
why: To see what it would mean.
mode: observe
applies_to: {class: newsletter}
rules:
  - {rule: contact_cap, limit: 1, per: 1 day, outcome: reject}
""",
    """
version: 1
policy: asleep
title: Applies to nothing here
owner: compliance@acme.example
why: To be found silent.
applies_to: {class: greeting}
rules:
  - {rule: personal_detail, outcome: hold}
""",
)
LETTER = (
    "Ciao! Le novità di marzo: tre romanzi e un saggio sulle api. Per non ricevere più nulla rispondi STOP."
)
INTRODUCED = (
    "Buongiorno, sono Elena Riva della Libreria Acme di Milano. Le scrivo perché ho letto il suo articolo"
    " numero {n} e vorrei citarlo in una serata di aprile."
)
PLAIN = "Ha due minuti questa settimana? Ci sarebbe una cosa di cui parlare, la numero {n}."


class Traffic:
    """A gateway with everything that it counts going on around it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._numbers = itertools.count(1)
        gateway.consents(
            [consent(f"{kind}-{n}@readers.example") for kind in ("anna", "dead") for n in range(1, 9)]
        )

    def round(self, n: int) -> None:
        """One of everything. `n` makes its people different from those of other rounds, 1 to 8."""
        for _ in range(2):
            assert self.letter(f"anna-{n}@readers.example") == 250
        assert self.letter(f"dead-{n}@readers.example") == 250
        assert self.letter(f"nobody-{n}@readers.example") == 550
        held = [self.approach(f"held-{n}-{m}", PLAIN) for m in range(3)]
        self.decide(held[0], "release")
        self.decide(held[1], "reject")
        self.converse(n)

    def converse(self, n: int) -> None:
        """What people answer, and what they never do."""
        for who in ("luca", "sara", "vito"):
            self.approach(f"{who}-{n}", INTRODUCED)
        self.tell("message.replied", f"luca-{n}", ago=600, text="Volentieri, ne parliamo giovedì?")
        self.tell("message.answered", f"luca-{n}", ago=10)
        self.tell("message.replied", f"sara-{n}", text="Mi racconti di più.")
        self.tell("message.replied", f"vito-{n}", text="Sono in ferie", data={"automatic": "true"})
        self.tell("message.replied", f"stop-{n}", text="Basta messaggi, per favore. STOP")
        self.tell("complaint", f"cross-{n}")
        self.tell("unsubscribe", f"gone-{n}")

    def letter(self, to: str) -> int:
        """A newsletter by SMTP; its reply code."""
        headers = {"X_Galateo_Class": "newsletter", "X_Galateo_Purpose": "newsletter"}
        octets = mail(LETTER, sender=MAILBOX, to=to, number=next(self._numbers), **headers)
        with Client(self.gateway.smtp_port) as client:
            return client.send(MAILBOX, [to], octets).code

    def approach(self, who: str, text: str) -> str:
        """A private message; the hold's id where it is held."""
        body = {
            "channel": "linkedin",
            "class": "outreach",
            "sender": {"name": "Elena Riva", "addresses": [{"type": "linkedin", "value": PROFILE}]},
            "recipient": {"addresses": [{"type": "linkedin", "value": profile(who)}]},
            "text": text.format(n=next(self._numbers)),
        }
        answer = self.gateway.request("POST", "/v1/messages", body)
        assert answer.status == 202, answer.body
        return str(answer.json()["hold_id"] or "")

    def decide(self, hold: str, verdict: str) -> None:
        """What a reviewer says to a hold."""
        answer = self.gateway.request(
            "POST", f"/api/v1/holds/{hold}/{verdict}", {"reason": "as an example"}, ops=True
        )
        assert answer.status == 200, answer.body

    def tell(self, type_: str, who: str, ago: float = 0, **given: Any) -> None:
        """An event about a person, so many seconds ago."""
        body = {
            "type": type_,
            "source_event_id": f"e{next(self._numbers)}",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago)),
            "channel": "linkedin",
            "sender": {"addresses": [{"type": "linkedin", "value": PROFILE}]},
            "recipient": {"addresses": [{"type": "linkedin", "value": profile(who)}]},
            **given,
        }
        answer = self.gateway.request("POST", "/v1/events", body)
        assert answer.status == 202, answer.body


def profile(who: str) -> str:
    return f"https://www.linkedin.com/in/{who}-example"


def refuse_the_dead(verb: str, argument: str) -> bytes | None:
    """The relay's answer to RCPT for an address that does not exist."""
    return b"550 5.1.1 no such user" if verb == "RCPT" and argument.startswith("dead-") else None


@contextmanager
def running(folder: Path) -> Iterator[Traffic]:
    """A gateway with traffic to come, its relay, its webhook target, and a certificate."""
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    house = policies(folder / "policies", *DOCUMENTS)
    with (
        Sink(script=refuse_the_dead) as sink,
        Target() as target,
        Gateway(
            folder,
            relay=sink.url,
            webhook_relay=target.url,
            policies=house,
            settings={"SMTP_TLS_CERT": str(folder / "cert.pem"), "SMTP_TLS_KEY": str(folder / "key.pem")},
        ) as gateway,
    ):
        yield Traffic(gateway)


def reload_policies(traffic: Traffic) -> None:
    """Change a policy's words and wait until the gateway has taken it up."""
    file = traffic.gateway.folder / "policies" / "3.yaml"
    file.write_text(file.read_text().replace("To be found", "In order to be found"))
    eventually(
        lambda: traffic.gateway.metric("galateo_policy_reloads_total", result="loaded") >= 1,
        what="the reload",
        timeout=30,
    )
