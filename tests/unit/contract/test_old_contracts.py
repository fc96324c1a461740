"""Runs of older contracts, as older versions made them, are read everywhere."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from tiled.structures.core import Spec

from live_lce.contract import CONTRACT_VERSION
from live_lce.publish import republish
from live_lce.results import (
    analyses,
    export,
    measured_points,
    predictions,
    spectra,
)
from live_lce.tiled import EmbeddedTiled, analyses_of
from tools.old_contracts import LAST, RAW_UID

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("version", list(LAST))
def test_old_runs_are_read(server: EmbeddedTiled, version: str, tmp_path: Path) -> None:
    assert version != CONTRACT_VERSION
    spool = tmp_path / "spool"
    spool.mkdir()
    packed = DATA / f"contract-{version}.jsonl.gz"
    (spool / "old.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    client = server.client()
    runs = client.create_container(version, specs=[Spec("CatalogOfBlueskyRuns", "3.0")])
    assert republish(spool, runs).published == 1
    (run,) = analyses(runs).itertuples()
    assert (run.label, run.status, run.n_final, run.sample) == ("O6", "ok", 1, "rust")
    table = predictions(runs)
    assert table["final"].tolist() == [0, 0, 1] and (table["p_O6"] > 0.5).all()
    before_1_4 = version < "1.4"
    for name in ("spread_T4", "spread_S5", "spread_O6"):
        assert table[name].dtype == "float64" and table[name].isna().all() == before_1_4
    assert (table["signals"] == "").all()  # not known before 1.5
    (spectrum,) = spectra(runs, RAW_UID)
    assert spectrum.run.contract == version and np.isfinite(spectrum.norm).all()
    for name in ("a.prj", "xdi", "a.nxs"):
        if name == "a.nxs":
            pytest.importorskip("h5py")
        export([spectrum], tmp_path / name)
        assert (tmp_path / name).exists()
    assert bool(measured_points(runs, spectrum.run.analysis.uid)) != before_1_4
    (found,) = analyses_of(runs, [RAW_UID])[RAW_UID]
    assert found.complete and not found.superseded_by
    client.context.close()
