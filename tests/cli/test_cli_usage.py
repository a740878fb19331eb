"""What cannot be meant on a command line is told in a line, with the exit code for it; never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from gateway.cli import main


def run(folder: Path, *words: str) -> Result:
    settings = {
        "GALATEO_DATABASE": f"sqlite:///{folder / 'galateo.db'}",
        "GALATEO_ACCESS": str(folder / "access.yaml"),
        "GALATEO_DEVELOPMENT": "1",
    }
    done = CliRunner().invoke(main, words, env=settings)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


def test_a_folder_holds_no_messages_to_read(tmp_path: Path) -> None:
    done = run(tmp_path, "read", str(tmp_path))
    assert done.exit_code == 2
    assert "is a directory" in done.output


def test_a_folder_without_lexicons_is_named(tmp_path: Path) -> None:
    (tmp_path / "messages.jsonl").touch()
    done = run(tmp_path, "read", "--lexicons", str(tmp_path), str(tmp_path / "messages.jsonl"))
    assert done.exit_code == 2
    assert f"{tmp_path}: it.yaml" in done.output.replace("\n", "")


@pytest.mark.parametrize("limit", ["0", "-1", "99999999999999999999"])
def test_a_limit_of_holds_has_limits(tmp_path: Path, limit: str) -> None:
    done = run(tmp_path, "holds", "list", "--limit", limit)
    assert done.exit_code == 2
    assert "--limit" in done.output


@pytest.mark.parametrize("reason", ["", " ", "x" * 1001, "anna@example.org"])
@pytest.mark.parametrize("verdict", ["release", "reject"])
def test_a_verdict_needs_a_reason(tmp_path: Path, verdict: str, reason: str) -> None:
    done = run(tmp_path, "holds", verdict, "some-hold", "--reason", reason)
    assert done.exit_code == 2
    assert "say why" in done.output


@pytest.mark.parametrize("words", [("enable", "nobody"), ("replay", "--since", "1d", "--source", "nobody")])
def test_events_of_a_source_that_is_none(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, "events", *words)
    assert done.exit_code == 2
    assert "there is no source 'nobody'" in done.output


@pytest.mark.parametrize("timeout", ["-1", "0", "inf", "nan"])
def test_a_time_that_nobody_can_wait(tmp_path: Path, timeout: str) -> None:
    done = run(tmp_path, "health", "--timeout", timeout)
    assert done.exit_code == 2
    assert "--timeout" in done.output


def test_a_database_to_copy_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"hello world\n" * 1000)
    done = run(tmp_path, "copy-database", str(tmp_path / "other.db"), "postgresql://127.0.0.1:1/none")
    assert done.exit_code == 1
    assert (
        f"galateo: {tmp_path / 'other.db'}: the database file is damaged, or is none of SQLite's"
        in done.output
    )
    (tmp_path / "other.db").rename(tmp_path / "galateo.db")
    assert (
        f"galateo: {tmp_path / 'galateo.db'}: the database file is damaged" in run(tmp_path, "migrate").output
    )


def test_a_copy_the_wrong_way_round_tells_no_password(tmp_path: Path) -> None:
    done = run(tmp_path, "copy-database", "postgresql://galateo:geheim@db/galateo", str(tmp_path / "x.db"))
    assert done.exit_code == 2
    assert "name the SQLite file, then the postgresql:// URL" in done.output
    assert "geheim" not in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "checkpoint", "--to"),
        ("subject", "export", "anna@example.org", "--to"),
        ("consents", "export", "--out"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path, *words, str(tmp_path / "file" / "under" / "it"))
    assert done.exit_code == 1
    assert f"galateo: {tmp_path / 'file' / 'under'}" in done.output
    assert "Not a directory" in done.output


@pytest.mark.parametrize("given", ["geheim caffè", "geheim caffè\n", "geheim caffè\r\n"])
def test_a_secret_comes_through_a_pipe(given: str) -> None:
    done = hash_of(given.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    hashed = done.stdout.decode().removeprefix("hash: ").rstrip("\n")
    assert PasswordHasher().verify(hashed, "geheim caffè")


def test_a_pipe_without_a_secret_gets_a_new_one() -> None:
    done = hash_of(b"")
    assert (done.returncode, done.stderr) == (0, b"")
    secret, hashed = (line.partition(": ")[2] for line in done.stdout.decode().splitlines())
    assert len(secret) == 43
    assert PasswordHasher().verify(hashed, secret)


def test_a_secret_that_is_no_text_is_told() -> None:
    done = hash_of(b"\xe8")
    assert done.returncode == 2
    assert b"the secret is not in UTF-8" in done.stderr
    assert b"Traceback" not in done.stderr


def hash_of(given: bytes) -> subprocess.CompletedProcess[bytes]:
    """`galateo access hash` that is given this by a pipe, without a terminal to ask at."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", "access", "hash"],
        env={**os.environ, "PYTHONUTF8": "1"},
        input=given,
        capture_output=True,
        start_new_session=True,
        check=False,
    )


def test_no_folder_is_made_for_a_checkpoint(tmp_path: Path) -> None:
    done = run(tmp_path, "audit", "checkpoint", "--to", str(tmp_path / "elsewhere" / "checkpoints"))
    assert done.exit_code == 1
    assert f"galateo: {tmp_path / 'elsewhere'}" in done.output
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path / "file", "migrate")
    assert done.exit_code == 1
    assert done.output.startswith(
        f"galateo: GALATEO_DATABASE: the folder {tmp_path / 'file'} cannot be made: "
    )


@pytest.mark.parametrize("words", ["access hash --secret x", "check -q shipped", "read empty"])
def test_a_closed_stdout_is_no_fault(tmp_path: Path, words: str) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "shipped").mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m gateway {words} >&-"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", ["access hash --secret x", "read -", "--help"])
def test_a_full_disk_behind_stdout_is_told(words: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words.split()],
            input=json.dumps({"id": "a", "text": "Buongiorno Anna, acquista subito!"}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "galateo: No space left on device\n"


def test_what_a_locale_cannot_write_is_written_in_utf_8() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from gateway.cli import _write_any_letter as any; any(); print('caffè')"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "caffè\n".encode())


def test_a_file_is_no_folder_of_policies(tmp_path: Path) -> None:
    (tmp_path / "frequency.yaml").touch()
    done = run(tmp_path, "check", str(tmp_path / "frequency.yaml"))
    assert done.exit_code == 2
    assert "is a file: name the folder" in done.output


def test_policies_that_are_not_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "frequency.yaml.txt").touch()
    done = run(tmp_path, "check", str(tmp_path))
    assert "frequency.yaml.txt is not read" in done.output
    assert "everything is kept for good" in done.output


@pytest.mark.parametrize("named", [True, False])
def test_a_policy_for_a_source_that_is_none_is_told(tmp_path: Path, named: bool) -> None:
    (tmp_path / "access.yaml").write_text(
        "controllers: [{name: acme, jurisdiction: it}]\nsources: [{name: sales, controller: acme}]\n"
    )
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, sources in (("idle", "[salse]"), ("half", "[salse, sales]"), ("fine", "sales")):
        text = f"version: 1\npolicy: {name}\napplies_to: {{source: {sources}}}\n"
        (folder / f"{name}.yaml").write_text(text)
    words = (str(folder),) if named else ()
    env = {"GALATEO_ACCESS": str(tmp_path / "access.yaml"), "GALATEO_POLICIES": str(folder)}
    done = CliRunner().invoke(main, ["check", *words], env=env)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    unknown = "applies_to: no source 'salse' stands in access.yaml (did you mean 'sales'?)"
    assert f"idle.yaml: {unknown}, so that the policy applies to nothing" in said
    assert f"half.yaml: {unknown} " in said
    assert "fine.yaml: applies_to" not in said


@pytest.mark.parametrize(
    "words",
    ["retention", "keys show", "keys rotate", "audit key", "audit verify", "holds list", "health"],
)  # fmt: skip
def test_a_wrong_setting_is_told_in_a_line(tmp_path: Path, words: str) -> None:
    done = CliRunner().invoke(main, words.split(), env={"GALATEO_HOLD_EXPIRY": "two"})
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    assert "GALATEO_HOLD_EXPIRY is not a duration" in done.output


def test_a_file_that_is_no_database_is_not_migrated(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("Dear Anna, " * 2000)
    settings = {"GALATEO_DATABASE": f"sqlite:///{tmp_path / 'letters.txt'}"}
    done = CliRunner().invoke(main, ["migrate"], env=settings)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    assert "is damaged, or is none of SQLite's" in done.output


def test_keys_that_are_not_there_are_told_in_a_line(tmp_path: Path) -> None:
    done = run(tmp_path, "keys", "rotate")
    assert done.exit_code == 1
    assert "cannot be read" in done.output
    assert run(tmp_path, "keys", "show").exit_code in (0, 1)


def test_retention_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = run(tmp_path, "retention", "--policies", str(tmp_path / "nowhere"))
    assert done.exit_code == 1
    assert "there is no folder" in done.output


def test_a_gateway_that_does_not_answer_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["health"], env={"GALATEO_OPS_LISTEN": "127.0.0.1:1"})
    assert done.exit_code == 1
    assert "nobody answers at 127.0.0.1:1 (GALATEO_OPS_LISTEN)" in done.output


def test_a_status_that_no_hold_has_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "holds", "list", "--status", "accepted")
    assert done.exit_code == 2
    assert "is not one of" in done.output


def test_a_retention_file_that_cannot_be_meant_fails_the_check(tmp_path: Path) -> None:
    (tmp_path / "retention").mkdir()
    (tmp_path / "retention" / "retention.yaml").write_text("version: 1\nkeep:\n\t- what: words\n")
    done = run(tmp_path, "check", str(tmp_path))
    assert done.exit_code == 1
    assert "line 3: a tab stands in this line" in done.output
    assert "nothing is let go of" in done.output
    assert "all is well" not in done.output
