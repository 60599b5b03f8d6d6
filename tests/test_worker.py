"""Workers outlive their connections and their database, in a serving process as in one of their own."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from majlis.kit import embedded
from tests.servers import READY_S, Serving, serving
from tests.world import PASSWORD


def register(server: Serving, name: str) -> None:
    """A new account, which is sent a mail by a job."""
    account = {"email": f"{name}@example.org", "password": PASSWORD}
    answer = httpx.post(server.url + "/api/v1/auth/register", json=account, trust_env=False, timeout=READY_S)
    assert answer.status_code == 201, answer.text


def until(what: str, true: Callable[[], bool]) -> None:
    """Wait for this. Fails after two minutes."""
    deadline = time.monotonic() + READY_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def mails(folder: Path) -> int:
    return len(list((folder / "mail").glob("*.eml")))


def readiness(server: Serving) -> int:
    return httpx.get(server.url + "/health/ready", timeout=READY_S, trust_env=False).status_code


def test_a_worker_whose_connection_is_cut_is_followed_by_another(scratch: Path) -> None:
    folder = scratch / "worker"
    with serving(folder) as server:
        found = embedded.running(folder / "postgres")
        assert found is not None
        with psycopg.connect(found[0], autocommit=True) as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'majlis worker'"
            until("no worker came", lambda: connection.execute(cut).fetchall() == [(True,)])
        register(server, "amina")
        until("no job ran any more", lambda: mails(folder) > 0)


def kill(database: embedded.Embedded) -> None:
    """End a database as a crash would."""
    gone = psutil.Process(database.pid)
    os.kill(database.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(database.pid, 0)
    with contextlib.suppress(psutil.NoSuchProcess):
        gone.wait(READY_S)
    database.stop()


@pytest.mark.parametrize("apart", [False, True], ids=["inside", "apart"])
def test_a_worker_waits_for_a_database_that_died(scratch: Path, apart: bool) -> None:
    folder = scratch / f"outage-{apart}"
    database = embedded.start(folder / "postgres")
    running: list[Serving] = []
    try:
        url = {"MAJLIS_DATABASE_URL": database.url, "MAJLIS_LOG_FORMAT": "json"}
        server = Serving(folder / "data", *(["--no-worker"] if apart else []), **url)
        running.append(server)
        server.wait()
        if apart:
            running.append(Serving(folder / "data", command="work", **url))
        register(server, "amina")
        until("no job ran", lambda: mails(folder / "data") == 1)
        kill(database)
        log = Path(running[-1].log.name)
        until("nobody noticed", lambda: '"worker_broke"' in log.read_text())
        assert readiness(server) == 503
        database = embedded.start(folder / "postgres")
        until("the server did not come back", lambda: readiness(server) == 200)
        register(server, "bilal")
        until("no job ran any more", lambda: mails(folder / "data") >= 2)
        assert '"worker_back"' in log.read_text()
        assert [one.process.poll() for one in running] == [None] * len(running), (
            "both have gone on all the time"
        )
    finally:
        for one in running:
            one.stop()
        database.stop()


def test_a_worker_of_its_own_ends_at_a_signal_while_the_database_is_away(scratch: Path) -> None:
    folder = scratch / "away"
    database = embedded.start(folder / "postgres")
    worker = Serving(
        folder / "data", command="work", MAJLIS_DATABASE_URL=database.url, MAJLIS_LOG_FORMAT="json"
    )
    try:
        log = Path(worker.log.name)
        until("it did not begin", lambda: '"working"' in log.read_text())
        kill(database)
        until("it did not notice", lambda: '"worker_broke"' in log.read_text())
        assert worker.stop() == 0
    finally:
        worker.stop()
        database.stop()
