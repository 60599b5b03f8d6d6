"""Packages from outside: one that is installed and serves, and those that keep the server from starting."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from majlis import extensions, main
from majlis.features.exports import service as exports
from majlis.kit.errors import BadExtension
from tests.conftest import _create

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/majlis-thanks"
OWN = main.all_features()  # looked for once, before any test lays something on the path


def run(*words: str, path: Path, code: int = 0, **variables: str) -> str:
    """A command in a process that has this folder on its path, too; everything it printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAJLIS_", "PYTEST_"))}
    environment |= {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}", **variables}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        check=False,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(scratch: Path) -> Path:
    """The folder into which the example is installed."""
    folder = scratch / "installed"
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation")
    run("pip", "install", *quiet, "--target", str(folder), str(EXAMPLE), path=folder)
    return folder


# ---- one that works


def test_its_own_tests_pass_in_a_server_that_has_it(installed: Path) -> None:
    options = ("-q", "-p", "tests.conftest", "-p", "no:cacheprovider")
    said = run("pytest", *options, str(EXAMPLE / "tests"), path=installed)
    assert " passed" in said and "failed" not in said and "skipped" not in said


def test_commands_show_what_it_brings(installed: Path) -> None:
    brought = run("majlis", "extensions", path=installed)
    assert "majlis-thanks 0.1.0   feature   thanks   graph, identity, notifications" in brought
    assert "majlis-thanks 0.1.0   door      thanks   /thanks" in brought
    routes = run("majlis", "routes", path=installed).splitlines()
    (native,) = [line for line in routes if line.split()[:2] == ["GET", "/api/v1/thanks"]]
    assert native.split()[-3:] == ["thanks", "(majlis-thanks", "0.1.0)"]
    assert [line for line in routes if line.split()[:2] == ["GET", "/thanks/cards"]]


def test_its_documents_are_written(installed: Path, tmp_path: Path) -> None:
    run("majlis", "openapi", "--output", str(tmp_path), path=installed)
    assert '"/api/v1/thanks"' in (tmp_path / "openapi.json").read_text()
    assert '"/thanks/cards"' in (tmp_path / "openapi.thanks.json").read_text()


def test_its_tables_come_and_go_alone(
    installed: Path, postgres: Callable[[str], str], runner: asyncio.Runner
) -> None:
    runner.run(_create(postgres("postgres"), "majlis_extended", None))
    database = {"MAJLIS_DATABASE_URL": postgres("majlis_extended")}
    assert "applied 20261121T1200_thanks" in run("majlis", "migrate", "up", path=installed, **database)
    status = run("majlis", "migrate", "status", path=installed, **database)
    (line,) = [line for line in status.splitlines() if "20261121T1200_thanks" in line]
    assert "thanks (majlis-thanks 0.1.0)" in line and "applied" in line
    down = ("majlis", "migrate", "down", "5", "--yes", "--feature", "thanks")
    undone = run(*down, path=installed, **database)
    assert undone.splitlines() == ["undone 20261121T1200_thanks"]
    assert "1 missing" in run("majlis", "migrate", "status", path=installed, code=1, **database)


def test_without_it_nothing_is_brought() -> None:
    assert [feature for feature in main.all_features() if feature.origin] == []
    assert extensions.surfaces(main.own_surfaces()) == []


# ---- those that do not

Write = Callable[..., Path]
SQL = "majlis_it/migrations/20261121T1200_it.sql"
BACK = {"majlis_it/migrations/20261121T1200_it.rollback.sql": "DROP TABLE its;"}
ABOVE = {"majlis_it/__init__.py": 'ABOVE = ("posts",)'}
FEATURE = "[majlis.features]\nits = majlis_it"
DOOR = "[majlis.surfaces]\nits = majlis_it.door:ItsDoor"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Lay a package of these files on the path, as an installer would, and forget it afterwards."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("majlis_it", "majlis_other")]:
        monkeypatch.delitem(sys.modules, name)

    def lay(entry_points: str, files: dict[str, str], name: str = "majlis-it") -> Path:
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    monkeypatch.syspath_prepend(str(tmp_path))
    return lay


@pytest.mark.parametrize(
    "entry_points, files, why",
    [
        (FEATURE, {}, r"majlis-it 1.0: majlis_it cannot be loaded \(ModuleNotFoundError: .*Repair or uninstall"),
        (FEATURE, {"majlis_it/__init__.py": "1 / 0"}, r"cannot be loaded \(ZeroDivisionError"),
        (FEATURE, {"majlis_it.py": "ABOVE = ()"}, "majlis_it is no package"),
        (FEATURE, {"majlis_it/__init__.py": ""}, "does not say what it builds on"),
        (FEATURE, {"majlis_it/__init__.py": "ABOVE = 'posts'"}, "does not say what it builds on"),
        (FEATURE, {"majlis_it/__init__.py": "ABOVE = ('guilds',)"}, "builds on guilds, which is not installed"),
        (FEATURE, {"majlis_it/__init__.py": "ABOVE = ('its',)"}, "build on one another in a circle: its"),
        (FEATURE.replace("its", "Its"), ABOVE, "a noun in small letters, not 'Its'"),
        (FEATURE.replace("its", "posts"), ABOVE, "the feature posts is posts already"),
        (FEATURE, ABOVE | {SQL: "CREATE TABLE its (id int);"}, "has no 20261121T1200_it.rollback.sql"),
        (FEATURE, ABOVE | BACK | {SQL: "CREATE TABLE posts (id int);"}, "makes posts, a table of posts"),
        (FEATURE, ABOVE | BACK | {SQL: "ALTER TABLE users ADD x int;"}, "changes users, which is not its own"),
        (FEATURE, ABOVE | {"majlis_it/migrations/its.sql": ""}, "is not named like"),
        (
            FEATURE,
            ABOVE | {"majlis_it/migrations/20261121T0000_kit.sql": ""},
            "has the name of a migration of the kit",
        ),
    ],
)  # fmt: skip
def test_a_feature_that_cannot_be_is_told_of(
    write: Write, entry_points: str, files: dict[str, str], why: str
) -> None:
    write(entry_points, files)
    with pytest.raises(BadExtension, match=why):
        extensions.features(OWN)


def test_two_packages_that_clash_are_told_of(write: Write) -> None:
    table = {"20261121T1200_it": "CREATE TABLE its (id int);", "20261121T1200_it.rollback": "DROP TABLE its;"}
    for package, name, stamp in (("majlis_it", "its", "T12"), ("majlis_other", "others", "T13")):
        files = {
            f"{package}/migrations/{file.replace('T12', stamp)}.sql": text for file, text in table.items()
        }
        files[f"{package}/__init__.py"] = "ABOVE = ()"
        write(f"[majlis.features]\n{name} = {package}", files, package.replace("_", "-"))
    with pytest.raises(
        BadExtension, match=r"majlis-other 1.0: .* makes its, a table of its \(majlis-it 1.0\)"
    ):
        extensions.features(OWN)


def test_one_may_build_on_another(write: Write) -> None:
    write(
        "[majlis.features]\nits = majlis_it\nothers = majlis_other",
        {"majlis_it/__init__.py": "ABOVE = ('others',)", "majlis_other/__init__.py": "ABOVE = ('posts',)"},
    )
    assert [found.label for found in extensions.features(OWN)] == [
        "its (majlis-it 1.0)",
        "others (majlis-it 1.0)",
    ]


ROUTES = """
from majlis.kit import http
from majlis.kit.http import access
api = http.Api("its")

@api.get("{}", policy=access.none)
async def it(app{}) -> int: ...
"""


@pytest.mark.parametrize(
    "path, parameters, why",
    [
        ("/its", "", "GET /its has no limits; routes of features begin with /api/"),
        ("/api/v1/posts", "", "GET /api/v1/posts is served by majlis.features.feeds.routes already"),
        ("/api/v1/posts/{it}", ", it: str", "is served by majlis.features.posts.routes already"),
    ],
)
def test_a_route_that_cannot_be_is_told_of(write: Write, path: str, parameters: str, why: str) -> None:
    write(FEATURE, ABOVE | {"majlis_it/routes.py": ROUTES.format(path, parameters)})
    (found,) = extensions.features(OWN)
    with pytest.raises(BadExtension, match=why):
        extensions.apis(found, main.feature_apis())


GATE = """
from majlis.surfaces.native import Native
class ItsDoor(Native):
    name, mount = "{}", "{}"
    def __init__(self): super().__init__([])
"""


@pytest.mark.parametrize(
    "door, why",
    [
        (GATE.format("its", "/x18"), "the paths /x18/… are those of .* already"),
        (GATE.format("its", "/api"), "the paths /api/… are those of Majlis already"),
        (GATE.format("its", ""), "mounted at one word, such as /guild, not at ''"),
        (GATE.format("its", "/a/b"), "mounted at one word"),
        (GATE.format("x18", "/its"), "a door with the name x18 already"),
        ("class ItsDoor: name = 'its'", "the door its has no title, mount, apis"),
        ("", r"the door its cannot be opened \(AttributeError"),
    ],
)
def test_a_door_that_cannot_be_is_told_of(write: Write, door: str, why: str) -> None:
    write(DOOR, {"majlis_it/__init__.py": "", "majlis_it/door.py": door})
    with pytest.raises(BadExtension, match=why):
        extensions.surfaces(main.own_surfaces())


def test_what_goes_into_copies_belongs_to_one_feature() -> None:
    with pytest.raises(ValueError, match="hold posts already"):
        exports.include({"posts": "SELECT 1"})


def test_where_a_rule_is_broken_is_told(write: Write) -> None:
    store = "from majlis.features.posts import store\nfrom majlis.features.graph import service"
    tables = {SQL: "CREATE TABLE its (id int);\nCREATE TABLE bits (id int);\nCREATE TABLE left (id int);"}
    copied = '\nCOPIED = {"its": "SELECT id FROM its"}\nLEFT_OUT = {"left": "nobody\'s"}'
    write(FEATURE, ABOVE | BACK | tables | {"majlis_it/store.py": store + copied, "majlis_it/helpers.py": ""})
    (found,) = extensions.features(OWN)
    said = extensions.faults(found, [*OWN, found])
    assert [one.rpartition("/")[2] for one in said] == [
        "its (majlis-it 1.0): helpers.py is none of __init__, model, facts, store, service, routes, handlers",
        "store.py:1 imports majlis.features.posts.store",
        "store.py:2 imports majlis.features.graph.service",
        "its (majlis-it 1.0): bits is neither in store.COPIED nor, with a reason, in LEFT_OUT",
    ]


def test_the_commands_say_so_without_a_traceback(write: Write) -> None:
    folder = write(FEATURE, {"majlis_it/__init__.py": "ABOVE = ('guilds',)"})
    for words in (["routes"], ["serve", "--port", "0"]):
        said = run("majlis", *words, path=folder, code=1, MAJLIS_DATABASE_URL="postgresql://127.0.0.1:1/none")
        assert said.strip() == "majlis-it 1.0: its builds on guilds, which is not installed."
