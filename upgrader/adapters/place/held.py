"""Canaries left running: their records, a bridge to their gateway, and a door for a person's shell."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from pydantic import TypeAdapter, ValidationError

from upgrader.adapters.files.durable import replace_durably
from upgrader.adapters.place.unix_sockets import listen_at
from upgrader.adapters.processes.identity import is_alive
from upgrader.domain.canary.held import HeldCanary
from upgrader.domain.installation.facts import ProcessIdentity

_RECORD, _DOOR = "held.json", "door"
_FORM = TypeAdapter(HeldCanary)
_PIECE = 65536
Dial = Callable[[int], socket.socket]


def write_record(held: HeldCanary) -> None:
    """Let others find it."""
    replace_durably(held.root / _RECORD, _FORM.dump_json(held))


def living(root: Path) -> tuple[HeldCanary, ...]:
    """Every canary below `root` whose keeper lives, by pid and start time."""
    found = []
    for record in sorted(root.glob(f"*/{_RECORD}")):
        with suppress(OSError, ValidationError):
            held = _FORM.validate_json(record.read_bytes())
            if is_alive(held.keeper):
                found.append(held)
    return tuple(found)


def this_process() -> ProcessIdentity:
    """Ourselves, as others will look for us."""
    return ProcessIdentity(os.getpid(), psutil.Process().create_time())


@contextmanager
def bridge(dial: Dial, port: int) -> Iterator[int]:
    """A port of this machine's loopback that leads to the place's; its number. Who connects still needs the gateway's token."""
    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        threading.Thread(target=_accept, args=(listener, dial, port), daemon=True).start()
        yield int(listener.getsockname()[1])


@contextmanager
def door(root: Path, open_shell: Callable[[], int]) -> Iterator[None]:
    """A unix socket in the canary's private directory: who connects is given the controlling end of a new shell."""
    with listen_at(root / _DOOR, 4) as listener:
        threading.Thread(target=_hand_out, args=(listener, open_shell), daemon=True).start()
        yield


def knock(root: Path) -> int:
    """The controlling end of a new shell in a held canary. Raises OSError."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.settimeout(30)
            channel.connect(f"/proc/self/fd/{folder}/{_DOOR}")
            _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
            if not descriptors:
                raise ConnectionRefusedError("no shell was given")
            return int(descriptors[0])
    finally:
        os.close(folder)


def shell() -> str:
    """The shell a person gets inside: one of the system's, for nothing else is there."""
    return shutil.which("bash", path="/usr/bin:/bin") or "/bin/sh"


def _accept(listener: socket.socket, dial: Dial, port: int) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return  # the block has ended
        with suppress(OSError):
            inside = dial(port)
            inside.setblocking(True)  # it was connected with a time limit, which stays with the descriptor
            for source, target in ((caller, inside), (inside, caller)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()
            continue
        caller.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def _hand_out(listener: socket.socket, open_shell: Callable[[], int]) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        with caller, suppress(OSError):
            descriptor = open_shell()
            try:
                socket.send_fds(caller, [b"s"], [descriptor])
            finally:
                os.close(descriptor)
