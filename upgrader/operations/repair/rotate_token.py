"""`repair --rotate-gateway-token`: one new token in every place that names the old one, in one stop; undone when it fails."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from upgrader.domain.check import Verdict, worse_than
from upgrader.domain.diagnosis.repairing import RotationData, TokenFiles, Tokens
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.facts import AuthFacts, Installation
from upgrader.domain.moves.launching import Launch
from upgrader.domain.outcome import Outcome
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.ports import Discovery, Progress, Snapshots, Verifier
from upgrader.domain.secret import Secret
from upgrader.errors import Blocked, RolledBack, UpgraderError
from upgrader.operations.repair.outage import Outage

_NOT_TAKEN = "the gateway does not go by the new token"


@dataclass(frozen=True)
class RotateToken:
    """Over the files that may hold the token. `service_files` are unit, drop-ins and environment files; `elsewhere` are files
    that are only told (shell start files, histories); `shell` is the token of the caller's own environment."""

    discovery: Discovery
    configuration: Callable[[Installation], Configuration]
    service_files: Callable[[Installation], tuple[Path, ...]]
    elsewhere: Callable[[Installation], tuple[Path, ...]]
    shell: Secret
    tokens: Tokens
    files: TokenFiles
    snapshots: Snapshots
    outage: Outage
    verifier: Verifier
    accepts: Callable[[Installation, Secret], bool]
    progress: Progress
    consent: Callable[[str], None]

    def plan(self) -> Outcome[RotationData]:
        """`--dry-run`: where the token stands."""
        found = self.discovery.find()
        return Outcome("repair", replace(self._data(found, self._places(found)), dry_run=True))

    def run(self) -> Outcome[RotationData]:
        """0 the new token is in force and the old one refused. Raises Blocked, Declined; RolledBack where it did not work."""
        found = self.discovery.find()
        places = self._places(found)
        data = self._data(found, places)
        self.consent(f"Change the gateway token in {len(places)} files and restart the gateway?")
        before = self.verifier.check(found) if found.is_running else None
        with self.progress.step("taking a snapshot of the state as it is"):
            snapshot = self.snapshots.take(found, "", "before a new gateway token")
        old, new = found.auth.token, self.tokens.fresh()
        kept: dict[Path, bytes] = {}

        def change() -> None:
            for path in places:
                kept[path] = self.files.replace(path, old, new)

        try:
            with self.progress.step("changing the token everywhere and restarting"):
                self.outage.during(found, change, lambda launch: _exchanged(launch, old, new), places)
            self._prove(old, new, before)
        except BaseException as error:
            self._undo(found, kept, old, new)
            if isinstance(error, UpgraderError):
                raise RolledBack(
                    f"the gateway token is the old one again: {error.message}",
                    why=error.why,
                    hint="`upgrader diagnose`",
                    unchanged="every file is as it was",
                ) from error
            raise
        return Outcome("repair", replace(data, snapshot=snapshot.id))

    def _places(self, found: Installation) -> tuple[Path, ...]:
        """The files that hold the token literally. Raises Blocked where none does: it comes from elsewhere."""
        if found.auth.mode != "token" or not found.auth.token:
            raise Blocked(
                f"gateway authentication is {found.auth.mode}, there is no token that could be changed here",
                hint="`openclaw config get gateway.auth`",
                code="no_gateway_token",
            )
        configuration = self.configuration(found)
        named = (*configuration.files, found.state.path / ".env", *self.service_files(found))
        places = self.files.holding(tuple(dict.fromkeys(named)), found.auth.token)
        if not places:
            raise Blocked(
                "the gateway token stands in none of the files looked at",
                why="it comes from a file, a program or a variable that the configuration only refers to",
                hint="change it there, then `openclaw gateway restart`",
                code="token_elsewhere",
            )
        return places

    def _data(self, found: Installation, places: tuple[Path, ...]) -> RotationData:
        held = self.files.holding(self.elsewhere(found), found.auth.token)
        tell = [f"{path}: replace it by hand" for path in held]
        if self.shell and self.shell.fingerprint == found.auth.token.fingerprint:
            tell.append("this shell's OPENCLAW_GATEWAY_TOKEN: `unset` it")
        tell.append("every browser, node and remote client that was given the token: read the new one on this machine with")
        tell.append("  `openclaw config get gateway.auth.token`; paired devices with tokens of their own go on")
        return RotationData(str(found.package.version), tuple(str(path) for path in places), tuple(tell))

    def _prove(self, old: Secret, new: Secret, before: LiveReport | None) -> None:
        """The gateway takes the new token and refuses the old, and no check is worse. Raises UpgraderError."""
        if before is None:
            return
        now = replace(self.discovery.find(), auth=AuthFacts("token", new))
        if not self.accepts(now, new) or self.accepts(now, old):
            why = "it was asked with both"
            raise UpgraderError(_NOT_TAKEN, why=why, hint="`openclaw gateway restart`", code="token_not_in_force")
        judged = tuple(each for each in self.verifier.check(now).judgements if each.check != "live.same.auth")
        worse = tuple(each for each in worse_than(before.judgements, judged) if each.verdict is Verdict.FAIL)
        if worse:
            text = f"a check is worse than before: {worse[0].check}"
            raise UpgraderError(text, why=worse[0].why, hint="`upgrader verify`", code="worse_than_before")

    def _undo(self, found: Installation, kept: dict[Path, bytes], old: Secret, new: Secret) -> None:
        if not kept:
            return

        def restore() -> None:
            for path, data in kept.items():
                self.files.restore(path, data)

        now = self.discovery.find()
        with self.progress.step("putting the old token back"):
            self.outage.during(replace(now, gateways=now.gateways or ()), restore, lambda launch: _exchanged(launch, new, old))
        if found.is_running and not self.discovery.find().is_running:
            raise UpgraderError("the gateway did not start again", hint="`openclaw gateway start`", code="not_started")


def _exchanged(launch: Launch, old: Secret, new: Secret) -> Launch:
    """The same start with the other token wherever its environment names it."""
    changed = {name: value.replace(old.reveal(), new.reveal()) for name, value in launch.environment.items()}
    return replace(launch, environment=changed)
