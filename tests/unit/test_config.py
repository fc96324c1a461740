"""The configuration: file, environment over it, errors of one line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from live_lce.cli.config import reference_page
from live_lce.config import Config, ConfigError, config_path, load_config
from live_lce.settings import AnalysisSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith("LIVE_LCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "some.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config()
    assert config.analysis == AnalysisSettings()
    assert config.tiled.uri == ""
    assert config.models == tmp_path / "data" / "live_lce" / "models"
    assert config.publish.spool == tmp_path / "state" / "live_lce" / "spool"


def test_environment_overrides_file(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write('[tiled]\nuri = "http://file"\npath = "a"\n[analysis.quality]\nmin_points = 30\n')
    monkeypatch.setenv("LIVE_LCE_TILED__URI", "http://environment")
    monkeypatch.setenv("LIVE_LCE_ANALYSIS__SIGNALS__EXCLUDE", '["xs3"]')
    config = load_config(path)
    assert (config.tiled.uri, config.tiled.path) == ("http://environment", "a")
    assert config.analysis.quality.min_points == 30
    assert config.analysis.signals.exclude == ("xs3",)


def test_values_of_one_file_do_not_leak_into_the_next() -> None:
    load_config(write('[tiled]\nuri = "http://file"\n'))
    assert load_config(write("", "other.toml")).tiled.uri == ""
    assert Config().tiled.uri == ""


def test_order_of_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    user = write(
        '[tiled]\npath = "user"\n', f"{os.environ['XDG_CONFIG_HOME']}/live_lce/config.toml"
    )
    assert load_config().tiled.path == "user"
    write('[tiled]\npath = "here"\n', "live_lce.toml")
    assert load_config().tiled.path == "here"
    monkeypatch.setenv("LIVE_LCE_CONFIG", str(write('[tiled]\npath = "named"\n', "named.toml")))
    assert load_config().tiled.path == "named"
    assert load_config(user).tiled.path == "user"
    assert config_path(user) == user


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ('[tiled]\nurl = "http://a"', {}, ("some.toml", "tiled.url", "no such field")),
        ("[tild]", {}, ("some.toml", "tild", "no such field")),
        ("[tiled\na = 1", {}, ("some.toml", "not valid TOML", "line 1")),
        ("[analysis.quality]\nmin_points = 3", {}, ("analysis.quality.min_points", "8")),
        ('[analysis.signals]\nmode = "x"', {}, ("analysis.signals.mode", "'transmission'")),
        ("", {"LIVE_LCE_LIVE__MAX_DOCUMENTS": "many"}, ("environment", "LIVE_LCE_LIVE__MAX_DOC")),
        ("", {"LIVE_LCE_TILED__URL": "x"}, ("environment", "LIVE_LCE_TILED__URL", "no such field")),
        ("", {"LIVE_LCE_TILED": "{"}, ("environment", "tiled", "JSON")),
    ],
)
def test_errors_are_one_line_with_place_field_and_fix(
    text: str, environment: dict[str, str], words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_config(write(text))
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read(content: bytes | None) -> None:
    path = Path("bad.toml")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        load_config(path)


def test_the_api_key_is_never_shown() -> None:
    config = load_config(write('[tiled]\napi_key = "topsecret"\n'))
    assert config.tiled.api_key is not None
    assert config.tiled.api_key.get_secret_value() == "topsecret"
    shown = (repr(config), str(config), json.dumps(config.as_json()), config.model_dump_json())
    assert not any("topsecret" in text for text in shown)
    with pytest.raises(ConfigError) as caught:
        load_config(write('[tiled]\napi_key = ["topsecret"]\n'))
    assert "topsecret" not in str(caught.value)


def test_home_is_expanded() -> None:
    config = load_config(write('models = "~/models"\n'))
    assert config.models == Path.home() / "models"


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", field.description
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation)


def test_every_field_is_described() -> None:
    described = dict(_fields(Config))
    assert [name for name, words in described.items() if not words] == []
    assert "Signals.energy" in described and "TiledSettings.uri" in described


def test_the_schema_is_strict_json() -> None:
    schema = Config.model_json_schema()
    assert json.loads(json.dumps(schema, allow_nan=False))["properties"]["tiled"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/examples").glob("*.toml")), ids=lambda p: p.name
)
def test_shipped_examples_load(path: Path) -> None:
    config = load_config(path)
    assert config.as_json() != Config().as_json(), "an example should change something"


def test_there_are_examples() -> None:
    assert len(list((ROOT / "docs/examples").glob("*.toml"))) >= 3


def test_the_reference_page_is_up_to_date() -> None:
    page = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run `make docs`"
