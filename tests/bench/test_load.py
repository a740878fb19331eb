"""The benchmark's own tools tell the truth: what the generator says it sent is what arrived."""

import json
import subprocess
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from bench import build, messages
from tests.flow.harness import Sink


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    build.compile_load(folder)
    build.compile_slow_sync(folder)
    messages.write_messages(folder / "messages", range(300))
    return folder


def send(
    tools: Path, port: int, first: int, count: int, mode: str = "keep", pace: float = 0
) -> dict[str, Any]:
    words = [
        tools / "load",
        "127.0.0.1",
        str(port),
        tools / "messages",
        str(first),
        str(count),
        "7",
        mode,
        str(pace),
    ]
    done = subprocess.run(words, capture_output=True, check=True, timeout=30)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("mode", ["keep", "reconnect"])
def test_each_message_arrives_once_and_whole(tools: Path, mode: str) -> None:
    with Sink() as sink:
        said = send(tools, sink.port, 50, 200, mode)
        came = sink.wait(200)
        assert said["accepted"] == said["messages"] == len(came) == 200
        assert sink.connections == (7 if mode == "keep" else 200)
    assert sorted(each.recipients[0] for each in came) == sorted(map(messages.address, range(50, 250)))
    stored = (tools / "messages").read_bytes()
    assert all(messages.stuff(each.data) in stored for each in came)


def test_it_tells_outcomes_apart(tools: Path) -> None:
    def script(verb: str, argument: str) -> bytes | None:
        number = int(argument.partition("@")[0].rpartition(".")[2]) if verb in {"RCPT", "END"} else 0
        if verb == "RCPT" and number % 10 == 1:
            return b"550 5.1.1 nobody"
        answers = {
            2: b"250 2.0.0 ID held p/c: not sent",
            3: b"550 5.7.1 ID rejected",
            4: b"451 4.3.0 later",
            5: b"",
        }
        return answers.get(number % 10) if verb == "END" else None

    with Sink(script=script) as sink:
        said = send(tools, sink.port, 0, 100)
    assert (said["accepted"], said["held"], said["rejected"]) == (50, 10, 20)
    assert (said["deferred"], said["broken"]) == (10, 10)
    assert said["odd_reply"]


def test_paced_load_keeps_its_pace(tools: Path) -> None:
    with Sink(keep_data=False) as sink:
        said = send(tools, sink.port, 0, 100, pace=200)
    assert said["accepted"] == 100
    # The last of a hundred falls due after 0.495 s; a slow machine may take longer, never less.
    assert said["seconds"] >= 0.49


def test_messages_are_mail_without_defects_and_differ(tools: Path) -> None:
    with Sink() as sink:
        send(tools, sink.port, 0, 300)
        came = [each.data for each in sink.wait(300)]
    parsed = [message_from_bytes(data, policy=policy.default) for data in came]
    assert not [defect for each in parsed for defect in each.defects]
    assert len({each["Message-ID"] for each in parsed}) == len({each["To"] for each in parsed}) == 300
    kinds = [each.get_content_type() for each in parsed]
    assert 0.45 < kinds.count("multipart/alternative") / 300 < 0.75
    assert {"text/plain", "text/html"} < set(kinds)
    assert 3000 < sum(map(len, came)) / 300 < 6000


def test_the_slow_disk_is_felt_by_sqlite(tools: Path) -> None:
    each, calls = build.probe_slow_sync(tools / "slow_sync.so", 4.0, tools)
    assert each >= 4.0
    assert calls >= 50


def test_a_server_that_is_not_there_ends_it(tools: Path) -> None:
    with Sink() as sink:
        port = sink.port
    begun = time.monotonic()
    words = [tools / "load", "127.0.0.1", str(port), tools / "messages", "0", "300", "7", "keep", "0"]
    said = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=30).stdout)
    assert said["broken"] == 300
    assert time.monotonic() - begun < 20
