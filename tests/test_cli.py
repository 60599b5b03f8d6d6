"""The commands, as an operator runs them: their words, their exit codes, and what they do beside a server."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pyotp
import pytest
from click.testing import CliRunner, Result

from majlis import cli, main
from majlis.cli import look
from majlis.features.sessions import service as sessions
from majlis.kit import embedded
from majlis.surfaces import unbuilt
from tests import world as worlds
from tests.conftest import _create
from tests.servers import READY_S, Serving, free_port, serving
from tests.world import PASSWORD

PATIENCE_S = 30.0  # half of the time after which a change would count without anybody told of it
COMMANDS = sorted(cli.main.commands)


def without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MAJLIS_")}


def majlis(folder: Path, *words: str, code: int = 0, **environment: str) -> str:
    """What a command says, run beside the server of a data folder if there is one."""
    done = subprocess.run(
        [sys.executable, "-m", "majlis", *words],
        check=False,
        cwd=folder.parent,
        env={**without_settings(), "MAJLIS_DATA_DIR": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return said


@pytest.fixture(scope="module", autouse=True)
def compiled_once(scratch: Path) -> Iterator[None]:
    """Let the many processes of these tests share their bytecode, wherever it may be written otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(scratch / "bytecode"))
        yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in this process, with the settings given and no others."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MAJLIS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MAJLIS_DATA_DIR", str(tmp_path / "data"))

    def run(*words: str, code: int = 0, **environment: str) -> Result:
        result = CliRunner().invoke(cli.main, words, env=environment, prog_name="majlis")
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture(scope="module")
def town(scratch: Path) -> Iterator[Serving]:
    """A server with a database of its own; its data folder is `folder_of` it."""
    with serving(scratch / "town") as server:
        yield server


def folder_of(server: Serving) -> Path:
    return Path(server.log.name).with_suffix("")


def url_of(server: Serving) -> str:
    found = embedded.running(folder_of(server) / "postgres")
    assert found is not None
    return found[0]


def until(true: Callable[[], bool], seconds: float = READY_S) -> None:
    """Wait for something."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.05)


def query(server: Serving, sql: str, *values: Any) -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(url_of(server))
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    return asyncio.run(run())


def login(server: Serving, email: str, password: str = PASSWORD) -> httpx.Response:
    return httpx.post(f"{server.url}/api/v1/auth/login", json={"email": email, "password": password})


def lines_of(server: Serving) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(server.log.name).read_text().splitlines()]


# Words and exit codes


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(here: Callable[..., Result], name: str) -> None:
    said = here(name, "--help").output
    assert re.search(rf"^  (\w+=\S+ )?majlis {name}", said, re.MULTILINE), "an example"
    command: Any = cli.main.commands[name]
    for inner in getattr(command, "commands", {}):
        assert len(here(name, inner, "--help").output.splitlines()) > 3


def test_the_list_of_commands_is_whole(here: Callable[..., Result]) -> None:
    said = here("--help").output
    assert all(re.search(rf"^  {name} +\w", said, re.MULTILINE) for name in COMMANDS)
    assert "..." not in said.partition("Commands:")[2], "words are cut off"
    assert here("--version").output.startswith("majlis, version ")


@pytest.mark.parametrize(
    "words",
    [
        ["unknown"],
        ["serve", "--port", "70000"],
        ["serve", "--workers", "0"],
        ["serve", "--reload", "--workers", "2"],
        ["user", "promote", "amina@example.org"],
        ["user", "promote", "amina@example.org", "--role", "king"],
        ["jobs", "retry"],
        ["jobs", "retry", "7", "--all"],
        ["jobs", "drop"],
        ["migrate", "create", "nothing", "what"],
        ["migrate", "create", "identity", "--"],
        ["new", "feature", "Badges"],
        ["new", "feature", "class"],
        ["new", "feature", "identity"],
        ["new", "feature", "users"],
        ["demo", "--users", "0"],
    ],
)
def test_wrong_usage_ends_with_2(here: Callable[..., Result], words: list[str]) -> None:
    assert "Error" in here(*words, code=2).output


@pytest.mark.parametrize("words", [["serve"], ["check"], ["settings"], ["user", "suspend", "a@example.org"]])
def test_wrong_settings_end_with_2_and_are_named(here: Callable[..., Result], words: list[str]) -> None:
    said = here(*words, code=2, MAJLIS_PORT="many", MAJLIS_COLOUR="red").output
    assert "MAJLIS_PORT (environment): 'many'" in said and "MAJLIS_COLOUR" in said


def test_settings_are_shown_with_their_source_and_without_secrets(here: Callable[..., Result]) -> None:
    secret = "correct horse battery staple 123"
    said = here("settings", MAJLIS_SECRET_KEY=secret, MAJLIS_PORT="9000").output
    assert re.search(r"MAJLIS_PORT +9000 +environment", said)
    assert re.search(r"MAJLIS_MODE +development +default", said)
    assert re.search(r"MAJLIS_SECRET_KEY +••• +environment", said) and secret not in said
    lines = here("settings", "--env", MAJLIS_SECRET_KEY=secret, MAJLIS_PORT="9000").output.splitlines()
    assert (
        "MAJLIS_PORT=9000" in lines and "#MAJLIS_SECRET_KEY=" in lines and "#MAJLIS_MODE=development" in lines
    )


def test_routes_are_listed_with_policy_and_feature(
    here: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unbuilt, "TABLE", "\nGET /api/v1/kites\n")
    said = here("routes").output
    assert re.search(r"POST +/api/v1/posts +user +posts +posts +post\b", said)
    assert re.search(r"GET +/metrics +internal +health", said)
    assert "/api/v1/kites" not in said
    assert "/api/v1/kites" in here("routes", "--unbuilt").output


def test_mail_is_listed_nowhere_when_a_server_sends_it(here: Callable[..., Result]) -> None:
    assert "MAJLIS_MAIL_URL" in here("mail", code=1, MAJLIS_MAIL_URL="smtp://mail.example.org").output
    assert "No mail" in here("mail").output


def test_production_has_no_demo(here: Callable[..., Result]) -> None:
    production = {
        "MAJLIS_MODE": "production",
        "MAJLIS_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
        "MAJLIS_PUBLIC_URL": "https://hamsaya.example.org",
        "MAJLIS_MAIL_URL": "smtp://mail.example.org",
    }
    assert "production" in here("demo", code=1, **production).output


# Documents


def test_documents_are_written_and_checked(here: Callable[..., Result], tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    assert "is missing" in here("openapi", "--check", "--output", str(folder), code=1).output
    here("openapi", "--output", str(folder))
    here("openapi", "--check", "--output", str(folder))
    path = folder / "openapi.json"
    text = path.read_text()
    document = json.loads(text)
    del document["paths"]["/health"]
    document["components"]["schemas"]["Photo"]["properties"]["taste"] = {"type": "string"}
    path.write_text(json.dumps(document))
    (folder / "openapi.gone.json").write_text("{}")
    said = here("openapi", "--check", "--output", str(folder), code=1).output
    assert "+ GET /health" in said and "~ schema Photo" in said and "make openapi" in said
    assert "openapi.gone.json belongs to no surface" in said
    here("openapi", "--output", str(folder))
    assert path.read_text() == text and not (folder / "openapi.gone.json").exists()


def test_documents_do_not_depend_on_the_order_of_hashes(scratch: Path) -> None:
    texts = []
    for seed in ("1", "2"):
        folder = scratch / f"docs-{seed}"
        majlis(scratch / "none", "openapi", "--output", str(folder), PYTHONHASHSEED=seed)
        texts.append((folder / "openapi.json").read_text())
    assert texts[0] == texts[1] == look.documents()["openapi.json"]


# Migrations


@pytest.fixture
def empty(postgres: Callable[[str], str], runner: asyncio.Runner) -> str:
    """The URL of a database without anything."""
    runner.run(_create(postgres("postgres"), "majlis_empty", None))
    return postgres("majlis_empty")


@pytest.mark.rule("afrochat:R1")
def test_migrations_go_up_and_down(here: Callable[..., Result], empty: str) -> None:
    database = {"MAJLIS_DATABASE_URL": empty}
    count = len(main.migration_folders())
    assert "missing: majlis migrate up" in here("migrate", "status", code=1, **database).output
    assert here("migrate", "up", **database).output.count("applied 2") >= count
    assert "Nothing to apply" in here("migrate", "up", **database).output
    assert "missing" not in here("migrate", "status", **database).output
    assert "--yes" in here("migrate", "down", code=2, **database).output
    undone = here("migrate", "down", "2", "--yes", **database).output
    assert undone.count("undone 2") == 2
    assert "2 missing" in here("migrate", "status", code=1, **database).output
    here("migrate", "up", **database)
    assert "missing" not in here("migrate", "status", **database).output


def test_a_database_that_does_not_answer_is_said_so_without_its_password(here: Callable[..., Result]) -> None:
    url = f"postgresql://majlis:hunter2@127.0.0.1:{free_port()}/majlis"
    for words in (["migrate", "up"], ["migrate", "status"], ["jobs"], ["serve", "--port", "0"], ["work"]):
        said = here(*words, code=1, MAJLIS_DATABASE_URL=url).output
        assert "hunter2" not in said and "Traceback" not in said
        assert "refused" in said.lower() or "connect" in said.lower()


# Beside a server


@pytest.mark.rule("afrochat:R1")
def test_a_server_says_where_it_is(town: Serving) -> None:
    (line,) = [line for line in lines_of(town) if line["event"] == "serving"]
    assert line["address"] == town.url and line["docs"] == f"{town.url}/docs"
    assert line["data"] == str(folder_of(town)) and line["mail"] == str(folder_of(town) / "mail")


def test_a_taken_port_and_a_taken_folder_are_said(town: Serving, scratch: Path) -> None:
    said = majlis(scratch / "other", "serve", "--port", str(town.port), code=1)
    assert f"127.0.0.1:{town.port}" in said and "in use" in said and "--port" in said
    assert not (scratch / "other" / "postgres").exists(), "nothing was started in vain"
    said = majlis(folder_of(town), "serve", "--port", "0", code=1)
    assert f"pid {town.process.pid}" in said and "MAJLIS_DATA_DIR" in said


def test_an_address_that_cannot_be_listened_on_is_said(here: Callable[..., Result]) -> None:
    assert "Cannot listen on 192.0.2.1" in here("serve", "--host", "192.0.2.1", code=1).output
    assert "port must be" in here("serve", code=1, MAJLIS_PORT="99999").output


def test_an_account_is_made_and_signs_in(town: Serving) -> None:
    folder = folder_of(town)
    majlis(folder, "user", "create", "amina@example.org", "--password", PASSWORD, "--first-name", "Amina")
    user = login(town, "amina@example.org").json()["user"]
    assert user["email_verified"] and user["profile"]["first_name"] == "Amina"
    assert "exists" in majlis(folder, "user", "create", "amina@example.org", "--password", PASSWORD, code=1)
    assert "@-sign" in majlis(folder, "user", "create", "amina", "--password", PASSWORD, code=1)
    assert "password" in majlis(folder, "user", "create", "b@example.org", "--password", "short", code=1)
    made = majlis(folder, "user", "create", "admin@example.org", "--role", "admin")
    password = re.search(r"^Password: (\S+)$", made, re.MULTILINE)
    assert password and login(town, "admin@example.org", password[1]).status_code == 200
    assert query(town, "SELECT role FROM users WHERE email = 'admin@example.org'")[0]["role"] == "admin"
    assert "no account" in majlis(folder, "user", "promote", "nobody@example.org", "--role", "user", code=1)


def test_a_suspension_counts_at_once_and_can_be_undone(town: Serving) -> None:
    folder = folder_of(town)
    majlis(folder, "user", "create", "spam@example.org", "--password", PASSWORD)
    auth = {"Authorization": f"Bearer {login(town, 'spam@example.org').json()['access_token']}"}

    def status() -> int:
        return httpx.get(f"{town.url}/api/v1/users/me", headers=auth).status_code

    assert status() == 200, "the server remembers this token now"
    majlis(folder, "user", "suspend", "spam@example.org")
    until(lambda: status() == 401, PATIENCE_S)
    assert login(town, "spam@example.org").status_code == 403
    live = "SELECT count(*) FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE email = $1 AND NOT revoked"
    until(lambda: query(town, live, "spam@example.org")[0][0] == 0)
    majlis(folder, "user", "suspend", "spam@example.org", "--undo")
    assert login(town, "spam@example.org").status_code == 200


def test_a_lost_second_factor_is_reset(town: Serving) -> None:
    folder, email = folder_of(town), "lost@example.org"
    majlis(folder, "user", "create", email, "--password", PASSWORD)
    auth = {"Authorization": f"Bearer {login(town, email).json()['access_token']}"}
    mfa = f"{town.url}/api/v1/auth/mfa"
    made = httpx.post(f"{mfa}/enroll", headers=auth, json={}).json()
    body = {"factor_id": made["factor_id"], "code": pyotp.TOTP(made["secret_key"]).now()}
    raised = httpx.post(f"{mfa}/verify", headers=auth, json=body).json()
    assert login(town, email).json()["requires_mfa"] is True
    assert "second factor removed" in majlis(folder, "user", "reset-mfa", email)
    signed_in = login(town, email).json()
    assert (signed_in["requires_mfa"], signed_in["user"]["mfa_enabled"]) == (False, False)
    auth = {"Authorization": f"Bearer {raised['access_token']}"}
    until(lambda: httpx.get(f"{town.url}/api/v1/users/me", headers=auth).status_code == 401, PATIENCE_S)
    assert "nothing removed" in majlis(folder, "user", "reset-mfa", email, "--passkeys")
    assert "no account" in majlis(folder, "user", "reset-mfa", "nobody@example.org", code=1)


def test_a_role_counts_at_once_in_other_processes(
    town: Serving, runner: asyncio.Runner, tmp_path: Path
) -> None:
    folder, url = folder_of(town), url_of(town)
    majlis(folder, "user", "create", "elder@example.org", "--password", PASSWORD)
    token = login(town, "elder@example.org").json()["access_token"]
    secret = (folder / "secret_key").read_text().strip()
    settings = worlds.settings_for(tmp_path, url, secret_key=secret)

    async def roles() -> tuple[str, str]:
        async with main.opened(settings, url) as app:
            before = await sessions.authenticate(app, token)
            words = ("user", "promote", "elder@example.org", "--role", "moderator")
            await asyncio.to_thread(majlis, folder, *words)
            async with asyncio.timeout(PATIENCE_S):
                after = before
                while after.role == before.role:
                    await asyncio.sleep(0.02)
                    after = await sessions.authenticate(app, token)
            return before.role, after.role

    assert runner.run(roles()) == ("user", "moderator")


def test_a_token_is_remembered_while_nobody_tells_of_a_change(
    town: Serving, runner: asyncio.Runner, tmp_path: Path
) -> None:
    """The control of the two above: without the hint the change would come a minute late."""
    folder, url = folder_of(town), url_of(town)
    majlis(folder, "user", "create", "control@example.org", "--password", PASSWORD)
    token = login(town, "control@example.org").json()["access_token"]
    secret = (folder / "secret_key").read_text().strip()

    async def roles() -> tuple[str, str]:
        async with main.opened(worlds.settings_for(tmp_path, url, secret_key=secret), url) as app:
            before = await sessions.authenticate(app, token)
            connection = await asyncpg.connect(url)
            await connection.execute("UPDATE users SET role = 'admin' WHERE email = 'control@example.org'")
            await connection.close()
            await asyncio.sleep(2)
            return before.role, (await sessions.authenticate(app, token)).role

    assert runner.run(roles()) == ("user", "user")


def test_mail_is_read_from_the_data_folder(town: Serving) -> None:
    folder = folder_of(town)
    body = {"email": "letters@example.org", "password": PASSWORD}
    assert httpx.post(f"{town.url}/api/v1/auth/register", json=body).status_code == 201
    until(lambda: "letters@example.org" in majlis(folder, "mail"))
    said = majlis(folder, "mail", "show", "last")
    assert "To: letters@example.org" in said and "token=" in said
    assert "no such mail" in majlis(folder, "mail", "show", "20260101T000000000000Z-00000000", code=1)


FAIL = """
INSERT INTO pgqueuer (priority, status, entrypoint, payload, execute_after)
VALUES (0, 'failed', $1, $2, now()) RETURNING id
"""
SAID = """
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority, traceback)
VALUES ($1, 'exception', $2, 0, '{"exception_type": "OSError", "exception_message": "the wire is cut"}')
"""


def test_held_jobs_are_listed_tried_again_and_dropped(town: Serving) -> None:
    folder, name = folder_of(town), "identity.handlers.send_verification:AccountCreated"
    payload = b'{"user_id":"0193a5b2-7c4e-7335-8faf-e5e54412fa49"}'
    first, second, third = (query(town, FAIL, name, payload)[0]["id"] for _ in range(3))
    query(town, SAID, first, name)
    said = majlis(folder, "jobs")
    assert re.search(rf"{re.escape(name)} +held +3", said)
    assert re.search(rf"{first} +{re.escape(name)} .*0193a5b2.* the wire is cut", said)
    assert "1 queued again" in majlis(folder, "jobs", "retry", str(first))
    until(lambda: not query(town, "SELECT 1 FROM pgqueuer WHERE id = $1", first))
    assert "1 dropped" in majlis(folder, "jobs", "drop", str(second))
    assert not query(town, "SELECT 1 FROM pgqueuer WHERE id = $1", second)
    assert "not held" in majlis(folder, "jobs", "drop", str(second), code=1)
    assert "1 queued again" in majlis(folder, "jobs", "retry", "--all")
    until(lambda: not query(town, "SELECT 1 FROM pgqueuer WHERE id = $1", third))


def test_the_doctor_finds_all_well(town: Serving) -> None:
    said = majlis(folder_of(town), "check", MAJLIS_DATABASE_READ_URL=url_of(town))
    assert re.search(r"^ *note +replica +PostgreSQL [0-9.]+; it follows no primary", said, re.MULTILINE), said
    for what in ("settings", "disk", "database", "encoding", "migrations", "clock", "files", "mail"):
        assert re.search(rf"^ *ok +{what} ", said, re.MULTILINE), said
    assert "production would refuse" in said and "All is well" in said


def test_the_doctor_finds_what_is_wrong(scratch: Path, empty: str) -> None:
    said = majlis(
        scratch / "sick",
        "check",
        code=1,
        MAJLIS_DATABASE_URL=empty,
        MAJLIS_DATABASE_READ_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/x",
        MAJLIS_REDIS_URL=f"redis://127.0.0.1:{free_port()}",
        MAJLIS_MAIL_URL=f"smtp://127.0.0.1:{free_port()}",
    )
    for what in ("migrations", "replica", "redis", "mail"):
        assert re.search(rf"^ *wrong +{what} ", said, re.MULTILINE), said
    assert re.search(r"^Something is wrong with: migrations, mail, replica, redis\.", said, re.MULTILINE)


def test_the_doctor_makes_no_database(scratch: Path) -> None:
    folder = scratch / "fresh"
    said = majlis(folder, "check")
    assert re.search(r"^ *note +database ", said, re.MULTILINE)
    assert not (folder / "postgres").exists()


# Processes


def test_sigterm_lets_a_request_finish_and_stops_postgresql(scratch: Path) -> None:
    folder = scratch / "drained"
    body = json.dumps({"email": "late@example.org", "password": PASSWORD}).encode()
    head = (
        "POST /api/v1/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with (
        serving(folder, MAJLIS_DRAIN_S="120") as server,
        socket.create_connection(("127.0.0.1", server.port), 120) as connection,
    ):
        postgres = embedded.running(folder / "postgres")
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100"), "the handler waits for the body now"
        server.process.send_signal(signal.SIGTERM)
        until(lambda: refused(server.port))
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 201")
        assert server.stop() == 0
    assert postgres is not None and not psutil.pid_exists(postgres[1])
    assert embedded.running(folder / "postgres") is None
    assert lines_of(server)[-1]["event"] == "stopped"


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False


def test_at_a_terminal_it_greets_and_ctrl_c_ends_it(scratch: Path) -> None:
    folder = scratch / "terminal"
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "majlis", "serve", "--port", "0"],
        env={**without_settings(), "MAJLIS_DATA_DIR": str(folder), "COLUMNS": "150", "TERM": "dumb"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    said = b""
    while b"Ctrl-C" not in said:
        said += os.read(leader, 4096)
    text = said.decode()
    address = re.search(r"address +(http://127\.0\.0\.1:(\d+))", text)
    assert address and int(address[2]) > 0 and f"{address[1]}/docs" in text, text
    assert str(folder / "mail") in text and "development" in text
    assert httpx.get(f"{address[1]}/health/live").status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(READY_S) == 0
    os.close(leader)
    assert embedded.running(folder / "postgres") is None


def children(server: Serving) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(server.process.pid).children()
        if "spawn_main" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE
    ]


WORKERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'majlis worker'"


def test_several_processes_share_a_database_that_was_migrated_once(scratch: Path) -> None:
    folder = scratch / "several"
    with serving(folder, "--workers", "2") as server:
        until(lambda: len(children(server)) == 2)
        until(lambda: query(server, WORKERS)[0][0] == 2)
        body = {"email": "both@example.org", "password": PASSWORD}
        assert httpx.post(f"{server.url}/api/v1/auth/register", json=body).status_code == 201
        assert {login(server, "both@example.org").status_code for _ in range(6)} == {200}
        (migrated,) = [line for line in lines_of(server) if line["event"] == "migrated"]
        stored = [row[0] for row in query(server, "SELECT migration_id FROM schema_migrations")]
        assert sorted(stored) == sorted(migrated["applied"])
        databases = [p for p in psutil.Process(server.process.pid).children() if p.name() == "postgres"]
        assert len(databases) == 1
        assert server.stop() == 0
    assert embedded.running(folder / "postgres") is None


def test_no_process_outlives_the_one_that_started_it(scratch: Path) -> None:
    folder = scratch / "several"
    server = Serving(folder, "--workers", "2", "--no-worker")
    try:
        server.wait()
        until(lambda: len(children(server)) == 2)
        assert query(server, WORKERS)[0][0] == 0, "--no-worker reached the children"
        orphans = children(server)
        server.kill()
        until(lambda: not any(orphan.is_running() for orphan in orphans))
    finally:
        server.stop()
    with serving(folder) as again:
        assert httpx.get(again.url + "/health/ready").status_code == 200


@pytest.mark.rule("afrochat:R1", "afrochat:R23")
def test_work_runs_jobs_for_a_server_that_does_not(scratch: Path) -> None:
    folder = scratch / "working"
    with serving(folder, "--no-worker") as server:
        body = {"email": "slow@example.org", "password": PASSWORD}
        assert httpx.post(f"{server.url}/api/v1/auth/register", json=body).status_code == 201
        assert "waiting" in majlis(folder, "jobs")
        worker = subprocess.Popen(
            [sys.executable, "-m", "majlis", "work"],
            env={**without_settings(), "MAJLIS_DATA_DIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            until(lambda: (folder / "mail").exists() and any((folder / "mail").glob("*.eml")))
        finally:
            worker.send_signal(signal.SIGTERM)
            said, _ = worker.communicate(timeout=READY_S)
        assert worker.returncode == 0
        assert [json.loads(line)["event"] for line in said.splitlines()] == ["working", "stopped"]
        assert "No jobs wait" in majlis(folder, "jobs")
