"""TLS to a gateway on this machine (`gateway.tls.enabled`): its certificate names another host or is self-signed.

Nothing is verified, on purpose: on loopback a certificate says no more than the port does, and a plain connection as much.
"""

import ssl


def unverified() -> ssl.SSLContext:
    """A context for loopback alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
