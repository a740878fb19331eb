"""The kill switch while the gateway serves: from the command line, over SMTP and HTTP, over a restart."""

import threading
import time
from collections import Counter
from pathlib import Path

from tests.flow.harness import Client, Gateway, Sink, eventually, mail, policies

ORDER = "Il vostro ordine 12 è partito oggi."
SECOND = 1.2
"""Within about a second everybody knows."""


def paused(gateway: Gateway) -> float:
    return gateway.metric("galateo_paused", kind="source")


def send(gateway: Gateway, number: int) -> str:
    """One message by SMTP or by HTTP, in turns; the outcome."""
    if number % 2:
        to = {"addresses": [{"type": "email", "value": f"p{number}@example.org"}]}
        sender = {"addresses": [{"type": "email", "value": "orders@acme.example"}]}
        body = {"channel": "email", "class": "transactional", "sender": sender, "recipient": to}
        body |= {"subject": "Ordine", "text": f"{ORDER} {number}"}
        answer = gateway.request("POST", "/v1/messages", body)
        assert answer.status == 202, answer.body
        return str(answer.json()["status"])
    raw = mail(
        ORDER, sender="orders@acme.example", to=f"p{number}@example.org", number=number,
        X_Galateo_Class="transactional",
    )  # fmt: skip
    with Client(gateway.smtp_port) as client:
        reply = client.send("orders@acme.example", [f"p{number}@example.org"], raw)
    assert reply.code == 250, reply.text
    return reply.outcome


def test_a_source_is_paused_and_resumed_while_it_sends(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    over = threading.Event()
    nothing = policies(tmp_path / "policies")
    with Sink() as sink, Gateway(
        tmp_path, relay=sink.url, policies=nothing, settings={"MODE": "observe"}
    ) as gateway:  # fmt: skip

        def go_on() -> None:
            while not over.is_set():
                began = time.monotonic()
                told.append((began, send(gateway, len(told))))

        sender = threading.Thread(target=go_on)
        sender.start()
        eventually(lambda: len(told) > 10)
        assert paused(gateway) == 0
        done = gateway.command("pause", "--source", "development", "--reason", "a wrong list")
        since = time.monotonic()
        assert "Paused: source development." in done.stdout
        time.sleep(2 * SECOND)
        assert paused(gateway) == 1
        gateway.command("resume", "--source", "development")
        until = time.monotonic()
        time.sleep(2 * SECOND)
        over.set()
        sender.join()
        assert {said for at, said in told if since + SECOND < at < until - 2} == {"held"}
        assert {said for at, said in told if at > until + SECOND} == {"accepted"}
        came = sink.wait(len(told), 20)
        assert Counter(one.recipients[0] for one in came).most_common(1)[0][1] == 1
        assert gateway.holds() == []
        assert paused(gateway) == 0
        assert gateway.command("audit", "verify").returncode == 0
        for word in ("source.paused", "source.resumed"):
            assert word in gateway.said()
        assert "wrong list" not in gateway.said()


def test_what_waits_for_its_relay_is_held_and_no_release_sends_it(tmp_path: Path) -> None:
    with Sink() as sink, Gateway(tmp_path, relay=sink.url) as gateway:
        sink.down()
        for number in range(6):
            assert send(gateway, number) == "accepted"
        gateway.command("pause", "--source", "development")
        time.sleep(SECOND)
        sink.up()
        eventually(lambda: len(gateway.holds()) == 6, 90, "all of it held")
        hold = gateway.holds()[0]
        assert (hold["codes"], hold["condition"]) == (["floor/paused.source"], "resumes")
        refused = gateway.command("holds", "release", hold["id"], "--reason", "mine", check=False)
        assert refused.returncode == 1
        assert "is not released yet: a pause keeps it." in refused.stdout
        shown = gateway.command("holds", "show", hold["id"], "--lang", "it").stdout
        assert "in attesa di  la fine di una pausa" in shown
        assert "Questa fonte è in pausa dal" in shown
        assert sink.settle() == []
        gateway.command("resume", "--source", "development")
        assert len(sink.wait(6)) == 6


def test_a_pause_outlives_the_process_and_ends_while_nobody_serves(tmp_path: Path) -> None:
    with Sink() as sink, Gateway(tmp_path, relay=sink.url) as gateway:
        gateway.command("pause", "--source", "development")
        time.sleep(SECOND)
        assert send(gateway, 0) == "held"
        gateway.kill()
        gateway.restart()
        assert send(gateway, 1) == "held"
        assert paused(gateway) == 1
        gateway.stop()
        gateway.command("resume", "--source", "development")
        gateway.restart()
        assert send(gateway, 2) == "accepted"
        assert len(sink.wait(3)) == 3


def test_it_is_paused_over_the_api_and_waits_out_its_time(tmp_path: Path) -> None:
    def ask(method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, dict[str, object]]:
        answer = gateway.request(method, f"/api/v1/pauses{path}", body, ops=True)
        return answer.status, answer.json()

    with Sink() as sink, Gateway(
        tmp_path, relay=sink.url, settings={"HOLD_EXPIRY": "4s"}
    ) as gateway:  # fmt: skip
        wanted = {"kind": "source", "name": "development", "reason": "a wrong list"}
        status, one = ask("POST", "", wanted)
        assert (status, ask("POST", "", wanted)[0]) == (201, 200)
        time.sleep(SECOND)
        assert [send(gateway, n) for n in range(4)] == ["held"] * 4
        time.sleep(5)
        gateway.kill()
        time.sleep(3)
        gateway.restart()
        time.sleep(3)
        assert [pause["held"] for pause in ask("GET", "")[1]["pauses"]] == [4]  # type: ignore[attr-defined]
        assert ask("POST", f"/{one['id']}/resume", {"reason": "mended"})[0] == 200
        assert len(sink.wait(4)) == 4
        assert gateway.holds() == []
        assert ask("GET", "") == (200, {"pauses": []})
        assert gateway.command("audit", "verify").returncode == 0
