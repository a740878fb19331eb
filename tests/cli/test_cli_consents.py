"""`galateo consents` as people and scripts use it: show, export, import, a dry run, a kill and going on."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.consent_import import CHUNK
from tests.flow.harness import CONSENT_COLUMNS, ROOT, consent, eventually

Run = Callable[..., Result]
HEADER = ",".join(CONSENT_COLUMNS)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "GALATEO_DATABASE": f"sqlite:///{tmp_path / 'galateo.db'}",
        "GALATEO_KEYS": str(tmp_path / "keys"),
        "GALATEO_POLICIES": str(tmp_path / "none"),
        "GALATEO_ACCESS": str(tmp_path / "access.yaml"),
        "GALATEO_DEVELOPMENT": "1",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*words: str, said: str = "", **more: str) -> Result:
        return CliRunner().invoke(main, ["consents", *words], input=said, env=environment | more)

    return run


def write(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    lines = (",".join(f'"{row[name]}"' if row.get(name) else "" for name in CONSENT_COLUMNS) for row in rows)
    path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    return path


def count(folder: Path, table: str = "consent_events") -> int:
    with sqlite3.connect(f"file:{folder / 'galateo.db'}?mode=ro", uri=True) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_goes_in_comes_out(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "a.csv", [consent("anna@example.org"), consent("bruno@example.org")])
    done = run("import", str(file))
    assert (done.exit_code, done.stdout) == (0, "2 lines imported, 2 changed something, 0 refused\n")
    shown = run("show", "--controller", "default", said="ANNA@example.org\n")
    assert "newsletter" in shown.stdout
    assert "grade A" in shown.stdout
    told = json.loads(run("show", "--controller", "default", "--json", said="anna@example.org\n").stdout)
    assert told["proof"]["wording"] == "Yes, send me the monthly newsletter."
    assert len(told["proof"]["wording_hash"]) == 32
    assert "Nothing is recorded" in run("show", "--controller", "default", said="eve@example.org").stdout
    out = tmp_path / "out.jsonl"
    assert run("export", "--controller", "default", "--out", str(out)).exit_code == 0
    exported = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["action"] for line in exported} == {"granted"}
    assert b"example.org" not in out.read_bytes().replace(b"www.example.com", b"")
    assert run("export", "--purpose", "offers").stdout == ""


def test_a_controller_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path, run: Run) -> None:
    """ "Nothing is recorded" would be no answer to who asks for their data."""
    run("import", str(write(tmp_path / "a.csv", [consent("anna@example.org")])))
    out = tmp_path / "out.jsonl"
    out.write_text("of yesterday")
    for words in (("show",), ("export", "--out", str(out))):
        refused = run(*words, "--controller", "defualt", said="anna@example.org\n")
        assert refused.exit_code == 2, words
        assert "There is no such controller. Known (access.yaml): default." in refused.stderr
    assert out.read_text() == "of yesterday"
    (tmp_path / "access.yaml").write_text("controllers: [{name: other, jurisdiction: it}]\n")
    assert "newsletter" in run("show", "--controller", "default", said="anna@example.org\n").stdout
    assert run("export", "--controller", "default").stdout.count("\n") == 1
    assert run("export", "--controller", "other").exit_code == 0


def test_a_dry_run_checks_all_and_writes_nothing(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "a.csv", [consent("anna@example.org"), consent("nobody"), consent("b@x.example")])
    report = tmp_path / "refused.txt"
    done = run("import", str(file), "--dry-run", "--errors", str(report))
    assert (done.exit_code, done.stdout) == (
        1,
        "2 lines would be imported, 0 changed something, 1 refused\n",
    )
    assert report.read_text() == "line 3: the address is not one of the channel email\n"
    assert count(tmp_path) == 0


def test_the_same_file_again_changes_nothing(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "a.csv", [consent(f"p{n}@example.org") for n in range(20)])
    run("import", str(file))
    done = run("import", str(file))
    assert done.stdout == "20 lines imported, 0 changed something, 0 refused\n"
    assert count(tmp_path) == 20
    again = run("import", str(file), "--resume")
    assert "no import of this file stopped" in again.stderr
    assert count(tmp_path) == 20


def test_a_controller_that_nobody_knows_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "access.yaml").write_text(
        "controllers:\n  - {name: acme, jurisdiction: it}\nsources:\n  - {name: tool, controller: acme}\n"
    )
    stop = {"action": "withdrawn", "purpose": "", "at": "2026-05-01T10:00:00Z"}
    file = write(
        tmp_path / "a.csv",
        [
            consent("anna@example.org", controller="acme"),
            consent("b@example.org", controller="Acme Srl", **stop),
        ],
    )
    done = run("import", str(file), GALATEO_DEVELOPMENT="0")
    assert done.exit_code == 1, done.output
    assert "line 3: there is no controller 'Acme Srl' in access.yaml" in done.stderr
    assert count(tmp_path) == 1


def test_what_is_no_import_says_so(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name,mail\nAnna,anna@example.org\n")
    done = run("import", str(file))
    assert done.exit_code == 1
    assert "missing address" in done.stderr
    assert "Traceback" not in done.output
    wrong = run("import", "--resume", str(file))
    assert wrong.exit_code == 2
    assert "write the file first" in wrong.stderr


def test_a_file_saved_on_a_macintosh_is_read_in_full(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "a.csv", [consent(f"p{n}@example.org") for n in range(3)])
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r"))
    done = run("import", str(file))
    assert (done.exit_code, done.stdout) == (0, "3 lines imported, 3 changed something, 0 refused\n")
    assert done.stderr == ""


def test_one_line_is_one(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "a.csv", [consent("anna@example.org")])
    assert run("import", str(file), "--dry-run").stdout.startswith("1 line would be imported, ")
    assert run("import", str(file)).stdout == "1 line imported, 1 changed something, 0 refused\n"
    assert run("export").stderr == "1 line exported\n"


def test_unicode_text_of_a_spreadsheet_is_told_to_be_saved_again(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "a.csv", [consent("anna@example.org")])
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-16")
    done = run("import", str(file))
    said = "a.csv: the file is not in UTF-8: save it as CSV UTF-8\n"
    assert (done.exit_code, done.stderr) == (1, said)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_file_without_a_line_says_so(tmp_path: Path, run: Run, name: str) -> None:
    file = tmp_path / name
    file.write_text(HEADER + "\n" if name == "a.csv" else "")
    done = run("import", str(file))
    assert (done.exit_code, done.stderr) == (0, f"{name}: there is no line to import\n")


def test_going_on_writes_the_report_as_if_nothing_had_happened(tmp_path: Path, run: Run) -> None:
    rows = [consent("nobody" if n % 7 == 0 else f"p{n}@example.org") for n in range(60)]
    file, whole, parts = write(tmp_path / "a.csv", rows), tmp_path / "whole.txt", tmp_path / "parts.txt"
    run("import", str(file), "--dry-run", "--errors", str(whole))
    lines = whole.read_text().splitlines(keepends=True)
    parts.write_text("".join(lines[:5]) + lines[5][:9])  # a machine that lost power in the middle of a word
    done = run("import", str(file), "--errors", str(parts), "--resume", "20")
    assert done.exit_code == 1
    assert parts.read_text() == whole.read_text()
    assert count(tmp_path) == len([row for row in rows[19:] if row["address"] != "nobody"])


def bulk(path: Path, lines: int) -> int:
    """A file of which three lines of a hundred are broken in one way or another; how many are."""
    broken = ('"', "nobody", "a@b.example,x", "p@x.example,fax,n,default,granted,2026-01-01", "\0")
    row = "email,newsletter,default,granted,2026-03-02T10:00:00Z,Sì,3,it,https://x.example/,192.0.2.1,ua"
    wrong = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        for n in range(lines):
            if n % 33 == 7:
                wrong += 1
                file.write(broken[wrong % len(broken)] + "\n")
            else:
                file.write(f"p{n}@example.org,{row},2026-03-02T10:05:00Z,192.0.2.1,consent,web,\n")
    return wrong


def test_killed_in_the_middle_it_goes_on_exactly(tmp_path: Path, environment: dict[str, str]) -> None:
    lines = 3 * CHUNK
    wrong = bulk(tmp_path / "big.csv", lines)
    report = tmp_path / "refused.txt"
    words = [sys.executable, "-m", "gateway", "consents", "import", str(tmp_path / "big.csv")]
    words += ["--errors", str(report)]
    given = os.environ | environment
    first = subprocess.Popen(words, cwd=ROOT, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: (tmp_path / "galateo.db").exists() and marked(tmp_path) > 0, timeout=60)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    done = marked(tmp_path)
    assert 0 < done < lines
    before = count(tmp_path)
    again = subprocess.Popen(
        [*words, "--resume"], cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said, complaints = again.communicate(timeout=90)
    assert f"going on after line {done}" in complaints
    assert again.returncode == 1
    assert count(tmp_path) == lines - wrong == before + int(said.split()[0])
    assert len(report.read_text().splitlines()) == wrong
    assert marked(tmp_path) == 0


def marked(folder: Path) -> int:
    """How far the import came, as the database knows it; 0 for none."""
    try:
        with sqlite3.connect(f"file:{folder / 'galateo.db'}?mode=ro", uri=True) as db:
            found = db.execute("SELECT value FROM settings WHERE name LIKE 'import:%'").fetchone()
    except sqlite3.Error:
        return 0
    return int(found[0]) if found else 0


def test_memory_does_not_grow_with_the_file(tmp_path: Path, environment: dict[str, str]) -> None:
    peaks = []
    for lines in (CHUNK, 6 * CHUNK):
        bulk(tmp_path / "big.csv", lines)
        words = [
            sys.executable,
            "-m",
            "gateway",
            "consents",
            "import",
            str(tmp_path / "big.csv"),
            "--dry-run",
        ]
        child = subprocess.Popen(words, cwd=ROOT, env=os.environ | environment, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 1
        peaks.append(usage.ru_maxrss)
    assert peaks[1] - peaks[0] < 24_000, peaks  # kilobytes


def test_it_says_how_far_it_came(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.consent_import.TELL_SECONDS", 0.0)
    bulk(tmp_path / "big.csv", CHUNK + 10)
    started = time.monotonic()
    done = run("import", str(tmp_path / "big.csv"), "--dry-run", "--errors", str(tmp_path / "refused.txt"))
    told = [line for line in done.stderr.splitlines() if "lines read" in line]
    assert len(told) == 2, (done.output, time.monotonic() - started)
    assert "100%" in told[-1]
