"""A pin for people: what holds, what ends it, what to follow, what might move it all the same."""

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from upgrader.domain.decisions.pinning import PinData
from upgrader.domain.outcome import Outcome


def show(outcome: Outcome[PinData], console: Console) -> None:
    """Print what stands now."""
    for line in _lines(outcome.data):
        console.print(line)


def _lines(data: PinData) -> Iterator[str]:
    pin = data.pin
    if pin is None:
        yield f"[green]not pinned:[/green] OpenClaw {data.present} may move as `upgrader plan` says"
    else:
        yield f"[green]{escape(pin.in_words())}[/green]"
        if pin.version != data.present:
            yield f"{data.present} is installed: `upgrader upgrade {pin.version}` goes there"
        yield from _kept(data)
    for fix in data.fixes:
        yield escape(f"known to be mended by {fix.version}: {fix.what or 'all of it'} ({fix.truth.value})")
    if data.threads:
        yield f"to follow: {escape(', '.join(data.threads))}"
    if data.edit is not None:
        yield f"{escape(str(data.edit.file))}: {escape(data.edit.what)}"
        if data.edit.switched_off:
            yield f"the file of before is {escape(str(data.edit.undo))}"
            yield "[cyan]hint:[/cyan] `upgrader unpin --restore-updater` puts it back"
    if pin is not None and data.updates_itself:
        yield "[yellow]OpenClaw's own updater is on (update.auto) and moves it all the same[/yellow]"
        yield "[cyan]hint:[/cyan] `upgrader pin --switch-off-updater --reason TEXT` switches it off, with its undo"


def _kept(data: PinData) -> Iterator[str]:
    if data.lock_file is not None:
        yield f"its install is retained as slot {escape(data.slot)}, locked by {escape(str(data.lock_file))}"
    elif data.slot:
        yield f"its install is retained as slot {escape(data.slot)}, as npm made it"
    else:
        yield "no install of it is retained yet: the first upgrade keeps the present one"
