"""Compute the spectra of the simulated beamline with FEFF10.

Not needed at run time: the result, ``data/library.json``, is in the package.
To make it again (extra ``feff``; a few minutes on one core)::

    python -m research.feff.library --out library.json --training *.parquet

Structures are those of the American Mineralogist Crystal Structure Database
(AMCSD) that xraylarch carries.  ``--training`` names tables of training
spectra (columns ``absorber, formula, energy, mu``): a material whose formula is
in there under the same absorber is refused, so that the demo scores models on
materials they have not seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from research.feff.shell import coordination_label, shell_indices

# glibc gives large arrays back at every energy point: keeping them is four times faster.
_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "1099511627776",
    "MALLOC_TOP_PAD_": "268435456",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_STAGES = ("RDINP", "ATOMIC", "POT", "XSPH", "FMS", "MKGTR", "PATH", "GENFMT", "FF2X")
_CLUSTER_RADIUS = 7.5


@dataclass(frozen=True)
class Site:
    """An absorbing site to compute.

    Parameters
    ----------
    key : str
        Name in the library.
    amcsd_id : int
        Structure.
    absorber : str
        Element symbol.
    index : int
        Site in the conventional cell that pymatgen reads from the CIF.
    """

    key: str
    amcsd_id: int
    absorber: str
    index: int


SITES = (
    Site("Cr-eskolaite", 10596, "Cr", 0),
    Site("Cr-uvarovite", 8734, "Cr", 24),
    Site("Cr-tarapacaite", 9457, "Cr", 8),
    Site("Cr-crocoite", 9297, "Cr", 0),
    Site("V-Sr2VO4", 16377, "V", 4),
    Site("V-vuorelainenite", 19145, "V", 8),
    Site("V-cavoite-1", 9473, "V", 4),
    Site("V-cavoite-2", 9473, "V", 12),
    Site("V-wakefieldite", 9472, "V", 4),
    Site("V-gurimite", 10708, "V", 3),
    Site("Fe-andradite", 246, "Fe", 24),
    Site("Fe-hematite", 143, "Fe", 0),
    Site("Fe-BaCaFe4O8", 15999, "Fe", 2),
)


@dataclass(frozen=True)
class Settings:
    """FEFF cards that differ between attempts.

    Parameters
    ----------
    scf_radius, fms_radius : float
        In angstrom.
    iterations : int
        Of the self-consistent field.
    mixing : float
        Of the self-consistent field.
    """

    scf_radius: float = 3.5
    fms_radius: float = 6.0
    iterations: int = 15
    mixing: float = 0.2
    xanes: str = "XANES 3.7 0.07 0.25"
    fixed: tuple[str, ...] = field(default=("COREHOLE FSR", "EXCHANGE 0 0.0 0.0 2"))

    @property
    def cards(self) -> list[str]:
        """The cards, as written to feff.inp besides EDGE, CONTROL and S02."""
        scf = f"SCF {self.scf_radius} 0 {self.iterations} {self.mixing} 1"
        return [*self.fixed, scf, f"FMS {self.fms_radius} 0", self.xanes]


ATTEMPTS = (Settings(), Settings(scf_radius=4.0), Settings(scf_radius=3.2, mixing=0.1))
"""About one site in ten diverges; another radius or mixing then helps."""


def _run_feff(structure: Any, site: Site, settings: Settings, work: Path) -> Any:
    """Run FEFF10 on one site and return its table ``xmu.dat``."""
    import feff10
    from pymatgen.core.periodic_table import Element

    centre = structure[site.index]
    cluster = sorted(structure.get_neighbors(centre, _CLUSTER_RADIUS), key=lambda n: n.nn_distance)
    symbols = list(dict.fromkeys(n.specie.symbol for n in cluster))
    potentials = [feff10.Potential(0, Element(site.absorber).Z, site.absorber)]
    potentials += [feff10.Potential(i, Element(s).Z, s) for i, s in enumerate(symbols, 1)]
    atoms = [feff10.Atom(0.0, 0.0, 0.0, 0, site.absorber, 0.0)]
    for n in cluster:
        x, y, z = (float(c) for c in n.coords - centre.coords)
        s = n.specie.symbol
        atoms.append(feff10.Atom(x, y, z, symbols.index(s) + 1, s, float(n.nn_distance)))
    source = feff10.FeffInput(
        title=[site.key],
        edge="K",
        s02=0.0,
        control=[1] * 6,
        potentials=potentials,
        atoms=atoms,
        other_cards=settings.cards,
    )
    stages = [getattr(feff10.Stage, s) for s in _STAGES]
    config = feff10.FeffConfig(str(work), source, stages=stages, stage_timeout=300.0)
    return feff10.FeffPipeline(config).run().read_xmu()


def compute_site(site: Site) -> dict[str, Any]:
    """Compute one site and return its entry of the library, energies as FEFF gives them.

    Raises
    ------
    RuntimeError
        If FEFF fails with all settings.
    ValueError
        If the shell is no clear T4, S5 or O6, or the site is another element.
    """
    import feff10
    import larixite  # type: ignore[import-untyped]
    from pymatgen.core.structure import Structure

    cif = larixite.get_amcsd(download_full=False).get_cif(site.amcsd_id)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # AMCSD's coordinates are rounded; pymatgen says so
        structure = Structure.from_str(cif.ciftext, "cif")
    centre = structure[site.index]
    if not structure.is_ordered or centre.specie.symbol != site.absorber:
        raise ValueError(f"{site.key}: no ordered {site.absorber} site {site.index}")
    # All are oxides: face-sharing metals come nearer than the ratio of the shell.
    near = [n for n in structure.get_neighbors(centre, 3.4) if n.specie.symbol == "O"]
    distances = np.array([n.nn_distance for n in near])
    shell = shell_indices(distances)
    label = coordination_label(np.array([near[i].coords - centre.coords for i in shell]))
    paper = cif.publication
    entry: dict[str, Any] = {
        "key": site.key,
        "absorber": site.absorber,
        "edge": "K",
        "label": label,
        "mineral": cif.get_mineralname(),
        "formula": structure.composition.reduced_formula,
        "amcsd_id": site.amcsd_id,
        "citation": f"{', '.join(paper.authors)}, {paper.journalname} {paper.volume} "
        f"({paper.year}) {paper.page_first}-{paper.page_last}",
        "site": site.index,
        "shell": [[near[i].specie.symbol, round(float(distances[i]), 3)] for i in shell],
        "next_distance": round(float(np.delete(distances, shell).min()), 3)
        if len(distances) > len(shell)
        else None,
    }
    failures = []
    for settings in ATTEMPTS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as work:
            try:
                table = _run_feff(structure, site, settings, Path(work))
            except feff10.FeffError as error:
                failures.append(f"{settings.cards}: {error}")
                continue
        energy, k, mu = (np.array(table.column(i)) for i in (0, 2, 3))
        if not (np.all(np.isfinite(mu)) and 0.7 < mu[-1] < 1.3 and mu.min() > -0.05):
            failures.append(f"{settings.cards}: not a spectrum, mu {mu.min():.3f} .. {mu[-1]:.3f}")
            continue
        entry["feff"] = {
            "version": f"feff10-rs {version('feff10-rs')}",
            "cards": ["EDGE K", "S02 0", "CONTROL 1 1 1 1 1 1", *settings.cards],
            "fermi_level": round(float(np.interp(0.0, k, energy)), 3),
            "seconds": round(time.monotonic() - began, 1),
        }
        entry["energy"], entry["mu"] = energy.tolist(), mu.tolist()
        return entry
    raise RuntimeError(f"{site.key}: FEFF failed: {failures}")


def align(entries: Sequence[dict[str, Any]]) -> None:
    """Shift all energies of an absorber by one number, in place.

    The Fermi level (k = 0) of the absorber's first site goes to the tabulated
    edge.  One shift an absorber keeps the chemical shifts between the sites.
    """
    import xraydb

    shifts: dict[str, float] = {}
    for entry in entries:
        table = float(xraydb.xray_edge(entry["absorber"], entry["edge"]).energy)
        shift = shifts.setdefault(entry["absorber"], table - entry["feff"]["fermi_level"])
        entry["feff"]["energy_shift"] = round(shift, 3)
        entry["energy"] = [round(e + shift, 3) for e in entry["energy"]]
        entry["mu"] = [round(m, 5) for m in entry["mu"]]


def check_unseen(entries: Sequence[dict[str, Any]], tables: Sequence[Path]) -> dict[str, Any]:
    """Refuse materials of the training tables; say how near the nearest spectrum is.

    ``nearest_training`` of an entry is the smallest mean absolute difference of
    edge-normalized mu over -5 to +30 eV around the Fermi level or half-height,
    whichever shift within 6 eV is best, to any training spectrum of the absorber.

    Raises
    ------
    ValueError
        If a formula is in a table under the same absorber.
    """
    import pandas as pd
    from pymatgen.core.composition import Composition

    seen = pd.concat([pd.read_parquet(t)[["absorber", "formula", "energy", "mu"]] for t in tables])
    for entry in entries:
        same = seen[seen.absorber == entry["absorber"]]
        formulas = {Composition(f).reduced_formula for f in same.formula.unique()}
        if entry["formula"] in formulas:
            raise ValueError(f"{entry['key']}: {entry['formula']} is in the training set")
        entry["nearest_training"] = round(
            _nearest(entry, list(zip(same.energy, same.mu, strict=True))), 4
        )
    return {
        "rule": "no material of the same reduced formula under the same absorber",
        "tables": {t.name: hashlib.sha256(t.read_bytes()).hexdigest() for t in tables},
    }


def _half_height(energy: np.ndarray, mu: np.ndarray) -> tuple[float, np.ndarray]:
    """Return where mu, scaled by its mean over the last third, last rises through a half."""
    scaled = mu / mu[2 * len(mu) // 3 :].mean()
    rising = np.flatnonzero((scaled[:-1] < 0.5) & (scaled[1:] >= 0.5))
    return float(energy[rising[-1]]), scaled


def _nearest(entry: dict[str, Any], others: list[tuple[Any, Any]]) -> float:
    origin, mu = _half_height(np.array(entry["energy"]), np.array(entry["mu"]))
    energy = np.array(entry["energy"]) - origin
    best = np.inf
    for other_energy, other_mu in others:
        if len(other_energy) < 10 or not np.all(np.isfinite(other_mu)):
            continue
        try:
            start, scaled = _half_height(np.asarray(other_energy), np.asarray(other_mu))
        except IndexError:  # never rises through a half: no spectrum
            continue
        x = np.asarray(other_energy) - start
        grid = np.arange(-8.0, min(30.0, x[-1] - 3.0), 0.5)
        theirs = np.interp(grid, x, scaled)
        for shift in np.arange(-2.0, 2.1, 0.5):
            mine = np.interp(grid + shift, energy, mu)
            scale = (mine @ theirs) / (theirs @ theirs)  # short tables normalize badly
            best = min(best, float(np.abs(mine - scale * theirs).mean()))
    return best


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute the library and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--training", type=Path, nargs="*", default=[], help="training tables")
    parser.add_argument("--keep", type=Path, help="folder of finished sites, to go on after a stop")
    options = parser.parse_args(arguments)
    os.environ.update(_ENVIRONMENT)  # FEFF's stages are processes of their own and inherit it
    entries = []
    for site in SITES:
        kept = options.keep / f"{site.key}.json" if options.keep else None
        if kept and kept.exists():
            entry = json.loads(kept.read_text())
        else:
            try:
                entry = compute_site(site)
            except RuntimeError as error:
                print(error, file=sys.stderr)  # noqa: T201 - a script
                continue
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(entry))
        entries.append(entry)
        print(site.key, entry["label"], entry["shell"], entry["feff"]["seconds"], "s")  # noqa: T201
    align(entries)
    library = {
        "about": "Computed K-edge XANES of the simulated beamline; mu is edge-normalized.",
        "command": "python -m research.feff.library --out live_lce/sim/data/library.json",
        "alignment": "One shift an absorber: the Fermi level (k = 0) of its first site "
        "lies at the tabulated edge (xraydb).",
        "unseen": check_unseen(entries, options.training) if options.training else None,
        "sites": entries,
    }
    options.out.write_text(json.dumps(library, indent=None, separators=(",", ":")) + "\n")
    return 0 if entries else 1


if __name__ == "__main__":
    raise SystemExit(main())
