# ruff: noqa: E501 (messages stand on one line)
import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.read import read_command

ROW = {
    "id": "a",
    "channel": "dm",
    "subject": "",
    "body": "Ciao {{nome}}, la nostra offerta: -30%, prenota una demo gratuita!",
}


def test_one_object_in_one_out(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + json.dumps({"id": 2, "body": None}) + "\n")
    done = CliRunner().invoke(read_command, [str(path)])
    assert done.exit_code == 0, done.output
    first, second = map(json.loads, done.output.splitlines())
    assert first["id"] == "a"
    assert first["language"] == "it"
    assert first["promotional"]["value"] is True
    assert first["promotional"]["score"] > 0.5
    for one in first["promotional"]["evidence"]:
        assert ROW["body"][one["start"] : one["end"]] == one["text"]
        assert one["why"]
    assert first["unresolved_merge"]["evidence"][0]["text"] == "{{nome}}"
    assert first["greeting"]["value"] in ("named", "generic", "wrong_name", "missing")
    assert {"seasonal_greeting", "recommendation_request", "stop_request", "pressure", "presumption"} <= set(
        first
    )
    assert second["language"] == "und"


def test_standard_input_and_bad_lines() -> None:
    assert CliRunner().invoke(read_command, ["-"], input=json.dumps(ROW)).exit_code == 0
    done = CliRunner().invoke(read_command, ["-"], input="{}\nnot json\n")
    assert done.exit_code == 2
    assert ":2:" in done.output


def test_an_eml_file(tmp_path: Path) -> None:
    path = tmp_path / "m.eml"
    path.write_bytes(
        b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Buon Natale\r\n\r\nBuon Natale e felice anno nuovo a tutti!\r\n"
    )
    done = CliRunner().invoke(read_command, [str(path)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["seasonal_greeting"]["value"] is True


def test_files_as_other_programs_write_them(tmp_path: Path) -> None:
    marked, mail, wrong = tmp_path / "in.jsonl", tmp_path / "M.EML", tmp_path / "wrong.jsonl"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(ROW).encode() + b"\r\n")
    mail.write_bytes(b"Subject: x\r\n\r\nBuon Natale e felice anno nuovo a tutti!\r\n")
    wrong.write_text('{"body": "Ciao"}\n{"body": ["Ciao"]}\n')
    assert json.loads(CliRunner().invoke(read_command, [str(marked)]).output)["id"] == "a"
    assert json.loads(CliRunner().invoke(read_command, [str(mail)]).output)["seasonal_greeting"]["value"]
    done = CliRunner().invoke(read_command, [str(wrong)])
    assert done.exit_code == 2
    assert "wrong.jsonl:2: body must be text" in " ".join(done.output.split())


def test_evidence_points_into_the_body_whatever_ends_its_lines(tmp_path: Path) -> None:
    body = "Ciao {{nome}},\r\n\r\nla nostra offerta:\r\n-30%, prenota\r\nuna demo gratuita!\r\nCiao [Nome]"
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"id": 1, "body": body}))
    found = json.loads(CliRunner().invoke(read_command, [str(path)]).output)
    shown = [one for each in found.values() if isinstance(each, dict) for one in each["evidence"]]
    assert {"{{nome}}", "[Nome]"} <= {one["text"] for one in shown}
    assert all(body[one["start"] : one["end"]] == one["text"] for one in shown)
