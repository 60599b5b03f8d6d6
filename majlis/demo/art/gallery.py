"""Every subject that can be painted, by name."""

import random
from collections.abc import Callable

from majlis.demo.art import goods, patterns, scenes, still
from majlis.demo.art.canvas import Canvas

LANDSCAPE, PORTRAIT, COVER = (1080, 810), (900, 1125), (1600, 900)
SCALE = 0.8  # of photos: large enough for a phone, and two thirds of the work

SUBJECTS: dict[str, Callable[[Canvas], None]] = {
    "sunset": scenes.sunset, "pigeons": scenes.pigeons, "hillside": scenes.hillside, "street": scenes.street,
    "park": scenes.park, "valley": scenes.valley, "kites": scenes.kites, "night": scenes.night, "pitch": scenes.pitch,
    "bread": still.bread, "fruit": still.fruit, "tea": still.tea, "dish": still.dish, "books": still.books,
    "flowers": still.flowers, "cat": still.cat, "carpet": patterns.carpet, "tiles": patterns.tiles,
    "bicycle": goods.bicycle, "phone": goods.phone, "laptop": goods.laptop, "sofa": goods.sofa, "desk": goods.desk,
    "dress": goods.dress, "stove": goods.stove, "washer": goods.washer, "pram": goods.pram, "jar": goods.jar,
    "saffron": goods.saffron, "car": goods.car, "flat": goods.flat, "notebook": goods.notebook, "thread": goods.thread,
    "tools": goods.tools, "sapling": goods.sapling, "panel": goods.panel,
}  # fmt: skip
COVERS = ("sunset", "valley", "park", "tiles", "hillside", "night", "carpet", "kites")
UPRIGHT = frozenset({"sunset", "flowers", "carpet", "fruit", "books", "night", "dress", "hillside", "tiles"})


def paint(subject: str, seed: str, *, cover: bool = False) -> bytes:
    """A picture of this subject as PNG; the same seed gives the same bytes."""
    rng = random.Random(f"{subject} {seed}")
    width, height = LANDSCAPE
    if cover:
        width, height = COVER
    elif subject in UPRIGHT and rng.random() < 0.35:
        width, height = PORTRAIT
    canvas = Canvas(rng, width, height, 1 if cover else SCALE)
    SUBJECTS[subject](canvas)
    return canvas.png()
