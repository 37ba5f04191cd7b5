"""Whom to believe on TLS, as npm does it; the machine's own authorities are looked up before they are all read.

OpenSSL takes 20 ms to read a bundle of 140 authorities, and a plan has 200. A directory of hashed names costs nothing until a
server presents its chain, so that is tried first; only where it does not suffice everything is read, and the server asked anew.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class CertificatesUnreadable(Exception):
    """The file of authorities that was named cannot be used; the message names it."""


@dataclass(frozen=True)
class Trust:
    """`cafile` and `ca` (PEM) replace the machine's trust, `extra` adds to it; `strict` off believes everybody."""

    strict: bool = True
    cafile: Path | None = None
    ca: tuple[str, ...] = field(default=(), repr=False)
    extra: Path | None = None

    def contexts(self) -> Iterator[ssl.SSLContext]:
        """What to try, in order: the next one where a certificate was not trusted. Raises CertificatesUnreadable."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not self.strict:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            yield context
            return
        if self.cafile or self.ca:
            yield self._replaced(context)
            return
        directory = ssl.get_default_verify_paths().capath
        if directory is not None:
            context.load_verify_locations(capath=directory)
            yield context
        yield self._whole()

    def _replaced(self, context: ssl.SSLContext) -> ssl.SSLContext:
        with _naming(self.cafile or "ca"):
            if self.ca:
                context.load_verify_locations(cadata="\n".join(self.ca))
            if self.cafile:
                context.load_verify_locations(cafile=str(self.cafile))
        return context

    def _whole(self) -> ssl.SSLContext:
        import truststore  # reads SSL_CERT_FILE, where OpenSSL decides

        with _naming(self.extra or "the machine's store"):
            context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if self.extra and self.extra.is_file():
                context.load_verify_locations(cafile=str(self.extra))
        return context


@contextmanager
def _naming(place: object) -> Iterator[None]:
    """Errors of reading certificates, with where they were to be read."""
    try:
        yield
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise CertificatesUnreadable(str(place)) from error
