"""A Tiled server with access tags, and users who may and may not write."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    # tiled's in-process client stands on starlette's test client, which wants httpx2
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
    # tiled leaves its in-process app's databases to the collector, see the fixture's end
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


SCOPES = [
    "read:metadata", "read:data", "write:metadata", "write:data",
    "create:node", "delete:node", "delete:revision",
]  # fmt: skip


ALICE = {"users": [{"name": "alice", "role": "owner"}]}


TAGS = {
    "roles": {"owner": {"scopes": SCOPES}},
    "tags": {"top": ALICE, "proposal-1": ALICE, "foreign": {"users": []}},
    "tag_owners": {
        "top": {"users": [{"name": "alice"}]},
        "proposal-1": {"users": [{"name": "alice"}]},
    },
}


def configuration(folder: Path) -> dict[str, Any]:
    passwords = {"users_to_passwords": {"alice": "secret"}}
    return {
        "authentication": {
            "secret_keys": ["S" * 32],
            "providers": [
                {
                    "provider": "toy",
                    "authenticator": "tiled.authenticators:DictionaryAuthenticator",
                    "args": passwords,
                }
            ],
        },
        "database": {"uri": f"sqlite:///{folder}/authn.db", "init_if_not_exists": True},
        "access_control": {
            "access_policy": "tiled.access_control.access_policies:TagBasedAccessPolicy",
            "args": {
                "provider": "toy",
                "access_tags_parser": "tiled.access_control.access_tags:AccessTagsParser",
            },
        },
        "trees": [
            {
                "path": "/",
                "tree": "catalog",
                "args": {
                    "uri": f"sqlite:///{folder}/catalog.db",
                    "writable_storage": [str(folder / "data"), f"duckdb:///{folder}/s.duckdb"],
                    "init_if_not_exists": True,
                    "top_level_access_tags": ["top"],
                },
            }
        ],
    }


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Any]:
    """The container of runs, as alice sees it: she owns proposal-1, and not foreign."""
    from tiled.client import Context, from_context
    from tiled.client.context import password_grant
    from tiled.server.app import build_app_from_config
    from tiled.structures.core import Spec

    (tmp_path / "data").mkdir()
    app = build_app_from_config(configuration(tmp_path))
    with Context.from_app(app) as context:
        asyncio.run(define_tags(tmp_path))
        (provider,) = context.server_info.authentication.providers
        tokens = password_grant(
            context.http_client, provider.links["auth_endpoint"], "toy", "alice", "secret"
        )
        context.configure_auth(tokens)
        spec = Spec("CatalogOfBlueskyRuns", version="3.0")
        yield from_context(context).create_container("processed", specs=[spec], access_tags=["top"])
    del app, context
    gc.collect()  # here, under this module's filters, and not in some later test


async def define_tags(folder: Path) -> None:
    from tiled.access_control.access_tags import AccessTagsCompiler
    from tiled.server.settings import DatabaseSettings

    database = DatabaseSettings(uri=f"sqlite+aiosqlite:///{folder}/catalog.db")
    compiler = AccessTagsCompiler(SCOPES, TAGS, database, None)
    compiler.load_tag_config()
    await compiler.compile()
