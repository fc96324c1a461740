"""Which neighbours a site is bonded to, with pymatgen's CrystalNN."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core.local_env import CrystalNN
    from pymatgen.core.sites import PeriodicSite
    from pymatgen.core.structure import Structure

# Structures without oxidation states take covalent radii; both warnings say no more than that.
_RADII = "(No oxidation states specified|CrystalNN: cannot locate an appropriate radius)"


@dataclass(frozen=True)
class Bonding:
    """The coordination numbers that a site may have, and the neighbours that go with each.

    Attributes
    ----------
    weights : dict of int to float
        Weight of each coordination number; they add up to one.
    shells : dict of int to tuple of PeriodicSite
        As many neighbours as the coordination number says.
    """

    weights: dict[int, float]
    shells: dict[int, tuple[PeriodicSite, ...]]

    @property
    def cn(self) -> int:
        """The coordination number of the largest weight."""
        return max(self.weights, key=self.weights.__getitem__)

    @property
    def shell(self) -> tuple[PeriodicSite, ...]:
        """The neighbours at that coordination number."""
        return self.shells[self.cn]


@lru_cache(maxsize=1)
def _finder() -> CrystalNN:
    from pymatgen.core.local_env import CrystalNN

    made: CrystalNN = CrystalNN()  # type: ignore[no-untyped-call]
    return made


def bonding(structure: Structure, site: int) -> Bonding:
    """Find the neighbours of a site with CrystalNN's defaults.

    Parameters
    ----------
    structure : Structure
        Ordered; oxidation states are used where the structure has them.
    site : int
        Index into the structure, from 0.

    Returns
    -------
    Bonding
        Weights and neighbours by coordination number.

    Notes
    -----
    Zimmermann and Jain, RSC Adv. 10, 6063 (2020).
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_RADII)
        data = _finder().get_nn_data(structure, site)
    return Bonding(
        weights={int(cn): float(weight) for cn, weight in data.cn_weights.items()},
        shells={int(cn): tuple(n["site"] for n in found) for cn, found in data.cn_nninfo.items()},
    )
