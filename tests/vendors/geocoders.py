"""A loopback server that speaks as Google, Mapbox and Nominatim do, in the shapes of their documentation."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "a-secret-geocoding-key"
KARTE_SEH = (34.5025, 69.1335)
OCEAN = (0.0, -140.0)
FAULTS = ("denied", "limit", "broken", "html", "odd")


class Fake(ThreadingHTTPServer):
    """The server: what it was asked, and the fault it shows. `delay_s` is waited before each answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []
        self.reached = threading.Event()
        self.agents: list[str] = []
        self.fault: str | None = None
        self.delay_s = 0.0
        self.ended = threading.Event()  # which also ends a delay

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one service or another, by the path."""

    protocol_version = "HTTP/1.1"
    server: Fake

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append(asked)
        self.server.agents.append(self.headers["User-Agent"])
        self.server.reached.set()
        self.server.ended.wait(self.server.delay_s)
        services = {
            "/maps/api/geocode/json": google,
            "/search/geocode/v6/reverse": mapbox,
            "/reverse": nominatim,
        }
        status, body = services[parts.path](asked, self.server.fault)
        self._answer(status, body)

    def _answer(self, status: int, body: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.server.fault == "drip":
            for at in range(len(raw)):
                self.wfile.write(raw[at : at + 1])
                time.sleep(0.05)
        else:
            self.wfile.write(raw)

    def handle(self) -> None:
        # The other side may give up waiting, as it should.
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


def _broken(fault: str | None) -> tuple[int, Any] | None:
    faults: dict[str | None, tuple[int, Any]] = {
        "broken": (500, b"Internal Server Error"),
        "html": (200, b"<html>Sign in to the network</html>"),
        "odd": (200, {"status": 7, "features": "none", "address": [], "results": {}}),
    }
    return faults.get(fault)


def google(asked: dict[str, str], fault: str | None) -> tuple[int, Any]:
    """Geocoding API version 3: errors come with status 200."""
    if (broken := _broken(fault)) is not None:
        return broken
    if fault == "denied" or asked.get("key") != KEY:
        message = "The provided API key is invalid. "
        return 200, {"error_message": message, "results": [], "status": "REQUEST_DENIED"}
    if fault == "limit":
        message = "You have exceeded your daily request quota for this API."
        return 200, {"error_message": message, "results": [], "status": "OVER_QUERY_LIMIT"}
    if asked["latlng"] != f"{KARTE_SEH[0]},{KARTE_SEH[1]}":
        return 200, {"plus_code": {}, "results": [], "status": "ZERO_RESULTS"}

    def component(name: str, *types: str) -> dict[str, Any]:
        return {"long_name": name, "short_name": name[:2], "types": [*types, "political"]}

    country = component("Afghanistan", "country")
    province = component("Kabul", "administrative_area_level_1")
    wide = [
        component("Kabul", "locality"),
        component("Kabul", "administrative_area_level_2"),
        province,
        country,
    ]
    narrow = [component("Karte Seh", "neighborhood"), *wide]
    results = [
        {
            "address_components": parts,
            "formatted_address": "Kabul",
            "geometry": {},
            "place_id": "x",
            "types": [],
        }
        for parts in (narrow, wide, [province, country], [country])
    ]
    return 200, {"plus_code": {}, "results": results, "status": "OK"}


def mapbox(asked: dict[str, str], fault: str | None) -> tuple[int, Any]:
    """Geocoding API version 6."""
    if (broken := _broken(fault)) is not None:
        return broken
    if fault == "denied" or asked.get("access_token") != KEY:
        return 401, {"message": "Not Authorized - Invalid Token"}
    if fault == "limit":
        return 429, {"message": "Too Many Requests"}
    features = []
    if (float(asked["latitude"]), float(asked["longitude"])) == KARTE_SEH:
        context = {
            "place": {"mapbox_id": "p", "name": "Kabul", "wikidata_id": "Q5838"},
            "region": {"mapbox_id": "r", "name": "Kabul", "region_code": "KAB", "region_code_full": "AF-KAB"},
            "country": {
                "mapbox_id": "c",
                "name": "Afghanistan",
                "country_code": "AF",
                "country_code_alpha_3": "AFG",
            },
        }
        properties = {
            "mapbox_id": "n",
            "feature_type": "neighborhood",
            "name": "Karte Seh",
            "name_preferred": "Karte Seh",
            "place_formatted": "Kabul, Afghanistan",
            "full_address": "Karte Seh, Kabul, Afghanistan",
            "context": context,
        }
        features.append({"type": "Feature", "id": "n", "geometry": {}, "properties": properties})
    return 200, {"type": "FeatureCollection", "features": features, "attribution": "NOTICE"}


def nominatim(asked: dict[str, str], fault: str | None) -> tuple[int, Any]:
    """Reverse, format jsonv2: no answer is an answer of status 200."""
    if (broken := _broken(fault)) is not None:
        return broken
    if fault == "denied":
        return 403, b"Access blocked"
    if fault == "limit":
        return 429, b"Bandwidth limit exceeded"
    if (float(asked["lat"]), float(asked["lon"])) != KARTE_SEH:
        return 200, {"error": "Unable to geocode"}
    address = {
        "suburb": "Karte Seh",
        "city_district": "District 6",
        "city": "Kabul",
        "state": "Kabul",
        "ISO3166-2-lvl4": "AF-KAB",
        "country": "Afghanistan",
        "country_code": "af",
    }
    return 200, {
        "place_id": 1,
        "licence": "Data © OpenStreetMap contributors",
        "category": "boundary",
        "type": "administrative",
        "addresstype": "suburb",
        "display_name": "Karte Seh, Kabul, Afghanistan",
        "address": address,
    }


@contextmanager
def serving() -> Iterator[Fake]:
    """The server on a free port of this machine, for the length of a block."""
    fake = Fake()
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.ended.set()
        fake.shutdown()
        fake.server_close()
        thread.join(60)
