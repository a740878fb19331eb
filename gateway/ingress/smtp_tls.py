"""The TLS that SMTP clients are offered (RFC 8314, 9325)."""

import ssl
from pathlib import Path

from cryptography import x509

Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate and its key for all listeners' `context`, taken up anew when their files change: sessions
    under way go on with the old one. `expires_at` is unix seconds, 0 where nobody can tell."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises OSError as `make_context` does."""
        self._paths = (certificate, key)
        self._stamp = self._look()
        self.context = make_context(certificate, key)
        self.expires_at = _expiry(certificate)

    def renew(self) -> bool:
        """Whether there was a new one, which is in use now. Raises OSError, once, for files that cannot be
        used: the certificate from before stays."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        make_context(*self._paths)  # what cannot be used must not touch the context in use
        self.context.load_cert_chain(*self._paths)
        self.expires_at = _expiry(self._paths[0])
        return True

    def _look(self) -> Stamp:
        found = []
        for path in self._paths:
            try:
                at = path.stat()
            except OSError:  # amid a renewal
                found.append((0, 0, 0))
            else:
                found.append((at.st_mtime_ns, at.st_size, at.st_ino))
        return tuple(found)


def _expiry(certificate: Path) -> float:
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return 0.0


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
