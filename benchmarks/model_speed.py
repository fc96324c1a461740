"""How long the shipped models take for a spectrum, on one core.

``python benchmarks/model_speed.py`` prints microseconds per spectrum for single spectra and for
batches of 256, each family's beside a matrix product that reads the input once (the floor).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from live_lce.classifiers import Registry

REPEATS, ROUNDS = 200, 7


def microseconds(work: Callable[[], object], spectra: int) -> float:
    """Return the least time per spectrum over several rounds."""
    repeats = max(5, REPEATS // spectra)
    best = float("inf")
    work()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(repeats):
            work()
        best = min(best, (time.perf_counter() - begun) / repeats / spectra)
    return 1e6 * best


def main() -> None:
    """Print the table."""
    registry = Registry()
    rng = np.random.default_rng(0)
    print(f"{'model':20s} {'single':>9s} {'x floor':>8s} {'of 256':>9s} {'x floor':>8s}")
    for card in registry.cards():
        if card.absorber not in ("Fe", "Cu"):
            continue
        session = registry.session(card)
        cells = []
        for spectra in (1, 256):
            norm = rng.random((spectra, card.grid.n_points)).astype(np.float32)
            weights = rng.random((card.grid.n_points, len(card.classes))).astype(np.float32)
            took = microseconds(lambda norm=norm, run=session.run: run(norm), spectra)
            floor = microseconds(lambda norm=norm, weights=weights: norm @ weights, spectra)
            cells.append(f"{took:9.1f} {took / floor:8.0f}")
        print(f"{card.name:20s} {' '.join(cells)}")


if __name__ == "__main__":
    main()
