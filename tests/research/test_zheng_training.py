"""From labelled spectra to a shipped forest: one model, made twice, and refused where data lack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from live_lce.classifiers import Registry
from live_lce.datasets import Rows
from live_lce.datasets._rows import FINE
from live_lce.labels._order_parameters import CNS, MOTIFS
from research.zheng2020.joint import CLASSES
from research.zheng2020.labels import LabelTable

pytestmark = pytest.mark.slow

KINDS = ((4, "tetrahedral"), (5, "square pyramidal"), (6, "octahedral"))


def _labelled(n: int) -> tuple[Rows, LabelTable]:
    """Return n distinct spectra of each kind, single sites of structures of their own."""
    rng = np.random.default_rng(0)
    spectra, kinds = [], []
    for kind in range(len(KINDS)):
        for _ in range(n):
            shift, height = rng.normal(0, 1.0), rng.uniform(0.3, 0.8)
            pre = (0.35 - 0.15 * kind) * rng.uniform(0.6, 1.4)
            y = 0.5 + np.arctan(FINE / rng.uniform(1, 3)) / np.pi
            y += height * np.exp(-(((FINE - 4 - 3 * kind - shift) / 3) ** 2))
            y += pre * np.exp(-(((FINE + 9) / 1.5) ** 2)) + 0.2 * np.sin(FINE / 4 + shift) ** 2
            spectra.append(y)
            kinds.append(kind)
    total = len(kinds)
    names = np.array([f"s{i}" for i in range(total)])
    made = rng.permutation(total)
    rows = Rows(
        np.stack(spectra)[made],
        np.full(total, -15.0),
        np.full(total, 20.0),
        np.zeros(total),
        np.array(kinds)[made],
        names,
        names,
        names,
        np.full(total, "made.parquet"),
        np.array([f"{i:012x}" for i in range(total)]),
        {},
    )
    sites = {}
    for name, kind in zip(names.tolist(), rows.label, strict=True):
        one = np.zeros(len(CNS) + len(MOTIFS))
        one[CNS.index(KINDS[kind][0])] = 1.0
        one[len(CNS) + MOTIFS.index(KINDS[kind])] = 0.9
        sites[name] = one
    return rows, LabelTable(sites, {(name, "Fe"): one for name, one in sites.items()})


def test_training_is_repeatable_and_honest(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="needs the extra `train`")
    from research.zheng2020.forest import Source, train

    rows, table = _labelled(40)
    source = Source(table, {}, {"made.parquet": "0" * 64})
    card = train(rows, "Fe", source, tmp_path / "a")
    again = train(rows, "Fe", source, tmp_path / "b")
    assert card is not None
    assert card == again
    assert card.training.rows == {"T4": 40, "S5": 40, "O6": 40, "other": 0}
    assert sorted(card.training.fold_of()) == sorted(rows.fingerprint.tolist())
    metrics = card.metrics["cross-validated"]
    assert metrics["accuracy"] > 0.7 > metrics["majority_accuracy"]
    assert metrics["samples"]["site"] == 120

    session = Registry(tmp_path / "a").session(card)
    grid = card.grid.energies
    values = np.stack([np.interp(grid, FINE, one) for one in rows.norm])
    said = session.run(values)
    assert said.members is not None
    fold = card.training.fold_of()
    member = np.array([fold[one] for one in rows.fingerprint.tolist()])
    seen = said.members[np.arange(120), (member + 1) % 5].argmax(axis=1)
    unseen = said.members[np.arange(120), member].argmax(axis=1)
    assert (seen == rows.label).mean() > 0.97  # what trees remember
    assert (unseen == rows.label).mean() == pytest.approx(metrics["accuracy"], abs=0.03)
    assert [CLASSES[i] for i in range(3)] == ["T4", "S5", "O6"]
    assert np.median(said.ood_score) < 1


def test_too_few_spectra_make_no_model(tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="needs the extra `train`")
    from research.zheng2020.forest import Source, train

    rows, table = _labelled(25)
    assert train(rows, "Fe", Source(table, {}, {"made.parquet": ""}), tmp_path) is None
    assert not list(tmp_path.iterdir())
