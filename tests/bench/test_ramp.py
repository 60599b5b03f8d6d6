"""The load that grows, in small, against a real server."""

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from tests.servers import serving
from tests.world import PASSWORD


def ramp_module() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "ramp.py"
    spec = importlib.util.spec_from_file_location("ramp", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.rule("hamsaya:178")
def test_people_come_read_and_go_without_a_failure(scratch: Path) -> None:
    ramp = ramp_module()
    assert ramp.stages(ramp.STAGES) == [(120, 100), (300, 100), (120, 200), (300, 200), (120, 0)]
    with serving(scratch / "ramp", "--no-worker") as server:
        account = {"email": "amina@example.org", "password": PASSWORD}
        registered = httpx.post(
            server.url + "/api/v1/auth/register", json=account, trust_env=False, timeout=120
        )
        people = ramp.Ramp(server.url, [registered.json()["access_token"]], 0.1)
        asyncio.run(people.run(ramp.stages("2s:20,4s:20,1s:0")))
        assert people.failed == 0 and len(people.times) > 10
        nobody = ramp.Ramp(server.url, ["no-token"], 0.1)
        asyncio.run(nobody.run(ramp.stages("5s:2")))
        assert nobody.failed == len(nobody.times) > 0  # it does notice
