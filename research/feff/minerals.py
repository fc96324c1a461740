r"""Compute spectra of mineral structures with FEFF10, to train on.

Not needed at run time: the result, ``training/data/minerals.json``, is in the package.
To make it again (extras ``feff`` and ``train``; about three hours on two cores)::

    python -m research.feff.minerals --keep FOLDER --jobs 2 \
        --out live_lce/training/data/minerals.json

Structures are chosen and labelled first (two minutes).  Each finished spectrum is kept in a
file of its own, so that a run can be stopped; ``null`` is kept where FEFF failed with all
settings, and such a site is left out: delete the file to try again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from live_lce._support.processes import process_pool
from research.feff.coarse import feff_version, set_environment, spectrum, write_sites
from research.feff.mineral_structures import (
    OXIDE_SITES,
    SITES_WITHOUT_OXYGEN,
    MineralSite,
    mineral_sites,
    read_mineral,
)

ABOUT = (
    "Computed K-edge XANES of ordered structures of the American Mineralogist Crystal Structure"
    " Database (Downs and Hall-Wallace, Am. Mineral. 88, 247 (2003)): own data."
)
COMMAND = "python -m research.feff.minerals --keep FOLDER --out minerals.json"
WHAT = ("absorber", "amcsd_id", "mineral", "formula", "site", "label")
SPECTRUM = ("cards", "energy", "mu")


def compute(site: MineralSite) -> dict[str, Any]:
    """Compute one spectrum, as it is kept.

    Raises
    ------
    RuntimeError
        If FEFF fails with all settings.
    """
    structure = read_mineral(site.amcsd_id)
    return spectrum(structure, site.absorber, site.site, site.name).to_json()


def compute_missing(sites: Sequence[MineralSite], keep: Path, jobs: int) -> None:
    """Compute the sites that are not kept yet.

    Parameters
    ----------
    sites : sequence of MineralSite
        In the order to begin them.
    keep : Path
        Folder of finished spectra.
    jobs : int
        Sites computed at the same time.
    """
    missing = [one for one in sites if not (keep / f"{one.name}.json").exists()]
    sys.stderr.write(f"{len(sites)} sites, {len(missing)} to compute\n")
    with process_pool(jobs, _begin) as workers:
        futures = {workers.submit(compute, one): one for one in missing}
        for done, future in enumerate(as_completed(futures), 1):
            name = futures[future].name
            try:
                entry, word = future.result(), "computed"
            except RuntimeError as error:
                entry, word = None, str(error)
            (keep / f"{name}.json").write_text(json.dumps(entry))
            sys.stderr.write(f"{done}/{len(missing)} {name}: {word}\n")


def kept_sites(sites: Iterable[MineralSite], keep: Path) -> Iterator[dict[str, Any]]:
    """Yield those sites that have a finished spectrum, by absorber, structure and site.

    Raises
    ------
    ValueError
        If a kept file is not as this module writes it.
    """
    for site in sorted(sites, key=lambda s: (s.absorber, s.amcsd_id, s.site)):
        path = keep / f"{site.name}.json"
        if not path.exists():
            continue
        try:
            kept = json.loads(path.read_text())
            if kept is not None:
                columns = {key: kept[key] for key in SPECTRUM}
                yield {key: getattr(site, key) for key in WHAT} | columns
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: {error!r}: no finished spectrum, delete the file") from None


def _begin() -> None:
    """Prepare a worker; FEFF's stages write much to standard output."""
    set_environment()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute all that is not kept, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    absorbers = sorted({*OXIDE_SITES, *SITES_WITHOUT_OXYGEN})
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="folder of finished spectra")
    parser.add_argument("--jobs", type=int, default=1, help="sites computed at the same time")
    parser.add_argument("--absorber", nargs="+", choices=absorbers, help="compute only these")
    parser.add_argument("--no-compute", action="store_true", help="write what is kept of all")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs: at least 1")
    options.keep.mkdir(parents=True, exist_ok=True)
    sites = list(mineral_sites())
    if not options.no_compute:
        chosen = [one for one in sites if one.absorber in (options.absorber or absorbers)]
        compute_missing(chosen, options.keep, options.jobs)
    try:
        done = list(kept_sites(sites, options.keep))
    except ValueError as error:
        parser.error(str(error))
    if not done:
        parser.error(f"{options.keep}: no finished spectrum in it")
    write_sites(options.out, ABOUT, COMMAND, feff_version(), done)
    sys.stderr.write(f"{options.out}: {len(done)} of {len(sites)} sites\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
