"""Groups of an Athena project, without evaluating anything in it.

xraylarch reads them too, but evaluates the text, keeps one of two groups that carry the
same name, and prints; here every record becomes a group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from live_lce.contract import Reason
from live_lce.sources.files_text import FileProblemError
from live_lce.spectra.types import Array

_PERL = "# Athena project file"
_JSON = "____header"
_ITEM = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(\[\s*\])|([^\s,()\[\];]+)")
_NOT_MU = ("is_chi", "is_xmudat", "is_bkg", "is_diff", "is_pixel", "is_rsp")


@dataclass(frozen=True)
class Group:
    """One group of a project.

    Parameters
    ----------
    label : str
        As shown in Athena.
    energy, mu : ndarray
        As stored; not sorted or checked.
    absorber, edge : str
        Empty if Athena did not know them.
    normalized : bool
        Whether Athena was told that the data are normalized.
    shift : float
        Energy shift that the user chose in Athena (eV), not yet added to `energy`.
    """

    label: str
    energy: Array
    mu: Array
    absorber: str = ""
    edge: str = ""
    normalized: bool = False
    shift: float = 0.0


def is_athena(text: str) -> bool:
    """Tell whether a file's text is an Athena project."""
    return text.startswith(_PERL) or (text.lstrip().startswith("{") and _JSON in text[:2000])


def read_groups(text: str) -> list[Group]:
    """Return the groups that hold absorption; chi(k), differences and the like are left out.

    Raises
    ------
    FileProblemError
        `unreadable_file` if the project is damaged or holds none.
    """
    try:
        records = list(_perl(text) if text.startswith(_PERL) else _json(text))
        groups = [g for record in records if (g := _group(*record)) is not None]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileProblemError(Reason.UNREADABLE_FILE, f"damaged Athena project: {error}") from None
    if not groups:
        raise FileProblemError(
            Reason.UNREADABLE_FILE,
            f"an Athena project of {len(records)} groups, none with absorption over energy",
        )
    return groups


_Record = tuple[str, Mapping[str, Any], Any, Any]


def _perl(text: str) -> Iterator[_Record]:
    record: dict[str, Any] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        key = key.strip()
        if key == "$old_group":
            record["key"] = _items(value)[0]
        elif key == "@args":
            items = _items(value)
            record["args"] = dict(zip(items[::2], items[1::2], strict=False))
        elif key in ("@x", "@y"):
            record[key[1]] = _items(value)
        elif line.startswith("[record]"):
            yield str(record.get("key", "")), record.get("args", {}), record["x"], record["y"]
            record = {}
    if "x" in record:
        raise ValueError("the last group is torn")


def _items(text: str) -> list[str]:
    found = []
    for match in _ITEM.finditer(text):
        single, double, empty, bare = match.groups()
        value = single if single is not None else double
        found.append(re.sub(r"\\(.)", r"\1", value) if value is not None else empty or bare)
    return found


def _json(text: str) -> Iterator[_Record]:
    project = json.loads(text)
    order = next((v for k, v in project.items() if k.startswith("_____order")), None)
    names = order if order is not None else [k for k in project if not k.startswith("____")]
    for name in names:
        record = project[name]
        yield str(name), record.get("args", {}), record["x"], record["y"]


def _group(key: str, args: Mapping[str, Any], x: Any, y: Any) -> Group | None:
    if any(_flag(args.get(name)) for name in _NOT_MU):
        return None
    absorber = str(args.get("atsym") or args.get("bkg_z") or "").strip().capitalize()
    known = bool(re.fullmatch(r"[A-Z][a-z]?", absorber)) and absorber != "H"  # H: Athena's unknown
    edge = str(args.get("edge") or args.get("fft_edge") or "").strip().capitalize()
    return Group(
        label=str(args.get("label") or key),
        energy=np.array(x, dtype=float),
        mu=np.array(y, dtype=float),
        absorber=absorber if known else "",
        edge=edge if known and re.fullmatch(r"K|[LM]\d", edge) else "",
        normalized=_flag(args.get("is_nor")),
        shift=_float(args.get("bkg_eshift")),
    )


def _flag(value: Any) -> bool:
    return _float(value) != 0.0


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
