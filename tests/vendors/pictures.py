"""Pictures made for tests, and the pool that processes them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pyvips

from majlis.kit.errors import Refused
from majlis.vendors.images import ImagePool, Kind, Processed

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 220, 30), (30, 30, 220), (240, 240, 240)


def plain(width: int, height: int, colour: tuple[int, ...]) -> Any:
    return (pyvips.Image.black(width, height) + list(colour)).cast("uchar").copy(interpretation="srgb")


@cache
def noise(width: int, height: int) -> Any:
    """Three bands of speckle, the same every time."""
    bands = [pyvips.Image.gaussnoise(width, height, mean=128, sigma=40, seed=seed) for seed in (1, 2, 3)]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").copy_memory()


@cache
def twelve_megapixels() -> bytes:
    """A JPEG of 4000 x 3000 with something to decode everywhere."""
    return bytes(noise(1000, 750).replicate(4, 4).jpegsave_buffer(Q=75))


@cache
def forty_megapixels() -> bytes:
    """A JPEG at the limit, progressive so that it takes all its memory and more than half a second."""
    return bytes(noise(400, 250).gaussblur(3).replicate(20, 20).jpegsave_buffer(Q=50, interlace=True))


def seen(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "").copy_memory()


def near(image: Any, across: float, down: float, colour: tuple[int, ...]) -> bool:
    """Whether the picture has this colour at a place given in parts of its width and height."""
    point = image.getpoint(int((image.width - 1) * across), int((image.height - 1) * down))
    return all(abs(a - b) <= 12 for a, b in zip(point, colour, strict=False))


@contextlib.asynccontextmanager
async def pool_of(workers: int = 1, **options: Any) -> AsyncIterator[ImagePool]:
    pool = ImagePool(workers, **options)
    try:
        yield pool
    finally:
        await pool.aclose()
        assert pool.children() == []


def processed(*jobs: tuple[bytes, Kind]) -> list[Processed | Refused]:
    """What the pool makes of each, results and refusals alike."""

    async def body() -> list[Processed | Refused]:
        results: list[Processed | Refused] = []
        async with pool_of() as pool:
            for data, kind in jobs:
                try:
                    results.append(await pool.process(data, kind))
                except Refused as refused:
                    results.append(refused)
        return results

    return asyncio.run(body())


def done(*jobs: tuple[bytes, Kind]) -> list[Processed]:
    results = processed(*jobs)
    assert all(isinstance(result, Processed) for result in results), results
    return results  # type: ignore[return-value]
