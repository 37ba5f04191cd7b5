"""One course: clone, doctor, start, pairing, turns, terminal, restart. Gathers facts; `checks.canary` judges them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from upgrader.domain.canary import CanaryRequest, Seal
from upgrader.domain.clone import Clone, CloneWish, ModelProvider, PathMove
from upgrader.domain.course import Budgets, Clones, Course, DoctorRan, Lore, PairingProbe, Readiness, Skipped, Started
from upgrader.domain.enclosure import Place, Places, Site
from upgrader.domain.ports import Clock, Command, Progress
from upgrader.domain.process import CommandTimedOut
from upgrader.domain.secret import Secret
from upgrader.domain.slot import Slot
from upgrader.domain.turns import Saw, TurnKind, TurnProbe, TurnSeen
from upgrader.operations.canary_site import outside, site_for

_POLL = timedelta(seconds=0.25)
_SAID = 400  # characters kept of what a command said
_LOOKS_SECRET = re.compile(r"[A-Za-z0-9_\-+/=]{32,}")
_CONTROL = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f]")  # terminal control sequences
_LOG = "gateway.jsonl"


@dataclass(frozen=True)
class CourseTools:
    """What a course works with. `nonce` gives fresh hex words, `free_port` a port nobody has, `model_id` the stand-in's."""

    clones: Clones
    places: Places
    pairing: PairingProbe
    lore: Lore
    clock: Clock
    progress: Progress
    nonce: Callable[[], str]
    free_port: Callable[[], int]
    read_config: Callable[[CanaryRequest], Mapping[str, object]]
    model_id: str


class CourseRunner:
    """Runs one slot's course in one directory."""

    def __init__(self, tools: CourseTools, request: CanaryRequest, slot: Slot, budgets: Budgets) -> None:
        self._tools = tools
        self._request = request
        self._slot = slot
        self._budgets = budgets
        self._config = tools.read_config(request)

    def run(self, root: Path) -> Course:
        """The whole course; it ends early at a step without which the next says nothing. Raises PlaceLost."""
        clock = self._tools.clock
        began = clock.monotonic()
        site = site_for(self._request, self._slot, root, self._tools.places.seal())
        with self._tools.places.open(site) as place:
            run = _Run(self._tools, self._request, self._slot, self._budgets, self._config, site, place)
            course = run.course()
            course = replace(course, outside=place.outside())
        return replace(course, seconds=clock.monotonic() - began, schema_after=self._tools.clones.schema(site.state))


class _Run:
    """The steps, with the place open."""

    def __init__(
        self,
        tools: CourseTools,
        request: CanaryRequest,
        slot: Slot,
        budgets: Budgets,
        config: Mapping[str, object],
        site: Site,
        place: Place,
    ) -> None:
        self._tools, self._lore, self._clock = tools, tools.lore, tools.clock
        self._request, self._slot, self._budgets, self._config = request, slot, budgets, config
        self._site, self._place = site, place
        installation = request.installation
        sealed = place.seal is Seal.SEALED
        self._own_token = None if sealed else Secret(tools.nonce() + tools.nonce() + tools.nonce())
        self._port = installation.port if sealed else tools.free_port()
        self._config_name = installation.state.config.name
        self._environment: dict[str, str] = {}

    def course(self) -> Course:
        clone = self._make_clone()
        course = Course(str(self._slot.version), clone, 0.0)
        if not all(item.holds for item in clone.likeness) or not clone.likeness:
            return course
        self._environment = self._environment_for(clone.references)
        self._tools.pairing.before(self._request, self._site)
        course = replace(course, doctor=self._doctor())
        if course.doctor is not None and not course.doctor.accepted:
            return course
        with self._tools.progress.step(f"starting {self._slot.version} on the clone"):
            child, first = self._start()
        course = replace(course, first=first)
        if first.ready:
            course = self._with_gateway(course)
            course = self._once_more(course, child)
        else:
            self._place.end(child, self._budgets.stop)
        return replace(course, log=self._lore.log_findings(_bytes_of(self._site.notes / _LOG)))

    def _with_gateway(self, course: Course) -> Course:
        # The turns first: a handshake with the shared secret may be granted what an agent's own call would be refused.
        turns, skipped = self._turns((TurnKind.PLAIN, TurnKind.SPAWN, TurnKind.SEND))
        with self._tools.progress.step("pairing checks on the clone"):
            pairing = self._tools.pairing.judge(self._request, self._slot, self._site, self._place, self._port)
        connected, refused = self._lore.terminal_patterns(self._slot.version)
        with self._tools.progress.step("the terminal client on the clone"):
            screen = self._place.on_terminal(
                self._command(self._lore.terminal_arguments(self._tools.nonce(), self._config), self._budgets.terminal),
                tuple(f"(?:{'|'.join(patterns)})" for patterns in (connected, refused)),
            )
        screen = replace(screen, shown=self._redacted(" ".join(_CONTROL.sub(" ", screen.shown).split())))
        return replace(course, pairing=pairing, turns=turns, skipped=skipped, screen=screen)

    def _once_more(self, course: Course, child: int) -> Course:
        """Stop, start and one more turn: what a first start leaves behind must not stop the second."""
        with self._tools.progress.step(f"restarting {self._slot.version} on the clone"):
            self._place.end(child, self._budgets.stop)
            again, second = self._start()
        turns: tuple[TurnSeen, ...] = ()
        if second.ready:
            turns, _ = self._turns((TurnKind.SPAWN,))
        self._place.end(again, self._budgets.stop)
        return replace(course, second=second, turns_again=turns)

    def _make_clone(self) -> Clone:
        place, site, state = self._place, self._site, self._request.installation.state
        # In a sealed place everything lies where it always was, and what is outside the state is not there.
        elsewhere = outside(self._request, site.root)
        moves = () if place.seal is Seal.SEALED else (PathMove(state.path, site.shown_state), *elsewhere)
        wish = CloneWish(
            version=self._request.present.version,
            port=self._port,
            log=site.notes / _LOG,
            model=ModelProvider(place.model.base_url, Secret(place.model.token), self._tools.model_id),
            moves=moves,
            inert=self._own_token,
        )
        plan = self._lore.clone_plan(self._config, wish)
        with self._tools.progress.step("cloning the state"):
            return self._tools.clones.make(self._request.snapshot.tree, site.state, plan, self._config_name, self._config)

    def _doctor(self) -> DoctorRan | None:
        call = self._lore.doctor_call(self._request.present.version, self._slot.version)
        if call is None:
            return None
        command = self._command(call.arguments, self._budgets.doctor)
        began = self._clock.monotonic()
        with self._tools.progress.step(f"the doctor of {self._slot.version} on the clone"):
            try:
                ran = self._place.run(replace(command, environment={**self._environment, **call.environment}))
            except CommandTimedOut:
                return DoctorRan(None, self._clock.monotonic() - began, "", accepted=False)
        said = self._redacted(_last_words(ran.stderr or ran.stdout))
        return DoctorRan(ran.exit_code, ran.took.total_seconds(), said, ran.exit_code in call.accepted)

    def _start(self) -> tuple[int, Started]:
        began = self._clock.monotonic()
        output = self._site.notes / f"gateway-{self._tools.nonce()}.out"
        child = self._place.start(self._command(("gateway", "run"), self._budgets.ready), output)
        while (passed := self._clock.monotonic() - began) < self._budgets.ready.total_seconds():
            code = self._place.exit_code(child)
            if code is not None:
                return child, Started(False, passed, code, self._redacted(_last_words(_bytes_of(output))))
            if self._is_ready():
                return child, Started(True, self._clock.monotonic() - began)
            self._clock.wait(_POLL)
        return child, Started(False, passed, None, self._redacted(_last_words(_bytes_of(output))))

    def _is_ready(self) -> bool:
        how = self._lore.readiness(self._slot.version)
        if how is Readiness.SOCKET:
            return self._lore.is_greeting(self._place.greeting(self._port))
        paths = ("/startupz", "/readyz") if how is Readiness.STARTUPZ else ("/readyz",)
        for path in paths:
            answer = self._place.fetch(self._port, path)
            if not self._lore.is_ready(path, answer.status, answer.body):
                return False
        return True

    def _turns(self, kinds: tuple[TurnKind, ...]) -> tuple[tuple[TurnSeen, ...], tuple[Skipped, ...]]:
        seen, skipped = [], []
        for kind in kinds:
            reason = self._lore.not_applicable(kind, self._config, self._slot.version)
            if reason:
                skipped.append(Skipped(kind, reason))
                continue
            probe = self._lore.turn_probe(kind, self._tools.nonce(), self._config)
            with self._tools.progress.step(f"an agent's turn on the clone: {probe.tool or 'an answer'}"):
                seen.append(self._turn(probe))
        return tuple(seen), tuple(skipped)

    def _turn(self, probe: TurnProbe) -> TurnSeen:
        began = self._clock.monotonic()
        try:
            ran = self._place.run(self._command(self._lore.turn_arguments(probe), self._budgets.turn))
            code, output = ran.exit_code, ran.stdout + b"\n" + ran.stderr
        except CommandTimedOut:
            code, output = None, b""
        took = self._clock.monotonic() - began
        text = output.decode("utf-8", "replace")
        self._wait_for_child(probe)
        model = self._place.model
        events = model.events(probe.nonce)
        results = [e.result for e in events if e.saw is Saw.RESULT]
        status, error = self._lore.answer_status(results[-1]) if results else ("", "")
        return TurnSeen(
            probe=probe,
            exit_code=code,
            seconds=took,
            events=(*events, *(e for e in model.events() if e.saw is Saw.REFUSED)),
            said=self._redacted(_last_words(output)),
            status=status,
            error=self._redacted(error.partition("\n")[0]),
            embedded=self._lore.ran_embedded(text),
            model_alive=model.alive,
        )

    def _wait_for_child(self, probe: TurnProbe) -> None:
        """A spawned sub-agent runs on after the turn that spawned it; only a good answer of the tool is worth waiting for."""
        if not probe.tool:
            return
        began = self._clock.monotonic()
        while self._clock.monotonic() - began < self._budgets.child.total_seconds():
            events = self._place.model.events(probe.nonce)
            results = [e.result for e in events if e.saw is Saw.RESULT]
            failed = not results or self._lore.answer_status(results[-1])[1]
            if failed or any(e.saw is Saw.CHILD for e in events):
                return
            self._clock.wait(_POLL)

    def _environment_for(self, references: tuple[str, ...]) -> dict[str, str]:
        """The lore's environment, and a value for each variable the configuration refers to: real for gateway auth only."""
        site, installation = self._site, self._request.installation
        named = dict.fromkeys(references, "inert")
        auth = _auth_section(self._config)
        for key, secret in (("token", installation.auth.token), ("password", installation.auth.password)):
            reference = auth.get(key)
            if isinstance(reference, str) and reference.startswith("${") and secret:
                named[reference[2:-1]] = secret.reveal()
        own = self._lore.environment(
            self._slot, site.shown_home, site.shown_state, site.shown_temporary, self._config_name, installation.profile
        )
        return {**named, **own}

    def _command(self, arguments: tuple[str, ...], limit: timedelta) -> Command:
        argv = self._lore.command(self._slot, *arguments)
        return Command(argv, limit, self._environment, self._site.shown_home)

    def _redacted(self, text: str) -> str:
        """Without the secrets known here, and without anything that looks like one."""
        auth = self._request.installation.auth
        for secret in (auth.token, auth.password, Secret(self._place.model.token), self._own_token or Secret("")):
            if secret:
                text = text.replace(secret.reveal(), "…")
        return _LOOKS_SECRET.sub("…", text)[-_SAID:]


def _auth_section(config: Mapping[str, object]) -> Mapping[str, object]:
    gateway = config.get("gateway")
    auth = gateway.get("auth") if isinstance(gateway, dict) else None
    return auth if isinstance(auth, dict) else {}


def _last_words(data: bytes) -> str:
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    return " / ".join(lines[-4:])


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
