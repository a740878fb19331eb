"""What keeps a gateway from starting is told in a line, and nothing else goes wrong on the way out."""

import socket
from pathlib import Path

import pytest

from tests.flow.harness import Gateway


@pytest.mark.parametrize("listener", ["SMTP_LISTEN", "OPS_LISTEN"])
def test_an_address_that_is_taken_is_told(tmp_path: Path, listener: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        one = Gateway(
            tmp_path,
            relay="smtp://127.0.0.1:1",
            webhook_relay="http://127.0.0.1:1/hook",
            settings={listener: address},
        )
        with pytest.raises(AssertionError):
            one.start()
    said = (tmp_path / "stderr.log").read_text()
    assert "Traceback" not in said
    assert address.rpartition(":")[2] in said
    assert said.splitlines()[-1].startswith("galateo: ")
