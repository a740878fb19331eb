"""A message that some of its recipients may not have: who is told, and what is counted."""

import email
import email.policy
import json
import time
from pathlib import Path

from gateway.access import hash_secret
from tests.flow.harness import Client, Gateway, Sink, consent, mail

SOURCE = {
    "name": "news",
    "controller": "acme",
    "secret": hash_secret("correct horse"),
    "default_class": "newsletter",
    "default_purpose": "newsletter",
    "dsn": True,
}
LOGIN = "AUTH PLAIN AG5ld3MAY29ycmVjdCBob3JzZQ=="
NEWS = "Our news of March: the garden is open again, and the café with it."


def test_the_sender_of_a_mixed_message_hears_of_whom_a_policy_refused(tmp_path: Path) -> None:
    access = tmp_path / "access.yaml"
    access.write_text(json.dumps({"sources": [SOURCE], "controllers": [{"name": "acme"}]}))
    with Sink() as sink, Gateway(tmp_path, relay=sink.url, access=access) as gateway:
        gateway.consents([consent("yes@example.org", controller="acme")])
        with Client(gateway.smtp_port) as client:
            assert client.command(LOGIN).code == 235
            to = ["yes@example.org", "no@example.org", "never@example.org"]
            assert client.command("MAIL FROM:<ada@example.com> ENVID=QQ1").code == 250
            for parameters in ("", " ORCPT=rfc822;no@example.net", " NOTIFY=NEVER"):
                assert client.command(f"RCPT TO:<{to.pop(0)}>{parameters}").code == 250
            assert client.command("DATA").code == 354
            client.write(mail(NEWS, sender="Ada <ada@example.com>", to="us@example.com") + b".\r\n")
            reply = client.reply()
            assert (reply.code, reply.outcome, reply.counts.get("rejected")) == (250, "mixed", 2)
        told = next(each for each in sink.wait(1) if each.sender == "")
        sent = [each for each in sink.settle() if each.sender]
        assert told.recipients == ("ada@example.com",)
        assert len(sink.deliveries) - len(sent) == 1  # none of whom it said NOTIFY=NEVER
        counted = {word: gateway.metric("galateo_messages_total", outcome=word) for word in reply.counts}
        assert counted == reply.counts
        deadline = time.monotonic() + 20
        while gateway.metric("galateo_outbox_messages") and time.monotonic() < deadline:
            time.sleep(0.2)
        assert gateway.metric("galateo_outbox_messages") == 0
    message = email.message_from_bytes(told.data, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    text, status, _ = message.iter_parts()  # type: ignore[attr-defined]
    assert "Lo ha rifiutato una policy:" in text.get_content()  # of a controller in Italy
    assert "no@example.org" in text.get_content()
    whole, one = status.get_payload()
    assert whole["Original-Envelope-Id"] == "QQ1"
    assert (one["Original-Recipient"], one["Status"]) == ("rfc822;no@example.net", "5.7.1")
    assert "@example" not in gateway.said()


def test_a_message_that_the_relay_brings_back_is_refused_and_not_taken_for_a_repeated_one(
    tmp_path: Path,
) -> None:
    ada, anna = "ada@example.com", "anna@example.org"
    letter = mail("Your order 12 left today.", sender=ada, to=anna, X_Galateo_Class="transactional")
    with Sink() as sink, Gateway(tmp_path, relay=sink.url) as gateway, Client(gateway.smtp_port) as client:
        first = client.send(ada, [anna], letter)
        assert (first.code, first.outcome) == (250, "accepted")
        (delivered,) = sink.wait(1)
        assert client.send(ada, [anna], letter).id == first.id
        trace = b"Received: from gateway by mta; Mon, 2 Mar 2026 10:00:00 +0000\r\n"
        back = trace + b"X-Galateo-Class: transactional\r\n" + delivered.data
        looped = client.send(delivered.sender, [anna], back)
        assert (looped.code, looped.text[:5]) == (554, "5.4.6")
        assert len(sink.settle()) == 1
        assert "smtp.loop" in gateway.said()
