"""What is kept on disk is read by this account alone, and by a group if one is named."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_lce._support.private_files import Access, open_to_others
from live_lce.config import ConfigError, load_config
from live_lce.publish import DeadLetters, Failure
from live_lce.publish._from_config import access_from
from live_lce.publish._spool import SpoolFile
from live_lce.replaying._journal import Journal
from live_lce.tiled import EmbeddedTiled, ServerError

grp = pytest.importorskip("grp", reason="groups and permissions of Unix")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}


def keep(folder: Path, access: Access) -> None:
    """Write one of each."""
    spooled = SpoolFile(folder / "spool", "a", access)
    spooled.append("start", {"sample_name": "secret"})
    spooled.close()
    letter = DeadLetters(folder / "dead-letter", 10**6, access=access).open("b", "RE")
    letter.append("start", {"sample_name": "secret"}, Failure("x"))
    letter.close()
    Journal(folder / "journal", access).close()


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    keep(tmp_path / "state", Access())
    assert modes(tmp_path / "state") == {0o700, 0o600}


def test_what_is_served_is_no_one_elses(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="needs the extra `server`")
    with EmbeddedTiled(tmp_path / "new"):
        pass
    assert not any(mode & 0o077 for mode in modes(tmp_path / "new"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine.txt").write_text("for all")
    with EmbeddedTiled(tmp_path / "old"):
        pass
    assert open_to_others(tmp_path / "old")  # a folder that was there is left as it was,
    assert stat.S_IMODE((tmp_path / "old" / "mine.txt").stat().st_mode) == 0o644
    made = [path for path in (tmp_path / "old").rglob("*") if path.name != "mine.txt"]
    assert made and not any(path.stat().st_mode & 0o077 for path in made)


def test_a_folder_is_served_once(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="needs the extra `server`")
    with EmbeddedTiled(tmp_path) as first:
        with pytest.raises(ServerError, match="is served already, at http://127") as caught:
            EmbeddedTiled(tmp_path)
        assert first.uri in str(caught.value) and "\n" not in str(caught.value)
    with EmbeddedTiled(tmp_path):  # the first one is gone
        pass


def test_a_group_may_be_named(tmp_path: Path) -> None:
    name = grp.getgrgid(os.getgid()).gr_name
    keep(tmp_path / "state", Access(name))
    assert modes(tmp_path / "state") == {0o2770, 0o660}
    assert {path.stat().st_gid for path in tmp_path.rglob("*")} == {os.getgid()}


def test_a_group_that_is_not_there_leaves_it_private(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(tmp_path / "state", Access("nobody-has-this-group"))
    assert modes(tmp_path / "state") == {0o700, 0o600}
    assert caplog.text.count("stays this account's alone") == 1


def test_files_of_an_earlier_release_are_closed_when_they_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("")
    SpoolFile(tmp_path, "a").close()
    assert stat.S_IMODE((tmp_path / "a.jsonl").stat().st_mode) == 0o600


def test_a_device_behind_a_link_is_left_alone(tmp_path: Path) -> None:
    before = stat.S_IMODE(Path("/dev/null").stat().st_mode)
    (tmp_path / "a.jsonl").symlink_to("/dev/null")
    SpoolFile(tmp_path, "a").close()
    assert stat.S_IMODE(Path("/dev/null").stat().st_mode) == before


def test_the_group_comes_from_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access_from(load_config()) == Access()
    name = grp.getgrgid(os.getgid()).gr_name
    monkeypatch.setenv("LIVE_LCE_PUBLISH__GROUP", name)
    assert access_from(load_config()) == Access(name)
    monkeypatch.setenv("LIVE_LCE_PUBLISH__GROUP", "nobody-has-this-group")
    with pytest.raises(ConfigError, match="no group 'nobody-has-this-group'"):
        load_config()


def test_an_account_without_a_home_can_use_every_command(tmp_path: Path) -> None:
    """As of a container: no HOME, and no entry of the account."""
    other = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
    command = [*(other if os.getuid() == 0 else []), sys.executable, "-P"]
    try:
        subprocess.run([*command, "-c", ""], check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no other account can run this Python")
    gone = ("XDG_", "LIVE_LCE_", "HOME")
    no_home = {k: v for k, v in os.environ.items() if not k.startswith(gone)}
    done = subprocess.run(
        [*command, "-m", "live_lce", "config", "show"],
        capture_output=True, text=True, timeout=120, check=False, cwd="/", env=no_home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if os.getuid() == 0:  # else the account has an entry, which tells its home
        assert "/live_lce-54321/" in json.loads(done.stdout)["publish"]["spool"]
