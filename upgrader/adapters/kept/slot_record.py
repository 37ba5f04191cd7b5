"""slot.json: the record of one slot, written last and durably. A directory without it is no slot."""

import json
from pathlib import Path

from upgrader.adapters.files.durable import replace_durably
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.moves.journal import FileId
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError

FORMAT = 1
RECORD = "slot.json"


class SlotRecordUnreadable(UpgraderError):
    """A slot.json that cannot be read; the slot is not used."""

    default_code = "slot_record_unreadable"


def write_record(home: Path, slot: Slot) -> None:
    """Write `home`/slot.json, 0600. Raises OSError."""
    identity = slot.identity
    record = {
        "format": FORMAT,
        "id": slot.id,
        "version": slot.version.text,
        "origin": slot.origin.value,
        "package_root": str(slot.package_root),
        "node": str(slot.node.path),
        "node_version": slot.node.version,
        "node_digest": slot.node_digest,
        "digest": slot.digest,
        "files": slot.files,
        "size_bytes": slot.size_bytes,
        "integrity": slot.integrity,
        "created": slot.created,
        "state_schema": slot.state_schema,
        "agent_schema": slot.agent_schema,
        "identity": None if identity is None else [identity.device, identity.inode],
    }
    replace_durably(home / RECORD, json.dumps(record, indent=1).encode() + b"\n")


def read_record(home: Path) -> Slot:
    """Read `home`/slot.json. Raises SlotRecordUnreadable, FileNotFoundError."""
    raw = (home / RECORD).read_bytes()
    try:
        found = json.loads(raw)
        if found["format"] != FORMAT:
            raise SlotRecordUnreadable(f"{home / RECORD} has format {found['format']}, not {FORMAT}")
        identity = found["identity"]
        return Slot(
            id=str(found["id"]),
            version=Version.parse(found["version"]),
            origin=SlotOrigin(found["origin"]),
            package_root=Path(found["package_root"]),
            node=NodeRuntime(Path(found["node"]), str(found["node_version"])),
            node_digest=str(found["node_digest"]),
            digest=str(found["digest"]),
            files=int(found["files"]),
            size_bytes=int(found["size_bytes"]),
            integrity=str(found["integrity"]),
            created=str(found["created"]),
            state_schema=found["state_schema"],
            agent_schema=found["agent_schema"],
            identity=None if identity is None else FileId(int(identity[0]), int(identity[1])),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise SlotRecordUnreadable(f"cannot read {home / RECORD}", why=f"{type(error).__name__}: {error}") from error
