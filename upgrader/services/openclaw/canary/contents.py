"""Where OpenClaw keeps what a migration must not lose, and how its names are read. Values are never given out.

`config_machine_state['plugins.installedIndex']` and `auth_profile_store` as read from databases of 2026.9.5 and 9.6;
auth-profiles.json with its map `profiles` up to 7.x. A doctor renames profiles (9.6: openai-codex to openai, in
dist/auth-profile-repair-*.mjs) and moves them between stores: a name alone that is gone is no loss yet.
"""

import hashlib
import json
import re
from collections.abc import Iterator

import pyjson5

from upgrader.domain.canary.contents import ContentsRules, Leaf, NamedColumn, Plugin, Skill

_FIELD = re.compile(r"^(name|version):[ \t]*[\"']?([^\"'\n]+?)[\"']?[ \t]*$", re.MULTILINE)
# Stamped by whoever writes the file: doctor, gateway, wizard (seen in 2026.2.17 and 9.5).
STAMPS = ("meta.", "wizard.")


def credential_names(data: bytes) -> tuple[str, ...]:
    """The profiles of an auth store; nothing of what is none."""
    profiles = _loaded(data).get("profiles")
    return tuple(sorted(str(name) for name in profiles)) if isinstance(profiles, dict) else ()


def plugins(data: bytes) -> tuple[Plugin, ...]:
    """The plugins of the index; nothing of one that cannot be read."""
    index = _loaded(data).get("index")
    listed = index.get("plugins") if isinstance(index, dict) else None
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        Plugin(
            name=str(each.get("pluginId")),
            enabled=each.get("enabled") is True,
            version=str(each.get("packageVersion") or ""),
            bundled=each.get("origin") == "bundled",
        )
        for each in found
    )


def config_leaves(data: bytes) -> tuple[Leaf, ...]:
    """Every value of a configuration but the stamps of its writers, sorted by path; nothing of one that cannot be read."""
    leaves = _leaves(_loaded(data), "")
    return tuple(sorted((leaf for leaf in leaves if not leaf.path.startswith(STAMPS)), key=lambda leaf: leaf.path))


def _leaves(node: object, path: str) -> Iterator[Leaf]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if not pairs:
        yield Leaf(path, hashlib.sha256(json.dumps(node).encode()).hexdigest()[:16])
    for key, value in pairs:
        yield from _leaves(value, f"{path}.{key}" if path else str(key))


def _loaded(data: bytes) -> dict[str, object]:
    try:
        document = pyjson5.decode_utf8(data)
    except (pyjson5.Json5Exception, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def skill(path: str, data: bytes) -> Skill:
    """One SKILL.md: its name and version stand between two lines of dashes at its head, where it says them."""
    head = data.decode("utf-8", "replace").partition("---")[2].partition("---")[0]
    said = {match[1]: match[2] for match in _FIELD.finditer(head)}
    folder = path.removesuffix("/SKILL.md")
    place, _, name = folder.rpartition("/")
    version = said.get("version") or hashlib.sha256(data).hexdigest()[:12]
    return Skill(said.get("name") or name, version, place, shared=place == "skills")


RULES = ContentsRules(
    credential_files=("agents/*/agent/auth-profiles.json",),
    credential_columns=(
        NamedColumn("auth_profile_store", "store_json"),
        NamedColumn("auth_profile_stores", "store_json"),
        NamedColumn("config_machine_state", "value_json", "state_key = 'authProfiles.store'"),
    ),
    credential_names=credential_names,
    plugin_column=NamedColumn("config_machine_state", "value_json", "state_key = 'plugins.installedIndex'"),
    plugins=plugins,
    config_leaves=config_leaves,
    skill_files=("skills/*/SKILL.md", "workspace*/skills/*/SKILL.md"),
    bundled_skills="skills/*/SKILL.md",
    skill=skill,
)
