"""List the process variables of the simulated beamline, for IOC, page and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "command", "state", "text"]
LONGEST_TEXT = 400
PREFIX = "SIM:"


@dataclass(frozen=True)
class Pv:
    """One process variable.

    Parameters
    ----------
    suffix : str
        Its name behind the prefix.
    kind : {"number", "command", "state", "text"}
        A double, a 0 or 1 to be written, a 0 or 1 to be read, or up to 399 characters (an array of
        characters).
    doc : str
        What it is.
    unit : str
        Of a number.
    writable : bool
        Whether clients may write it.
    waits : bool
        Whether a write with put-callback (``caput -c``) is done only when the action is.
    names : tuple of (str, str)
        What 0 and 1 are called.
    """

    suffix: str
    kind: Kind
    doc: str
    unit: str = ""
    writable: bool = False
    waits: bool = False
    names: tuple[str, str] = ("No", "Yes")


def _setting(suffix: str, doc: str, unit: str, *, waits: bool = False) -> Pv:
    return Pv(suffix, "number", doc, unit, writable=True, waits=waits)


def _command(suffix: str, doc: str, names: tuple[str, str], *, waits: bool = False) -> Pv:
    return Pv(suffix, "command", doc, writable=True, waits=waits, names=names)


def _text(suffix: str, doc: str) -> Pv:
    return Pv(suffix, "text", doc, writable=True, waits=True)


PVS: tuple[Pv, ...] = (
    _setting("MONO:ENERGY", "Energy to go to", "eV", waits=True),
    Pv("MONO:ENERGY_RBV", "number", "Energy, by the encoder", "eV"),
    _setting("MONO:VELOCITY", "Speed of moves", "eV/s"),
    Pv("MONO:MOVING", "state", "Whether it moves", names=("Done", "Moving")),
    _command("MONO:STOP", "1 ends a move where it is", ("Go", "Stop")),
    _setting("SCALER:TP", "Count time per point", "s"),
    _command("SCALER:CNT", "1 counts; back to 0 when done", ("Done", "Count"), waits=True),
    Pv("SCALER:I0", "number", "Ion chamber before the sample", "counts"),
    Pv("SCALER:IT", "number", "Ion chamber behind the sample", "counts"),
    Pv("SCALER:IR", "number", "Ion chamber behind the reference foil", "counts"),
    _setting("FLUO:TP", "Count time per point", "s"),
    _command("FLUO:CNT", "1 counts; back to 0 when done", ("Done", "Count"), waits=True),
    *(
        Pv(f"FLUO:IF{n}", "number", f"Element {n} of the fluorescence detector", "counts")
        for n in range(1, 5)
    ),
    _setting("FURNACE:TEMP", "Temperature to go to", "C", waits=True),
    Pv("FURNACE:TEMP_RBV", "number", "Temperature of the sample", "C"),
    _setting("FURNACE:RATE", "Of the ramp, in beam time; 0 jumps", "C/min"),
    _command("FURNACE:STOP", "1 ends a ramp where it is", ("Go", "Stop")),
    Pv("FURNACE:RAMPING", "state", "Whether the temperature is on its way"),
    _text(
        "SAMPLE:MIXTURE", "Standards with fractions, such as `Fe-hematite 0.7, Fe-andradite 0.3`"
    ),
    _text("SAMPLE:PRODUCT", "What the mixture reacts to; empty if to nothing"),
    _setting("SAMPLE:REACTED", "Reacted part, 0 to 1", "", waits=True),
    Pv("SAMPLE:ELEMENT", "text", "Absorbing element"),
    Pv("SAMPLE:EDGE", "text", "Absorption edge"),
    *(
        Pv(f"SAMPLE:{label}", "number", f"True fraction of atoms in {label}")
        for label in ("T4", "S5", "O6")
    ),
    Pv("SAMPLE:MESSAGE", "text", "Why the last sample was refused; empty if it was not"),
    Pv("RING:CURRENT", "number", "Stored current", "mA"),
    Pv("BEAM:STATUS", "state", "Whether beam reaches the chambers", names=("No beam", "Beam")),
    _command("BEAM:DUMP", "1 dumps the beam, 0 fills the ring again", ("Fill", "Dump"), waits=True),
    _command("SHUTTER:OPEN", "1 opens the shutter, 0 closes it", ("Close", "Open"), waits=True),
    Pv("BEAM:TIME", "number", "Beam time since the start: passes while something counts", "s"),
)
"""All of them, in the order of the page."""


def page(prefix: str = PREFIX) -> str:
    """Return the table of `docs/how-to/beamline.md` in Markdown."""
    lines = ["| PV | kind | write | what |", "|---|---|---|---|"]
    for pv in PVS:
        write = ("yes, put-callback waits" if pv.waits else "yes") if pv.writable else ""
        unit = f" ({pv.unit})" if pv.unit else ""
        lines.append(f"| `{prefix}{pv.suffix}` | {pv.kind} | {write} | {pv.doc}{unit} |")
    return "\n".join(lines)
