"""The commands of evidence, as people and pipelines call them: on a database in a file, worker processes and
all; whatever is wrong is said and nothing is half done."""

import errno
import os
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main, processes
from gateway.evidence.backup import unserved
from gateway.keys import save_keys
from tests.evidence.conftest import change
from tests.evidence.traffic import NEEDS_CONSENT, POLICIES
from tests.line import KEYS, ROOT

ANNA = "anna@example.org"


class House:
    """A gateway's files, and its command."""

    def __init__(self, database: Path) -> None:
        self.folder = database.parent
        self.database = database
        save_keys(self.folder / "keys", KEYS)
        self.policies = self.draft("live", *POLICIES)
        self.env = {
            "GALATEO_DATABASE": f"sqlite:///{database}",
            "GALATEO_KEYS": str(self.folder / "keys"),
            "GALATEO_POLICIES": str(self.policies),
            "GALATEO_DEVELOPMENT": "1",
            "GALATEO_ACCESS": str(self.folder / "access.yaml"),
        }

    def draft(self, name: str, *texts: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        for n, text in enumerate(texts):
            (folder / f"p{n}.yaml").write_text(text)
        for sub in ("jurisdictions", "lexicons"):
            (folder / sub).symlink_to(ROOT / "policies" / sub)
        return folder

    def __call__(self, *words: str, said: str = "") -> Result:
        return CliRunner(env=self.env).invoke(main, words, input=said)


@pytest.fixture
def galateo(database: Path) -> House:
    return House(database)


def test_a_log_is_verified_and_what_is_wrong_named(galateo: House) -> None:
    fine = galateo("audit", "verify", "--processes", "2", "--json")
    assert fine.exit_code == 0, fine.output
    told = orjson.loads(fine.stdout)
    assert told["fine"]
    state = str(galateo.folder / "state")
    assert galateo("audit", "verify", "--state", state).exit_code == 0
    again = orjson.loads(galateo("audit", "verify", "--state", state, "--json").stdout)
    assert again["entries"] == told["entries"]
    kept = str(galateo.folder / "elsewhere")
    assert galateo("audit", "checkpoint", "--to", kept).exit_code == 0
    change(galateo.database, "UPDATE audit SET actor = 'x' WHERE seq = 2")
    change(galateo.database, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    for count in ("1", "2"):
        broken = galateo("audit", "verify", "--processes", count, "--checkpoints", kept)
        assert broken.exit_code == 1
        assert broken.stdout.splitlines()[0].startswith("gateway entry 2 (")
        assert "its end was cut" in broken.stdout
    (galateo.folder / "elsewhere").write_bytes(b"{}\n")
    refused = galateo("audit", "verify", "--checkpoints", kept)
    assert refused.exit_code == 1
    assert "line 1 is not a checkpoint" in refused.output


def test_a_draft_is_tried_by_workers_and_here(galateo: House) -> None:
    looser = galateo.draft("looser", NEEDS_CONSENT.replace("reject", "hold"))
    told = []
    for count in ("1", "2"):
        given = ("--policies", str(looser), "--since", "9y", "--format", "json", "--processes", count)
        found = galateo("replay", *given)
        assert found.exit_code == 0, found.output
        told.append(orjson.loads(found.stdout))
    assert told[0] == told[1]
    assert told[0]["decided"] == 7
    assert told[0]["newly"] == {"accepted": 1, "held": 1, "rejected": 0}
    live = orjson.loads(galateo("replay", "--since", "9y", "--format", "json").stdout)
    assert (live["decided"], live["unchanged"]) == (7, 7)
    table = galateo("replay", "--policies", str(looser), "--since", "9y", "--format", "csv").stdout
    assert table.splitlines()[0].startswith("decision,at,source")
    assert len(table.splitlines()) == 3


def test_a_draft_is_told_in_italian(galateo: House) -> None:
    """Numbers, headings, outcomes and reasons: whoever asks for Italian may read nothing else."""
    looser = galateo.draft("looser", NEEDS_CONSENT.replace("reject", "hold"))
    given = ("replay", "--policies", str(looser), "--since", "9y", "--lang")
    italian = galateo(*given, "it").stdout
    for said in ("Decisioni: 7", "per regola", "per fonte", "messaggi", "rifiutato -> trattenuto"):
        assert said in italian
    for said in ("decisions", "unchanged", "messages", "by rule", "rejected", "newly"):
        assert said not in italian
    assert "7 decisions, 5 unchanged, 2 would change." in galateo(*given, "en").stdout
    table = galateo(*given, "it", "--format", "csv").stdout
    assert "consenso" in table
    nothing = galateo("replay", "--observed", "--since", "9y", "--lang", "it").stdout
    assert "nessuna policy in osservazione" in nothing


def test_where_no_processes_can_share_the_work_one_does_it(
    galateo: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refuse)
    for command in (("audit", "verify"), ("replay", "--since", "9y")):
        done = galateo(*command, "--processes", "2")
        assert done.exit_code == 0, done.output
        assert "Permission denied; is /dev/shm writable?" in done.stderr


def test_a_draft_that_does_not_load_is_refused(galateo: House) -> None:
    broken = galateo.draft("broken", NEEDS_CONSENT.replace("rule: consent", "rule: consnt"))
    found = galateo("replay", "--policies", str(broken))
    assert found.exit_code == 1
    assert "p0.yaml:10" in found.output
    assert "did you mean" in found.output
    assert galateo("replay", "--policies", str(galateo.folder / "none")).exit_code in (1, 2)


def test_a_decision_is_explained_and_packed(galateo: House) -> None:
    [message] = galateo_ids(galateo)
    told = orjson.loads(galateo("explain", message, "--json", "--lang", "it").stdout)
    assert told[0]["outcome"] == "rejected"
    told = galateo("explain", message, "--lang", "it").stdout
    assert f"{message}-0: rifiutato" in told
    assert "violata" in told
    assert "quanto si conoscono: non si conoscono" in told
    assert "{" not in told.partition("Noto")[0]
    assert galateo("explain", "0" * 26).exit_code == 1
    letter = galateo.folder / "m.eml"
    letter.write_bytes(b"From: a@b.example\r\nX-Galateo-Class: newsletter\r\n\r\nCiao.\r\n")
    ahead = galateo("explain", "--eml", str(letter), "--to", "new@example.org", "--json")
    assert orjson.loads(ahead.stdout)[0]["outcome"] == "rejected"
    pack = galateo.folder / "p.zip"
    assert galateo("audit", "export", "--message", message, "--to", str(pack)).exit_code == 0
    key = galateo("audit", "key").stdout.strip()
    assert galateo("audit", "verify-pack", str(pack), "--key", key).exit_code == 0
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(bytes(data))
    assert galateo("audit", "verify-pack", str(pack)).exit_code == 1


def test_what_holds_people_is_for_its_owner_alone(galateo: House) -> None:
    [message] = galateo_ids(galateo)
    folder, before = galateo.folder, os.umask(0o022)
    try:
        assert galateo("subject", "export", ANNA, "--to", str(folder / "new" / "anna")).exit_code == 0
        assert galateo("audit", "export", "--message", message, "--to", str(folder / "p.zip")).exit_code == 0
        assert galateo("consents", "export", "--out", str(folder / "consents.jsonl")).exit_code == 0
    finally:
        os.umask(before)
    assert mode(folder / "new" / "anna") == 0o700
    for name in ("new/anna/data.json", "new/anna/data.html", "p.zip", "consents.jsonl"):
        assert mode(folder / name) == 0o600, name


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def galateo_ids(galateo: House) -> list[str]:
    import apsw

    db = apsw.Connection(str(galateo.database))
    found = db.execute("SELECT message_id FROM decisions WHERE outcome = 2").fetchall()
    db.close()
    return [str(row[0]) for row in found]


def test_a_person_is_listed_restricted_and_erased(galateo: House) -> None:
    before = galateo.database.read_bytes()
    dry = galateo("subject", "erase", "--dry-run", said=f"{ANNA}\n")
    assert "1 consents" in dry.stdout
    assert "Nothing was changed" in dry.stdout
    assert ANNA.encode() in before
    assert "Restricted" in galateo("subject", "restrict", ANNA).stdout
    assert "Lifted" in galateo("subject", "restrict", ANNA, "--lift").stdout
    copy = galateo("subject", "export", said=f"{ANNA}\n")
    assert orjson.loads(copy.stdout)["about"]["address"] == ANNA
    gone = galateo("subject", "erase", said=f"{ANNA}\n")
    assert gone.exit_code == 0, gone.output
    for path in galateo.folder.glob("line.db*"):
        assert ANNA.encode() not in path.read_bytes(), path
    assert galateo("audit", "verify").exit_code == 0
    assert galateo("subject", "export", said="nobody\n").exit_code == 2


def test_a_controller_that_does_not_exist_is_refused_with_those_that_do(galateo: House) -> None:
    """Misspelled, it would find nothing, and what it stopped would protect nobody."""
    before = galateo("subject", "erase", "--dry-run", said=f"{ANNA}\n").stdout
    for words in (
        ("erase", "--yes"), ("erase", "--dry-run"), ("restrict",), ("restrict", "--lift"), ("export",)
    ):  # fmt: skip
        for who in (ANNA, "never@example.org"):
            refused = galateo("subject", *words, "--controller", "defualt", said=f"{who}\n")
            assert refused.exit_code == 2, words
            assert "There is no such controller. Known (access.yaml): default." in refused.stderr
            assert not refused.stdout
    assert galateo("subject", "erase", "--dry-run", said=f"{ANNA}\n").stdout == before


def test_who_left_the_access_file_still_erases_whom_it_knows(galateo: House) -> None:
    (galateo.folder / "access.yaml").write_text("controllers: [{name: other, jurisdiction: it}]\n")
    left = ("--controller", "default")
    assert galateo("subject", "restrict", "never@example.org", *left).exit_code == 2
    copy = galateo("subject", "export", *left, said=f"{ANNA}\n")
    assert orjson.loads(copy.stdout)["known_by"]
    for _ in range(2):
        gone = galateo("subject", "erase", *left, said=f"{ANNA}\n")
        assert gone.exit_code == 0, gone.output
    assert ANNA.encode() not in galateo.database.read_bytes()
    assert galateo("subject", "restrict", "never@example.org", "--controller", "other").exit_code == 0


def test_what_was_decided_is_shown_while_a_policy_file_is_refused(galateo: House) -> None:
    [message] = galateo_ids(galateo)
    (galateo.policies / "p0.yaml").write_text("rules: [")
    assert galateo("explain", message).exit_code == 0
    assert galateo("holds", "list").output == "Nothing is held.\n"
    assert "There is no hold" in galateo("holds", "show", "none").output
    assert "p0.yaml:1" in galateo("holds", "release", "none", "--reason", "it is fine").output


def test_keys_are_not_rotated_under_a_gateway_that_serves(galateo: House) -> None:
    """It would not see who is stored under the new pepper meanwhile."""
    before = (galateo.folder / "keys").read_bytes()
    with unserved(galateo.database):
        refused = galateo("keys", "rotate", "--pepper")
    assert refused.exit_code == 1
    assert "Stop it first" in refused.output
    assert (galateo.folder / "keys").read_bytes() == before
    assert galateo("keys", "rotate", "--pepper").exit_code == 0
    assert galateo("keys", "show").stdout.startswith("pepper 1 (current): 0 people")


def test_what_strangers_wrote_does_not_move_the_cursor(galateo: House) -> None:
    (galateo.folder / "a.eml").write_bytes(
        b"From: a@acme.example\nTo: anna@example.org\nSubject: x\n\n"
        b"Ciao {{ \x1b[31mname }}, prenota una \x1b[2Jdemo.\n"
    )
    done = galateo("explain", "--eml", str(galateo.folder / "a.eml"), "--to", ANNA)
    assert done.exit_code == 0, done.output
    assert "[31mname" in done.stdout
    assert "\x1b" not in done.stdout
