"""What the project says about itself is so: README, changelog, decisions, reasons."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cli_parts import Cli, cli, write_scan
from packaging.version import Version

import live_lce
from live_lce.contract import ANSWERED, Reason, Status
from live_lce.tiled import EmbeddedTiled

__all__ = ["cli"]  # a fixture

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALL = (DOCS / "how-to" / "install.md").read_text(encoding="utf-8")
PREDICTIONS = (DOCS / "how-to" / "predictions.md").read_text(encoding="utf-8")
GUIDES = [
    ROOT / "README.md",
    *sorted(DOCS.glob("*.md")),
    *(
        p
        for part in ("tutorials", "how-to", "explanations")
        for p in sorted((DOCS / part).glob("*.md"))
    ),
]
GENERATED = {DOCS / "reference" / "cli.md"}  # by the build of the documentation


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_commands_in_a_page_exist(cli: Cli, path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    shell = "".join(blocks(page, "bash")).replace("\\\n", " ")
    commands = {*re.findall(r"`live-lce ([a-z][a-z-]+)", page)}
    commands |= {*re.findall(r"^(?:\w+=\S+ )*live-lce ([a-z][a-z-]+)", shell, re.MULTILINE)}
    for command in commands:
        assert cli(command, "--help").code == 0, command
    for line in shell.splitlines():
        if line.startswith("live-lce "):
            words = [word.strip("[]") for word in shlex.split(line, comments=True)]
            named = words[1:3] if words[2:] and not words[2].startswith("-") else words[1:2]
            shown = cli(*named, "--help").out  # of a command in a group, such as `models show`
            options = [word.partition("=")[0] for word in words if word.startswith("--")]
            assert all(option in shown for option in options), line


def test_pages_name_public_modules_only() -> None:
    pages = [*GUIDES, DOCS / "reference" / "contract.md", DOCS / "reference" / "configuration.md"]
    private = [
        f"{page.name}: {name.group()}"
        for page in pages
        for name in re.finditer(r"\blive_lce[\w./]*[./]_\w+", page.read_text(encoding="utf-8"))
    ]
    assert private == []


def test_the_important_commands_are_named() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in GUIDES)
    assert {"classify", "replay", "check", "serve", "results", "dashboard"} <= {
        *re.findall(r"live-lce ([a-z][a-z-]+)", README)
    }
    assert {"republish", "retry", "presets", "models", "export", "report", "train", "label"} <= {
        *re.findall(r"live-lce ([a-z][a-z-]+)", text)
    }


def test_make_targets_in_the_pages_exist() -> None:
    targets = {
        word
        for path in GUIDES
        for line in "".join(blocks(path.read_text(encoding="utf-8"), "bash")).splitlines()
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
    broken = []
    for page in {
        *GUIDES,
        *DOCS.rglob("*.md"),
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
    } - GENERATED:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_toml_in_a_page_loads(cli: Cli, tmp_path: Path, path: Path) -> None:
    found = blocks(path.read_text(encoding="utf-8"), "toml")
    assert len(found) >= {"README": 1, "install": 2}.get(path.stem, 0)
    for text in found:
        (tmp_path / "live_lce.toml").write_text(text)
        done = cli("config", "show")
        assert done.code == 0, done.err


def test_python_of_subscribing_and_reading_runs(
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
    [subscribing], [reading] = blocks(INSTALL, "python"), blocks(PREDICTIONS, "python")
    assert blocks(README, "python") == [subscribing]
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


def test_every_status_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \|", PREDICTIONS, re.MULTILINE)
    assert dict(rows) == {status: "yes" if status in ANSWERED else "no" for status in Status}


def test_every_extra_is_listed() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {*pyproject["project"]["optional-dependencies"]} - {"dev"}
    assert {*re.findall(r"^\| `(\w+)` \|", INSTALL, re.MULTILINE)} == extras


def test_every_reason_is_named_by_a_test() -> None:
    # Produced from real input there; the closed list itself is checked by the contract's tests.
    here = Path(__file__).name
    text = "".join(
        p.read_text(encoding="utf-8")
        for p in Path(__file__).parents[1].rglob("*.py")
        if p.name != here
    )
    missing = [
        reason.value
        for reason in Reason
        if not re.search(rf"Reason\.{reason.name}\b|[\"']{reason.value}[\"';]", text)
    ]
    assert missing == []


def test_decisions_are_listed_and_numbered() -> None:
    folder = DOCS / "explanations" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    pages = sorted(p.name for p in folder.glob("0*.md"))
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    for name in pages:
        text = (folder / name).read_text(encoding="utf-8")
        assert f"({name})" in index
        assert text.startswith(f"# {int(name[:4])}. ")
        assert all(f"**{part}.**" in text for part in ("Decision", "Why", "Cost"))


def test_the_version_comes_from_the_tag_and_follows_the_changelog() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in settings["project"]["dynamic"]
    released = re.findall(
        r"^## \[(.+?)\](?: - (\S+))?$",
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert released[0] == ("Unreleased", "")
    last, day = released[1]
    assert settings["tool"]["hatch"]["version"]["fallback-version"] == last
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {last}\n" in citation
    assert f'date-released: "{day}"\n' in citation
    assert Version(live_lce.__version__) >= Version("0.1.0")


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
        ("1", "whatever", 2),
    ],
)
def test_where_all_is_required_a_skip_is_a_failure(
    tmp_path: Path, required: str, reason: str, failures: int
) -> None:
    folder = tmp_path / "project" / "tests"
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[1] / "conftest.py", folder)
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


def test_pages_and_notebooks_import_public_names_only() -> None:
    # Benchmarks and the profile are checked by ruff (PLC2701).
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.ipynb")]
    wrong = []
    for page in pages:
        for line in page.read_text(encoding="utf-8").splitlines():
            found = re.search(r"\b(?:from|import) (live_lce[\w.]*)(?: import ([\w, ]+))?", line)
            if found and re.search(r"(^|[., ])_[a-z]", " ".join(filter(None, found.groups()))):
                wrong.append(f"{page.name}: {line.strip()}")
    assert wrong == []
