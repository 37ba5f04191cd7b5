"""A run that is killed while it has stopped the gateway: the next one starts it again and puts changed files back."""

import hashlib
import json
from pathlib import Path

from tests.diagnosis.told import cause
from tests.world.fixtures import WorldOf
from upgrader.adapters.repair.outage_record import OutageFile
from upgrader.domain.diagnosis.repairing import OpenOutage
from upgrader.domain.kept.snapshot import OutsideFile
from upgrader.domain.moves.launching import Launch


def home_of(root: Path) -> Path:
    (home,) = (root / "home" / ".local" / "share" / "openclaw-upgrader" / "installations").iterdir()
    return home


def test_the_next_repair_starts_the_gateway_that_a_killed_one_left_stopped(world_of: WorldOf) -> None:
    world = world_of("2026.9.5")
    world.start_gateway()
    world.change_token(world.own)
    assert world.run("repair", "--yes", "--json").exit_code == 0
    home = home_of(world.root)
    assert not (home / "outage.json").exists()
    record = json.loads((home / "gateway.json").read_text())["launch"]
    launch = Launch(tuple(record["argv"]), Path(record["directory"]), record["environment"])
    kept = world.config.read_bytes()
    files = home / "files"
    files.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256(kept).hexdigest()
    (files / digest).write_bytes(kept)
    world.stop_gateway()
    world.edit_config(lambda c: c["gateway"]["auth"].update(token="half-of-a-rotation-that-was-killed"))
    OutageFile(home).write(OpenOutage(launch, (OutsideFile(world.config, digest, 0o600),)))
    assert (home / "outage.json").stat().st_mode & 0o777 == 0o600
    assert cause(world, "repair-not-ended")["remedy"].startswith("`upgrader repair` ends it")
    said = world.run("repair", "--yes", "--json")
    assert "was killed" in said.json["notices"][0], said.text
    assert world.gateways()
    assert world.config.read_bytes() == kept
    assert not (home / "outage.json").exists()


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    for content in (b"", b"[]", b'{"launch": 7, "files": []}', b'{"launch": null}'):
        (tmp_path / "outage.json").write_bytes(content)
        assert OutageFile(tmp_path).read() is None
    OutageFile(tmp_path).clear()
    assert OutageFile(tmp_path).read() is None
