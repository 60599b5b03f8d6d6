"""What a running server consists of; handed to everything that talks to the outside."""

import dataclasses

from majlis.kit.bus import Bus
from majlis.kit.cache import Cache
from majlis.kit.db import Database
from majlis.kit.limits import Limiter
from majlis.kit.tokens import Gate
from majlis.settings import Settings
from majlis.vendors.files import Files
from majlis.vendors.geocode import Geocoder
from majlis.vendors.images import ImagePool
from majlis.vendors.mail import Mailer


@dataclasses.dataclass(slots=True)
class App:
    """The parts, put together in `main`."""

    settings: Settings
    db: Database
    bus: Bus
    cache: Cache
    limiter: Limiter
    mailer: Mailer
    files: Files
    images: ImagePool
    geocoder: Geocoder
    gate: Gate
