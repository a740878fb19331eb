"""The shipped policies: they load, their cases hold, and the ordinary mail passes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.check import check_command
from gateway.policy.load import try_folder
from gateway.policy.rules.table import FLOOR, RULES
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader

from .world import SHIPPED


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load_lexicons(SHIPPED / "lexicons"))


def test_every_case_holds(reader) -> None:
    policies, trials = try_folder(SHIPPED, reader)
    assert [str(trial.problem()) for trial in trials if not trial.passed] == []
    with_cases = {trial.example.policy for trial in trials}
    assert with_cases == {policy.name for policy in policies.policies}


def test_every_rule_is_at_work(shipped) -> None:
    used = {entry.name for policy in shipped.policies for entry in policy.entries}
    assert used == set(RULES) - {name for name, _ in FLOOR}


def test_every_policy_says_why_and_who_owns_it(shipped) -> None:
    for policy in shipped.policies:
        assert policy.title
        assert policy.why
        assert "@" in policy.owner


TYPICAL = [
    ("frequency.yaml", "limit: 10", "limit: 2", "contacts: 4 within 7 days", "contacts: 1 within 7 days"),
    ("first-contact.yaml", "connected: 14", "connected: 30", "connected: 15 days", "connected: 31 days"),
    ("private-messages.yaml", "connected: 14", "connected: 30", "", ""),
    ("quiet-hours.yaml", "thu, fri", "thu", "", ""),
    ("consent.yaml", "jurisdiction asks\n", "jurisdiction asks\n    min_grade: A\n", "", ""),
    ("permission.yaml", "allow: false", "allow: true", "hold, codes: [permission_request.review]", "accept"),
]
"""The typical changes of docs/policies.*.md: what is changed, and what of which case with it."""


@pytest.mark.parametrize(("name", "old", "new", "was", "becomes"), TYPICAL)
def test_a_typical_change_loads_once_the_case_that_is_named_is_changed(
    tmp_path: Path, reader: Reader, name: str, old: str, new: str, was: str, becomes: str
) -> None:
    (tmp_path / "jurisdictions").symlink_to(SHIPPED / "jurisdictions")
    text = (SHIPPED / name).read_text()
    assert old in text
    changed = text.replace(old, new)
    (tmp_path / name).write_text(changed)
    failed = [trial.example.name for trial in try_folder(tmp_path, reader)[1] if not trial.passed]
    assert len(failed) == bool(was)
    for page in ("policies.en.md", "policies.it.md"):
        assert all(f"*{case}*: " in (SHIPPED.parent / "docs" / page).read_text() for case in failed)
    (tmp_path / name).write_text(changed.replace(was, becomes) if was else changed)
    assert all(trial.passed for trial in try_folder(tmp_path, reader)[1])


def run(*arguments: str):
    return CliRunner().invoke(check_command, list(arguments))


def test_check_says_all_is_well() -> None:
    result = run(str(SHIPPED))
    assert result.exit_code == 0, result.output
    assert "all is well" in result.output
    assert "a plain receipt passes though nothing was opted in" in result.output
    assert "not signed off by counsel" in result.output


def test_check_asks_about_a_folder_without_policies(tmp_path: Path) -> None:
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert "is it the folder you meant?" in result.output


def test_check_names_file_and_line_of_a_failing_case(tmp_path: Path) -> None:
    text = (SHIPPED / "placeholders.yaml").read_text()
    (tmp_path / "placeholders.yaml").write_text(text.replace("outcome: accept", "outcome: hold"))
    result = run(str(tmp_path))
    assert result.exit_code == 1
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "the same by name" in row)
    assert f"placeholders.yaml:{line}:" in result.output
    assert "expected held, got accepted" in result.output
    assert "if that is what you want from now on, change what the case expects" in result.output


def test_check_names_file_and_line_of_a_mistake(tmp_path: Path) -> None:
    text = (SHIPPED / "placeholders.yaml").read_text()
    (tmp_path / "placeholders.yaml").write_text(text.replace("rule: merge_tags", "rule: merge_tag"))
    result = run(str(tmp_path), "--quiet")
    assert result.exit_code == 1
    assert "unknown rule 'merge_tag'" in result.output
    assert "did you mean 'merge_tags'?" in result.output


def test_check_without_a_folder(tmp_path: Path) -> None:
    assert run(str(tmp_path / "nowhere")).exit_code == 2


def test_check_warns_of_what_the_settings_leave_undone(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "policies").symlink_to(SHIPPED)
    (tmp_path / "access.yaml").write_text(
        "sources:\n  - {name: listmonk, controller: default}\n"
        "  - {name: crm, controller: default, reply_feed: true}\n"
        "controllers:\n  - {name: default}\n"
    )
    monkeypatch.chdir(tmp_path)
    result = run("--quiet")
    assert result.exit_code == 0, result.output
    assert "without an https PUBLIC_URL" in result.output
    assert "blind for these sources: listmonk" in result.output.replace("\n", " ")
