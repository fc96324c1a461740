"""Read the formats of facilities and programs that rexafs recognizes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from live_lce.contract import Reason
from live_lce.datafiles._header import pairs
from live_lce.datafiles._table import FileProblemError, Table
from live_lce.spectra._energy import bragg_to_energy

_OURS = {"text", "xdi", "spec", "lnls"}
"""What `datafiles.text` reads with fewer conditions, and with all columns."""
_WORDS = {
    "9809": "9809 (Photon Factory, SPring-8)",
    "ssrl_ascii": "SSRL ASCII",
    "ssrl_micro": "SSRL microXAFS",
    "cls_acquisition": "CLS Data Acquisition",
    "fio": "FIO (DESY)",
    "srs": "SRS (Daresbury)",
    "athena": "Athena project",
    "larix": "Larix session",
}
_NOT_MU = ("is_chi", "is_xmudat", "is_bkg", "is_diff", "is_pixel", "is_rsp")
ATHENA_STARTS = ("# Athena project file", "#Athena project file")


def is_athena(text: str) -> bool:
    """Tell whether a file's text is an Athena project, also one in JSON."""
    return text.startswith(ATHENA_STARTS) or (
        text.lstrip()[:1] == "{" and "____header" in text[:2000]
    )


def read_known(content: str | bytes) -> list[Table] | None:
    """Return the tables of a format that rexafs knows; None if it knows none, or only text.

    Raises
    ------
    FileProblemError
        `unreadable_file` if a project or session is damaged, or holds no absorption.
    """
    from rexafs.io import parse_measurement

    try:
        document = parse_measurement(content).document
    except ValueError as error:
        if isinstance(content, str) and is_athena(content):
            return _undamaged(content, str(error))
        return None
    form = document["format"]
    if form in _OURS:
        return None
    if form == "athena":
        text = content if isinstance(content, str) else ""
        records = len(re.findall(r"^\[record\]", text, re.M))
        if text.startswith(ATHENA_STARTS) and records < len(document["scans"]):
            return _undamaged(text, "a group is torn")
        return _groups(document["scans"])
    alone = len(document["scans"]) == 1
    return [_table(scan, _WORDS.get(form, form), alone) for scan in document["scans"]]


def _table(scan: Any, form: str, alone: bool) -> Table:
    columns = scan["columns"]
    axis: dict[str, Any] = scan["signals"][0]["mapping"]["energy"] if scan["signals"] else {}
    values = np.array([column["values"] for column in columns], dtype=float).T
    units = [column["units"] or "" for column in columns]
    labels = [re.sub(r"^column_\d+$", "", column["name"]) for column in columns]
    lines = scan["header"].splitlines()[:2000]
    labels = [re.sub(r"^(i0|it|fluorescence)_\d+$", r"\1", label) for label in labels]
    if form == _WORDS["srs"] and len(values) > 1 and values[0, 0] > values[-1, 0]:
        labels[0], units[0] = "angle", "mdeg"  # most scans go up in energy
    if axis.get("kind") == "offset_ev":  # FDMNES: energies relative to the edge
        values[:, 0] += axis["offset_ev"]
    if labels[0] == "motor_steps" and axis.get("kind") == "bragg":  # Lytle's files
        angle = values[:, 0] * axis["degrees_per_unit"]
        values[:, 0] = bragg_to_energy(angle, axis["d_spacing"])
        labels[0], units[0] = "energy", "eV"
    return Table(
        values=values.reshape(-1, len(columns)),
        labels=tuple(labels) if any(labels) else (),
        units=tuple(units) if any(labels) else (),
        header=pairs(line[:4000] for line in lines),
        text="\n".join(line[:4000] for line in lines),
        name="" if alone else scan["label"],
        format=form,
        suggested=_suggested(scan["signals"]),
    )


def _suggested(signals: Any) -> dict[str, tuple[int, ...]]:
    """Return the first signal that rexafs knows of a format."""
    if not signals:
        return {}
    mapping = signals[0]["mapping"]
    signal = mapping["signal"]
    roles = {"column": "mu", "incident": "i0", "transmitted": "it", "detectors": "if"}
    found = {role: signal[key] for key, role in roles.items() if key in signal}
    found["energy"] = mapping["energy_column"]
    return {role: tuple(at) if isinstance(at, list) else (at,) for role, at in found.items()}


def _undamaged(text: str, error: str) -> list[Table]:
    """Return the groups of a damaged project that are whole; the first says what is left out."""
    from rexafs.io import parse_measurement

    scans: list[Any] = []
    bad = 0
    for alone in _each_group(text):
        try:
            scans += parse_measurement(alone).document["scans"]
        except ValueError:
            bad += 1
    found = [table for scan in scans if (table := _group(scan)) is not None]
    if not found:
        raise FileProblemError(Reason.UNREADABLE_FILE, f"damaged Athena project: {error}")
    first, *others = found
    words = f"; damaged Athena project, {bad} of its groups left out: {error}"
    return [replace(first, remark=first.remark + words), *others]


def _each_group(text: str) -> Iterator[str]:
    """Yield a project of each group of a project; without ``[record]`` it is torn."""
    if text.startswith(ATHENA_STARTS):
        head, *groups = re.split(r"^(?=\$old_group\b)", text, flags=re.M)
        yield from (head + (group if "\n[record]" in group else "(") for group in groups)
        return
    try:
        whole = json.loads(text)
    except ValueError:
        return
    own = [key for key, value in whole.items() if isinstance(value, dict) and "args" in value]
    for key in own:
        rest = {name: value for name, value in whole.items() if name not in own}
        order = {name: [key] for name in rest if name.endswith("_order")}
        yield json.dumps(rest | order | {key: whole[key]})


def _groups(scans: list[Any]) -> list[Table]:
    """Return the groups that hold absorption; chi(k), differences and the like are left out."""
    found = [table for scan in scans if (table := _group(scan)) is not None]
    if not found:
        detail = f"an Athena project of {len(scans)} groups, none with absorption over energy"
        raise FileProblemError(Reason.UNREADABLE_FILE, detail)
    return found


def _group(scan: Any) -> Table | None:
    args = _arguments(scan["header"])
    if any(_number(args.get(name)) for name in _NOT_MU):
        return None
    # The shift was chosen by the user in Athena, which stores the energies without it.
    shift = _number(args.get("bkg_eshift"))
    energy, mu = (np.array(column["values"], dtype=float) for column in scan["columns"][:2])
    absorber = str(args.get("atsym") or args.get("bkg_z") or "")
    return Table(
        values=np.column_stack([energy + shift, mu]),
        labels=("energy", "norm" if _number(args.get("is_nor")) else "mu"),
        units=("eV", ""),
        header={
            "guessed_absorber": "" if absorber == "H" else absorber,  # H: Athena knows none
            "guessed_edge": str(args.get("edge") or args.get("fft_edge") or ""),
            "sample_name": scan["label"],
        },
        name=scan["label"] or scan["id"],
        format=_WORDS["athena"],
        remark=f", shifted by {shift:g} eV as in the Athena project" if shift else "",
    )


def _arguments(header: str) -> dict[str, Any]:
    """Return a group's arguments, from JSON or from lines such as ``edge: 'K'``."""
    if header.startswith("{"):
        found: dict[str, Any] = json.loads(header)
        return found
    said = (line.partition(": ") for line in header.splitlines())
    return {key: value.strip().strip("'\"") for key, _, value in said}


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
