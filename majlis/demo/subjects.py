"""What posts are about: pictures, prices and hours that go with the words of the phrasebooks."""

import msgspec

# Topics and the pictures that go with them; how often a post has one.
TOPICS: dict[str, tuple[tuple[str, ...], float]] = {
    "bread": (("bread",), 0.6),
    "fruit": (("fruit",), 0.7),
    "sky": (("sunset", "hillside", "valley"), 1.0),
    "power": (("night", "panel"), 0.15),
    "water": ((), 0.0),
    "road": (("street",), 0.35),
    "lost": ((), 0.0),
    "cat": (("cat",), 0.85),
    "thanks": (("flowers", "street"), 0.2),
    "tea": (("tea",), 0.7),
    "kites": (("kites",), 0.8),
    "books": (("books",), 0.6),
    "garden": (("flowers", "sapling", "park"), 0.75),
    "football": (("pitch",), 0.55),
    "cooking": (("dish",), 0.75),
    "study": (("notebook", "books"), 0.35),
    "health": (("park",), 0.1),
    "internet": (("laptop",), 0.1),
    "morning": (("street", "park", "hillside", "tiles", "bread"), 0.8),
    "cleaning": (("street", "park"), 0.45),
    "carpet": (("carpet",), 0.85),
    "birds": (("pigeons",), 0.75),
}


class Goods(msgspec.Struct, frozen=True):
    """Goods: their category, the least and the most asked for them in afghanis, their pictures."""

    category: str
    least: int
    most: int
    pictures: tuple[str, ...]
    gift: float = 0.0  # how often they are given away
    used: bool = True
    light: bool = True  # can be brought to the buyer


GOODS: dict[str, Goods] = {
    "carpet": Goods("Carpets and rugs", 6_000, 60_000, ("carpet",)),
    "bicycle": Goods("Bicycles", 3_500, 15_000, ("bicycle",)),
    "phone": Goods("Mobile phones", 4_000, 32_000, ("phone",)),
    "laptop": Goods("Computers", 12_000, 48_000, ("laptop",)),
    "sofa": Goods("Furniture", 6_000, 30_000, ("sofa",), 0.05),
    "desk": Goods("Furniture", 1_500, 7_000, ("desk",), 0.1),
    "books": Goods("Books", 150, 1_800, ("books",), 0.3),
    "dress": Goods("Clothes", 1_200, 9_000, ("dress",), 0.05),
    "heater": Goods("Home appliances", 2_500, 14_000, ("stove",)),
    "washer": Goods("Home appliances", 7_000, 26_000, ("washer",)),
    "stroller": Goods("Baby and children", 800, 6_000, ("pram",), 0.25),
    "honey": Goods("Food", 500, 1_500, ("jar",), used=False),
    "saffron": Goods("Food", 120, 450, ("saffron",), used=False),
    "car": Goods("Cars", 280_000, 850_000, ("car",), light=False),
    "flat": Goods("Houses and flats", 6_000, 32_000, ("flat",), used=False, light=False),
    "lessons": Goods("Services", 500, 2_500, ("notebook",), used=False, light=False),
    "tailor": Goods("Services", 300, 1_600, ("thread", "dress"), used=False, light=False),
    "tools": Goods("Tools", 900, 6_500, ("tools",)),
    "saplings": Goods("Garden and farm", 80, 600, ("sapling",), 0.1, used=False),
    "solar": Goods("Electronics", 4_000, 22_000, ("panel",)),
}

# Events: the hour they begin, how many hours they last, their pictures.
EVENTS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "poetry": (17, 3, ("tea", "books", "night")),
    "football": (15, 3, ("pitch",)),
    "trees": (8, 4, ("sapling", "park")),
    "clinic": (9, 5, ("park",)),
    "english": (16, 2, ("notebook", "tea")),
    "swap": (10, 4, ("books",)),
    "cleaning": (7, 2, ("street", "park")),
    "kites": (14, 4, ("kites",)),
    "kitchen": (12, 3, ("dish",)),
    "computer": (13, 4, ("laptop",)),
    "photo": (16, 2, ("hillside", "street", "tiles", "sunset")),
    "crafts": (10, 8, ("carpet", "dress")),
}

# How many different pictures of a subject there are; of all others two.
VARIANTS = {
    "sunset": 6, "hillside": 4, "street": 4, "park": 4, "carpet": 5, "dish": 4, "fruit": 4, "tea": 4, "flowers": 4,
    "kites": 4, "bread": 3, "books": 3, "pigeons": 3, "valley": 3, "tiles": 3, "pitch": 3, "cat": 4,
    "phone": 3, "laptop": 3, "dress": 3, "car": 3, "flat": 3, "bicycle": 3,
}  # fmt: skip


def variants(subject: str) -> int:
    """How many different pictures of a subject are painted."""
    return VARIANTS.get(subject, 2)
