"""The configuration a canary reads: that of the snapshot, with what it includes, wherever the person put that."""

import json
from pathlib import Path

from tests.canary.bench import Bench, slot
from tests.world.fixtures import WorldOf
from upgrader.context.kept_config import read_snapshot_config


def test_included_files_are_read_from_the_snapshot_by_their_live_names(world_of: WorldOf, tmp_path: Path) -> None:
    world = world_of()
    parts, elsewhere = world.state / "parts", tmp_path / "elsewhere.json5"
    parts.mkdir()
    (parts / "tools.json5").write_text("{profile: 'coding'}")
    (parts / "hooks.json5").write_text("{enabled: true}")
    elsewhere.write_text("{enabled: false}")
    included = {"tools": str(parts / "tools.json5"), "hooks": "parts/hooks.json5", "cron": str(elsewhere)}
    world.edit_config(lambda config: config.update({key: {"$include": name} for key, name in included.items()}))
    bench = Bench(world, tmp_path / "bench")
    request = bench.request(slot(world.package, "2026.9.5", world.node.node))
    (parts / "tools.json5").write_text("{profile: 'minimal'}")  # changed since the snapshot
    found = read_snapshot_config(request)
    assert json.dumps([found[key] for key in ("tools", "hooks", "cron")]) == (
        '[{"profile": "coding"}, {"enabled": true}, {"enabled": false}]'
    )
