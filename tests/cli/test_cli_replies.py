"""`galateo replies`: what nobody could place is listed and shown, and moves no cursor."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from tests.ingress.replies.mailbox import FORGED, mailbox, reply


def test_what_nobody_could_place_is_shown(tmp_path: Path) -> None:
    async def come_in() -> None:
        async with mailbox(tmp_path) as box:
            assert await box.deliver(reply("Who are you?", answers="", results=FORGED)) == "unmatched"
            await box.deliver(
                reply("\x1b[2Jodd", answers="", subject="Re: \x1b]0;x\x07", message_id="<r2@example.org>")
            )

    asyncio.run(come_in())
    environment = {
        "GALATEO_DATABASE": f"sqlite:///{tmp_path / 'line.db'}", "GALATEO_KEYS": str(tmp_path / "keys"),
        "GALATEO_DEVELOPMENT": "1", "GALATEO_ACCESS": str(tmp_path / "access.yaml"),
    }  # fmt: skip

    def run(*words: str) -> str:
        return CliRunner().invoke(main, ["replies", *words], env=environment).output

    lines = run("list").splitlines()
    assert len(lines) == 2
    assert "anna@example.org: Re: Una domanda (it answers nothing that was sent)" in lines[0]
    told = [json.loads(line) for line in run("list", "--json").splitlines()]
    assert told[0]["text"] == "Who are you?"
    shown = run("show", told[1]["id"])
    assert "odd" in shown
    assert "\x1b" not in shown + lines[1]
    assert "There is no reply x to look at" in run("show", "x")
    assert len(run("list", "--limit", "1").splitlines()) == 1
