"""Declare the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TiledOption = Annotated[
    str, typer.Option("--tiled", help="Address of a Tiled server; by default the configured one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file (TOML).")
]
