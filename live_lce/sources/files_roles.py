"""Which column of a file is what, from names or from the user's word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from live_lce.contract import Reason
from live_lce.settings import Signals
from live_lce.sources.files_text import FileProblemError, Table

COLUMN_ROLES = ("energy", "angle", "mu", "norm", "i0", "it", "ir", "if")
"""Names that ``--columns`` knows; ``if`` takes several columns joined by ``+``."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "energy": (
        r"energy(_k?ev)?",
        r"((photon|mono\d?|dcm|hhm)_?)energy",
        r"e|en|k?ev|e_?k?ev",
        r"energy\w*",
    ),
    "angle": (r"angle|theta|bragg|mono_?angle", r"(dcm|mono)_?(theta|bragg)|bragg_?angle"),
    "norm": (r"norm|normali[sz]ed|nor", r"x?mu_?norm|norm(ali[sz]ed)?_?(xmu|mu|absorption)"),
    "mu": (r"mu|xmu|mux|mu_?e", r"mutrans|mufluor|absorption|absorbance|abs|mu_?sample|xafs|xanes"),
    "foil": (r"murefer|x?mu_?ref",),
    "i0": (r"i_?0|io|i_?zero", r"monitor|i0_\w+"),
    "it": (r"itrans|it|i_?1|i_t", r"trans(mission)?|itransmission"),
    "ir": (r"irefer|iref|ir|i_?2|i_r", r"refer(ence)?"),
}
"""Regular expressions for simplified names (see `_simple`), in order of preference."""
_CHANNELS = (
    r"dtc_?\d",
    r"ifluor_?\d*|iff?_?\d*|fluo\w*",
    r"fy_?c(orr)?",
    r"fy|tfy|pfy|pips|lytle|sdd\w*|vortex\w*",
)


@dataclass(frozen=True)
class Columns:
    """Positions (from 0) of a spectrum's columns; -1 where there is none.

    Parameters
    ----------
    energy, angle : int
        The axis: photon energy, or Bragg angle in degrees.
    mu, norm, foil : int
        Absorption, normalized absorption, absorption of the reference foil.
    i0, it, ir : int
        Intensities before and behind the sample, and behind the foil.
    channels : mapping of str to int
        Fluorescence channels by name.
    guessed : bool
        Whether two columns without names were taken as energy and mu.
    """

    energy: int = -1
    angle: int = -1
    mu: int = -1
    norm: int = -1
    foil: int = -1
    i0: int = -1
    it: int = -1
    ir: int = -1
    channels: Mapping[str, int] = field(default_factory=dict)
    guessed: bool = False


def parse_columns(text: str) -> dict[str, str]:
    """Read what ``--columns`` says, e.g. ``energy=1,mu=4`` or ``energy=1,i0=2,if=5+6``.

    Raises
    ------
    ValueError
        With what is allowed.
    """
    pairs = dict(part.partition("=")[::2] for part in text.split(",") if part.strip())
    chosen = {key.strip().lower(): value.strip() for key, value in pairs.items()}
    if not chosen or not set(chosen) <= set(COLUMN_ROLES) or not all(chosen.values()):
        raise ValueError(
            f"{text!r}: give columns as in energy=1,mu=4 or energy=1,i0=2,if=5+6 "
            f"(numbers from 1, or names; known: {', '.join(COLUMN_ROLES)})"
        )
    return chosen


def find_columns(
    table: Table, element: str, signals: Signals, chosen: Mapping[str, str] | None = None
) -> Columns:
    """Tell the columns of a table.

    Parameters
    ----------
    table : Table
        The file.
    element : str
        Symbol, for channels named after it (``Fe1``); may be empty.
    signals : Signals
        Configured names are used where the file has them.
    chosen : mapping of str, optional
        The user's word, see :func:`parse_columns`; then nothing is guessed.

    Raises
    ------
    FileProblemError
        `signals_unknown` where the columns cannot be told.
    """
    if chosen:
        return _chosen(table, chosen)
    n_columns = table.values.shape[1]
    named = _named(table.labels, element, signals)
    if _has_axis(named) and _has_signal(named):
        return named
    if n_columns == 2 and named.angle < 0:
        return Columns(energy=0, mu=1, guessed=True)
    if n_columns < 2:
        raise FileProblemError(Reason.UNREADABLE_FILE, "one column only")
    what = f"named {', '.join(table.labels)}" if table.labels else "without names"
    raise FileProblemError(
        Reason.SIGNALS_UNKNOWN,
        f"{n_columns} columns {what}: say which with --columns, e.g. energy=1,mu=2",
    )


def _has_axis(columns: Columns) -> bool:
    return columns.energy >= 0 or columns.angle >= 0


def _has_signal(columns: Columns) -> bool:
    measured = columns.i0 >= 0 and (columns.it >= 0 or bool(columns.channels))
    foil = columns.it >= 0 and columns.ir >= 0
    return columns.mu >= 0 or columns.norm >= 0 or measured or foil


def _named(labels: Sequence[str], element: str, signals: Signals) -> Columns:
    simple = [_simple(label) for label in labels]

    def one(role: str, configured: str = "") -> int:
        if configured and configured in labels:
            return labels.index(configured)
        for pattern in _NAMES[role]:
            for position, name in enumerate(simple):
                if re.fullmatch(pattern, name):
                    return position
        return -1

    return Columns(
        energy=one("energy", signals.energy),
        angle=one("angle", signals.bragg),
        mu=one("mu", signals.mu),
        norm=one("norm"),
        foil=one("foil"),
        i0=one("i0", signals.i0),
        it=one("it", signals.it),
        ir=one("ir", signals.ir),
        channels=_channels(labels, simple, element, signals),
    )


def _channels(
    labels: Sequence[str], simple: Sequence[str], element: str, signals: Signals
) -> dict[str, int]:
    if signals.fluorescence:
        from fnmatch import fnmatchcase

        found = {
            name: i
            for i, name in enumerate(labels)
            if any(fnmatchcase(name, pattern) for pattern in signals.fluorescence)
        }
        if found:
            return found
    own = (rf"{element.lower()}_?\d+",) if element else ()
    for pattern in (*own, *_CHANNELS):
        found = {labels[i]: i for i, name in enumerate(simple) if re.fullmatch(pattern, name)}
        if found:
            return found
    return {}


def _chosen(table: Table, chosen: Mapping[str, str]) -> Columns:
    positions = {
        role: {word: _position(table, word.strip()) for word in words.split("+")}
        for role, words in chosen.items()
    }
    several = [role for role, found in positions.items() if len(found) > 1 and role != "if"]
    single = {role: next(iter(found.values())) for role, found in positions.items()}
    axis, signal = ("energy", "angle"), ("mu", "norm", "i0", "it", "ir")
    energy, angle = (single.get(role, -1) for role in axis)
    mu, norm, i0, it, ir = (single.get(role, -1) for role in signal)
    channels = positions.get("if", {})
    columns = Columns(energy, angle, mu, norm, i0=i0, it=it, ir=ir, channels=channels)
    if several or not _has_axis(columns) or not _has_signal(columns):
        raise FileProblemError(
            Reason.SIGNALS_UNKNOWN,
            "--columns needs energy (or angle) and mu, norm, i0 with it or if, or it with ir",
        )
    return columns


def _position(table: Table, word: str) -> int:
    n_columns = table.values.shape[1]
    if word in table.labels:
        return table.labels.index(word)
    if word.isdigit() and 1 <= int(word) <= n_columns:
        return int(word) - 1
    names = f" or {', '.join(table.labels)}" if table.labels else ""
    raise FileProblemError(
        Reason.SIGNALS_UNKNOWN, f"no column {word!r}: give 1 to {n_columns}{names}"
    )


def _simple(label: str) -> str:
    """Return a label without units in brackets, case and decoration."""
    lowered = label.strip().lower()
    if lowered in {"mu(e)", "µ(e)", "μ(e)", "xmu(e)"}:
        return "mu"
    without = re.sub(r"[\(\[{].*?[\)\]}]", "", lowered)
    return re.sub(r"[^a-z0-9]+", "_", without.replace("µ", "mu").replace("μ", "mu")).strip("_")
