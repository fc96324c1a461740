"""Compute the examples of what is no T4, S5 or O6 with FEFF10.

Not needed at run time: the result, ``training/data/outliers.json``, is in the package.
To make it again (extra ``feff``; about twenty minutes on one core)::

    python -m research.feff.outliers --keep FOLDER --out outliers.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.feff.coarse import feff_version, set_environment, spectrum, write_sites
from research.feff.outlier_structures import Outlier, outliers


def compute(outlier: Outlier) -> dict[str, Any]:
    """Compute one spectrum.

    Raises
    ------
    RuntimeError
        If FEFF fails with all settings.
    """
    structure = outlier.build()
    index = [site.specie.symbol for site in structure].index(outlier.absorber)
    return {
        "absorber": outlier.absorber,
        "kind": outlier.kind,
        "name": outlier.name,
        "prototype": outlier.prototype,
        "formula": structure.composition.reduced_formula,
        **spectrum(structure, outlier.absorber, index, outlier.name).to_json(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute all that is not kept, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="folder of finished spectra")
    options = parser.parse_args(arguments)
    set_environment()
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
    write_sites(
        options.out,
        "Computed K-edge XANES of idealized structures that are no oxides: own data.",
        "python -m research.feff.outliers --keep FOLDER --out outliers.json",
        feff_version(),
        sites,
    )
    return 0 if sites else 1


if __name__ == "__main__":
    raise SystemExit(main())
