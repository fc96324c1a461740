"""Compute the edges of metal foils with FEFF10: ``live_lce/spectra/_foil_shapes.py``.

Not needed at run time.  To make the table again (extra ``feff``; a minute a metal on one core)::

    python -m research.feff.metals --keep metals > live_lce/spectra/_foil_shapes.py

The metals' structures are those of every textbook (R. W. G. Wyckoff, Crystal Structures, 1963;
manganese: alpha, the mean of its four sites).  Nothing measured goes in, so that every measured
foil is a test.  The energies count from the first inflection: the first maximum of the
derivative that has a fifth of the tallest one's height, of the spectrum broadened by 1 eV.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.spectra import Array
from research.feff.library import _ENVIRONMENT, Settings, Site, _run_feff

_FAST = "XANES 3.7 0.10 0.4"
ATTEMPTS = tuple(Settings(r, 5.2, 12, xanes=_FAST) for r in (3.5, 4.0, 4.5))
"""A radius of 5.2 angstrom holds four to five shells of a metal."""
BROADENING = 1.0
"""Standard deviation (eV) of the monochromator's share; the core hole's is computed."""
STRETCH = 1.1
"""FEFF's rises lie too near to each other; one factor for all metals, chosen by five foils."""
LEAST_RISE = 0.2
START, END = -15, 40
"""Range of the table in eV from the first inflection, in steps of 1 eV."""
_TAIL = 15.0

BCC = {"V": 3.024, "Cr": 2.885, "Fe": 2.866, "Nb": 3.301}
FCC = {"Ni": 3.524, "Cu": 3.615}
HCP = {
    "Ti": (2.951, 4.684),
    "Co": (2.507, 4.069),
    "Zn": (2.665, 4.947),
    "Y": (3.648, 5.732),
    "Zr": (3.232, 5.147),
}
"""Lattice constants in angstrom."""
ALPHA_MN = (8.914, ((0, 0, 0), (0.317,) * 3, (0.357, 0.357, 0.034), (0.089, 0.089, 0.282)))
SITES_MN = {0: 2, 2: 8, 10: 24, 34: 24}
"""Index of each site of alpha manganese in the cell, and how many atoms sit there."""
METALS = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Y", "Zr", "Nb")
"""Not Mo, Ru, Pd, Ag: the core hole smears their rises, so that the first is a mere shoulder."""


def structure(metal: str) -> Any:
    """Return a metal's structure (pymatgen)."""
    from pymatgen.core import Lattice, Structure

    if metal == "Mn":
        a, sites = ALPHA_MN
        return Structure.from_spacegroup("I-43m", Lattice.cubic(a), ["Mn"] * 4, list(sites))
    if metal in HCP:
        lattice = Lattice.hexagonal(*HCP[metal])
        return Structure.from_spacegroup("P6_3/mmc", lattice, [metal], [[1 / 3, 2 / 3, 1 / 4]])
    group, a = ("Im-3m", BCC[metal]) if metal in BCC else ("Fm-3m", FCC[metal])
    return Structure.from_spacegroup(group, Lattice.cubic(a), [metal], [[0, 0, 0]])


def compute(metal: str, index: int) -> dict[str, Any]:
    """Compute one site: energies (eV) from the Fermi level, and mu."""
    import feff10

    cell = structure(metal)
    for settings in ATTEMPTS:
        with tempfile.TemporaryDirectory() as work:
            try:
                table = _run_feff(cell, Site(metal, 0, metal, index), settings, Path(work))
            except feff10.FeffError as error:
                print(metal, error, file=sys.stderr)  # noqa: T201 - a script
                continue
        energy, k, mu = (np.array(table.column(i)) for i in (0, 2, 3))
        fermi = float(np.interp(0.0, k, energy))
        return {"energy": (energy - fermi).tolist(), "mu": mu.tolist()}
    raise RuntimeError(f"{metal}: FEFF failed with all settings")


def on_grid(sites: Sequence[tuple[dict[str, Any], int]]) -> Array:
    """Return the weighted mean of a metal's sites, from `START` to `END` eV."""
    from scipy.interpolate import PchipInterpolator
    from scipy.ndimage import gaussian_filter1d

    step = 0.05
    x = np.arange(-45.0, 70.0, step)
    total = np.zeros(x.size)
    for site, weight in sites:
        e, mu = np.array(site["energy"]), np.array(site["mu"])
        inside = PchipInterpolator(e, mu)(np.clip(x, e[0], e[-1]))
        tail = mu[0] * _TAIL / (_TAIL + np.maximum(e[0] - x, 0.0))
        total += weight * np.where(x < e[0], tail, inside)
    norm = gaussian_filter1d(total / sum(w for _, w in sites), BROADENING / step)
    slope = np.gradient(norm, x)
    top = (slope[1:-1] > slope[:-2]) & (slope[1:-1] >= slope[2:])
    top &= (slope[1:-1] > LEAST_RISE * slope.max()) & (np.abs(x[1:-1]) < 12)
    first = x[1:-1][top][0]
    values: Array = np.interp(first + np.arange(START, END + 1) / STRETCH, x, norm)
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--keep", type=Path, required=True, help="folder of finished sites")
    options = parser.parse_args(arguments)
    options.keep.mkdir(parents=True, exist_ok=True)
    os.environ.update(_ENVIRONMENT)  # FEFF's stages are processes of their own and inherit it
    lines = []
    for metal in METALS:
        sites = []
        for index, weight in (SITES_MN if metal == "Mn" else {0: 1}).items():
            kept = options.keep / f"{metal}-{index}.json"
            if not kept.exists():
                kept.write_text(json.dumps(compute(metal, index)))
            sites.append((json.loads(kept.read_text()), weight))
        numbers = [str(round(1000 * v)) for v in on_grid(sites)]
        lines += [f'    ("{metal}", "K"): (', *_wrapped(numbers), "    ),"]
    head = [
        '"""The K edges of metal foils, computed: ``python -m research.feff.metals``."""',
        "",
        f"START = {float(START)}",
        '"""First energy of each row, in eV from the first inflection; the step is 1 eV."""',
        "# fmt: off",
        "SHAPES: dict[tuple[str, str], tuple[int, ...]] = {",
    ]
    tail = [
        "}",
        "# fmt: on",
        '"""Absorption in thousandths of the edge step, by metal and edge."""',
    ]
    print("\n".join([*head, *lines, *tail]))  # noqa: T201 - a script
    return 0


def _wrapped(numbers: Sequence[str], width: int = 90) -> list[str]:
    lines = [""]
    for number in numbers:
        if len(lines[-1]) + len(number) + 2 > width:
            lines.append("")
        lines[-1] += f" {number},"
    return ["       " + line for line in lines]


if __name__ == "__main__":
    raise SystemExit(main())
