"""A load that grows: people who read the feed, pause a second, and read again.

    python bench/ramp.py URL TOKENS [--stages 2m:100,5m:100,2m:200,5m:200,2m:0] [--pause 1]

TOKENS is a file of bearer tokens, one a line. Each stage is a duration and the number of people at its end.
Prints how many requests were answered, how many not with 200 in time, and the percentiles; exits 1 when a
request failed or the 95th percentile reaches 100 ms (the contract's own threshold is 200 ms).
"""

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path

import httpx

STAGES = "2m:100,5m:100,2m:200,5m:200,2m:0"
P95_MS, SLOWEST_MS = 100.0, 200.0


def stages(text: str) -> list[tuple[float, int]]:
    """(seconds, people at the end) of each stage."""
    units = {"s": 1.0, "m": 60.0}
    found = []
    for part in text.split(","):
        duration, _, people = part.partition(":")
        found.append((float(duration[:-1]) * units[duration[-1]], int(people)))
    return found


class Ramp:
    """People who come and go."""

    def __init__(self, url: str, tokens: list[str], pause: float) -> None:
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
        self._client = httpx.AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False)
        self._tokens = tokens
        self._pause = pause
        self._people: list[asyncio.Task[None]] = []
        self.times: list[float] = []
        self.failed = 0

    async def _person(self, token: str) -> None:
        while True:
            started = time.perf_counter()
            try:
                answer = await self._client.get("/api/v1/posts", headers={"Authorization": f"Bearer {token}"})
                good = answer.status_code == 200
            except httpx.HTTPError:
                good = False
            self.times.append((time.perf_counter() - started) * 1000)
            self.failed += not good
            await asyncio.sleep(self._pause)

    async def run(self, plan: list[tuple[float, int]]) -> None:
        """Go through the stages."""
        for seconds, goal in plan:
            before, began = len(self._people), time.monotonic()
            while (passed := time.monotonic() - began) < seconds:
                self._resize(round(before + (goal - before) * passed / seconds))
                await asyncio.sleep(0.05)
            self._resize(goal)
        self._resize(0)
        await self._client.aclose()

    def _resize(self, count: int) -> None:
        while len(self._people) < count:
            self._people.append(asyncio.create_task(self._person(random.choice(self._tokens))))
        while len(self._people) > count:
            self._people.pop().cancel()


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--stages", default=STAGES)
    parser.add_argument("--pause", type=float, default=1.0)
    args = parser.parse_args()
    ramp = Ramp(args.url, args.tokens.read_text().split(), args.pause)
    asyncio.run(ramp.run(stages(args.stages)))
    p50, p95, p99 = (percentile(ramp.times, share) for share in (0.5, 0.95, 0.99))
    slow = sum(ms >= SLOWEST_MS for ms in ramp.times)
    print(f"{len(ramp.times)} requests, {ramp.failed} failed, {slow} slower than {SLOWEST_MS:.0f} ms")
    print(f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")
    return 1 if ramp.failed or p95 >= P95_MS else 0


if __name__ == "__main__":
    sys.exit(main())
