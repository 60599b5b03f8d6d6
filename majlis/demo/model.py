"""The town on paper: who lives there and what they do, before any of it is stored."""

from datetime import datetime, timedelta

import msgspec

from majlis.kit.geo import Point


class District(msgspec.Struct, frozen=True):
    """A part of a city; its names by language, spread in km."""

    names: dict[str, str]
    lat: float
    lng: float
    spread: float
    weight: int
    corners: tuple[str, ...]


class City(msgspec.Struct, frozen=True):
    """A city and how many of the people live there, against the others."""

    province: str
    names: dict[str, str]
    share: int
    districts: tuple[District, ...]


class Resident(msgspec.Struct, eq=False):
    """Somebody. `pull` is how much others look at them, `voice` how much they post; both about 1."""

    number: int
    language: str
    speaks: tuple[str, ...]
    local: bool
    gender: str
    age: int
    birthday: tuple[int, int]  # month and day
    first_name: str
    last_name: str
    email: str
    city: City
    district: District
    corner: str
    home: Point
    about: str
    face: str  # portrait, sign or none
    cover: str | None  # a subject of the gallery
    joined: timedelta  # before now
    pull: float
    voice: float

    def place(self, language: str) -> str:
        """The name of their district."""
        return self.district.names[language]


class Picture(msgspec.Struct, frozen=True):
    """One of the pictures that can be painted."""

    subject: str
    variant: int


class Sale(msgspec.Struct, frozen=True):
    """What is asked for goods; nothing when they are free."""

    category: str
    price: int | None
    currency: str
    discount: int | None
    contact: str | None


class Occasion(msgspec.Struct, frozen=True):
    """When an event is: days from today, hour of the day, hours long."""

    days: int
    hour: int
    length: int


class Post(msgspec.Struct, eq=False, kw_only=True):
    """A post. `topic` is where comments on it are looked up, `appeal` about 1."""

    author: Resident
    at: datetime
    type: str
    topic: str
    language: str
    title: str | None = None
    text: str
    pictures: list[Picture] = []
    visibility: str = "PUBLIC"
    sale: Sale | None = None
    occasion: Occasion | None = None
    options: tuple[str, ...] = ()
    spot: Point
    shown: bool  # whether the spot is shown to others
    appeal: float


class Comment(msgspec.Struct, eq=False):
    """A comment, or a reply to one of the same list."""

    author: Resident
    post: Post
    parent: "Comment | None"
    at: datetime
    text: str


class Follow(msgspec.Struct, eq=False):
    """Who follows whom since when."""

    follower: Resident
    following: Resident
    at: datetime


class Share(msgspec.Struct, eq=False):
    """A post shared on."""

    author: Resident
    post: Post
    text: str | None
    at: datetime


class Town(msgspec.Struct, eq=False):
    """Everything. Votes carry the number of the option."""

    residents: list[Resident]
    follows: list[Follow]
    posts: list[Post]
    comments: list[Comment]
    shares: list[Share]
    likes: list[tuple[Resident, Post]]
    bookmarks: list[tuple[Resident, Post]]
    comment_likes: list[tuple[Resident, Comment]]
    votes: list[tuple[Resident, Post, int]]
