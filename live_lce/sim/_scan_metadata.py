"""Compose the start document of a scan, with names of XDI, NSLS-II and APS.

At the top ``element``, ``edge`` and ``sample`` (as haven and BITS at APS, ISS and QAS at
NSLS-II), and under ``XDI`` the families of the XDI dictionary 1.0 (as BMM at NSLS-II, from
which it writes XDI files): ``Element``, ``Sample``, ``Scan``, and what the devices say of
themselves in an attribute ``xdi``: ``Mono``, ``Detector``, ``Facility``, ``Beamline``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def scan_metadata(
    devices: Iterable[Any],
    *,
    element: str,
    edge: str,
    edge_energy: float,
    sample: str,
    truth: Mapping[str, float],
    mode: str,
    md: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the metadata of a scan.

    Parameters
    ----------
    devices : iterable
        What they say in an attribute `xdi` (family -> tag -> value) is taken.
    element, edge : str
        What is scanned.
    edge_energy : float
        In eV, from which the regions count: ``XDI.Scan.edge_energy``.
    sample : str
        Name of the sample.
    truth : mapping of str to float
        Known fraction by coordination label; empty where it is not known.
    mode : str
        How it is measured: transmission, fluorescence or reference.
    md : mapping
        The user's; counts more, also within ``XDI``.
    """
    xdi: dict[str, Any] = {
        "Element": {"symbol": element, "edge": edge},
        "Sample": {"name": sample},
        "Scan": {"edge_energy": edge_energy},
        "_mode": mode,
    }
    for device in devices:
        xdi = merged(xdi, getattr(device, "xdi", {}))
    metadata: dict[str, Any] = {
        "plan_name": "xanes",
        "element": element,
        "edge": edge,
        "sample": sample,
        "XDI": xdi,
    }
    if truth:
        metadata["truth"] = dict(truth)
    return merged(metadata, md)


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, mappings within mappings too; the second counts more."""
    result = dict(first)
    for name, value in second.items():
        old = result.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[name] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result
