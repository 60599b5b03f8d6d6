"""Files at the same moment: room, keys, and being taken up while they go."""

import asyncio
import io
from typing import Any

import pytest

from majlis.features.attachments import service as attachments
from majlis.features.attachments.model import NoFile, UnderWay
from majlis.kit.me import Me
from tests.features.discussions.talk import history
from tests.features.files.shelf import PDF, age, shared, status, uploaded, used
from tests.features.files.test_tickets import ticket
from tests.features.media.uploads import names
from tests.features.workspaces.team import Team
from tests.waiting import until_waiting
from tests.world import World


def say(team: Team, file_id: str, key: str = "01a00000-0000-7000-8000-000000000001") -> Any:
    """A message of the member's that carries a file."""
    body = {"client_msg_id": key, "text": "look", "file_ids": [file_id]}
    path = f"/api/v1/channels/{team.general}/messages"
    return team.world.http.post(path, json=body, headers=team["member"].auth)


@pytest.mark.settings(workspace_files_mb=1)
@pytest.mark.parametrize("held", [True, False], ids=["at once", "control: room for both"])
def test_two_do_not_take_the_same_room(clone: World, held: bool) -> None:
    team = Team(clone)
    size = 600 * 1024 if held else 300 * 1024
    uploaded(team, "owner", team.general, b"x")

    async def race() -> list[int]:
        body = {"name": "a", "size": size}
        path = f"/api/v1/channels/{team.general}/uploads"
        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE attachment_spaces SET used = used")  # nobody gets by
            both = [
                asyncio.ensure_future(clone.http.post(path, json=body, headers=team["member"].auth))
                for _ in range(2)
            ]
            await until_waiting(clone, 2, *both)
        return sorted([answer.status_code for answer in await asyncio.gather(*both)])

    assert clone.go(race()) == ([201, 413] if held else [201, 201])
    assert used(team) == 1 + size * (1 if held else 2)


def test_one_key_at_once_is_one_file(clone: World) -> None:
    team = Team(clone)
    path = f"/api/v1/channels/{team.general}/files"

    async def race() -> list[int]:
        def one() -> Any:
            files, data = {"file": ("a.pdf", PDF)}, {"client_file_id": "k"}
            return clone.http.post(path, files=files, data=data, headers=team["member"].auth)

        return [answer.status_code for answer in await asyncio.gather(*(one() for _ in range(4)))]

    answers = clone.go(race())
    assert answers.count(201) == 1 and {*answers} <= {200, 201, 409}
    assert len(clone.sql("SELECT 1 FROM attachments")) == len(names(clone)) == 1


@pytest.mark.parametrize("sweeps", [True, False], ids=["swept", "control: it stays"])
def test_a_file_that_is_just_being_swept_is_not_carried(clone: World, sweeps: bool) -> None:
    """The sweep has it already when the message takes it up: the message is refused, and nothing is half there."""
    team = Team(clone)
    file = uploaded(team, "member", team.general)
    age(team, hours=25 if sweeps else 1)

    async def race() -> int:
        async with clone.app.db.tx() as tx:
            await tx.all(attachments.store.LOOSE, attachments.clock.now(), 10)
            await tx.run("UPDATE attachments SET name = name")  # in the control, too, somebody holds it
            sending = asyncio.ensure_future(say(team, file["id"]))
            await until_waiting(clone, 1, sending)
        return int((await sending).status_code)

    assert clone.go(race()) == (422 if sweeps else 201)
    assert len(history(team, "owner", team.general)["data"]) == (0 if sweeps else 1)
    assert status(team, "owner", file["id"]) == ((404, 404) if sweeps else (200, 200))


def test_a_file_that_is_just_being_carried_is_not_swept(clone: World) -> None:
    team = Team(clone)
    file = uploaded(team, "member", team.general)
    age(team, hours=25)

    async def race() -> int:
        async with clone.app.db.tx() as tx:
            message = "SELECT attachment_carried($1, 1)"  # as a message does that is not committed yet
            await tx.records(message, attachments.ids.parse(file["id"]))
            return await attachments.sweep(clone.app, Me.system)

    assert clone.go(race()) == 0
    assert clone.go(attachments.sweep(clone.app, Me.system)) == 0
    assert len(names(clone)) == 1


def test_deleting_a_file_and_its_message_at_once(clone: World) -> None:
    """Both come to an end whoever is first: both take the channel before the file."""
    team = Team(clone)
    pairs = [shared(team, "member", team.general) for _ in range(4)]

    async def race() -> list[int]:
        auth = team["member"].auth
        calls = []
        for file, message in pairs:
            calls.append(clone.http.delete(f"/api/v1/files/{file['id']}", headers=auth))
            calls.append(clone.http.delete(f"/api/v1/messages/{message['id']}", headers=auth))
        return [answer.status_code for answer in await asyncio.gather(*calls)]

    assert {*clone.go(race())} <= {204, 404}
    for file, _ in pairs:
        assert status(team, "owner", file["id"]) == (404, 404)


def test_only_one_fills_a_file(clone: World) -> None:
    team = Team(clone)
    upload_id = attachments.ids.parse(ticket(team)["upload_id"])
    assert upload_id is not None

    async def race() -> list[str]:
        async def begin() -> str:
            try:
                async with clone.app.db.tx() as tx:
                    await attachments.begin(tx, Me.system, upload_id)
            except UnderWay:
                return "under way"
            return "begun"

        async with clone.app.db.tx() as tx:
            await tx.run("UPDATE attachments SET name = name")
            both = [asyncio.ensure_future(begin()) for _ in range(2)]
            await until_waiting(clone, 2, *both)
        return sorted(await asyncio.gather(*both))

    assert clone.go(race()) == ["begun", "under way"]


def test_a_file_that_was_deleted_while_it_was_filled_leaves_nothing(clone: World) -> None:
    team = Team(clone)
    upload_id = attachments.ids.parse(ticket(team)["upload_id"])
    assert upload_id is not None

    async def race() -> None:
        async with clone.app.db.tx() as tx:
            row = await attachments.begin(tx, Me.system, upload_id)
        await attachments.remove(clone.app, Me.system, upload_id)
        with pytest.raises(NoFile):
            async with attachments.given_up_on_error(clone.app, Me.system, row.id, retried=True):
                await attachments.fill(clone.app, Me.system, row, io.BytesIO(PDF), "stored")

    clone.go(race())
    assert names(clone) == [] and used(team) == 0
