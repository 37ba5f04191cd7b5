"""What is remembered and was decided: history, pins, settings."""

from upgrader.adapters.decisions.history_file import HistoryFile
from upgrader.adapters.decisions.pins_toml import PinsFile
from upgrader.adapters.decisions.settings_toml import read_settings_file
from upgrader.adapters.table.own import Tables
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.domain.decisions.settings import Settings


def history_of(keeping: Keeping) -> HistoryFile:
    """The history of one installation."""
    return HistoryFile(keeping.home)


def pins(machine: Machine) -> PinsFile:
    """The pins of this user."""
    return PinsFile(machine.config)


def settings(machine: Machine) -> Settings:
    """What was decided once. Raises SettingsInvalid."""
    return read_settings_file(machine.config)


def tables(machine: Machine) -> Tables:
    """The tables that count on this machine."""
    return Tables(machine.config, machine.data)
