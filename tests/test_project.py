"""What the project says about itself is so: README, changelog, decisions, reasons."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Cli, cli, write_scan

import live_lce
from live_lce.contract import Reason, Status
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli"]  # a fixture

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return README's code blocks, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def test_commands_in_the_readme_exist(cli: Cli) -> None:
    commands = re.findall(r"live-lce ([a-z][a-z-]+)", README)
    assert {"replay", "classify", "check", "serve", "republish", "presets", "models"} <= {*commands}
    for command in {*commands}:
        assert cli(command, "--help").code == 0, command
    for line in "".join(blocks("bash")).splitlines():
        words = shlex.split(line)
        if words[:1] == ["live-lce"]:
            page = cli(words[1], "--help").out
            assert all(word in page for word in words if word.startswith("--")), line


def test_make_targets_in_the_readme_exist() -> None:
    targets = {
        word
        for line in "".join(blocks("bash")).splitlines()
        if line.startswith("make ")
        for word in line.split()[1:]
    }
    assert {"demo", "test"} <= targets
    for target in targets:
        done = subprocess.run(
            ["make", "--dry-run", "--directory", str(ROOT), target],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_toml_in_the_readme_loads(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(blocks("toml")) >= 2
    for text in blocks("toml"):
        (tmp_path / "live_lce.toml").write_text(text)
        done = cli("config", "show")
        assert done.code == 0, done.err


def test_python_in_the_readme_runs(
    cli: Cli,
    tmp_path: Path,
    server: EmbeddedTiled,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIVE_LCE_TILED__URI", server.uri)
    monkeypatch.setenv("LIVE_LCE_TILED__API_KEY", server.api_key)
    write_scan(tmp_path / "fe.xdi")
    assert cli("classify", "--tiled", "fe.xdi").code == 0
    subscribing, reading = blocks("python")
    names: dict[str, Any] = {}
    exec(subscribing, names)
    assert names["live"].close(60)
    loop = names["RE"].loop  # which the RunEngine leaves running
    loop.call_soon_threadsafe(loop.stop)
    names["RE"]._th.join(10)
    loop.close()
    reading = reading.replace("http://localhost:8000", server.uri)
    exec(reading.replace('"secret"', repr(server.api_key)), names)
    names["client"].context.close()
    assert re.search(r"^[0-9a-f-]{36} 0\.\d+ ok$", capsys.readouterr().out, re.MULTILINE)


def test_every_status_is_in_the_readme() -> None:
    assert all(f"| `{status}` |" in README for status in Status)


def test_every_reason_is_named_by_a_test() -> None:
    # Produced from real input there; the closed list itself is checked by the contract's tests.
    here = Path(__file__).name
    text = "".join(
        p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("*.py") if p.name != here
    )
    missing = [
        reason.value
        for reason in Reason
        if not re.search(rf"Reason\.{reason.name}\b|[\"']{reason.value}[\"';]", text)
    ]
    assert missing == []


def test_decisions_are_listed_and_numbered() -> None:
    folder = ROOT / "docs" / "explanations" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    pages = sorted(p.name for p in folder.glob("0*.md"))
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    for name in pages:
        text = (folder / name).read_text(encoding="utf-8")
        assert f"({name})" in index
        assert text.startswith(f"# {int(name[:4])}. ")
        assert all(f"**{part}.**" in text for part in ("Decision", "Why", "Cost"))


def test_the_version_is_stated_once() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{live_lce.__version__}"' in pyproject
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_nothing_in_the_project_depends_on_where_it_lies() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("no git checkout")
    wrong = []
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".json", ""} and path.is_file():
            text = path.read_bytes()
            if b"/wor" + b"k/" in text or b"/hom" + b"e/" in text:
                wrong.append(name)
    assert wrong == []


SKIPPING = {
    "test_fixture.py": "def test_data(shared): pass",
    "test_module.py": "import pytest\npytest.importorskip('no_such_module', reason={reason!r})",
    "test_one.py": "import pytest\ndef test_one(): pytest.skip({reason!r})",
}


@pytest.mark.parametrize(
    ("required", "reason", "failures"),
    [
        ("", "whatever", 0),
        ("1", "needs the extra `train`", 0),
        ("1", "whatever", 2),
    ],
)
def test_where_all_is_required_a_skip_is_a_failure(
    tmp_path: Path, required: str, reason: str, failures: int
) -> None:
    folder = tmp_path / "project" / "tests"
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "conftest.py", folder)
    for name, text in SKIPPING.items():
        (folder / name).write_text(text.format(reason=reason))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "--continue-on-collection-errors", str(folder)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"LIVE_LCE_REQUIRE_ALL": required},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert sum(line.startswith(("FAILED", "ERROR ")) for line in lines) == failures, done.stdout
    assert done.stdout.count("LIVE_LCE_REQUIRE_ALL is set: whatever") >= failures
    assert any("needs ../shared/data" in line for line in lines if line.startswith("SKIPPED"))
    assert (done.returncode == 1) == bool(failures), done.stdout
