"""A RunEngine, and the raw runs in Tiled where `tiled.uri` is configured.

The files of this folder run in order, as startup files of IPython
(``ipython --profile-dir=profile_collection``) and of bluesky-queueserver
(``start-re-manager --startup-dir=profile_collection/startup``).
"""

from bluesky import RunEngine

from live_lce.config import load_config

RE = globals().get("RE") or RunEngine({})  # an earlier startup file may have made it

config = load_config()  # LIVE_LCE_CONFIG, live_lce.toml, ~/.config/live_lce/config.toml
if config.tiled.uri:
    from bluesky_tiled_plugins import TiledWriter

    from live_lce.tiled import Connection, explain

    _key = config.tiled.api_key
    _tiled = Connection(
        config.tiled.uri,
        api_key=_key.get_secret_value() if _key else None,
        path=config.tiled.raw_path,
    )
    try:
        _raw = _tiled.container()
    except Exception as error:  # raw data that go nowhere must be noticed before the first scan
        raise RuntimeError(
            f"Raw runs cannot go to {config.tiled.uri}. {explain(error)} Start the server "
            "(`live-lce serve`), or take `tiled.uri` out of the configuration."
        ) from None
    # Where Tiled fails later, raw runs go on in files there.
    RE.subscribe(TiledWriter(_raw, backup_directory=str(config.publish.spool.parent / "raw")))
