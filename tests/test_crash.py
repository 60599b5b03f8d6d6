"""A server that is killed in the middle of its work loses nothing that it has acknowledged."""

import asyncio
import time
from pathlib import Path

import httpx

from tests.servers import READY_S, Serving, serving
from tests.world import PASSWORD

POSTS = "/api/v1/posts"


async def _write_until_killed(server: Serving, token: str) -> list[str]:
    """Post 200 times, eight at once; kill the server half way. The ids that were acknowledged."""
    acknowledged: list[str] = []
    waiting = asyncio.Semaphore(8)

    async def one(client: httpx.AsyncClient, number: int) -> None:
        async with waiting:
            if server.process.returncode is not None:
                return
            try:
                body = {"type": "FEED", "description": f"post {number}"}
                answer = await client.post(POSTS, json=body, headers={"Authorization": f"Bearer {token}"})
            except httpx.TransportError:
                return
            assert answer.status_code == 201, answer.text
            acknowledged.append(answer.json()["id"])
            if len(acknowledged) == 100:
                server.kill()

    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=120) as client:
        await asyncio.gather(*(one(client, number) for number in range(200)))
    return acknowledged


def test_kill_9_in_the_middle_of_writes_loses_no_acknowledged_one(scratch: Path) -> None:
    folder = scratch / "crash"
    first = Serving(folder)
    first.wait()
    account = {"email": "amina@example.org", "password": PASSWORD}
    token = httpx.post(
        first.url + "/api/v1/auth/register", json=account, trust_env=False, timeout=120
    ).json()["access_token"]
    acknowledged = asyncio.run(_write_until_killed(first, token))
    assert len(acknowledged) >= 100
    with serving(folder) as again:
        found: set[str] = set()
        cursor = ""
        while True:
            answer = httpx.get(
                again.url + POSTS,
                params={"limit": 100, **({"cursor": cursor} if cursor else {})},
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            ).json()
            found |= {post["id"] for post in answer["data"]}
            cursor = answer["next_cursor"]
            if not cursor:
                break
        assert set(acknowledged) <= found
        # Jobs that were stored with the work run now, if they have not yet: the confirmation mail comes.
        deadline = time.monotonic() + READY_S
        while not list((folder / "mail").glob("*.eml")):
            assert time.monotonic() < deadline, "no mail comes"
            time.sleep(0.05)


def test_a_second_server_on_the_folder_says_who_has_it(scratch: Path) -> None:
    folder = scratch / "taken"
    with serving(folder) as first:
        second = Serving(folder)
        assert second.process.wait(READY_S) == 1
        second.log.close()
        words = folder.with_suffix(".log").read_text()
        assert str(first.process.pid) in words and "in use" in words
