"""An API key goes to the server that a user chose for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from live_lce.config import ConfigError, load_config

HERE = "http://folder:8000"
ENVIRONMENT = "LIVE_LCE_TILED__API_KEY"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration file that nobody has asked for."""
    for name in (ENVIRONMENT, "LIVE_LCE_TILED__URI", "LIVE_LCE_CONFIG", "TILED_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "live_lce.toml").write_text(f'[tiled]\nuri = "{HERE}"\n')
    return tmp_path


@pytest.mark.parametrize("variable", [ENVIRONMENT, "TILED_API_KEY"])
def test_a_key_of_the_environment_does_not_go_where_a_folder_says(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "secret")
    config = load_config()
    for address in ("", HERE):
        with pytest.raises(ConfigError, match=f"{variable}.*{HERE}.*--config") as raised:
            config.key_for(address)
        assert "secret" not in str(raised.value)


def test_a_file_that_is_named_is_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "secret")
    assert load_config(Path("live_lce.toml")).key_for() == "secret"
    monkeypatch.setenv("LIVE_LCE_CONFIG", "live_lce.toml")
    assert load_config().key_for() == "secret"


def test_the_users_own_file_is_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "secret")
    own = folder / "user" / "live_lce" / "config.toml"
    own.parent.mkdir(parents=True)
    (folder / "live_lce.toml").rename(own)
    config = load_config()
    assert config.tiled.uri == HERE and config.key_for() == "secret"


def test_an_address_beside_the_key_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "secret")
    monkeypatch.setenv("LIVE_LCE_TILED__URI", "http://mine:8000")
    assert load_config().key_for() == "secret"


def test_an_address_that_is_typed_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "secret")
    assert load_config().key_for("http://typed:8000") == "secret"


def test_a_folders_own_key_goes_to_its_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'[tiled]\nuri = "{HERE}"\napi_key = "theirs"\n'
    (folder / "live_lce.toml").write_text(text)
    assert load_config().key_for() == "theirs"
    monkeypatch.setenv("TILED_API_KEY", "secret")  # not asked for, where there is one
    assert load_config().key_for() == "theirs"
    monkeypatch.setenv(ENVIRONMENT, "secret")
    with pytest.raises(ConfigError):
        load_config().key_for()


def test_the_configuration_is_shown_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("http://x?api_key=CANARY", "http://user:CANARY@x"):
        monkeypatch.setenv("LIVE_LCE_TILED__URI", address)
        assert "CANARY" not in str(load_config().as_json())
