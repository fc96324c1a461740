"""Sphinx builds the documentation: ``make docs``.

Two parts of the reference are written during the build and are not in git: the page of the command
line, from the commands themselves, and a page for each public package, from its ``__all__``.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock

import live_lce

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
_URLS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
].get("urls", {})
SOURCE = _URLS.get("Source", "https://github.com/live-lce/live_lce").rstrip("/")

project = "live_lce"
author = "the live_lce developers"
copyright = author
release = version = live_lce.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinxcontrib.mermaid",
]
exclude_patterns = ["images/README.md"]
nitpicky = True  # roles in docstrings must lead to public names; types may be of other projects
nitpick_ignore_regex = [("py:class", ".*")]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

# torch is large: where it is missing, the pages on training are built without it.
autodoc_mock_imports = [] if find_spec("torch") else ["torch"]
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "live_lce"
html_static_path: list[str] = []
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "icon_links": [{"name": "Source", "url": SOURCE, "icon": "fa-brands fa-github"}],
}

_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")


def link_to_source(app: Sphinx, page: str, text: list[str]) -> None:
    """Let links to files and folders that are not pages lead to the repository."""

    def target(link: re.Match[str]) -> str:
        path = (Path(app.env.doc2path(page)).parent / link.group()).resolve()
        inside = path.is_relative_to(DOCS) and path.suffix in {".md", ".png", ".svg"}
        if inside or not path.exists() or not path.is_relative_to(ROOT):
            return link.group()
        kind = "tree" if path.is_dir() else "blob"
        return f"{SOURCE}/{kind}/main/{path.relative_to(ROOT).as_posix()}"

    text[0] = _LINK.sub(target, text[0])


def write_command_line(app: Sphinx) -> None:
    """Write ``reference/cli.md`` from the commands, as ``typer ... utils docs`` does."""
    import typer
    from typer.cli import get_docs_for_click

    from live_lce.cli.app import EPILOG, app as commands

    command = typer.main.get_command(commands)
    context = typer.Context(command, info_name="live-lce")
    page = get_docs_for_click(obj=command, ctx=context, name="live-lce", title="Command line")
    page = re.sub(r"^Examples\n-+$", "**Examples**:\n", page, flags=re.MULTILINE)
    first, _, rest = page.partition(EPILOG)  # which stands under each command
    page = first + EPILOG + rest.replace(EPILOG, "")
    for name, summary in _summaries(command):  # which typer cuts
        page = re.sub(rf"^\* `{name}`: .*$", f"* `{name}`: {summary}", page, flags=re.MULTILINE)
    _write(DOCS / "reference" / "cli.md", page)


def _summaries(group: Any) -> Iterator[tuple[str, str]]:
    """Yield the name of each command and the first sentence of its help."""
    for name, command in getattr(group, "commands", {}).items():
        yield name, (command.help or "").strip().partition("\n")[0]
        yield from _summaries(command)


def public_packages() -> Iterator[ModuleType]:
    """Yield ``live_lce`` and those of its packages that say what is public."""
    yield live_lce
    for found in pkgutil.iter_modules(live_lce.__path__, "live_lce."):
        if not found.name.rpartition(".")[2].startswith("_") and found.name != "live_lce.cli":
            module = import_module(found.name)
            if getattr(module, "__all__", None):
                yield module


def write_api(app: Sphinx) -> None:
    """Write a page for each public package, with all that its ``__all__`` names."""
    folder = DOCS / "reference" / "api"
    folder.mkdir(exist_ok=True)
    names, homes = [], dict[int, str]()
    with mock(autodoc_mock_imports):
        for module in sorted(public_packages(), key=lambda module: module is live_lce):
            names.append(module.__name__)
            _write(folder / f"{module.__name__}.rst", "\n".join(_api_page(module, homes)) + "\n")
    for old in folder.glob("live_lce*.rst"):
        if old.stem not in names:
            old.unlink()


def _api_page(module: ModuleType, homes: dict[int, str]) -> Iterator[str]:
    """Yield a page; what has a place on another page already is a link to it."""
    name = module.__name__
    yield from (name, "=" * len(name), "", f".. automodule:: {name}", "   :no-members:", "")
    for public in module.__all__:
        if public.startswith("__"):
            continue
        value = getattr(module, public)
        directive = _directive(value)
        place = homes.setdefault(id(value), f"{name}.{public}")
        if directive != "autodata" and place != f"{name}.{public}":
            yield from (f"- :py:obj:`{public} <{place}>`", "")
        elif isinstance(value, GenericAlias):  # which autodoc cannot describe
            yield from (f".. py:data:: {name}.{public}", "", f"   Alias of ``{value}``.", "")
        else:
            yield from (f".. {directive}:: {name}.{public}", "")


def _directive(value: Any) -> str:
    if inspect.ismodule(value):
        return "automodule"
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if inspect.isroutine(value) else "autodata"


def _write(path: Path, text: str) -> None:
    """Write a page if it has changed, so that Sphinx need not read it again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    sys.path.insert(0, str(ROOT))
    app.add_lexer("jq", TextLexer)  # Pygments has none for the language of Grafana's queries
    app.connect("builder-inited", write_command_line)
    app.connect("builder-inited", write_api)
    app.connect("source-read", link_to_source)
