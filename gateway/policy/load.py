"""Reads a folder of policies; the one module of this package that touches files.

The folder holds `*.yaml` (one policy each), `jurisdictions/*.yaml` and `lexicons/*.yaml` (which the
reading loads; here they only count into the version). A set loads whole or not at all.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.policy.cases import Example, Reads, Trial, try_cases
from gateway.policy.document import Findings, PolicyErrors, Problem
from gateway.policy.jurisdiction import Jurisdiction
from gateway.policy.jurisdictions import read_jurisdiction
from gateway.policy.policies import Policy, PolicySet
from gateway.policy.rules.frequency import QuietHours, holidays_of
from gateway.policy.schema import fingerprint, read_policy
from gateway.policy.syntax import undecodable

__all__ = ["Path", "PolicyErrors", "Problem", "compose", "load", "overlooked", "read_folder", "try_folder"]

FOLDERS = ("", "jurisdictions", "lexicons")
MAX_FILES = 1000


def read_folder(folder: Path, lexicons: Path | None = None) -> dict[str, str]:
    """The text of every policy file by its name within the folder; nothing where there is no folder. Lexicons
    that it lacks come from `lexicons`. Raises PolicyErrors for a file that cannot be read as UTF-8."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    places = [(sub, folder / sub) for sub in FOLDERS] + ([("lexicons", lexicons)] if lexicons else [])
    for sub, place in places:
        for path in sorted(place.glob("*.y*ml")):
            name = f"{sub}/{path.name}" if sub else path.name
            there = path.is_file() or (path.is_symlink() and not path.exists())
            if name in texts or path.name.startswith(".") or not there:
                continue
            data = b""
            try:
                data = path.read_bytes()
                texts[name] = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
            except OSError:
                problems.append(Problem(file=name, line=0, column=0, text="the file cannot be read"))
            except UnicodeDecodeError:
                line, wrong, hint = undecodable(data)
                problems.append(Problem(file=name, line=line, column=1, text=wrong, suggestion=hint))
    if len(texts) > MAX_FILES:
        problems.append(Problem(file=str(folder), line=0, column=0, text=f"more than {MAX_FILES} files"))
    if problems:
        raise PolicyErrors(problems)
    return texts


def overlooked(folder: Path) -> tuple[str, ...]:
    """Files within the folder that look like policies and are not read, such as `a.yaml.txt`."""
    found = (path for sub in (*FOLDERS, "retention") for path in (folder / sub).glob("*.y*ml"))
    read = {path for path in found if not path.is_dir()}
    return tuple(
        str(path.relative_to(folder))
        for path in sorted(folder.glob("**/*"))
        if re.search(r"\.ya?ml(\.txt)?$", path.name, re.IGNORECASE)
        and path not in read
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def load(folder: Path, reader: Reads | None = None, lexicons: Path | None = None) -> PolicySet:
    """The policies of a folder, with every case tried (none without a reader); raises PolicyErrors.
    An empty or missing folder gives the floor alone. `lexicons` has those that the folder lacks."""
    return compose(read_folder(folder, lexicons), reader)


def compose(texts: Mapping[str, str], reader: Reads | None = None) -> PolicySet:
    """The same from texts by file name, so that stored versions and drafts load like files."""
    policies, examples = _assemble(texts)
    if reader is not None:
        failed = [trial.problem() for trial in try_cases(policies, examples, reader) if not trial.passed]
        if failed:
            raise PolicyErrors(failed)
    return policies


def try_folder(
    folder: Path, reader: Reads, lexicons: Path | None = None
) -> tuple[PolicySet, tuple[Trial, ...]]:
    """The policies and every case's trial, failed ones too; raises PolicyErrors for other problems."""
    policies, examples = _assemble(read_folder(folder, lexicons))
    return policies, try_cases(policies, examples, reader)


def _assemble(texts: Mapping[str, str]) -> tuple[PolicySet, list[Example]]:
    problems: list[Problem] = []
    policies: list[Policy] = []
    examples: list[Example] = []
    laws: dict[str, Jurisdiction] = {}
    for name in sorted(texts, key=lambda name: (not name.startswith("jurisdictions/"), name)):
        findings = Findings(name)
        if name.startswith("jurisdictions/"):
            _add_jurisdiction(texts[name], findings, laws)
        elif "/" not in name:
            file = read_policy(texts[name], findings, tuple(laws))
            if file is not None and _is_new(file.policy, policies, findings):
                policies.append(file.policy)
                examples.extend(file.cases)
        problems.extend(findings.problems)
    if problems:
        raise PolicyErrors(problems)
    _warm(policies, laws)
    whole = "\0".join(f"{name}\0{texts[name]}" for name in sorted(texts))
    made = PolicySet(
        policies=tuple(policies),
        jurisdictions=laws,
        texts=dict(texts),
        version=fingerprint(whole) if texts else "empty",
    )
    return made, examples


def _add_jurisdiction(text: str, findings: Findings, laws: dict[str, Jurisdiction]) -> None:
    law = read_jurisdiction(text, findings)
    if law is None:
        return
    if law.code in laws:
        findings.add((1, 1), f"the jurisdiction {law.code!r} stands in two files")
    laws[law.code] = law


def _is_new(policy: Policy, policies: list[Policy], findings: Findings) -> bool:
    if policy.name == "floor":
        findings.add((1, 1), "the name 'floor' is taken by the rules that always hold", "choose another name")
    twin = next((other for other in policies if other.name == policy.name), None)
    if twin:
        findings.add(
            (1, 1), f"the policy {policy.name!r} already stands in {twin.file}", "choose another name"
        )
    return not findings.problems


def _warm(policies: list[Policy], laws: Mapping[str, Jurisdiction]) -> None:
    """Loads the calendars now rather than at the first message: the library takes half a second."""
    rules = [entry.rule for policy in policies for entry in policy.entries]
    if any(isinstance(rule, QuietHours) and rule.holidays for rule in rules):
        for law in laws.values():
            holidays_of(law.holidays, 2026)
