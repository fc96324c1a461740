"""Read the configuration: the settings of the analysis, and where things are.

One TOML file, overridden by environment variables such as
``LIVE_LCE_TILED__URI`` or ``LIVE_LCE_ANALYSIS__NORMALIZATION__SHIFT``.  Only
``analysis`` can change a prediction; the rest says where things are.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from live_lce._support.text import hide_keys
from live_lce.settings import AnalysisSettings

ENV_PREFIX = "LIVE_LCE_"
ENV_FILE = "LIVE_LCE_CONFIG"
TILED_KEY = "TILED_API_KEY"
_SECRET_WORDS = "********"

_HERE = Path("live_lce.toml")

_file_values: ContextVar[dict[str, Any] | None] = ContextVar("_file_values", default=None)


class ConfigError(ValueError):
    """The configuration cannot be used; one line with file, field and fix."""


def state_folder() -> Path:
    """Return the per-user folder of things that outlive a session."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base else _home() / ".local" / "state") / "live_lce"


def data_folder() -> Path:
    """Return the per-user folder of what a user made, such as models."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else _home() / ".local" / "share") / "live_lce"


def _home() -> Path:
    """Return the home; a folder of this account's in the temporary one where there is none."""
    try:
        return Path.home()
    except RuntimeError:  # neither HOME nor an entry of the account, as in a container
        folder = Path(tempfile.gettempdir()) / f"live_lce-{os.getuid()}"
        if folder.exists() and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
            raise ConfigError(
                f"this account has no home, and {folder} belongs to another one: set HOME, or "
                "`publish.spool`, `publish.dead_letter`, `models` and XDG_STATE_HOME"
            ) from None
        return folder


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("this account has no home: give a path without ~") from None


def _existing_group(name: str) -> str:
    if name:
        try:
            import grp

            grp.getgrnam(name)
        except (ImportError, KeyError):
            raise ValueError(f"this machine has no group {name!r}: check its name") from None
    return name


_UserPath = Annotated[Path, AfterValidator(_expanded)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TiledSettings(_Section):
    """The Tiled server that predictions are published to."""

    uri: str = Field(
        "",
        description="Address of the server or of a container; empty: live scans are kept on disk, "
        "for `live-lce republish`.",
    )
    api_key: SecretStr | None = Field(
        None, description="API key; better in the environment: LIVE_LCE_TILED__API_KEY."
    )
    path: str = Field(
        "processed",
        description="Container of the analysis runs, made if absent; '/' between levels.",
    )
    raw_path: str = Field("raw", description="Container of the raw runs.")


class PublishSettings(_Section):
    """How results leave."""

    spool: _UserPath = Field(
        default_factory=lambda: state_folder() / "spool",
        description="Folder where analysis runs are kept until Tiled has them.",
    )
    spool_limit: ByteSize = Field(
        ByteSize(2_000_000_000),
        ge=1_000_000,
        description='Bytes in it, or with a unit: "2 GB". Near it partial predictions are left '
        "out, at it runs go to Tiled only.",
    )
    dead_letter: _UserPath = Field(
        default_factory=lambda: state_folder() / "dead-letter",
        description="Folder where raw runs are kept that could not be processed wholly, for "
        "`live-lce retry`.",
    )
    dead_letter_limit: ByteSize = Field(
        ByteSize(500_000_000),
        ge=1_000_000,
        description="Bytes in it; at it no more runs are kept there.",
    )
    group: Annotated[str, AfterValidator(_existing_group)] = Field(
        "",
        description="Group of this machine whose members may read and write what is kept on disk "
        "(0770 and 0660): spool, dead letters, journal, the folder of `live-lce serve`; empty: "
        "only this account may (0700 and 0600).",
    )


class FilesSettings(_Section):
    """Files that documents name: HDF5 files of detectors."""

    roots: tuple[_UserPath, ...] = Field(
        (),
        description="Folders in which they may lie, with all that they lead to: links, virtual "
        "datasets, external storage.  None: they may lie anywhere, and lead to files of their own "
        "folder only.",
    )


class LiveSettings(_Section):
    """The callback on a RunEngine."""

    max_documents: int = Field(
        20_000,
        ge=100,
        description="Documents kept in memory; beyond half of it partial predictions are left out, "
        "beyond all of it documents wait on disk.",
    )
    voice: bool = Field(
        True, description="Whether a line on each scan is printed where the RunEngine runs."
    )


class Config(BaseSettings):
    """The whole configuration of live_lce."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        title="live_lce configuration",
    )

    analysis: AnalysisSettings = Field(
        default_factory=AnalysisSettings, description="Everything that can change a prediction."
    )
    tiled: TiledSettings = Field(default_factory=TiledSettings, description="The Tiled server.")
    publish: PublishSettings = Field(
        default_factory=PublishSettings, description="How results leave."
    )
    live: LiveSettings = Field(
        default_factory=LiveSettings, description="The callback on a RunEngine."
    )
    files: FilesSettings = Field(
        default_factory=FilesSettings, description="Files that documents name."
    )
    models: _UserPath = Field(
        default_factory=lambda: data_folder() / "models",
        description="Folder of your own models, where `live-lce train` puts them; those that came "
        "with live_lce are there too.",
    )

    _found: Path | None = PrivateAttr(None)
    """The file of the current folder that says where Tiled is, without being named by anybody."""

    def key_for(self, address: str = "") -> str | None:
        """Return the API key for a Tiled server, None where there is none.

        A key of the environment is not sent to a server that only a file which happens to lie in
        the current folder names.

        Parameters
        ----------
        address : str
            As a user has given it; empty for the configured one.

        Raises
        ------
        ConfigError
            If the key would go where nobody has allowed it to.
        """
        key = self.tiled.api_key.get_secret_value() if self.tiled.api_key else None
        if self._found is None or address not in ("", self.tiled.uri):
            return key
        if variable := self._strange_key(key):
            raise ConfigError(
                f"{self._found}: tiled.uri: the API key of the environment ({variable}) is not "
                f"sent to {hide_keys(self.tiled.uri)}, since this file was not named by you: "
                f"name it (--config {self._found}, or {ENV_FILE}={self._found.resolve()}), or "
                f"set {ENV_PREFIX}TILED__URI beside the key"
            )
        return key

    def _strange_key(self, key: str | None) -> str:
        """Return the variable of the environment that the key would come from, if it does."""
        name = f"{ENV_PREFIX}TILED__API_KEY"
        if key is not None and _in_environment(name):
            return name
        # Tiled's client takes this one by itself where it is given none.
        own = key is not None or "api_key=" in self.tiled.uri
        return "" if own or not os.environ.get(TILED_KEY) else TILED_KEY

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file of `load_config`."""
        return init_settings, env_settings, _FileSource(settings_cls)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; keys and passwords are masked."""
        values = self.model_dump(mode="json")
        values["tiled"]["uri"] = hide_keys(self.tiled.uri)
        values["tiled"]["api_key"] = _SECRET_WORDS if self.tiled.api_key else None
        return values


class _FileSource(PydanticBaseSettingsSource):
    """Values of the TOML file that `load_config` has read."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Return one value; required by the base class."""
        return (_file_values.get() or {}).get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values."""
        return dict(_file_values.get() or {})


def config_path(path: str | Path | None = None) -> Path | None:
    """Return the configuration file in use: given, from the environment, here, or the user's.

    None if there is none.  A file that is asked for by name must exist.

    Raises
    ------
    ConfigError
        `path`, or the file in ``LIVE_LCE_CONFIG``, does not exist.
    """
    named = os.environ.get(ENV_FILE, "")
    if path is not None:
        return _existing(Path(path), "given")
    if named:
        return _existing(Path(named), f"in ${ENV_FILE}")
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base else _home() / ".config"
    for candidate in (_HERE, folder / "live_lce" / "config.toml"):
        with suppress(OSError):  # a folder that this account may not search
            if candidate.is_file():
                return candidate
    return None


def _existing(path: Path, origin: str) -> Path:
    expanded = path.expanduser()
    if not expanded.is_file():
        raise ConfigError(f"{expanded}: no such file ({origin}): check the path")
    return expanded


def load_config(path: str | Path | None = None) -> Config:
    """Read the configuration file, if any, and the environment over it.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file; by default ``LIVE_LCE_CONFIG``, ``./live_lce.toml``, or the user's.

    Raises
    ------
    ConfigError
        With one line that names file, field and fix.
    """
    found = config_path(path)
    values = _read_toml(found) if found else {}
    token = _file_values.set(values)
    try:
        config = Config()
        if found == _HERE and path is None and not os.environ.get(ENV_FILE):
            named = _in_environment(f"{ENV_PREFIX}TILED__URI")
            config._found = found if config.tiled.uri and not named else None
        return config
    except ValidationError as error:
        raise ConfigError(_first_problem(error, values, found)) from None
    except SettingsError as error:
        raise ConfigError(f"environment: {error}: give valid JSON, or single fields") from None
    finally:
        _file_values.reset(token)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8: give a TOML file") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: check the file") from None


def _first_problem(error: ValidationError, values: dict[str, Any], path: Path | None) -> str:
    """Return one line: where the value came from, which field, what is wrong, what to do."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"])
    variable = ENV_PREFIX + "__".join(str(part).upper() for part in first["loc"])
    origin = str(path) if path is not None and not _in_environment(variable) else "environment"
    if origin == "environment":
        field = f"{variable} ({field})"
    fix = (
        "no such field, see `live-lce config schema`"
        if first["type"] == "extra_forbidden"
        else first["msg"][:1].lower() + first["msg"][1:]
    )
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{origin}: {field}: {fix}{more}"


def _in_environment(variable: str) -> bool:
    """Whether the variable, or one of a section around it, is set."""
    names = {name.upper() for name in os.environ}
    parts = variable.split("__")
    return any("__".join(parts[: n + 1]) in names for n in range(len(parts)))
