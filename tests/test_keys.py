"""Changing the key of sealed values while the server runs: nothing stays under the old one, nothing is lost."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
import pytest

from majlis import main
from majlis.app import sealer
from majlis.features.connections import service
from majlis.kit import crypto, ids, sealed
from majlis.kit.crypto import Sealer, Unsealable
from majlis.kit.me import Me
from majlis.kit.sealed import Column
from majlis.vendors.connections import fake
from tests.features.connections.networking import NATIVE, allowed, served_by
from tests.waiting import until_waiting
from tests.world import SECRET, Person, World

NEWER = "another-secret-key-for-tests-0123456789"
WRITERS = 4
ACCESS = Column("connections", "access_token", ("id",))


def under(world: World, *keys: str) -> Sealer:
    """What seals under the first of these keys, and opens what all of them sealed."""
    return sealer(msgspec.structs.replace(world.app.settings, secret_key=",".join(keys)))


def filled(world: World, many: int, old: Sealer) -> list[UUID]:
    """So many connections whose tokens the old key sealed; their ids."""
    made = [ids.new() for _ in range(many)]

    async def fill() -> None:
        async with world.app.db.tx() as tx:
            await tx.many(
                "INSERT INTO users (id, email, created_at, updated_at) VALUES ($1, $2, now(), now())",
                [(one, f"{one}@example.org") for one in made],
            )
            await tx.many(
                """INSERT INTO connections (id, user_id, platform, subject, username, access_token, refresh_token,
                  is_connected, created_at, updated_at) VALUES ($1, $1, 'tiktok', 's', 'u', $2, '', true, now(), now())""",
                [(one, old.seal(b"t", ACCESS.place(one))) for one in made],
            )

    world.go(fill())
    return made


def kids(world: World) -> set[str]:
    """The ids of all keys that anything is sealed under."""

    async def count() -> dict[Column, dict[str, int]]:
        async with world.app.db.tx() as tx:
            return await sealed.counts(tx)

    return {kid for found in world.go(count()).values() for kid in found}


async def rotate(world: World) -> list[sealed.Resealed]:
    return [await sealed.reseal(world.app.db, world.app.sealer, column) for column in sealed.columns]


def test_every_sealed_column_is_named() -> None:
    main.load_handlers()  # with which every store is imported, whatever ran before
    named = {(one.table, one.column) for one in sealed.columns}
    assert named == {
        ("admission_keys", "private_key"),
        ("bank_items", "access_token"),
        ("bank_removals", "access_token"),
        ("connection_attempts", "verifier"),
        ("connection_revocations", "token"),
        ("connections", "access_token"),
        ("connections", "refresh_token"),
        ("mfa_factors", "secret_key"),
        ("oauth_grants", "refresh_token"),
    }


async def _connect_and_remove(world: World, who: Person, enough: Callable[[], bool]) -> None:
    """Somebody connects, lets tokens be renewed and removes, three times and then until it is enough."""
    for number in itertools.count():
        if number >= 3 and enough():
            return
        platform = ("tiktok", "spotify", "youtube")[number % 3]
        made = (await world.http.post(f"{NATIVE}/{platform}/attempts", headers=who.auth)).json()
        told = await asyncio.to_thread(_told, made["url"])
        answer = await world.http.post(f"{NATIVE}/{platform}/exchange", headers=who.auth, json=told)
        assert answer.status_code == 200, answer.text
        connection_id = answer.json()["id"]
        async with world.app.db.tx() as tx:
            await tx.run(
                "UPDATE connections SET refresh_after = now() - interval '1 hour' WHERE id = $1",
                UUID(connection_id),
            )
        await service.refresh(world.app, Me.system, UUID(connection_id))
        if number % 2:
            gone = await world.http.delete(f"{NATIVE}/{connection_id}", headers=who.auth)
            assert gone.status_code == 204


def _told(url: str) -> dict[str, str]:
    told = dict(parse_qsl(urlsplit(allowed(url)).query))
    return {name: told[name] for name in ("code", "state")}


@pytest.mark.rule("sioree:D9")
def test_the_key_is_changed_while_people_write(clone: World) -> None:
    with fake.serving() as networks:
        served_by(clone, networks)
        old = under(clone, SECRET)
        known = filled(clone, 500, old)
        clone.app.sealer = under(clone, SECRET, NEWER)  # as processes are that were not restarted yet
        people = [clone.person() for _ in range(WRITERS)]

        async def run() -> list[sealed.Resealed]:
            await asyncio.gather(*(_connect_and_remove(clone, one, lambda: True) for one in people))
            clone.app.sealer = under(clone, NEWER, SECRET)
            rotating = asyncio.ensure_future(rotate(clone))
            await asyncio.gather(*(_connect_and_remove(clone, one, rotating.done) for one in people))
            return await rotating

        results = clone.go(run())
        assert sum(one.done for one in results) >= 500 and sum(one.lost for one in results) == 0
        assert kids(clone) == {clone.app.sealer.kid}
        clone.app.sealer = under(clone, NEWER)  # the old key is gone from the settings
        for row in clone.sql("SELECT id, access_token FROM connections WHERE is_connected"):
            clone.app.sealer.open(row["access_token"], ACCESS.place(row["id"]))
        assert len(clone.sql("SELECT 1 FROM connections WHERE id = ANY($1)", known)) == 500
        clone.drain()  # revocations that the old key had sealed, too
        assert clone.sql("SELECT count(*) AS n FROM connection_revocations")[0]["n"] == 0


def test_control_without_rotation_the_old_key_is_needed(clone: World) -> None:
    (one,) = filled(clone, 1, under(clone, SECRET))
    clone.app.sealer = under(clone, NEWER)
    (row,) = clone.sql("SELECT access_token FROM connections")
    with pytest.raises(Unsealable):
        clone.app.sealer.open(row["access_token"], ACCESS.place(one))


def test_stopped_in_the_middle_it_goes_on(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(clone, 50, under(clone, SECRET))
    clone.app.sealer = under(clone, NEWER, SECRET)
    monkeypatch.setattr(sealed, "BATCH", 10)
    calls = 0
    opening = Sealer.open

    def failing(self: Sealer, value: str, place: str) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 25:
            raise KeyboardInterrupt
        return opening(self, value, place)

    async def stopped() -> None:
        with pytest.raises(KeyboardInterrupt):
            await sealed.reseal(clone.app.db, clone.app.sealer, ACCESS)

    monkeypatch.setattr(Sealer, "open", failing)
    clone.go(stopped())
    monkeypatch.setattr(Sealer, "open", opening)
    assert len(kids(clone)) == 2
    assert clone.go(sealed.reseal(clone.app.db, clone.app.sealer, ACCESS)).done == 30
    assert kids(clone) == {clone.app.sealer.kid}


def test_what_somebody_writes_meanwhile_stays(clone: World) -> None:
    """The row is read, then somebody writes it; sealing anew waits for them and leaves theirs."""
    (one,) = filled(clone, 1, under(clone, SECRET))
    clone.app.sealer = under(clone, NEWER, SECRET)
    theirs = clone.app.sealer.seal(b"newer", ACCESS.place(one))

    async def run() -> sealed.Resealed:
        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE connections SET access_token = $1", theirs)
            work = asyncio.ensure_future(sealed.reseal(clone.app.db, clone.app.sealer, ACCESS))
            await until_waiting(clone, 1, work)
        return await work

    assert clone.go(run()).done == 0
    assert clone.sql("SELECT access_token FROM connections")[0]["access_token"] == theirs


def test_what_no_key_opens_stays_and_is_told(clone: World) -> None:
    (lost, kept) = filled(clone, 2, under(clone, SECRET))
    clone.sql("UPDATE connections SET access_token = 'v1:other:AAAA' WHERE id = $1 RETURNING 1", lost)
    clone.app.sealer = under(clone, NEWER, SECRET)
    result = clone.go(sealed.reseal(clone.app.db, clone.app.sealer, ACCESS))
    assert (result.done, result.lost) == (1, 1)
    assert kids(clone) == {clone.app.sealer.kid, "other"}
    assert kept != lost


def command(world: World, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAJLIS_")}
    settings = {
        "MAJLIS_DATABASE_URL": world.url,
        "MAJLIS_SECRET_KEY": f"{NEWER},{SECRET}",
        "MAJLIS_DATA_DIR": str(folder),
    }
    return subprocess.run(
        [sys.executable, "-m", "majlis", "keys", *words],
        env={**clean, **settings}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_commands(clone: World, tmp_path: Path) -> None:
    filled(clone, 3, under(clone, SECRET))
    old, new = under(clone, SECRET).kid, under(clone, NEWER).kid
    listed = command(clone, tmp_path)
    assert listed.returncode == 0 and old in listed.stdout and f"newest key is {new}" in listed.stdout
    done = command(clone, tmp_path, "rotate")
    assert done.returncode == 0, done.stderr
    assert kids(clone) == {new}
    clone.sql("UPDATE connections SET access_token = 'v1:other:AAAA' RETURNING 1")
    lost = command(clone, tmp_path, "rotate")
    assert lost.returncode == 1 and "cannot be opened" in lost.stderr
    assert crypto.b64(b"t") not in done.stdout
