"""What the access file says of dialects, feeds and relays is checked when it is read, with its line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.access import AccessError
from gateway.app.access_file import read_access_file
from gateway.cli.access import access_command
from gateway.cli.check import check_command

HEAD = "controllers:\n  - {name: acme}\nsources:\n"
CASES = {
    "a field that there is not": (
        "dialects:\n      generic:\n        fields:\n          tow: $.email",
        8,
        "dialects.generic.fields.tow: there is no field tow",
    ),
    "a path that is none, within a list": (
        (
            "dialects:\n      generic:\n        fields:\n          to:"
            "\n            - $.email\n            - $..all"
        ),
        10,
        "dialects.generic.fields.to.1: only names and numbers",
    ),
    "a path that is none, within a text": (
        "dialects:\n      generic:\n        fields:\n          text: 'Ciao {$.first name}'",
        8,
        "dialects.generic.fields.text: only names",
    ),
    "fields that are no map": (
        "dialects:\n      generic:\n        fields: $.email",
        7,
        "dialects.generic.fields: this must be a mapping",
    ),
    "attributes that are no map": (
        "dialects:\n      generic:\n        fields:\n          attributes: $.all",
        8,
        "dialects.generic.fields.attributes: this must be",
    ),
    "a dialect that there is not": (
        "dialects:\n      sendgird: {}",
        6,
        "dialects.sendgird: there is no such",
    ),
    "a key that is no hash": (
        "dialects:\n      postmark:\n        key: secret",
        7,
        "dialects.postmark.key: write sha256:",
    ),
    "a feed that there is not": ("feeds:\n      sendgird: {}", 6, "feeds.sendgird: there is no such feed"),
    "a feed without a map": (
        "feeds:\n      ses:\n        fields: {}",
        7,
        "feeds.ses.fields: this feed has no map",
    ),
    "an event that there is not": (
        "feeds:\n      generic:\n        fields:\n          types:\n            gone: left",
        9,
        "feeds.generic.fields.types.gone: there is no type of event left",
    ),
    "an upstream that there is not": ("upstream:\n      provider: acme\n      key: x", 5, "upstream"),
    "a webhook without a secret": (
        "webhooks:\n      - {url: 'https://crm.test', secret: ''}",
        5,
        "webhooks: a webhook relay needs a secret",
    ),
    "bounces without a user": (
        "dialects:\n      listmonk:\n        bounces: {url: 'https://list.test'}",
        7,
        "dialects.listmonk.bounces: this needs url",
    ),
}


def write(folder: Path, said: str) -> Path:
    path = folder / "access.yaml"
    path.write_text(f"{HEAD}  - name: crm\n    controller: acme\n    {said}\n")
    return path


@pytest.mark.parametrize("case", CASES)
def test_each_fault_has_its_line(tmp_path: Path, case: str) -> None:
    said, line, text = CASES[case]
    path = write(tmp_path, said)
    with pytest.raises(AccessError) as caught:
        read_access_file(path)
    # The cases count the source's name as line 3 and what follows it as they are written.
    assert f"{path}:{line + 1}: source 'crm': {text}" in str(caught.value), caught.value


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "dialects: {sendgird: {}, generic: {fields: {tow: $.a}}}\n    feeds: {nobody: {}}")
    with pytest.raises(AccessError) as caught:
        read_access_file(path)
    assert len(str(caught.value).splitlines()) == 3


def test_what_can_be_meant_is_read(tmp_path: Path) -> None:
    said = (
        "dialects: {generic: {fields: {to: [$.email, $.contact.email], attributes: {city: $.city}}}}\n"
        "    upstream: {provider: sendgrid, key_file: /not/on/this/machine}"
    )
    assert "crm" in read_access_file(write(tmp_path, said)).sources


def test_the_commands_say_it_and_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "dialects:\n      generic:\n        fields:\n          tow: $.email")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALATEO_ACCESS", str(path))
    for command in (check_command, access_command):
        done = CliRunner().invoke(command, ["check"] if command is access_command else ["-q"])
        assert done.exit_code == 1, done.output
        assert f"{path}:9: source 'crm'" in done.output.replace("\n", "")


def test_the_example_of_the_documentation_is_read() -> None:
    access = read_access_file(Path(__file__).resolve().parents[3] / "docs" / "access.example.yaml")
    assert set(access.sources) == {"listmonk", "shop", "crm"}
