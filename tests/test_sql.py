"""Every statement of the program is prepared against the migrated schema; who owns which table is checked."""

import ast
import asyncio
import enum
import importlib
import re
import tomllib
import types
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg
import msgspec
import pytest

from majlis import main
from majlis.kit.db import Joint, Query, prepare_connection
from majlis.kit.geo import Point
from majlis.kit.migrations import Migrator
from tests.conftest import _create, _name
from tests.test_architecture import FEATURES, nothing, tree

# Tables of higher features that a store may read (docs/decisions/0014-viewer-flags-read-up.md).
READS_UP = {
    "posts": {"post_likes", "post_bookmarks", "event_interests"},
    "browsing": {"post_likes", "post_bookmarks", "event_interests"},
}
# Tables of higher features that a table may refer to (the same record).
REFERS_UP = {"polls": {"posts"}}
# Where statements stand besides stores.
KIT_MODULES = (
    "majlis.kit.facts",
    "majlis.kit.jobs",
    "majlis.kit.sealed",
    "majlis.kit.http.idempotency",
    "majlis.surfaces.operations",
)
# Every column of these names counts something.
COUNTERS = re.compile(r"(_count|_attempts)$|^total_")

VERB = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE|LOCK)\b")
WRITES = (
    re.compile(r"\bINSERT\s+INTO\s+(\w+)"),
    re.compile(r"\bDELETE\s+FROM\s+(\w+)"),
    re.compile(r"\bUPDATE\s+(?!SET\b)(\w+)(?:\s+(?:AS\s+)?(?!SET\b)\w+)?\s+SET\b"),
    re.compile(r"\bMERGE\s+INTO\s+(\w+)"),
    re.compile(r"\bTRUNCATE\s+(?:TABLE\s+)?(?!OR\b|ON\b)(\w+)"),  # of a trigger: TRUNCATE ON …
)
ONE = r"\w+(?:\s+(?:AS\s+)?(?!WHERE|JOIN|ON|LEFT|SET|ORDER|GROUP|LIMIT|USING|CROSS|INNER)\w+)?"
READS = re.compile(rf"\b(?:FROM|JOIN|USING)\s+({ONE}(?:\s*,\s*{ONE})*)")
MADE = re.compile(r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)")
COMMENT = re.compile(r"--[^\n]*")


class Statement(NamedTuple):
    """A statement of the program, where it stands, and the type of its rows if it says so."""

    feature: str
    name: str
    sql: str
    row: Any


def written(sql: str) -> set[str]:
    """The tables that a statement, or several, write to."""
    return {name for pattern in WRITES for name in pattern.findall(COMMENT.sub("", sql))}


def read(sql: str, tables: set[str]) -> set[str]:
    """Those of these tables that a statement reads."""
    found = set()
    for group in READS.findall(COMMENT.sub("", sql)):
        found |= {part.split()[0] for part in group.split(",")}
    return found & tables


def stores() -> dict[str, types.ModuleType]:
    return {
        name: importlib.import_module(f"majlis.features.{name}.store")
        for name in main.feature_names()
        if (FEATURES / name / "store.py").exists()
    }


def of_module(feature: str, module: types.ModuleType) -> Iterator[Statement]:
    """Every Query and every text in capitals that begins like a statement, and the samples."""
    for name, value in vars(module).items():
        if not name.isupper() or getattr(value, "__module__", None) == "builtins":
            continue
        several = dict(enumerate(value)) if isinstance(value, list | tuple) else value
        for at, item in several.items() if isinstance(several, dict) else [("", value)]:
            place = f"{module.__name__.removeprefix('majlis.')}.{name}" + (
                f"[{at}]" if item is not value else ""
            )
            if isinstance(item, Query):
                yield Statement(feature, place, item.sql, None if item.row is object else item.row)
                if isinstance(item, Joint):
                    yield Statement(feature, f"{place}.many", item.many, None)
            elif isinstance(item, str) and VERB.match(item):
                yield Statement(feature, place, item, None)
    for at, sample in enumerate(module.samples() if hasattr(module, "samples") else ()):
        yield Statement(feature, f"{feature}.store.samples()[{at}]", sample, None)


@cache
def statements() -> list[Statement]:
    found = [one for feature, store in stores().items() for one in of_module(feature, store)]
    for name in KIT_MODULES:
        found += of_module("", importlib.import_module(name))
    return found


def scripts(feature: str) -> str:
    """All migrations of a feature that go up."""
    folder = FEATURES / feature / "migrations"
    return "\n".join(
        path.read_text() for path in sorted(folder.glob("*.sql")) if ".rollback" not in path.name
    )


@cache
def owners() -> dict[str, str]:
    """The feature of each table."""
    found: dict[str, str] = {}
    for feature in main.feature_names():
        for table in MADE.findall(COMMENT.sub("", scripts(feature))):
            assert found.get(table, feature) == feature, f"{table} is made by {found[table]} and by {feature}"
            found[table] = feature
    return found


@cache
def tiers() -> dict[str, int]:
    """How high each feature stands, as import-linter is told."""
    settings = tomllib.loads((FEATURES.parents[1] / "pyproject.toml").read_text())
    layers = next(
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["majlis.features"]
    )
    names = [[name.strip(" ()") for name in re.split(r"[|:]", layer)] for layer in reversed(layers)]
    return {name: height for height, tier in enumerate(names) for name in tier}


@pytest.fixture(scope="module")
def connection(shared: str, runner: asyncio.Runner) -> Iterator[Any]:
    """A connection to the migrated database."""

    async def opened() -> Any:
        made = await asyncpg.connect(shared)
        await prepare_connection(made)
        return made

    made = runner.run(opened())
    yield made
    runner.run(made.close())


def test_every_feature_has_statements_that_are_looked_at() -> None:
    """A store whose statements all escape the search would make the other tests here idle."""
    assert {statement.feature for statement in statements()} == {*stores(), ""} - without_rows()
    assert len(statements()) > 50


def without_rows() -> set[str]:
    """Features whose store holds no statement of its own, only parts of others'."""
    return {
        name
        for name, module in stores().items()
        if not hasattr(module, "samples")
        and not any(isinstance(value, Query) for value in vars(module).values())
        and not any(isinstance(value, str) and VERB.match(value) for value in vars(module).values())
    }


@pytest.mark.rule("afrochat:R24")
def test_every_statement_can_be_prepared(connection: Any, runner: asyncio.Runner) -> None:
    async def faults() -> list[str]:
        found = []
        for statement in statements():
            try:
                await connection.prepare(statement.sql)
            except asyncpg.PostgresError as error:
                found.append(f"{statement.name}: {error}")
        return found

    nothing(runner.run(faults()))


def test_rows_are_what_their_types_say(connection: Any, runner: asyncio.Runner) -> None:
    async def faults() -> list[str]:
        found: list[str] = []
        for statement in statements():
            if statement.row is None:
                continue
            try:
                prepared = await connection.prepare(statement.sql)
            except asyncpg.PostgresError:
                continue  # told by the test above
            columns = [(attribute.name, attribute.type.name) for attribute in prepared.get_attributes()]
            found += (f"{statement.name}: {fault}" for fault in mismatches(statement.row, columns))
        return found

    nothing(runner.run(faults()))


class Sample(msgspec.Struct):
    """A row to try the check of rows on."""

    id: UUID
    kind: Literal["a", "b"]
    count: Annotated[int, msgspec.Meta(ge=0)]
    place: Point | None


RIGHT = [("id", "uuid"), ("kind", "text"), ("count", "int8"), ("place", "point")]


@pytest.mark.parametrize(
    "columns, faults",
    [
        (RIGHT, 0),
        ([RIGHT[1], RIGHT[0], *RIGHT[2:]], 1),
        (RIGHT[:3], 1),
        ([*RIGHT, ("more", "text")], 1),
        ([("id", "text"), *RIGHT[1:]], 1),
        ([*RIGHT[:2], ("count", "numeric"), ("place", "text")], 2),
    ],
)
def test_the_check_of_rows_can_fail(columns: list[tuple[str, str]], faults: int) -> None:
    assert len(list(mismatches(Sample, columns))) == faults


def test_the_search_for_tables_finds_them() -> None:
    sql = """WITH gone AS (DELETE FROM a WHERE true RETURNING 1) INSERT INTO b (x) SELECT 1 FROM c, d AS e, f
      LEFT JOIN g ON true WHERE x IS DISTINCT FROM y AND EXISTS (SELECT FROM h FOR UPDATE OF h)
      ON CONFLICT (x) DO UPDATE SET x = 1; UPDATE i SET x = 1; UPDATE j AS k SET y = 2 -- FROM l"""
    assert written(sql) == {"a", "b", "i", "j"}
    assert read(sql, set("abcdefghijklxy")) == set("acdfghy")


PYTHON: dict[str, tuple[Any, ...]] = {
    "uuid": (UUID,),
    "text": (str,), "varchar": (str,), "bpchar": (str,), "name": (str,), "tsvector": (str,),
    "int2": (int,), "int4": (int,), "int8": (int,), "oid": (int,),
    "float4": (float,), "float8": (float,), "numeric": (Decimal,),
    "bool": (bool,), "bytea": (bytes,),
    "timestamptz": (datetime,), "timestamp": (datetime,), "date": (date,), "time": (time,), "interval": (timedelta,),
    "json": (msgspec.Raw,), "jsonb": (msgspec.Raw,),
    "point": (Point,), "inet": (Any,), "void": (str,), "unknown": (Any,),
}  # fmt: skip


def mismatches(row: Any, columns: list[tuple[str, str]]) -> Iterator[str]:
    """Where names, order or rough types of columns differ from a row's type."""
    if Query(row, "").scalar:
        if len(columns) != 1:
            yield f"a scalar of {len(columns)} columns"
        elif not fits(row, columns[0][1]):
            yield f"{columns[0][1]} is no {row}"
        return
    hints = get_type_hints(row, include_extras=True)
    names = [name for name, _ in columns]
    if list(row.__struct_fields__) != names:
        yield f"columns {names}, fields {list(row.__struct_fields__)}"
        return
    for name, kind in columns:
        if not fits(hints[name], kind):
            yield f"{name}: {kind} is no {hints[name]}"


def fits(hint: Any, kind: str) -> bool:
    """Whether a column of this type may stand in this field; null is not looked at."""
    if get_origin(hint) is Annotated:
        return fits(get_args(hint)[0], kind)
    if get_origin(hint) in (Union, types.UnionType):
        return any(fits(part, kind) for part in get_args(hint) if part is not type(None))
    if hint is Any:
        return True
    if kind.endswith("[]"):
        inner = get_args(hint) or (Any,)
        is_list = hint is list or get_origin(hint) in (list, tuple)
        return is_list and all(fits(one, kind[:-2]) for one in inner if one is not ...)
    if kind in ("json", "jsonb"):
        # Passed on as it is; a Struct beside it in the type says what is inside.
        return hint is msgspec.Raw or get_origin(hint) in (list, dict) or issubclass(hint, msgspec.Struct)
    if get_origin(hint) is Literal:
        return all(isinstance(value, PYTHON.get(kind, ())) for value in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return kind == "text"
    return any(wanted is Any or hint is wanted for wanted in PYTHON.get(kind, ()))


def test_statements_made_by_functions_have_samples() -> None:
    """What a function puts together at run time escapes the tests above, unless samples() shows it."""
    wrong = [
        f"{name}.store.{function.name}"
        for name, module in stores().items()
        if not hasattr(module, "samples")
        for function in makers(tree(FEATURES / name / "store.py"))
    ]
    nothing(wrong)


def makers(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions with the beginning of a statement in them that are not called for a constant."""
    constants = [node for node in module.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    called = {
        node.func.id
        for constant in constants
        for node in ast.walk(constant)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef) and function.name not in called:
            texts = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
            if any(isinstance(text, str) and VERB.match(text) for text in texts):
                yield function


def test_the_search_for_makers_finds_them() -> None:
    text = """
def fixed(table): return f"SELECT 1 FROM {table}"
def varying(table): return f"SELECT 1 FROM {table}"
def harmless(table): return f"coalesce({table})"
ONE = fixed("a")
"""
    assert [function.name for function in makers(ast.parse(text))] == ["varying"]


def test_stores_write_their_own_tables_only() -> None:
    wrong = [
        f"{statement.name} writes {table} of {owners().get(table)}"
        for statement in statements()
        if statement.feature
        for table in sorted(written(statement.sql))
        if owners().get(table) != statement.feature
    ]
    nothing(wrong)


def test_migrations_change_their_own_tables_only() -> None:
    """Triggers included: they move another feature's counters through that feature's functions."""
    change = re.compile(r"\b(?:ALTER|DROP)\s+TABLE\s+(?:IF\s+EXISTS\s+)?(\w+)")
    wrong = [
        f"a migration of {feature} writes {table} of {owners().get(table)}"
        for feature in main.feature_names()
        for table in sorted(written(scripts(feature)) | set(change.findall(scripts(feature))))
        if owners().get(table) != feature
    ]
    nothing(wrong)


def test_stores_read_lower_tables_only() -> None:
    height, tables = tiers(), set(owners())
    wrong, used = [], set()
    for statement in (one for one in statements() if one.feature):
        for table in sorted(read(statement.sql, tables)):
            owner = owners()[table]
            if owner == statement.feature or height[owner] < height[statement.feature]:
                continue
            if table in READS_UP.get(statement.feature, ()):
                used.add((statement.feature, table))
            else:
                wrong.append(f"{statement.name} reads {table} of {owner}")
    nothing(wrong)
    assert used == {(feature, table) for feature, names in READS_UP.items() for table in names}


FOREIGN_KEYS = """
SELECT c.conname, c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent,
  array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k(n, at)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.at) AS columns,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indkey[0] = ANY (c.conkey)
  ) AS indexed
FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
"""


@pytest.mark.rule("afrochat:R25")
def test_foreign_keys_have_an_index(connection: Any, runner: asyncio.Runner) -> None:
    """Else each deletion of a parent, and each look at its children, goes through the whole table.

    A partial index counts: what it leaves out is deleted already, and cleared in the background.
    """
    keys = runner.run(connection.fetch(FOREIGN_KEYS))
    assert len(keys) > 20
    nothing([f"{key['child']} ({', '.join(key['columns'])})" for key in keys if not key["indexed"]])


def test_tables_refer_to_lower_tables_only(connection: Any, runner: asyncio.Runner) -> None:
    height, wrong, used = tiers(), [], set()
    for key in runner.run(connection.fetch(FOREIGN_KEYS)):
        child, parent = owners()[key["child"]], owners()[key["parent"]]
        if child == parent or height[parent] < height[child]:
            continue
        if key["parent"] in REFERS_UP.get(child, ()):
            used.add((child, key["parent"]))
        else:
            wrong.append(f"{key['child']} of {child} refers to {key['parent']} of {parent}")
    nothing(wrong)
    assert used == {(feature, table) for feature, names in REFERS_UP.items() for table in names}


COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable = 'YES' AS nullable, column_default
FROM information_schema.columns WHERE table_schema = 'public'
"""


@pytest.mark.rule("hamsaya:10")
def test_stamps_carry_a_zone_and_begin_as_now(connection: Any, runner: asyncio.Runner) -> None:
    columns = [row for row in runner.run(connection.fetch(COLUMNS)) if row["table_name"] in owners()]
    stamps = [row for row in columns if row["data_type"].startswith("timestamp")]
    nothing(
        [
            f"{row['table_name']}.{row['column_name']}: {row['data_type']}"
            for row in stamps
            if row["data_type"] != "timestamp with time zone"
        ]
    )
    contracted = {"users", "profiles", "posts", "post_comments", "business_profiles", "notifications"}
    nothing(
        [
            f"{table}.{column} does not begin as now()"
            for table in sorted(contracted)
            for column in ("created_at", "updated_at")
            for row in stamps
            if (row["table_name"], row["column_name"]) == (table, column) and row["column_default"] != "now()"
        ]
    )


def test_counters_flags_and_stamps_are_never_null(connection: Any, runner: asyncio.Runner) -> None:
    """An explicit null would make counter + 1 stay null for ever."""
    columns = [row for row in runner.run(connection.fetch(COLUMNS)) if row["table_name"] in owners()]
    strict = [
        row
        for row in columns
        if COUNTERS.search(row["column_name"])
        or row["data_type"] == "boolean"
        or row["column_default"] is not None
    ]
    assert len(strict) > 40
    nothing([f"{row['table_name']}.{row['column_name']}" for row in strict if row["nullable"]])


@pytest.mark.rule("hamsaya:125")
def test_counters_cannot_fall_below_zero(connection: Any, runner: asyncio.Runner) -> None:
    checks = runner.run(
        connection.fetch(
            "SELECT conrelid::regclass::text AS name, pg_get_constraintdef(oid) AS check FROM pg_constraint"
            " WHERE contype = 'c'"
        )
    )
    columns = [row for row in runner.run(connection.fetch(COLUMNS)) if row["table_name"] in owners()]
    wrong = [
        f"{row['table_name']}.{row['column_name']}"
        for row in columns
        if re.search(r"(?<!failed_login)(_count)$|^total_", row["column_name"])
        and not any(
            check["name"] == row["table_name"] and f"({row['column_name']} >= 0)" in check["check"]
            for check in checks
        )
    ]
    nothing(wrong)


SHAPE = """
SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, proname, pg_get_functiondef(oid) FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3, 4
"""
KEPT = ("schema_migrations", "_yoyo", "yoyo_", "pgqueuer", "fn_pgqueuer")  # of the libraries that keep them


def test_every_migration_has_a_rollback() -> None:
    folders = main.migration_folders()
    up = {path for folder in folders for path in folder.glob("*.sql") if ".rollback" not in path.name}
    assert {path for path in up if not back(path).exists()} == set()
    down = {path for folder in folders for path in folder.glob("*.rollback.sql")}
    assert down == {back(path) for path in up}
    assert len({path.name for path in up}) == len(up), "two migrations of one name"


def back(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".sql") + ".rollback.sql")


def test_migrations_go_down_and_up_again(postgres: Callable[[str], str], runner: asyncio.Runner) -> None:
    url = postgres("majlis_scratch")
    runner.run(_create(postgres("postgres"), _name(postgres, "majlis_scratch"), None))

    async def shape() -> list[tuple[Any, ...]]:
        connected = await asyncpg.connect(url)
        try:
            rows = [tuple(row) for row in await connected.fetch(SHAPE)]
        finally:
            await connected.close()
        return [row for row in rows if not row[1].startswith(KEPT)]

    migrator = Migrator(url, main.migration_folders())
    applied = migrator.up()
    full = runner.run(shape())
    assert full
    assert migrator.down(len(applied)) == applied[::-1]
    assert runner.run(shape()) == [], "a rollback leaves something behind"
    assert migrator.up() == applied
    assert runner.run(shape()) == full
