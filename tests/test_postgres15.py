"""The oldest PostgreSQL that is supported: migrations and the main path."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from majlis import main
from majlis.kit.migrations import Migrator
from majlis.vendors.images import ImagePool
from tests import world as worlds
from tests.features.posts.writing import POSTS, write
from tests.test_cli import majlis
from tests.world import PASSWORD, World

BIN = os.environ.get("MAJLIS_TEST_PG15_BIN", "/usr/lib/postgresql/15/bin")
OPTIONS = "-c listen_addresses='' -c fsync=off -c max_connections=40"


def _as_postgres(*command: str) -> None:
    """Run a program of PostgreSQL, as another user where this is root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, capture_output=True, cwd="/tmp")


@pytest.fixture
def fifteen(scratch: Path) -> Iterator[str]:
    """The URL of a fresh PostgreSQL 15."""
    if not Path(BIN, "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    if os.geteuid() == 0 and not shutil.which("runuser"):
        pytest.skip("as root, PostgreSQL needs another user, and there is no runuser")
    folder = Path(tempfile.mkdtemp(dir=scratch))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = str(folder / "data")
    _as_postgres(
        f"{BIN}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
    )
    options = f"{OPTIONS} -c unix_socket_directories={folder}"
    _as_postgres(f"{BIN}/pg_ctl", "-D", data, "-w", "-l", f"{data}.log", "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        _as_postgres(f"{BIN}/pg_ctl", "-D", data, "-w", "-m", "fast", "stop")


def test_the_main_path_on_postgresql_15(
    fifteen: str, runner: asyncio.Runner, pictures: ImagePool, tmp_path: Path
) -> None:
    migrator = Migrator(fifteen, main.migration_folders())
    assert migrator.up()
    assert migrator.up() == []
    db = runner.run(worlds.real_database(fifteen))
    here = World(runner, worlds.app_over(db, worlds.settings_for(tmp_path, fifteen), pictures), fifteen)
    amina, bilal = here.person("Amina"), here.person("Bilal")
    for kind in ("FEED", "SELL", "EVENT", "PULL"):
        post = write(here, amina, kind, title="نان تازه" if kind != "FEED" else "خبر")
        assert here.post(f"{POSTS}/{post['id']}/like", bilal).json()["total_likes"] == 1
        assert here.post(f"{POSTS}/{post['id']}/comments", bilal, {"text": "Good"}).status_code == 201
    assert here.drain() > 0
    assert here.get("/api/v1/notifications/unread-count", amina).json()["unread_count"] == 8
    for path in (POSTS, f"{POSTS}/trending", f"{POSTS}/search?q=نان", f"{POSTS}/nearby?lat=34.5&lng=69.1"):
        assert here.get(path, bilal).status_code == 200
    assert len(here.get(f"{POSTS}/search?q=نا", bilal).json()["data"]) == 3
    here.close()
    runner.run(db.close())


def test_it_takes_over_from_the_embedded_database(fifteen: str, scratch: Path) -> None:
    small, kept, moved = (scratch / name for name in ("small", "small-kept", "small-moved"))
    majlis(small, "migrate", "up")
    majlis(small, "user", "create", "amina@example.org", "--password", PASSWORD, "--role", "moderator")
    majlis(small, "backup", str(kept))
    dump = (kept / "database.dump").read_bytes()
    (kept / "database.dump").write_bytes(dump[: len(dump) // 2])
    assert "failed" in majlis(moved, "restore", str(kept), code=1, MAJLIS_DATABASE_URL=fifteen)
    (kept / "database.dump").write_bytes(dump)
    # Of the half nothing is left, else it would not be taken for empty.
    assert "restored" in majlis(moved, "restore", str(kept), MAJLIS_DATABASE_URL=fifteen)
    assert "not empty" in majlis(moved, "restore", str(kept), code=1, MAJLIS_DATABASE_URL=fifteen)
    assert Migrator(fifteen, main.migration_folders()).up() == []
    assert "moderator" in majlis(
        moved, "user", "promote", "amina@example.org", "--role", "moderator", MAJLIS_DATABASE_URL=fifteen
    )
