"""Secrets a configuration only refers to, as a clone has them. Pure.

A reference is `${NAME}` in any string, or an object {source: env|file|exec, provider, id} where a secret may stand
(docs/gateway/secrets.md of 2026.9.6; its SecretRef schema is in dist/zod-schema-*.mjs of 9.5). Files and programs that hold
secrets are not there in a clone: every such reference becomes one to INERT_NAME, which is always given.
"""

import re
from collections.abc import Iterator, Mapping

from upgrader.domain.canary.clone import Edit
from upgrader.domain.installation.facts import AuthFacts
from upgrader.services.openclaw.configuration.secret_places import is_reference

INERT_NAME = "UPGRADER_CANARY_INERT"
_REFERENCE = re.compile(r"(?<!\$)\$\{([A-Z_][A-Z0-9_]*)\}")
_GATEWAY = (("token", "OPENCLAW_GATEWAY_TOKEN"), ("password", "OPENCLAW_GATEWAY_PASSWORD"))

Document = dict[str, object]


def auth_environment(config: Mapping[str, object], auth: AuthFacts) -> dict[str, str]:
    """The gateway's own secrets as variables, where its configuration does not hold them itself. `auth`: as they count."""
    section = _auth(config)
    found: dict[str, str] = {}
    for (key, usual), secret in zip(_GATEWAY, (auth.token, auth.password), strict=True):
        written = section.get(key)
        if not secret:
            continue
        if isinstance(written, str) and written.startswith("${") and written.endswith("}"):
            found[written[2:-1]] = secret.reveal()
        elif isinstance(written, dict) and written.get("source") == "env":
            found[str(written.get("id"))] = secret.reveal()
        elif not written and auth.mode == key:
            found[usual] = secret.reveal()
    return found


def named_variables(document: Mapping[str, object], text: str) -> tuple[str, ...]:
    """The variables a configuration (also as text) asks for, but for those it sets itself; sorted."""
    asked = {*_REFERENCE.findall(text), *(str(ref["id"]) for _, _, ref in _references(document) if ref["source"] == "env")}
    section = document.get("env")
    section = section if isinstance(section, dict) else {}
    own = section.get("vars")
    return tuple(sorted(asked - section.keys() - (own.keys() if isinstance(own, dict) else set())))


def settle_references(document: Document, token: str) -> Iterator[Edit]:
    """Make what files and programs hold inert; the gateway's own secret becomes `token`, for its value is not known."""
    auth = _auth(document)
    for key, _ in _GATEWAY:
        if is_reference(ref := auth.get(key)) and isinstance(ref, dict) and ref["source"] != "env":
            auth[key] = token
            yield Edit("gateway.auth", "a token of its own: what its file or program holds is not known here")
    count = 0
    for container, place, ref in list(_references(document)):
        if ref["source"] != "env":
            container[place] = inert_reference()
            count += 1
    if count:
        yield Edit("*", f"{count} secrets of files and programs are inert")


def inert_reference() -> Document:
    """A reference to a value that is none."""
    return {"source": "env", "provider": "default", "id": INERT_NAME}


def _references(node: object) -> Iterator[tuple[Document, str, Document]]:
    """Every reference with what it stands in and where. A list counts as a container, its index as the place."""
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for place, value in pairs:
        if is_reference(value):
            yield node, place, value  # type: ignore[misc]  # an index is a place like any other
        else:
            yield from _references(value)


def _auth(config: Mapping[str, object]) -> Document:
    gateway = config.get("gateway")
    auth = gateway.get("auth") if isinstance(gateway, dict) else None
    return auth if isinstance(auth, dict) else {}
