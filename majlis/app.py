"""What a running server consists of; handed to everything that talks to the outside."""

import dataclasses
from typing import Any

from majlis.kit.bus import Bus
from majlis.kit.cache import Cache
from majlis.kit.crypto import Sealer, b64, derive
from majlis.kit.db import Database
from majlis.kit.limits import Limiter
from majlis.kit.tokens import Gate
from majlis.settings import Settings
from majlis.vendors.connections import Platforms
from majlis.vendors.files import Files
from majlis.vendors.geocode import Geocoder
from majlis.vendors.images import ImagePool
from majlis.vendors.mail import Mailer
from majlis.vendors.oauth import Providers
from majlis.vendors.plaid import Bank
from majlis.vendors.push import Pushers
from majlis.vendors.stripe import Processor


@dataclasses.dataclass(slots=True)
class App:
    """The parts, put together in `main`."""

    settings: Settings
    db: Database
    bus: Bus
    cache: Cache
    limiter: Limiter
    mailer: Mailer
    pusher: Pushers
    files: Files
    images: ImagePool
    geocoder: Geocoder
    gate: Gate
    sealer: Sealer
    oauth: Providers
    stripe: Processor
    plaid: Bank
    social: Platforms
    parts: dict[str, Any] = dataclasses.field(default_factory=dict)  # what doors keep for as long as it runs


def sealer(settings: Settings) -> Sealer:
    """What seals secrets in rows: under the newest of the secret keys, and opens what older ones sealed."""
    keys = [derive(secret, "sealed-values") for secret in settings.secret_keys()]
    return Sealer({b64(derive(key.hex(), "kid")[:6]): key for key in keys})
