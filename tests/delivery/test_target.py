import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.target import SmtpTarget, TargetError, parse_smtp, parse_webhook


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("smtp://relay.example", SmtpTarget(host="relay.example", port=25, tls="opportunistic")),
        (
            "smtp://relay.example?ca=/etc/ca.pem",
            SmtpTarget(host="relay.example", port=25, tls="required", ca="/etc/ca.pem"),
        ),
        ("smtp://[::1]:2525?tls=never", SmtpTarget(host="::1", port=2525, tls="never")),
        (
            "smtp://relay.example?pipelining=off",
            SmtpTarget(host="relay.example", port=25, tls="opportunistic", pipelining=False),
        ),
        ("smtps://relay.example", SmtpTarget(host="relay.example", port=465, tls="implicit")),
        (
            "smtp://u:p@relay.example",
            SmtpTarget(host="relay.example", port=587, tls="required", user="u", password="p"),
        ),
        (
            "smtp://u:p@relay.example:25?tls=never",
            SmtpTarget(host="relay.example", port=25, tls="never", user="u", password="p"),
        ),
        (
            "smtp://u@127.0.0.1:25",
            SmtpTarget(host="127.0.0.1", port=25, tls="opportunistic", user="u"),
        ),
        (
            "smtps://a%40b:c%3A%2F@relay.example:4650?ca=/etc/ca.pem",
            SmtpTarget(
                host="relay.example", port=4650, tls="implicit", user="a@b", password="c:/", ca="/etc/ca.pem"
            ),
        ),
    ],
)
def test_urls(url: str, target: SmtpTarget) -> None:
    assert parse_smtp(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://relay.example",
        "smtp://",
        "smtp://relay.example/path",
        "smtp://relay.example?tls=maybe",
        "smtp://relay.example?tls=never&tls=required",
        "smtp://relay.example?verify=no",
        "smtp://relay.example?pipelining=perhaps",
        "smtps://relay.example?tls=opportunistic",
        "smtp://u:secret-word@relay.example?tls=opportunistic",
    ],
)
def test_urls_that_cannot_be_meant_are_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(TargetError) as refused:
        parse_smtp(url)
    assert "secret-word" not in str(refused.value)


def test_passwords_are_not_shown() -> None:
    assert "hush" not in repr(parse_smtp("smtps://u:hush@relay.example"))
    secret = base64.b64encode(b"x" * 32).decode()
    assert secret not in repr(parse_webhook("https://u:hush@hook.example/?token=hush", f"whsec_{secret}"))
    assert "hush" not in repr(parse_webhook("https://u:hush@hook.example/?token=hush", f"whsec_{secret}"))


@given(st.binary(max_size=100))
def test_secrets_are_24_to_64_bytes(secret: bytes) -> None:
    for text in ("whsec_" + base64.b64encode(secret).decode(), base64.b64encode(secret).decode().rstrip("=")):
        if 24 <= len(secret) <= 64:
            assert parse_webhook("https://hook.example/x", text).secrets == (secret,)
        else:
            with pytest.raises(TargetError):
                parse_webhook("https://hook.example/x", text)


@pytest.mark.parametrize("url", ["ftp://x.example", "https://", "https://x.example/#here"])
def test_webhook_urls(url: str) -> None:
    with pytest.raises(TargetError):
        parse_webhook(url, "whsec_" + base64.b64encode(b"x" * 32).decode())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_ès"])
def test_webhook_secrets(secret: str) -> None:
    with pytest.raises(TargetError):
        parse_webhook("https://hook.example/x", secret)
