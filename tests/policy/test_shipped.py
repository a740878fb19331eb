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
