"""What is drawn of a spectrum is what was published of it."""

from __future__ import annotations

import gzip
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_parts import feed, make_registry, results
from feed_parts import data_of, reader
from tiled.structures.core import Spec

from live_lce.archives import Document, read_documents
from live_lce.classifiers import Registry
from live_lce.contract import MEASURED_POINTS, Status
from live_lce.dashboard._board import Board, RunData
from live_lce.dashboard._spectrum import Drawn, drawn, settings_of
from live_lce.engine import Engine, Result
from live_lce.publish import TiledPublisher, republish
from live_lce.settings import AnalysisSettings, Normalization, Pacing, Quality
from live_lce.spectra import to_grid
from live_lce.testing import KEYS, compose, foil_mu, spectrum_rows, xanes_mu
from live_lce.tiled import EmbeddedTiled

DATA = Path(__file__).parents[1] / "data"
PACING = Pacing(interval=25)
SETTINGS = AnalysisSettings(pacing=PACING)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def beamline() -> list[list[Document]]:
    """The recorded scans of the simulated beamline."""
    found: list[list[Document]] = []
    for name, doc in read_documents(DATA / "beamline.jsonl.gz"):
        if name == "start":
            found.append([])
        found[-1].append((name, doc))
    return found


def analysed(
    registry: Registry, documents: list[Document], settings: AnalysisSettings = SETTINGS
) -> list[Result]:
    engine = Engine(settings, registry)
    return [*results(feed(engine, documents)), *results(engine.finish())]


def with_foil(shift: float) -> list[Document]:
    """Return a scan whose reference foil says that the monochromator is off."""
    data = spectrum_rows()
    energy = np.array([row["mono_energy"] for row in data])
    foil = foil_mu(energy, e0=7112.0 - shift, noise=1e-4)
    for row, mu in zip(data, foil, strict=True):
        row["Ir"] = row["It"] * float(np.exp(-mu))
    return compose(data, keys=KEYS | {"Ir": KEYS["It"]})


def fine(n: int) -> list[Document]:
    """Return a scan of many points, as a fly scan gives them."""
    energy = np.linspace(6960.0, 7310.0, n)
    rows = [
        {"mono_energy": float(e), "I0": 1e5 + k % 7, "It": (1e5 + k % 7) * math.exp(-m)}
        for k, (e, m) in enumerate(zip(energy, xanes_mu(energy, noise=1e-4), strict=True))
    ]
    return compose(rows)


def assert_as_analysed(found: Drawn, result: Result) -> None:
    done = result.normalized
    assert done is not None
    np.testing.assert_allclose(found.energy, done.energy, atol=1e-9)
    np.testing.assert_allclose(found.norm, done.norm, atol=1e-9)
    np.testing.assert_equal([found.e0, found.edge_reference], [done.e0, done.edge_reference])
    assert found.last == pytest.approx(done.energy[-1])


def test_every_prediction_of_recorded_scans_is_drawn_as_it_was_analysed(
    beamline: list[list[Document]], registry: Registry
) -> None:
    seen = 0
    for documents in beamline:
        for result in analysed(registry, documents):
            found = drawn(data_of(result, settings=SETTINGS), result.spectrum_index, None)
            if result.normalized is not None:
                assert_as_analysed(found, result)
                seen += 1
            assert found.raw_energy.size == result.n_points or result.normalized is None
    assert seen > 30


@pytest.mark.parametrize(
    "settings",
    [
        AnalysisSettings(pacing=PACING, normalization=Normalization(shift="foil")),
        AnalysisSettings(
            pacing=PACING, normalization=Normalization(shift="constant", shift_value=-1.25)
        ),
        AnalysisSettings(pacing=PACING, quality=Quality(remove_spikes=True)),
        AnalysisSettings(pacing=PACING, normalization=Normalization(normalized=True)),
        AnalysisSettings(pacing=PACING, normalization=Normalization(absorber="Fe", edge="K")),
    ],
    ids=["foil", "constant", "spikes", "normalized", "absorber"],
)
def test_it_is_drawn_with_the_settings_of_its_run(
    settings: AnalysisSettings, registry: Registry
) -> None:
    documents = with_foil(2.0)
    spike = next(d for n, d in documents if n == "event" and d["data"]["mono_energy"] == 7150.0)
    spike["data"]["It"] *= 0.5
    all_of_them = analysed(registry, documents, settings)
    last = all_of_them[-1]
    assert last.normalized is not None and len(all_of_them) > 3
    found = drawn(data_of(*all_of_them, settings=settings), 0, None)
    assert_as_analysed(found, last)
    shift = last.normalized.energy_shift
    assert shift == {"foil": pytest.approx(2.0, abs=0.6), "constant": -1.25}.get(
        settings.normalization.shift, 0.0
    )
    assert last.spectrum is not None
    np.testing.assert_allclose(found.raw_energy, last.spectrum.energy + shift)
    if settings.normalization.normalized:
        assert found.fits == () and found.pre_edge.size == 0
        np.testing.assert_array_equal(found.norm, found.mu)
    else:
        (low, high), (start, stop) = found.fits
        assert low < high < found.e0 < start < stop <= found.last + 1e-9
        # the line and the step lead back to what was measured
        step = last.normalized.edge_step
        again = found.pre_edge + found.norm * step
        away = ~np.isclose(found.energy, 7150.0 + shift)
        np.testing.assert_allclose(again[away], found.mu[away], atol=1e-9)
        before = found.energy < found.e0 - 30
        line = np.polyfit(found.energy[before], found.pre_edge[before], 1)
        np.testing.assert_allclose(
            np.polyval(line, found.energy[before]), found.pre_edge[before], atol=1e-6
        )


def test_settings_of_another_release_are_not_guessed(registry: Registry) -> None:
    data = data_of(*analysed(registry, compose(spectrum_rows())), settings=SETTINGS)
    assert settings_of(data.start) == SETTINGS
    ours = data.start["live_lce"]
    future = {**data.start, "live_lce": {**ours, "settings": {"of": "the future"}}}
    for start in (future, {**data.start, "live_lce": {}}, {}):
        assert settings_of(start) is None
        found = drawn(replace(data, start=start), 0, None)
        assert found.raw_energy.size and not found.norm.size


def test_what_the_gate_refused_is_drawn_raw(registry: Registry) -> None:
    rows = [row for row in spectrum_rows() if row["mono_energy"] < 7105]
    (result,) = analysed(registry, compose(rows))
    assert result.prediction.status is Status.REJECTED
    found = drawn(data_of(result), 0, None)
    assert found.raw_energy.size == len(rows) and not found.norm.size and found.fits == ()
    assert math.isnan(found.e0) and math.isnan(found.reach) and found.covered is None


def test_a_run_of_which_nothing_is_known_is_empty(registry: Registry) -> None:
    (*_, last) = analysed(registry, compose(spectrum_rows()))
    data = data_of(last)
    for found in (drawn(data, 7, None), drawn(replace(data, rows=()), 0, None)):
        assert not found.energy.size and math.isnan(found.last) and found.covered is None
    bare = drawn(replace(data, measured={}), 0, None)
    assert not bare.energy.size and bare.e0 == pytest.approx(7124, abs=3)


def test_the_window_of_the_model_and_what_is_measured_of_it(registry: Registry) -> None:
    (card,) = registry.cards()
    growing = analysed(registry, compose(spectrum_rows()))
    for result in growing:
        found = drawn(data_of(result), 0, card)
        origin = found.edge_reference
        if not math.isfinite(origin):
            assert found.window is None and found.covered is None
            continue
        assert found.window == (origin - 20, origin + 40) == found.needed
        assert found.covered == (origin - 20, min(origin + 40, found.last))
        assert found.reach == pytest.approx(found.last - origin)
    assert found.covered == found.window
    part = drawn(data_of(growing[1]), 0, card)
    assert part.covered is not None and part.window is not None
    assert part.covered[1] < part.window[1] or part.reach >= 40


# -- through Tiled -------------------------------------------------------------------------


def read_back(server: EmbeddedTiled, uid: str, path: str = "processed") -> RunData:
    board, asked = Board(), reader(server.uri, server.api_key, path=path)
    try:
        asked.read(board, uid)
    finally:
        asked.close()
    found = board.get(uid)
    assert found is not None and found.complete
    return found


def publish(runs: Any, spool: Path, outputs: list[Any], settings: AnalysisSettings) -> str:
    """Publish a run; return the uid of its analysis."""
    there = set(runs)
    publisher = TiledPublisher(runs, settings=settings, spool=spool, source="test")
    for output in outputs:
        if isinstance(output, Result):
            publisher.result(output, 0.1)
        else:
            publisher.closed(output)
    publisher.close()
    assert publisher.counters["runs_published"] == 1, publisher.counters
    (uid,) = set(runs) - there
    return str(uid)


def assert_as_published(data: RunData, tolerance: float) -> Drawn:
    assert data.spectra
    for index, published in data.spectra.items():
        found = drawn(data, index, None)
        grid = published.energy - found.edge_reference
        values, valid = to_grid(found.energy, found.norm, found.edge_reference, grid)
        assert valid.all() and len(grid) > 100
        np.testing.assert_allclose(values, published.norm, atol=tolerance)
        row = data.rows_of(index)[-1]
        assert row["final"] and row["e0"] == found.e0
    return found


def test_published_runs_are_drawn_as_published(
    server: EmbeddedTiled,
    runs: Any,
    tmp_path: Path,
    beamline: list[list[Document]],
    registry: Registry,
) -> None:
    foil = AnalysisSettings(pacing=PACING, normalization=Normalization(shift="foil"))
    given = AnalysisSettings(pacing=PACING, normalization=Normalization(normalized=True))
    scans = [(beamline[1], SETTINGS), (with_foil(2.0), foil)]
    for documents, settings in [*scans, (compose(spectrum_rows()), given)]:
        engine = Engine(settings, registry)
        uid = publish(runs, tmp_path, feed(engine, documents), settings)
        found = assert_as_published(read_back(server, uid), 1e-6)
        assert found.raw_energy.size == found.mu.size > 90


def test_many_points_are_drawn_thinned(
    server: EmbeddedTiled, runs: Any, tmp_path: Path, registry: Registry
) -> None:
    documents = fine(3000)
    uid = publish(runs, tmp_path, feed(Engine(SETTINGS, registry), documents), SETTINGS)
    data = read_back(server, uid)
    found = assert_as_published(data, 0.03)  # neighbours are averaged, which blunts the edge
    assert found.raw_energy.size == MEASURED_POINTS < data.measured[0].n_points == 3000


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_older_runs_are_drawn_from_their_spectra(
    server: EmbeddedTiled, version: str, tmp_path: Path
) -> None:
    packed = DATA / f"contract-{version}.jsonl.gz"
    (tmp_path / "old.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    client = server.client()
    path = f"old-{version.replace('.', '-')}"
    old = client.create_container(path, specs=[Spec("CatalogOfBlueskyRuns", "3.0")])
    assert republish(tmp_path, old).published == 1
    (uid,) = list(old)
    data = read_back(server, uid, path)
    assert data.measured == {} and len(data.rows) == 3
    found = drawn(data, 0, None)
    assert not found.raw_energy.size and found.last == found.energy[-1]
    np.testing.assert_array_equal(found.norm, data.spectra[0].norm)
    np.testing.assert_array_equal(found.energy, data.spectra[0].energy)
    client.context.close()
