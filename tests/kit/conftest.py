"""Fixtures of the kit's tests."""

import shutil
from collections.abc import Iterator

import pytest

from majlis.kit import cache
from tests.kit.redis_server import RedisServer


@pytest.fixture(autouse=True)
def patient_with_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may answer late without being taken for one that is away; what is about that says less."""
    monkeypatch.setattr(cache, "REDIS_TIMEOUT_S", 60.0)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()
