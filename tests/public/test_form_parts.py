"""Forms in parts (RFC 7578): as mail programs post them, and as somebody does who wants others to wait."""

import time
from pathlib import Path

import pytest

from gateway.public.visitor import FORM_OCTETS
from tests.public.house import pages

KIND = "multipart/form-data; boundary=b"
HEAD = b'Content-Disposition: form-data; name="List-Unsubscribe"'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (KIND, b"--b\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b--\r\n"),
        (KIND, b"--b\n" + HEAD + b"\n\nOne-Click\n--b--\n"),
        (KIND, b"--b\r\n" + HEAD + b"\r\n\r\nOne-Click"),
        (KIND, b"before\r\n--b  \r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b--\r\nafter"),
        (KIND, b"--b\r\ncontent-disposition: form-data;\r\n name=List-Unsubscribe\r\n\r\nOne-Click\r\n--b--"),
        (KIND, b"--b\r\nContent-Type: text/plain\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b--"),
        (KIND, b"--b\r\n" + HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nT25lLUNsaWNr\r\n--b--"),
        (KIND, b"--b\r\n\r\nnameless\r\n--b\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b--"),
        ('Multipart/Form-Data; BOUNDARY="b b"', b"--b b\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b b--"),
    ],
)
async def test_whoever_writes_the_form_is_understood(tmp_path: Path, kind: str, body: bytes) -> None:
    async with pages(tmp_path) as house:
        answer = await house.ask("POST", f"/u/{house.token()}", data=body, headers={"Content-Type": kind})
        assert answer.status == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--b\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b--"),
        (KIND, b"--bb\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--bb--"),
        (KIND, b"--b--\r\n--b\r\n" + HEAD + b"\r\n\r\nOne-Click\r\n--b--"),
        (KIND, b"--b\r\n" + HEAD + b"\r\n\r\nno\r\n--b--"),
        (KIND, b"--b\r\n" + HEAD.replace(b"; name", b"; filename") + b"\r\n\r\nOne-Click\r\n--b--"),
        (KIND, b"--b\r\n" + HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nT25l=LUNs\r\n--b--"),
    ],
)
async def test_what_is_no_such_form_changes_nothing(tmp_path: Path, kind: str, body: bytes) -> None:
    async with pages(tmp_path) as house:
        answer = await house.ask("POST", f"/u/{house.token()}", data=body, headers={"Content-Type": kind})
        assert answer.status == 400


@pytest.mark.parametrize("field", ["Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "--b"])
@pytest.mark.parametrize(
    "filling", ['"', ";", "(", "=?utf-8?q?=41?= ", "a*0=b;", "name=", " ", "\r\n", "\n\n"]
)
async def test_no_form_keeps_others_waiting(tmp_path: Path, field: str, filling: str) -> None:
    """Every recipient has a link: what they post costs no more than its length."""
    head = f"--b\r\n{field}: "
    body = (head + filling * FORM_OCTETS)[: FORM_OCTETS - 20].encode() + b"\r\n\r\nx\r\n--b--"
    async with pages(tmp_path) as house:
        path, begun = f"/u/{house.token()}", time.perf_counter()
        answer = await house.ask("POST", path, data=body, headers={"Content-Type": KIND})
        assert answer.status == 400
        assert time.perf_counter() - begun < 0.4
