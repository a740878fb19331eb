"""`galateo pause` and `galateo resume` as an operator in a hurry uses them, in either language."""

import asyncio
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.keys import save_keys
from gateway.policy.policies import PolicySet
from tests.line import KEYS, ROOT, line

ACCESS = """
controllers:
  - {name: acme, jurisdiction: it, identity: "Acme S.r.l., Via Roma 1, Torino"}
  - {name: beta, jurisdiction: it, identity: "Beta S.r.l., Via Roma 2, Torino"}
sources:
  - {name: crm, controller: acme, classes: [transactional], secret: "%(secret)s"}
  - {name: shop, controller: beta, classes: [transactional], secret: "%(secret)s"}
"""
SECRET = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$nobodynobodynobodynobodynobodynobodynobodyA"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_keys(tmp_path / "keys", KEYS)
    (tmp_path / "access.yaml").write_text(ACCESS % {"secret": SECRET})
    return tmp_path


def galateo(folder: Path, *words: str, policies: Path = ROOT / "policies") -> Result:
    environment = {
        "GALATEO_DATABASE": f"sqlite:///{folder / 'line.db'}", "GALATEO_KEYS": str(folder / "keys"),
        "GALATEO_ACCESS": str(folder / "access.yaml"), "GALATEO_POLICIES": str(policies),
    }  # fmt: skip
    done = CliRunner().invoke(main, words, env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done


def listed(folder: Path) -> list[dict[str, str]]:
    return list(orjson.loads(galateo(folder, "pause", "--json").stdout))


def test_a_source_is_paused_listed_and_resumed(folder: Path) -> None:
    assert galateo(folder, "pause").stdout == "Nothing is paused.\n"
    done = galateo(
        folder, "pause", "--source", "crm", "--reason", "wrong list of bo@example.org", "--as", "ada"
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Paused: source crm." in done.stdout
    again = galateo(folder, "pause", "--source", "crm", "--as", "bob")
    assert (again.exit_code, "Nothing changed: source crm has been paused since" in again.stdout) == (0, True)
    [one] = listed(folder)
    assert (one["kind"], one["name"], one["controller"]) == ("source", "crm", "acme")
    assert (one["by"], one["reason"]) == ("ada", "wrong list of …")
    assert "source crm  by ada: wrong list of …" in galateo(folder, "pause", "--list").stdout
    assert "fonte crm  per mano di ada: wrong" in galateo(folder, "pause", "--lang", "it").stdout
    done = galateo(folder, "resume", "--source", "crm", "--lang", "it")
    assert (done.exit_code, "Ripresa: fonte crm" in done.stdout) == (0, True)
    assert listed(folder) == []
    verified = galateo(folder, "audit", "verify")
    assert verified.exit_code == 0, verified.output


def test_it_works_while_the_policy_files_do_not(folder: Path) -> None:
    broken = folder / "policies"
    broken.mkdir()
    (broken / "a.yaml").write_text("version: 1\nrules: [\n")
    assert galateo(folder, "pause", "--source", "crm", policies=broken).exit_code == 0


def test_a_slip_in_a_name_is_told_with_what_was_meant(folder: Path) -> None:
    slip = galateo(folder, "pause", "--source", "shopp")
    assert (slip.exit_code, slip.stdout) == (1, "")
    assert slip.stderr == "Nothing changed: no source 'shopp' stands in access.yaml (did you mean 'shop'?).\n"
    italian = galateo(folder, "pause", "--source", "shopp", "--lang", "it").stderr
    assert italian == (
        "Nulla è cambiato: in access.yaml non c'è una fonte 'shopp' (forse si intendeva 'shop'?).\n"
    )
    galateo(folder, "pause", "--source", "shop")
    slip = galateo(folder, "resume", "--source", "crm")
    assert (slip.exit_code, slip.stderr) == (
        1,
        "Nothing changed: source crm is not paused (known: shop).\n",
    )
    assert (
        "non è in pausa (noti: shop)" in galateo(folder, "resume", "--source", "crm", "--lang", "it").stderr
    )


def test_a_campaign_is_its_controllers(folder: Path) -> None:
    whose = galateo(folder, "pause", "--campaign", "autumn")
    assert (whose.exit_code, "Known (access.yaml): acme, beta." in whose.stderr) == (1, True)
    done = galateo(folder, "pause", "--campaign", "autumn", "--controller", "beta")
    assert done.exit_code == 0
    assert done.stderr == "None of the latest messages names this campaign.\n"
    assert galateo(folder, "resume", "--campaign", "autumn", "--controller", "acme").exit_code == 1
    assert galateo(folder, "resume", "--campaign", "autumn").exit_code == 0  # it can only be that one
    assert listed(folder) == []


@pytest.mark.parametrize("name", ["Black\u00a0Friday", "per te \U0001f469\u200d\U0001f4bb", "a\tb"])
def test_a_campaign_of_any_name_that_a_message_can_give_is_paused(folder: Path, name: str) -> None:
    words = ("--campaign", name, "--controller", "acme")
    assert galateo(folder, "pause", *words).exit_code == 0
    assert [one["name"] for one in listed(folder)] == [name]
    assert galateo(folder, "resume", *words).exit_code == 0
    assert galateo(folder, "resume", *words).stderr.endswith(" is not paused.\n")


def test_a_campaign_that_was_mistyped_is_doubted(folder: Path) -> None:
    async def send() -> None:
        async with line(folder, PolicySet()) as gateway:
            await gateway.submit(campaign="autumn-sale")

    asyncio.run(send())
    text = (folder / "access.yaml").read_text().replace("acme", "default")
    (folder / "access.yaml").write_text(text)
    slip = galateo(folder, "pause", "--campaign", "autum-sale", "--controller", "default")
    assert (slip.exit_code, "(did you mean 'autumn-sale'?)" in slip.stderr) == (0, True)
    right = galateo(folder, "pause", "--campaign", "autumn-sale", "--controller", "default")
    assert (right.exit_code, right.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ("pause", "--source", "crm", "--campaign", "autumn"),
        ("pause", "--source", "crm", "--controller", "acme"),
        ("pause", "--source", "crm", "--list"),
        ("pause", "--reason", "because"),
        ("pause", "--source", "crm", "--reason", "anna@example.org"),
        ("pause", "--source", ""),
        ("pause", "--campaign", " "),
        ("pause", "--campaign", "a\udcffb"),
        ("pause", "--source", "crm", "--reason", "a\udcffb"),
        ("pause", "--source", "crm", "--as", "a\udcffb"),
        ("resume",),
        ("resume", "--source", "crm", "--campaign", "autumn"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(folder: Path, words: tuple[str, ...]) -> None:
    assert galateo(folder, *words).exit_code == 2
    assert listed(folder) == []
