"""No password and no token of anybody's stands in a row or in the log."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.features.identity.accounts import AUTH, EMAIL, bearer
from tests.servers import Serving, serving
from tests.world import PASSWORD, SECRET, World

WRONG, NEW, NEWEST = "Wrong-guess-2026!", "Herat-2026!", "Mazar-e-Sharif-2026!"
FORGED = "eyJhbGciOiJIUzI1NiJ9.eyJmb3JnZWQiOjF9.Zm9yZ2VkLXNpZ25hdHVyZQ"

COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
"""


def mailed(server: Serving, folder: Path, template: str, count: int) -> str:
    """The token of the newest mail with such a link, once the server has sent so many mails."""
    while len(found := sorted(folder.glob("mail/*.eml"))) < count:
        assert server.process.poll() is None, "the server ended before the mail came"
        time.sleep(0.05)
    for path in reversed(found):
        text = path.read_text().replace("=\n", "").replace("=3D", "=")
        if f"/{template}?token=" in text:
            return text.partition(f"/{template}?token=")[2].split()[0].split('"')[0]
    raise AssertionError(f"there is no {template} mail")


def whole_flow(server: Serving, http: httpx.Client, folder: Path) -> dict[str, str]:
    """Everything that somebody can do with an account; every secret that went over the wire."""
    secrets = {
        "password": PASSWORD,
        "guess": WRONG,
        "second password": NEW,
        "third password": NEWEST,
        "key": SECRET,
    }

    def post(path: str, body: dict[str, Any], token: str = "", expect: int = 200) -> Any:
        headers = {"Idempotency-Key": f"key-{len(secrets)}", **(bearer(token) if token else {})}
        answer = http.post(f"{AUTH}/{path}", json=body, headers=headers)
        assert answer.status_code == expect, (path, answer.text)
        found = answer.json() if answer.content else {}
        for name in ("access_token", "refresh_token"):
            if name in found:
                secrets[f"{name} of {path} {len(secrets)}"] = found[name]
        return found

    first = post(
        "register", {"email": EMAIL, "password": PASSWORD, "device_info": {"model": "Pixel"}}, expect=201
    )
    secrets["verification"] = mailed(server, folder, "verify-email", 1)
    post("verify-email", {"token": secrets["verification"]})
    post("login", {"email": EMAIL, "password": WRONG}, expect=401)
    second = post("login", {"email": EMAIL, "password": PASSWORD})
    third = post("refresh", {"refresh_token": second["refresh_token"]})
    post("refresh", {"refresh_token": second["refresh_token"]}, expect=401)
    post("change-password", {"current_password": WRONG, "new_password": NEW}, first["access_token"], 401)
    post("change-password", {"current_password": PASSWORD, "new_password": NEW}, first["access_token"], 204)
    post("forgot-password", {"email": EMAIL}, expect=202)
    secrets["reset"] = mailed(server, folder, "reset-password", 3)
    post("reset-password", {"token": secrets["reset"], "new_password": "weak"}, expect=422)
    post("reset-password", {"token": secrets["reset"], "new_password": NEWEST}, expect=204)
    fourth = post("login", {"email": EMAIL, "password": NEWEST})
    post("logout", {"refresh_token": fourth["refresh_token"]}, fourth["access_token"], 204)
    secrets["forged"] = FORGED
    for token in (third["access_token"], FORGED):
        assert http.get("/api/v1/users/me", headers=bearer(token)).status_code == 401
    assert http.post(f"{AUTH}/login", content=b'{"password": "' + WRONG.encode() + b'", ').status_code in (
        400,
        415,
    )
    return secrets


def columns(world: World) -> list[dict[str, Any]]:
    """Every column of the tables that hold anything."""
    every = world.sql(COLUMNS)
    filled = {
        table
        for table in {one["table_name"] for one in every}
        if world.sql(f'SELECT 1 FROM "{table}" LIMIT 1')
    }
    return [one for one in every if one["table_name"] in filled]


def rows_with(world: World, needle: bytes, among: list[dict[str, Any]] | None = None) -> list[str]:
    """table.column of every place in the database, or among these, that holds these bytes, as text or as bytes."""
    found = []
    for column in columns(world) if among is None else among:
        table, name = column["table_name"], column["column_name"]
        value = f'"{name}"' if column["data_type"] == "bytea" else f"convert_to(\"{name}\"::text, 'UTF8')"
        if world.sql(f'SELECT 1 FROM "{table}" WHERE position($1::bytea IN {value}) > 0 LIMIT 1', needle):
            found.append(f"{table}.{name}")
    return found


@pytest.mark.rule("hamsaya:6", "hamsaya:54")
@pytest.mark.rule("afrochat:D1")
def test_no_secret_stands_in_a_row_or_in_the_log(clone: World, scratch: Path) -> None:
    folder = scratch / "secrets"
    environment = {
        "MAJLIS_DATABASE_URL": clone.url,
        "MAJLIS_SECRET_KEY": SECRET,
        "MAJLIS_LOG_LEVEL": "debug",
    }
    with (
        serving(folder, **environment) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=None) as http,
    ):
        secrets = whole_flow(server, http, folder)
    log = Path(server.log.name).read_text()
    logged = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any(line.get("path") == f"{AUTH}/reset-password" for line in logged), "requests are logged"
    assert [name for name, secret in secrets.items() if secret in log] == []
    every = columns(clone)
    places = {name: rows_with(clone, secret.encode(), every) for name, secret in secrets.items()}
    assert {name: found for name, found in places.items() if found} == {}
    # Nor what a fast computer finds a password by.
    body = json.dumps({"current_password": PASSWORD, "new_password": NEW}, separators=(",", ":")).encode()
    for guess in (body, *(word.encode() for word in (PASSWORD, NEW, NEWEST, WRONG))):
        assert rows_with(clone, hashlib.sha256(guess).digest(), every) == []
    # The search finds what is there.
    assert "users.email" in rows_with(clone, EMAIL.encode(), every)
    assert any("token_hash" in place for place in rows_with(clone, digest(secrets), every))


def digest(secrets: dict[str, str]) -> bytes:
    """What is kept of a refresh token."""
    token = next(secret for name, secret in secrets.items() if name.startswith("refresh_token of refresh"))
    return hashlib.sha256(token.encode()).digest()
