"""`galateo holds`: what waits, as a reviewer reads it in either language."""

import asyncio
import time
from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.keys import save_keys
from gateway.policy.load import compose
from tests.intake.test_events import event, tell
from tests.line import KEYS, NOW, ROOT, Clock, line, message

PAUSES = """
version: 1
policy: first-contact
title: A first message says who writes
owner: compliance@example.com
why: For tests.
mode: {mode}
applies_to: {{class: [outreach]}}
rules:
  - rule: {rule}
    outcome: hold
"""
RULES = {
    "a.yaml": PAUSES.format(mode="enforce", rule="introduction"),
    "b.yaml": PAUSES.format(mode="observe", rule="source_of_data").replace("first-contact", "reasons"),
}


def galateo(folder: Path, *words: str, policies: Path = ROOT / "policies") -> Result:
    environment = {
        "GALATEO_DATABASE": f"sqlite:///{folder / 'line.db'}", "GALATEO_KEYS": str(folder / "keys"),
        "GALATEO_DEVELOPMENT": "1", "GALATEO_ACCESS": str(folder / "access.yaml"), "LANG": "it_IT.UTF-8",
        "GALATEO_POLICIES": str(policies),
    }  # fmt: skip
    return CliRunner().invoke(main, ["holds", *words], env=environment)


def test_a_hold_is_told_in_the_language_that_is_asked_for(tmp_path: Path) -> None:
    async def hold() -> str:
        async with line(tmp_path, compose(RULES)) as gateway:
            letter = message(class_="outreach", text="Ha visto il mio messaggio?", now=NOW)
            return (await gateway.intake.submit(letter)).id

    save_keys(tmp_path / "keys", KEYS)
    found = f"{asyncio.run(hold())}-0"
    english, italian = galateo(tmp_path, "show", found), galateo(tmp_path, "show", found, "--lang", "it")
    assert (english.exit_code, italian.exit_code) == (0, 0), english.output + italian.output
    for said in ("status  open", "condition  reviewer", "does not say who writes", "To pass: Begin with"):
        assert said in english.stdout
    for said in ("stato  aperto", "in attesa di  un revisore", "non dice chi scrive", "Per passare: "):
        assert said in italian.stdout
    assert "(solo osservata: non è il motivo dell'attesa)" in italian.stdout
    for said in ("open", "reviewer", "expires", "observed", "message", "To pass"):
        assert said not in italian.stdout
    assert "; waits for: reviewer" in galateo(tmp_path, "list").stdout
    assert "; in attesa di: un revisore" in galateo(tmp_path, "list", "--lang", "it").stdout
    told = [galateo(tmp_path, "show", found, "--json", *lang).stdout for lang in ((), ("--lang", "it"))]
    assert told[0] == told[1]
    assert len(orjson.loads(told[0])["violations"][0]["reason"]) == 2
    assert galateo(tmp_path, "list", "--status", "expired", "--lang", "it").stdout == "Nulla è trattenuto.\n"
    missing = galateo(tmp_path, "show", "none", "--lang", "it")
    assert (missing.exit_code, missing.stderr) == (1, "Non c'è nessun messaggio trattenuto none.\n")


def test_a_date_among_what_shows_it_is_said_in_the_same_language(tmp_path: Path) -> None:
    rule = {"a.yaml": PAUSES.format(mode="enforce", rule="reply_duty")}

    async def hold() -> str:
        async with line(tmp_path, compose(rule)) as gateway:
            await tell(gateway, event("message.replied", text="Mi dica di più."))
            letter = message(class_="outreach", text="Ha visto il mio messaggio?", now=NOW)
            return (await gateway.intake.submit(letter)).id

    save_keys(tmp_path / "keys", KEYS)
    found = f"{asyncio.run(hold())}-0"
    assert '"21 September 2026, 14:13 UTC"' in galateo(tmp_path, "show", found).stdout
    assert '"21 settembre 2026, 14:13 UTC"' in galateo(tmp_path, "show", found, "--lang", "it").stdout


def test_a_release_that_meets_something_new_says_so_and_passes_the_second_time(tmp_path: Path) -> None:
    async def hold() -> str:
        now = time.time()  # a command knows no other clock
        async with line(tmp_path, compose(RULES), clock=Clock(now)) as gateway:
            letter = message(class_="outreach", text="Ha visto il mio messaggio?", now=now)
            return (await gateway.intake.submit(letter)).id

    save_keys(tmp_path / "keys", KEYS)
    found = f"{asyncio.run(hold())}-0"
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.yaml").write_text(RULES["a.yaml"].replace("first-contact", "first-words"))
    for name in ("lexicons", "jurisdictions"):
        (folder / name).symlink_to(ROOT / "policies" / name)
    first = galateo(tmp_path, "release", found, "--reason", "it is fine", policies=folder)
    assert first.exit_code == 1, first.output
    assert "now hold it for what was not found before" in first.stdout, first.output
    assert "first-words/introduction.missing" in first.stdout
    assert "release it again" in first.stdout
    second = galateo(tmp_path, "release", found, "--reason", "it is fine", policies=folder)
    assert (second.exit_code, second.stdout) == (0, f"{found} released\n")
