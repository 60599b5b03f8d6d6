"""Migrations: up, down, status, create."""

import re
import sys
from pathlib import Path

import click
from rich.text import Text

from majlis.cli import common


@click.group(short_help="Change the database's tables, or back.")
def migrate() -> None:
    """Bring the database up to date, or take changes back.

    `majlis serve` runs `up` by itself.

    \b
    majlis migrate status
    majlis migrate up
    majlis migrate down 2
    majlis migrate create badges "one badge per person"
    """


@migrate.command()
def up() -> None:
    """Apply what is missing."""
    settings = common.read()
    from majlis import serving

    with common.told(), serving.beside(settings) as url, common.console().status("Migrating ..."):
        applied = serving.migrate(url)
    for name in applied:
        click.echo(f"applied {name}")
    click.echo(f"{len(applied)} applied." if applied else "Nothing to apply.")


@migrate.command()
@click.argument("count", type=click.IntRange(1), default=1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--feature", help="Of this feature alone, before its package is uninstalled.")
def down(count: int, yes: bool, feature: str | None) -> None:
    """Undo the last COUNT migrations (1), with the data that they brought."""
    settings = common.read()
    from majlis import main, serving
    from majlis.kit.migrations import Migrator

    with common.told(), serving.beside(settings) as url:
        folder = _folder(feature) if feature else None
        migrator = Migrator(url, main.migration_folders())
        applied = [found for found in migrator.status() if found.applied]
        last = [found.id for found in applied if folder in (None, Path(found.path).parent)][-count:][::-1]
        if last and not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("This deletes data; say --yes.")
            click.confirm(f"Undo {', '.join(last)}, and delete what is stored there?", abort=True)
        for name in migrator.down(count, folder):
            click.echo(f"undone {name}")


@migrate.command()
def status() -> None:
    """List all migrations. Exits 1 when one is missing in the database."""
    settings = common.read()
    from majlis import main, serving
    from majlis.kit.migrations import Migrator

    with common.told(), serving.beside(settings) as url:
        found = Migrator(url, main.migration_folders()).status()
    owners = {one.folder / "migrations": one.label for one in main.all_features()}
    states = {True: Text("applied", "green"), False: Text("missing", "yellow")}
    common.table(
        ["migration", "feature", "state"],
        [(m.id, owners.get(Path(m.path).parent, "kit"), states[m.applied]) for m in found],
    )
    missing = [m.id for m in found if not m.applied]
    if missing:
        common.fail(f"{len(missing)} missing: majlis migrate up")


def _folder(feature: str) -> Path:
    from majlis import main

    folders = {one.name: one.folder / "migrations" for one in main.all_features()}
    if feature not in folders:
        raise click.UsageError(f"There is no feature {feature}: {', '.join(sorted(folders))}")
    return folders[feature]


@migrate.command()
@click.argument("feature")
@click.argument("what")
def create(feature: str, what: str) -> None:
    """Write an empty migration WHAT of FEATURE, and its rollback."""
    from majlis import main
    from majlis.kit import clock, migrations

    folder = _folder(feature)
    if not re.search(r"[a-z0-9]", what.lower()):
        raise click.UsageError("Say in a few words what it does.")
    stamp = migrations.next_stamp(main.migration_folders(), clock.now())
    path = migrations.create(folder, what, stamp)
    click.echo(f"{path}\n{path.with_suffix('.rollback.sql')}")
