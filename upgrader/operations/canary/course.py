"""One course: clone, doctor, start, pairing, turns, terminal, restart. Gathers facts; `checks.canary` judges them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from upgrader.domain.canary.clone import Clone, CloneWish, ModelProvider, PathMove
from upgrader.domain.canary.contents import Contents, migration
from upgrader.domain.canary.course import Budgets, Course, DoctorRan, Started, Until
from upgrader.domain.canary.enclosure import Place, Site
from upgrader.domain.canary.held import CanaryNotHeld
from upgrader.domain.canary.report import CanaryRequest, Seal
from upgrader.domain.check import Verdict, overall
from upgrader.domain.checks import canary as checks
from upgrader.domain.kept.slot import Slot
from upgrader.domain.ports import Command
from upgrader.domain.process import CommandTimedOut
from upgrader.domain.said import last_words
from upgrader.domain.secret import Secret
from upgrader.operations.canary.own_probes import by_hand, run_own_probes
from upgrader.operations.canary.round import Round, Rounds, who_answered
from upgrader.operations.canary.site import LOG, Grounds, outside, site_for
from upgrader.operations.canary.start import Child, bytes_of, start_gateway
from upgrader.operations.canary.timed_steps import TimedSteps
from upgrader.operations.canary.tools import CourseTools
from upgrader.operations.canary.words import Redactor

Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class Serving:
    """A canary that is ready: its place, where it lies, its port inside, its number, and what a person working there gets."""

    place: Place
    site: Site
    port: int
    child: int
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class _Task:
    """Which release runs, on whose behalf: its slot, the request, what a course may take, the configuration of the snapshot."""

    request: CanaryRequest
    slot: Slot
    budgets: Budgets
    config: Mapping[str, object]


class CourseRunner:
    """Runs one slot's course in one directory."""

    def __init__(
        self,
        tools: CourseTools,
        request: CanaryRequest,
        slot: Slot,
        budgets: Budgets,
        prepare: Prepare | None = None,
        until: Until = Until.END,
    ) -> None:
        """`prepare(state)` is done to the clone before anything runs on it."""
        self._tools, self._prepare, self._until = tools, prepare, until
        self._task = _Task(request, slot, budgets, tools.read_config(request))

    def run(self, root: Path) -> Course:
        """The whole course; it ends early at a step without which the next says nothing. Raises PlaceLost."""
        clock = self._tools.clock
        began = clock.monotonic()
        steps = TimedSteps(self._tools.progress, clock)
        tools = replace(self._tools, progress=steps)
        site = self._site_at(root)
        with tools.places.open(site) as place:
            tools.lend(site.temporary, str(self._task.slot.version))
            course = _Run(tools, self._task, site, place).course(self._prepare, self._until)
            course = replace(course, outside=place.outside())
        schema = self._tools.clones.schema(site.state)
        return replace(course, seconds=clock.monotonic() - began, schema_after=schema, steps=steps.taken)

    def hold(self, root: Path, serve: Callable[[Serving], None]) -> None:
        """Bring it to serve, and let `serve` have it. Raises CanaryNotHeld when it never does, PlaceLost."""
        site = self._site_at(root)
        with self._tools.places.open(site) as place:
            _Run(self._tools, self._task, site, place).hold(serve)

    def _site_at(self, root: Path) -> Site:
        tools, task = self._tools, self._task
        openclaw, seal = tools.lore.command(task.slot), tools.places.seal()
        code = tools.lore.code_paths(task.config, task.request.installation.home)
        return site_for(task.request, task.slot, root, seal, openclaw, tools.own_probes, code)


class _Run:
    """The steps, with the place open."""

    def __init__(self, tools: CourseTools, task: _Task, site: Site, place: Place) -> None:
        self._tools, self._lore, self._clock = tools, tools.lore, tools.clock
        self._request, self._slot, self._budgets, self._config = task.request, task.slot, task.budgets, task.config
        self._site, self._place = site, place
        installation = task.request.installation
        sealed = place.seal is Seal.SEALED
        self._own_token = Secret(tools.nonce() + tools.nonce() + tools.nonce())
        self._port = installation.port if sealed else tools.free_port()
        self._config_name = installation.state.config.name
        auth = installation.auth
        written = map(Secret, tools.lore.secret_texts(task.config))
        secrets = (auth.token, auth.password, Secret(place.model.token), self._own_token, *written)
        places = ((task.slot.package_root, "<package>"), (site.shown_state, "<state>"), (site.shown_home, "<home>"))
        told = tuple((str(path), name) for path, name in places)
        self._redactor = Redactor(tuple(secret for secret in secrets if secret), told)
        self._first = Round()
        self._environment: dict[str, str] = {}
        self._began = tools.clock.now()

    def course(self, prepare: Prepare | None, until: Until) -> Course:
        clones, state = self._tools.clones, self._site.state
        clone = self._make_clone()
        if prepare is not None:
            prepare(state)
        course = Course(str(self._slot.version), clone, 0.0)
        if not all(item.holds for item in clone.likeness) or not clone.likeness:
            return course
        self._environment = self._environment_for(clone.references)
        self._tools.pairing.before(self._request, self._site)
        before = self._contents(self._request.present)
        course = replace(course, doctor=self._doctor())
        if course.doctor is not None and not course.doctor.accepted:
            return course
        course = replace(course, migration=migration(before, self._contents(self._slot)))
        with self._tools.progress.step(f"starting {self._slot.version} on the clone"):
            child, first = start_gateway(self._tools, self._grounds())
        course = replace(course, first=first)
        if first.ready:
            course = self._with_gateway(course, child)
            course = self._to_the_end(course, child, until) if course.ended is None else course
        else:
            self._place.end(child.number, self._budgets.stop)
        after = self._contents(self._slot)
        course = replace(course, migration=course.migration and course.migration.once_started(before, after, course.skills))
        began = self._began.timestamp()
        answered = who_answered(course, lambda words: clones.mentions(state, words, began), self._place.seal)
        return replace(course, answered=answered, log=self._lore.log_findings(bytes_of(self._site.notes / LOG)))

    def hold(self, serve: Callable[[Serving], None]) -> None:
        clone = self._make_clone()
        self._environment = self._environment_for(clone.references)
        ran = self._doctor()
        if ran is not None and not ran.accepted:
            raise CanaryNotHeld("the doctor did not bring the clone into form", why=ran.said)
        child, first = start_gateway(self._tools, self._grounds())
        if not first.ready:
            raise CanaryNotHeld("the gateway did not become ready on the clone", why=first.said)
        environment = by_hand(self._site, self._port, self._environment)
        serve(Serving(self._place, self._site, self._port, child.number, environment))
        self._place.end(child.number, self._budgets.stop)

    def _with_gateway(self, course: Course, child: Child) -> Course:
        memory = self._place.memory()
        self._first = self._rounds(child).first()
        seen = self._first
        course = replace(
            course,
            turns=seen.turns,
            skipped=seen.skipped,
            pairing=seen.pairing,
            screen=seen.screen,
            skills=seen.skills,
            memory_bytes=memory,
            ended=self._ended(child),
        )
        if course.ended is not None:
            return course
        own = run_own_probes(self._tools, self._grounds(), self._environment)
        return replace(course, own=own, ended=self._ended(child))

    def _to_the_end(self, course: Course, child: Child, until: Until) -> Course:
        failed = overall(checks.judge(course, self._place.seal)) is Verdict.FAIL
        if until is Until.END or (until is Until.FAILURE and not failed):
            return self._once_more(course, child)
        self._place.end(child.number, self._budgets.stop)
        return replace(course, cut=True)

    def _rounds(self, child: Child) -> Rounds:
        return Rounds(self._tools, self._grounds(), lambda: self._ended(child))

    def _grounds(self) -> Grounds:
        return Grounds(
            self._request,
            self._slot,
            self._site,
            self._place,
            self._port,
            self._budgets,
            self._config,
            self._command,
            self._redactor,
        )

    def _ended(self, child: Child) -> Started | None:
        """How the gateway ended that was ready and should serve; None while it does."""
        code = self._place.exit_code(child.number)
        if code is None:
            return None
        return Started(False, 0.0, code, self._redactor.shown(last_words(bytes_of(child.output))))

    def _once_more(self, course: Course, child: Child) -> Course:
        """Stop, start and all of it again: what a first start leaves behind must not stop the second."""
        with self._tools.progress.step(f"stopping {self._slot.version} on the clone"):
            self._place.end(child.number, self._budgets.stop)
        with self._tools.progress.step(f"starting {self._slot.version} on the clone once more"):
            again, second = start_gateway(self._tools, self._grounds())
        seen = self._rounds(again).again(self._first) if second.ready else Round()
        course = replace(course, second=second, ended_again=self._ended(again) if second.ready else None)
        with self._tools.progress.step(f"stopping {self._slot.version} on the clone"):
            self._place.end(again.number, self._budgets.stop)
        return replace(course, turns_again=seen.turns, pairing_again=seen.pairing, screen_again=seen.screen)

    def _make_clone(self) -> Clone:
        place, site, state = self._place, self._site, self._request.installation.state
        # In a sealed place everything lies where it always was, and what is outside the state is not there.
        elsewhere = outside(self._request, site.root)
        seat = PathMove(state.path, site.shown_state)
        moves = () if place.seal is Seal.SEALED else (seat, *elsewhere)
        wish = CloneWish(
            version=self._request.present.version,
            port=self._port,
            log=site.notes / LOG,
            model=ModelProvider(place.model.base_url, Secret(place.model.token), self._tools.model_id),
            own=self._own_token,
            seat=seat,
            moves=moves,
            inert=None if place.seal is Seal.SEALED else self._own_token,
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
        said = self._redactor.shown(last_words(ran.stderr or ran.stdout))
        accepted = call.went_well(ran.exit_code, ran.stderr)
        return DoctorRan(ran.exit_code, ran.took.total_seconds(), said, accepted)

    def _contents(self, slot: Slot) -> Contents:
        return self._tools.clones.contents(self._site.state, self._config_name, slot.package_root)

    def _environment_for(self, references: tuple[str, ...]) -> dict[str, str]:
        """The lore's environment, and a value for each variable the configuration refers to: real for gateway auth only."""
        site, installation = self._site, self._request.installation
        sealed = self._place.seal is Seal.SEALED
        auth = self._lore.auth_environment(self._config, installation.auth) if sealed else {}
        named = {**dict.fromkeys((*references, self._lore.INERT_NAME), "inert"), **auth}
        own = self._lore.environment(
            self._slot, site.shown_home, site.shown_state, site.shown_temporary, self._config_name, installation.profile
        )
        return {**named, **own}

    def _command(self, arguments: tuple[str, ...], limit: timedelta) -> Command:
        argv = self._lore.command(self._slot, *arguments)
        return Command(argv, limit, self._environment, self._site.shown_home)
