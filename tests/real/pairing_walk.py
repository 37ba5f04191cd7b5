"""Walks the faults of one release on one gateway: each is made, told by one `upgrader diagnose`, and put back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.diagnosis.told import diagnosed
from tests.real.pairing_bench import Bench
from tests.real.pairing_faults import FAULTS, OWN, Fault


@dataclass(frozen=True)
class Told:
    """What the diagnosis named first of one fault, and whether the right cause and place were among it."""

    fault: Fault
    first: tuple[str, ...]
    found: bool


def walk(bench: Bench, is_done: Callable[[Fault], bool]) -> Iterator[Told]:
    """Every fault of this release that is not done, on what the gateway had before the first."""
    bench.keep()
    for fault in FAULTS:
        if bench.world.seed.version in fault.releases and not is_done(fault):
            bench.put_back()
            yield tell(bench, fault)


def tell(bench: Bench, fault: Fault) -> Told:
    """Make it and diagnose, within this process: the account's home is the world's then, as its units are."""
    try:
        where = fault.make(bench) or fault.where
    except (AssertionError, OSError, KeyError) as error:
        print("not made:", fault.name, error, flush=True)
        return Told(fault, (f"not made: {str(error)[:80]}",), found=False)
    where = bench.world.own.id[:12] if where == OWN else where
    causes = diagnosed(bench.world, **bench.shell).json["data"]["causes"]
    found = any(
        each["code"] in fault.codes
        and (where == each["device"] or where in f"{each['place']} {each['title']} {each['evidence']}")
        for each in causes[:2]
    )
    if not found:
        print(fault.name, where, [(c["code"], c["device"], c["place"], c["title"]) for c in causes], flush=True)
    return Told(fault, tuple(each["code"] for each in causes[:2]), found)
