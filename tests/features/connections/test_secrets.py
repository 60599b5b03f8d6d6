"""What banks and networks give to keep is in clear nowhere: no log, answer, row, export."""

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from majlis.vendors import plaid_fake
from majlis.vendors.connections import fake
from tests.features.bank.banking import somebody
from tests.features.connections.networking import ALL, AT_THE_DOOR, NATIVE, SOCIAL, allowed
from tests.servers import Serving, serving
from tests.world import SECRET, Person, World

BANK = "/sioree/api/bank"


class App:
    """What the app says to a real server, and all that it hears."""

    def __init__(self, server: Serving) -> None:
        self._http = httpx.Client(base_url=server.url, trust_env=False, timeout=120)
        self.heard: list[str] = []

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, method: str, path: str, who: Person | None, **options: Any) -> httpx.Response:
        answer = self._http.request(method, path, headers=who.auth if who else {}, **options)
        self.heard.append(answer.text)
        return answer

    def connect(self, who: Person, platform: str, native: bool) -> httpx.Response:
        """Allow it and hand over what came back."""
        if native:
            url = self.ask("POST", f"{NATIVE}/{platform}/attempts", who).json()["url"]
        else:
            url = self.ask("GET", f"{SOCIAL}/{platform}/auth-url", who).json()["authUrl"]
        back = urlsplit(allowed(url))
        landed = self.ask("GET", f"{back.path}?{back.query}", None).headers["Location"]
        told = dict(parse_qsl(urlsplit(landed).query))
        path = f"{NATIVE if native else SOCIAL}/{platform}/exchange"
        return self.ask("POST", path, who, json={name: told[name] for name in ("code", "state")})


@contextmanager
def running(world: World, folder: Path, **settings: str) -> Iterator[Serving]:
    """A server on the database of this world, which logs as much as it can."""
    environment = {f"MAJLIS_{name.upper()}": value for name, value in settings.items()}
    with serving(
        folder,
        MAJLIS_DATABASE_URL=world.url,
        MAJLIS_SECRET_KEY=SECRET,
        MAJLIS_LOG_LEVEL="debug",
        MAJLIS_GEOCODER="off",
        **environment,
    ) as server:
        yield server


def everything(world: World) -> str:
    """All rows of all tables, as a copy of the database would hold them."""
    tables = world.sql(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    return "\n".join(
        str(row["row"])
        for table in tables
        for row in world.sql(f"SELECT t::text AS row FROM {table['name']} t")
    )


def exported(world: World, who: Person) -> str:
    """The copy of somebody's data."""
    assert world.post("/api/v1/users/me/export", who).status_code == 202
    world.drain()
    url = urlsplit(world.get("/api/v1/users/me/export", who).json()["url"])
    answer = world.get(f"{url.path}?{url.query}")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        return "\n".join(file.read(name).decode(errors="replace") for name in file.namelist())


def until_ended(world: World) -> None:
    """Until the jobs of the server have ended at the companies what was removed."""
    for _ in range(2400):
        left = world.sql(
            "SELECT (SELECT count(*) FROM bank_removals) + (SELECT count(*) FROM connection_revocations) AS n"
        )
        if left[0]["n"] == 0:
            return
        time.sleep(0.05)
    raise AssertionError("removals are not done")


def faults(app: App, who: Person, banks: plaid_fake.Fake, networks: fake.Fake) -> None:
    """Each kind of failure once: errors must not tell what was sent."""
    for fault in ("down", "html"):
        networks.fault, banks.fault = fault, fault
        networks.faulty = "/instagram/access_token"  # which takes secrets in its query
        assert app.connect(who, "instagram", native=False).status_code == 502
        answer = app.ask("POST", f"{BANK}/exchange-token", who, json={"publicToken": banks.link()})
        assert answer.status_code == 502
    networks.fault = banks.fault = None


@pytest.mark.rule("sioree:R8", "sioree:R45")
def test_secrets_of_companies_are_in_clear_nowhere(clone: World, scratch: Path) -> None:
    amina, here = clone.person("Amina"), somebody(clone, "Farid")
    with plaid_fake.serving() as banks, fake.serving() as networks, ExitStack() as ended:
        folder = scratch / "canary"
        with running(clone, folder, **banks.settings(), **networks.settings()) as server:
            app = App(server)
            ended.callback(app.close)
            public = banks.link(plaid_fake.CHECKING, plaid_fake.SAVINGS)
            assert app.ask("POST", f"{BANK}/exchange-token", here, json={"publicToken": public}).is_success
            (token,) = banks.items
            (item,) = banks.items.values()
            banks.require_login(item["item_id"])
            body, headers = banks.login_required(item["item_id"])
            assert httpx.post(
                server.url + "/sioree/api/webhooks/plaid", content=body, headers=headers, trust_env=False
            ).is_success
            assert app.ask("POST", f"{BANK}/link-token", here).is_success
            for platform in AT_THE_DOOR:
                assert app.connect(here, platform, native=False).status_code == 200
            for platform in ALL:
                assert app.connect(amina, platform, native=True).status_code == 200
            faults(app, here, banks, networks)
            music = {"music_user_token": networks.music_token()}
            assert app.ask("PUT", f"{NATIVE}/apple_music", amina, json=music).status_code == 200
            for path in (f"{SOCIAL}/accounts", f"{BANK}/accounts"):
                (first, *_) = app.ask("GET", path, here).json()["accounts"]
                assert app.ask("DELETE", f"{path}/{first['id']}", here).status_code == 200
            until_ended(clone)
        logs = Path(f"{folder}.log").read_text()
        kept = {token, public, plaid_fake.SECRET, fake.SECRET} | networks.secrets()
        assert len(kept) > 30
        assert {"request", "provider_failed"} <= {
            word for word in ("request", "provider_failed") if word in logs
        }
        hidden = kept - set(networks.codes)
        places = {
            "log": (logs, kept),
            "answers": ("\n".join(app.heard), hidden),
            "rows": (everything(clone), kept),
            "export": (exported(clone, amina), kept),
        }
        found = {name: [one for one in secrets if one in text] for name, (text, secrets) in places.items()}
        assert found == {name: [] for name in places}
        assert item["item_id"] in places["rows"][0] and "amina" in places["export"][0], (
            "nothing was looked at"
        )
