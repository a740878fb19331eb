"""The TLS that SMTP clients are offered (RFC 8314, 9325)."""

import ssl
from pathlib import Path


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a server context: TLS 1.2 or later, no client certificates. Raises OSError, with what to do,
    where a file cannot be read or the two do not belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    for path in (certificate, key):
        try:
            path.open("rb").close()
        except OSError as error:  # the library would not say which
            raise OSError(
                f"{path}, of GALATEO_SMTP_TLS_CERT and GALATEO_SMTP_TLS_KEY, cannot be read: {error.strerror}"
            ) from error
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise OSError(
            f"{certificate} and {key} are no certificate with its private key, both in PEM without a"
            f" passphrase ({error.reason or 'not PEM'}). See GALATEO_SMTP_TLS_CERT and GALATEO_SMTP_TLS_KEY."
        ) from error
    return context
