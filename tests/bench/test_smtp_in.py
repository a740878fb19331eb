"""What is measured of SMTP in takes a message, in every variant."""

import smtplib

import pytest

from bench.smtp_in import VARIANTS, Server


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_takes_a_message_and_counts_it(variant: str) -> None:
    server = Server(variant)
    try:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
            assert not client.sendmail("news@example.com", ["a@example.net"], "Subject: x\r\n\r\nHello\r\n")
        messages, seconds, peak = server.used()
    finally:
        server.stop()
    assert messages == 1
    assert seconds > 0
    assert peak > 0
