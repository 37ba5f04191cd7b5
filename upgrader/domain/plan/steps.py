"""What a move will do and what room it takes. Pure."""

from upgrader.domain.installation.facts import SupervisorKind
from upgrader.domain.plan.decision import Need, NodeChoice, NodeSource, PlannedStep
from upgrader.domain.plan.facts import Candidate, PlanFacts, Use

# Room that stays free for the undo and the database logs.
RESERVE_BYTES = 256 * 1024**2


def steps(facts: PlanFacts, candidate: Candidate, node: NodeChoice) -> tuple[PlannedStep, ...]:
    """The steps of a move in order; those of the outage are marked."""
    target, present = candidate.version, facts.installation.package.version
    running, unit = facts.installation.is_running, facts.installation.service.kind is SupervisorKind.SYSTEMD_USER
    staged = f"{target} is installed beside the running {present} and verified against the registry"
    if candidate.retained:
        staged = f"the retained install of {target} is verified; nothing is downloaded"
    wanted: tuple[tuple[bool, PlannedStep], ...] = (
        (node.source is NodeSource.PRIVATE, PlannedStep("node", f"Node {node.version} is fetched for {target} alone")),
        (True, PlannedStep("stage", staged)),
        (True, PlannedStep("snapshot", "the state is copied and verified while the gateway runs")),
        (True, PlannedStep("canary", f"{target} runs on a clone: doctor, start, pairing, handshakes, an agent that spawns")),
        (running, PlannedStep("stop", "the gateway is stopped, and it is proven that none is left", in_outage=True)),
        (True, PlannedStep("final snapshot", "what changed since the copy is taken over", in_outage=running)),
        (True, PlannedStep("switch", "the package link leads to the new install", in_outage=running)),
        (True, PlannedStep("doctor", f"{target} brings the state into its form", in_outage=running)),
        (unit, PlannedStep("service", f"{target} writes its service unit", in_outage=running)),
        (running, PlannedStep("start", "the gateway starts and answers", in_outage=True)),
        (True, PlannedStep("checks", "the same checks as before the move must say the same, else everything goes back")),
    )
    return tuple(step for holds, step in wanted if holds)


def needs(facts: PlanFacts, candidate: Candidate | None) -> tuple[Need, ...]:
    """Bytes at the worst moment on each file system concerned.

    Beside the state: the copy kept ready to return to. With our data: the slot, the snapshot, and the canary's two
    clones. Shared blocks may make it less; this is what may be needed where the file system shares none.
    """
    state = facts.installation.state.size_bytes
    slot = 0 if candidate is None or candidate.retained else (facts.slot_bytes or candidate.install_bytes)
    of_use = {Use.STATE: state, Use.DATA: slot + 3 * state}
    return tuple(
        Need(volume.name, sum(of_use[use] for use in volume.uses) + RESERVE_BYTES, volume.free_bytes)
        for volume in facts.volumes
    )
