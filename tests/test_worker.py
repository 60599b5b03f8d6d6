"""The worker of a serving process outlives its connection."""

import time
from pathlib import Path

import httpx
import psycopg

from majlis.kit import embedded
from tests.servers import serving
from tests.world import PASSWORD


def test_a_worker_whose_connection_is_cut_is_followed_by_another(scratch: Path) -> None:
    folder = scratch / "worker"
    with serving(folder) as server:
        found = embedded.running(folder / "postgres")
        assert found is not None
        with psycopg.connect(found[0], autocommit=True) as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'majlis worker'"
            assert connection.execute(cut).fetchall() == [(True,)]
        account = {"email": "amina@example.org", "password": PASSWORD}
        answer = httpx.post(server.url + "/api/v1/auth/register", json=account, trust_env=False, timeout=20)
        assert answer.status_code == 201
        deadline = time.monotonic() + 20
        while not list((folder / "mail").glob("*.eml")):
            assert time.monotonic() < deadline, "no job ran any more"
            time.sleep(0.1)
