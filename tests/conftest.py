"""Fixtures: one PostgreSQL per test process, a rolled-back world per test, a real clone where commits matter."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import hypothesis
import pytest

from majlis import main
from majlis.kit import bus, embedded, log, pool
from majlis.kit.migrations import Migrator
from majlis.vendors import geocode, images, linking, push_fcm, push_web, stripe_api, videos
from majlis.vendors.images import ImagePool
from majlis.vendors.oauth import wire
from tests import world as worlds
from tests.world import World

# Of a minute: begun first, so that nothing waits for them at the end.
LONGEST = {"test_fuzz.py", "test_ceilings.py"}

# The same examples each time, and none fails for being slow on a busy machine.
hypothesis.settings.register_profile("suite", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("suite")

TEMPLATE = "majlis_template"
# Tests restart nothing on this server, so it need not wait for the disk, nor keep much of what it did.
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_wal_size": "128MB",
}
# Files there cost no disk: a copy of a database is more than a thousand. Without the room for it, /tmp does.
MEMORY, ROOM = Path("/dev/shm"), 4 << 30


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all tests of this process."""
    log.configure("error", "json")
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Nothing is given up for being late on a busy machine; what is about that sets times of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "ACQUIRE_S", 300.0)
        patch.setattr(pool, "STATEMENT_S", 300.0)
        patch.setattr(bus, "LEASE_S", 60.0)
        patch.setattr(bus, "BEAT_TIMEOUT_S", 60.0)
        patch.setattr(bus, "OPEN_TIMEOUT_S", 60.0)
        for module in (geocode, images, stripe_api):
            patch.setattr(module, "TIMEOUT_S", 300.0)
        patch.setattr(images, "ENDED_S", 60.0)
        patch.setattr(videos, "SECONDS", 300.0)
        for client in (linking.Wire, push_fcm.FcmPusher, push_web.WebPusher, wire.Wire):
            patch.setitem(cast(dict[str, Any], client.__init__.__kwdefaults__), "timeout_s", 300.0)
        for phase in ("connect", "read", "write", "pool"):
            patch.setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, phase, 120.0)
        yield


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder outside of any home, open to the user that PostgreSQL runs as; in memory where there is room."""
    roomy = os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="majlis-test-", dir=MEMORY if roomy else "/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server: from a database's name to its URL. MAJLIS_TEST_DATABASE_URL names another server."""
    given = os.environ.get("MAJLIS_TEST_DATABASE_URL")
    if given:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        yield lambda name: given.replace(
            "/postgres", f"/{name}_{worker}" if name != "postgres" else "/postgres"
        )
        return
    with embedded.start(scratch / "postgres", settings=QUICK) as server:
        yield server.url_for


@pytest.fixture(scope="session")
def template(postgres: Callable[[str], str], runner: asyncio.Runner) -> str:
    """The name of a migrated database, to be cloned."""
    runner.run(_create(postgres("postgres"), _name(postgres, TEMPLATE), None))
    Migrator(postgres(TEMPLATE), main.migration_folders()).up()
    return TEMPLATE


def _name(postgres: Callable[[str], str], name: str) -> str:
    return postgres(name).partition("?")[0].rpartition("/")[2]


async def _create(url: str, name: str, source: str | None) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        suffix = f'TEMPLATE "{source}"' if source else "TEMPLATE template0 ENCODING 'UTF8'"
        await connection.execute(f'CREATE DATABASE "{name}" {suffix}')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def shared(postgres: Callable[[str], str], template: str, runner: asyncio.Runner) -> Iterator[str]:
    """The URL of the database in which tests work and roll back."""
    runner.run(_create(postgres("postgres"), _name(postgres, "majlis_shared"), _name(postgres, template)))
    url = postgres("majlis_shared")
    yield url
    runner.run(worlds.close_idle(url))


@pytest.fixture(scope="session")
def pictures(runner: asyncio.Runner) -> Iterator[ImagePool]:
    """One pool of picture processes for all tests."""

    async def make() -> ImagePool:
        return ImagePool()

    pool = runner.run(make())
    yield pool
    runner.run(pool.aclose())


@pytest.fixture
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of a test, from `@pytest.mark.settings(rate_limits="on")`."""
    marker = request.node.get_closest_marker("settings")
    return dict(marker.kwargs) if marker else {}


@pytest.fixture
def world(
    runner: asyncio.Runner, shared: str, pictures: ImagePool, tmp_path: Path, options: dict[str, Any]
) -> Iterator[World]:
    """An app on one connection; all it does is rolled back."""
    stack = worlds.rolled_back(shared)
    db = runner.run(stack.__aenter__())
    here = World(
        runner, worlds.app_over(db, worlds.settings_for(tmp_path, shared, **options), pictures), shared
    )
    yield here
    here.close()
    runner.run(stack.__aexit__(None, None, None))


@pytest.fixture
def clone(
    runner: asyncio.Runner,
    postgres: Callable[[str], str],
    template: str,
    pictures: ImagePool,
    tmp_path: Path,
    options: dict[str, Any],
) -> Iterator[World]:
    """An app on a database of its own, with real connections: for races, commits and processes."""
    runner.run(_create(postgres("postgres"), _name(postgres, "majlis_clone"), _name(postgres, template)))
    url = postgres("majlis_clone")
    db = runner.run(worlds.real_database(url))
    here = World(runner, worlds.app_over(db, worlds.settings_for(tmp_path, url, **options), pictures), url)
    yield here
    here.close()
    runner.run(db.close())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
