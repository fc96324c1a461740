"""`live-lce retry`: what a document, a model or the disk took from a run comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Cli, cli
from fault_parts import runs_of
from replay_parts import a_scan, address, an_alignment, analyses, raw_uid, write

from live_lce.archives import Document
from live_lce.cli._publishing import report
from live_lce.engine._run import Run
from live_lce.live import LiveLCE
from live_lce.publish._dead_letter import COUNTERS as DEAD_LETTER_COUNTERS
from live_lce.publish._publisher import COUNTERS
from live_lce.publish._spool import SpoolFile, waiting
from live_lce.tiled import EmbeddedTiled, PublishedAnalysis
from live_lce.tiled._analyses import resolved
from live_lce.tiled._connection import find_child

pytestmark = pytest.mark.slow

__all__ = ["cli"]  # a fixture


@pytest.fixture
def path(
    request: pytest.FixtureRequest, cli: Cli, server: EmbeddedTiled, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Return a container of the test's own, and configure it."""
    name = str(request.node.name).partition("[")[0]
    monkeypatch.setenv("LIVE_LCE_TILED__URI", address(server))
    monkeypatch.setenv("LIVE_LCE_TILED__PATH", name)
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__PACING__INTERVAL", "50")
    return name


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "state" / "live_lce" / "dead-letter"


@contextmanager
def bug(number: int = 60) -> Iterator[None]:
    """Let the engine fail on one event of each run."""
    handled = Run.event

    def fails(self: Run, document: Any, *, partials: bool) -> Any:
        if document["seq_num"] == number:
            raise RuntimeError("a bug of ours")
        return handled(self, document, partials=partials)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "event", fails)
        yield


def watch(*documents: Document) -> dict[str, int]:
    """Let the callback of a beamline see documents."""
    callback = LiveLCE.from_config()
    assert callback.wait_until_ready(60)
    for name, doc in documents:
        callback(name, doc)
    assert callback.close(60)
    return callback.counters


def tables(server: EmbeddedTiled, path: str, uid: str) -> dict[str, dict[str, str]]:
    """Return all that was predicted and can be the same in two analyses, to the last bit."""
    client = server.client()
    try:
        found = {}
        for run in runs_of(client[path], uid):
            table = find_child(run, "predictions").base["internal"].read().sort_values("seq_num")
            own = [c for c in table if c in ("time", "latency") or c.startswith("ts_")]
            rows = {name: repr(table[name].tolist()) for name in table.columns.drop(own)}
            assert {"label", "p_O6", "n_points"} <= rows.keys()
            for name in ("norm", "valid") if "spectra" in run else ():
                rows[name] = find_child(run, "spectra").base[name].read().tobytes().hex()
            found[run.metadata["start"]["uid"]] = rows
        return found
    finally:
        client.context.close()


def clean(cli: Cli, server: EmbeddedTiled, source: Path, number: int) -> dict[str, str]:
    """Return the tables of a run that nothing happened to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE_LCE_TILED__PATH", "clean")
        done = cli("replay", source)
        assert done.code == 0, done.err
    (found,) = tables(server, "clean", raw_uid(number)).values()
    assert "norm" in found
    return found


def of_last(
    server: EmbeddedTiled, path: str, number: int
) -> tuple[PublishedAnalysis, dict[str, str]]:
    """Return the analysis of a run that counts, and its tables."""
    found = [a for a in analyses(server, path) if a.raw_uid == raw_uid(number)]
    gone = {uid for a in found for uid in a.supersedes}
    (last,) = [a for a in found if a.uid not in gone]
    return last, tables(server, path, raw_uid(number))[last.uid]


def test_a_live_run_gets_back_what_a_bug_took(
    cli: Cli, server: EmbeddedTiled, path: str, letters: Path, tmp_path: Path
) -> None:
    with bug():
        counters = watch(*a_scan(1), *an_alignment(2))
    assert counters["malformed"] == counters["dead_letters"] == 1
    (hurt,) = analyses(server, path)
    (file,) = waiting(letters)
    before = file.read_bytes()
    with bug():  # not repaired yet
        done = cli("retry")
        assert done.code == 1
        assert done.out.strip() == (f"{file.name}: fails again: event: RuntimeError: a bug of ours")
    assert file.read_bytes() == before
    assert analyses(server, path) == [hurt]
    done = cli("retry", "--json")
    assert done.code == 0, done.err
    (told,) = done.json["retried"]
    assert told == {
        "file": str(file), "uid": raw_uid(1), "status": "published", "said": "published",
        "removed": True,
    }  # fmt: skip
    assert done.json["published"]["runs_superseding"] == 1
    assert waiting(letters) == []
    last, found = of_last(server, path, 1)
    assert (last.supersedes, last.complete, last.attempt) == ((hurt.uid,), True, 2)
    assert found == clean(cli, server, write(tmp_path / "raw.jsonl", a_scan(1)), 1)
    done = cli("retry")
    assert done.code == 0 and "0 retried" in done.out
    assert len(analyses(server, path)) == 2


def test_a_replay_keeps_dead_letters_too(
    cli: Cli, server: EmbeddedTiled, path: str, letters: Path, tmp_path: Path
) -> None:
    source = write(tmp_path / "raw.jsonl", a_scan(1), a_scan(2))
    with bug():
        done = cli("replay", source)
        assert "2 could not be processed wholly" in done.err and "live-lce retry" in done.err
        assert cli("replay", source, "--jobs", "2").code == 0  # it is there already
    assert {p.stem for p in waiting(letters)} == {raw_uid(1), raw_uid(2)}
    line = next(x for x in waiting(letters)[0].read_text().splitlines() if '"error"' in x)
    assert json.loads(line)["source"] == str(source)
    found = {item["name"]: item for item in json.loads(cli("check", "--json").out)}
    assert found["dead letters"]["state"] == "warn" and "2 wait" in found["dead letters"]["detail"]
    assert cli("retry").code == 0
    wanted = {number: clean(cli, server, source, number) for number in (1, 2)}
    assert {number: of_last(server, path, number)[1] for number in (1, 2)} == wanted
    found = {item["name"]: item for item in json.loads(cli("check", "--json").out)}
    assert found["dead letters"]["state"] == "ok"


@pytest.mark.usefixtures("path")
def test_where_nothing_is_published_nothing_is_kept(
    cli: Cli, letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIVE_LCE_TILED__URI")
    source = write(tmp_path / "raw.jsonl", a_scan(1))
    with bug():
        assert cli("replay", source).code == 0
    assert waiting(letters) == []
    done = cli("retry")
    assert done.code == 2 and "no Tiled server" in done.err


def test_a_model_that_was_damaged(
    cli: Cli, server: EmbeddedTiled, path: str, letters: Path, tmp_path: Path
) -> None:
    (model,) = (tmp_path / "models").glob("*.onnx")
    content = model.read_bytes()
    model.write_bytes(content[:-50])
    watch(*a_scan(1))
    done = cli("retry")
    assert done.code == 1 and "fails again: primary: model_damaged" in done.out
    assert len(waiting(letters)) == len(analyses(server, path)) == 1
    model.write_bytes(content)
    assert cli("retry").code == 0
    assert waiting(letters) == []
    _, found = of_last(server, path, 1)
    assert found == clean(cli, server, write(tmp_path / "raw.jsonl", a_scan(1)), 1)


def test_a_run_that_is_not_whole_comes_from_its_archive(
    cli: Cli, server: EmbeddedTiled, path: str, letters: Path, tmp_path: Path
) -> None:
    source = write(tmp_path / "raw.jsonl", a_scan(1), a_scan(3))
    first = a_scan(1)
    odd = ("event", {**first[9][1], "data": object(), "seq_num": None})
    with bug():
        watch(*first[:20], odd, *first[20:], *a_scan(3)[:-1])  # odd, and not stopped
    done = cli("retry")
    assert done.code == 1
    said = dict(line.split(": ", 1) for line in done.out.splitlines())
    assert said == {
        f"{raw_uid(1)}.jsonl": "a document that failed could not be written as it was: "
        "name an archive that has it with --source",
        f"{raw_uid(3)}.jsonl": "the file ends before the run's stop document: "
        "name an archive that has it with --source",
    }
    other = write(tmp_path / "other.jsonl", a_scan(4))
    done = cli("retry", "--source", other)
    assert done.code == 1 and "the archives do not have it either" in done.out
    assert len(waiting(letters)) == 2
    done = cli("retry", "--source", other, "--source", source)
    assert done.code == 0, done.out + done.err
    assert waiting(letters) == []
    for number in (1, 3):
        assert of_last(server, path, number)[1] == clean(cli, server, source, number)
    assert cli("retry", "--source", tmp_path / "none.jsonl").code == 1


def test_tiled_is_away_when_it_is_retried(
    cli: Cli,
    server: EmbeddedTiled,
    path: str,
    letters: Path,
    tmp_path: Path,
) -> None:
    with bug():
        watch(*a_scan(1))
    done = cli("retry", "--tiled", "http://127.0.0.1:9")
    assert done.code == 1
    assert "kept on disk (send it with `live-lce republish`)" in done.out
    assert waiting(letters) == []  # the analysis is safe in the spool
    spool = tmp_path / "state" / "live_lce" / "spool"
    assert len(waiting(spool)) == 1
    done = cli("republish", "--tiled", address(server), "--json")
    assert done.code == 0 and done.json["published"] == 1, done.err
    last, found = of_last(server, path, 1)
    assert last.attempt == 2
    assert found == clean(cli, server, write(tmp_path / "raw.jsonl", a_scan(1)), 1)


def test_what_the_disk_does_not_take_either_stays(
    cli: Cli, server: EmbeddedTiled, path: str, letters: Path, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    with bug():
        watch(*a_scan(1))
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("LIVE_LCE_PUBLISH__SPOOL", str(blocked / "spool"))
    done = cli("retry", "--tiled", "http://127.0.0.1:9")
    assert done.code == 1 and "neither Tiled nor the disk took it" in done.out
    assert "1 LOST" in done.err
    assert len(waiting(letters)) == len(analyses(server, path)) == 1


@pytest.mark.usefixtures("path")
def test_files_that_are_no_letters_stay(cli: Cli, letters: Path, tmp_path: Path) -> None:
    open_one = SpoolFile(letters, "goes-on")
    (letters / "empty.jsonl").write_text("")
    (letters / "strange.jsonl").write_bytes(b"\xff\x00 no json\n[1]\n{}\n")
    (letters / "folder.jsonl").mkdir()
    try:
        done = cli("retry", "--json")
    finally:
        open_one.close()
    assert done.code == 1
    found = {Path(row["file"]).name: (row["status"], row["said"]) for row in done.json["retried"]}
    assert found["goes-on.jsonl"] == ("in_use", "its run goes on")
    assert found["empty.jsonl"][0] == found["strange.jsonl"][0] == "incomplete"
    assert found["folder.jsonl"] == ("failed", "cannot be read: Is a directory")
    assert len(waiting(letters)) == 4
    done = cli("retry", tmp_path / "none")
    assert done.code == 2 and "give the folder of dead letters" in done.err
    assert cli("republish", tmp_path / "none").code == 2


@pytest.mark.usefixtures("path")
def test_the_configuration_reaches_spool_and_letters(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from live_lce.config import load_config
    from live_lce.publish import TiledPublisher
    from live_lce.publish._from_config import dead_letters_from, publisher_from

    monkeypatch.setenv("LIVE_LCE_PUBLISH__SPOOL_LIMIT", "3 MB")
    monkeypatch.setenv("LIVE_LCE_PUBLISH__DEAD_LETTER", str(tmp_path / "d"))
    monkeypatch.setenv("LIVE_LCE_PUBLISH__DEAD_LETTER_LIMIT", "4000000")
    config = load_config()
    publisher = publisher_from(config, "RE")
    assert isinstance(publisher, TiledPublisher) and publisher._spool.room.limit == 3_000_000
    publisher.close()
    monkeypatch.delenv("LIVE_LCE_TILED__URI")
    offline = publisher_from(load_config(), "RE")
    assert not isinstance(offline, TiledPublisher) and offline._spool.room.limit == 3_000_000
    letters = dead_letters_from(config)
    assert (letters.room.folder, letters.room.limit) == (tmp_path / "d", 4_000_000)
    monkeypatch.setenv("LIVE_LCE_PUBLISH__SPOOL_LIMIT", "3 kB")
    assert "publish.spool_limit" in cli("config", "show").err


def test_every_counter_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    names = {*COUNTERS, *DEAD_LETTER_COUNTERS} - {"events_published"}
    bad = set()
    for number, name in enumerate(sorted(names), start=3):
        if not report({name: number}):
            bad.add(name)
        assert f"{number} " in capsys.readouterr().err, name
    assert bad == {"errors", "runs_spooled", "runs_lost"}
    assert report({"events_published": 3})
    assert capsys.readouterr().err == "Analysis runs: none\n"


def test_a_start_document_that_failed(
    cli: Cli,
    server: EmbeddedTiled,
    path: str,
    letters: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("odd metadata")

    with monkeypatch.context() as patch:
        patch.setattr("live_lce.engine._run.choose", fails)
        watch(*a_scan(1))
    (missed,) = analyses(server, path)  # "no_start_document": live_lce did not get hold of it
    assert missed.stream == ""
    assert cli("retry").code == 0
    assert waiting(letters) == []
    (new,) = [a for a in analyses(server, path) if a.stream]
    source = write(tmp_path / "raw.jsonl", a_scan(1))
    assert tables(server, path, raw_uid(1))[new.uid] == clean(cli, server, source, 1)
    gone = {a.uid: a.superseded_by for a in resolved(analyses(server, path))}
    assert gone == {missed.uid: new.uid, new.uid: ""}
    assert [row["label"] for row in cli("results", "--json").json] == ["T4"]


def test_a_run_that_was_joined_late_is_replayed(
    cli: Cli, server: EmbeddedTiled, path: str, letters: Path, tmp_path: Path
) -> None:
    watch(*a_scan(1)[1:])
    (missed,) = analyses(server, path)
    assert waiting(letters) == []  # nothing failed
    replay = ("replay", write(tmp_path / "raw.jsonl", a_scan(1)))
    assert "1 published" in cli(*replay).err
    assert [row["label"] for row in cli("results", "--json").json] == ["T4"]
    assert "1 in Tiled already" in cli(*replay).err
    assert missed.uid in {a.uid for a in analyses(server, path)}
