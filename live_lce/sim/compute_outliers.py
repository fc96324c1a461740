"""Compute the examples of what is no T4, S5 or O6 with FEFF10.

Not needed at run time: the result, ``training/data/outliers.json``, is in the package.
To make it again (extra ``feff``; about twenty minutes on one core)::

    python -m live_lce.sim.compute_outliers --keep FOLDER --out outliers.json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from live_lce.sim.compute import _ENVIRONMENT, Settings, Site, _run_feff
from live_lce.sim.outlier_structures import Outlier, outliers

XANES = "XANES 3.7 0.10 0.4"
ATTEMPTS = (
    Settings(scf_radius=3.0, fms_radius=5.5, iterations=10, xanes=XANES),
    Settings(scf_radius=3.6, fms_radius=5.5, iterations=10, xanes=XANES),
    Settings(scf_radius=4.2, fms_radius=5.5, iterations=10, mixing=0.1, xanes=XANES),
)
"""Coarser than the library's: training varies the spectra far more than this does."""


def compute(outlier: Outlier) -> dict[str, Any]:
    """Compute one spectrum.

    Raises
    ------
    RuntimeError
        If FEFF fails with all settings.
    """
    import feff10

    structure = outlier.build()
    index = [site.specie.symbol for site in structure].index(outlier.absorber)
    failures = []
    for settings in ATTEMPTS:
        with tempfile.TemporaryDirectory() as work:
            site = Site(outlier.name, 0, outlier.absorber, index)
            try:
                table = _run_feff(structure, site, settings, Path(work))
            except feff10.FeffError as error:
                failures.append(str(error))
                continue
        energy, mu = np.array(table.column(0)), np.array(table.column(3))
        if not (np.isfinite(mu).all() and mu.min() > -0.05):
            failures.append("not a spectrum")
            continue
        return {
            "absorber": outlier.absorber,
            "kind": outlier.kind,
            "name": outlier.name,
            "prototype": outlier.prototype,
            "formula": structure.composition.reduced_formula,
            "cards": settings.cards,
            "energy": [round(float(e), 2) for e in energy],
            "mu": [round(float(m), 5) for m in mu],
        }
    raise RuntimeError(f"{outlier.name}: FEFF failed: {failures}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute all that is not kept, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="folder of finished spectra")
    options = parser.parse_args(arguments)
    os.environ.update(_ENVIRONMENT)  # FEFF's stages are processes of their own and inherit it
    options.keep.mkdir(parents=True, exist_ok=True)
    sites = []
    for outlier in outliers():
        kept = options.keep / f"{outlier.name.replace(': ', '-').replace(' ', '_')}.json"
        if not kept.exists():
            try:
                kept.write_text(json.dumps(compute(outlier)))
            except RuntimeError as error:
                print(error, file=sys.stderr)  # noqa: T201 - a script
                continue
        sites.append(json.loads(kept.read_text()))
    about = {
        "about": "Computed K-edge XANES of idealized structures that are no oxides: own data.",
        "command": "python -m live_lce.sim.compute_outliers --keep FOLDER --out outliers.json",
        "version": f"feff10-rs {version('feff10-rs')}",
    }
    text = json.dumps({**about, "sites": sites}, separators=(",", ":"))
    options.out.write_text(text + "\n")
    return 0 if sites else 1


if __name__ == "__main__":
    raise SystemExit(main())
