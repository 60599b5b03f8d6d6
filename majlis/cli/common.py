"""What commands share: settings, tables, and how they fail."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from majlis import settings as configuration
from majlis.settings import BadSettings, Settings

T = TypeVar("T")
WIDE = 240  # columns where nobody looks: what a file or another program gets is not cut


def read_all(**overrides: Any) -> tuple[Settings, dict[str, str]]:
    """The settings and their sources; ends the program with the reasons when they cannot be used."""
    try:
        return configuration.read(**overrides)
    except BadSettings as error:
        unusable(error)


def read(**overrides: Any) -> Settings:
    """The settings alone."""
    return read_all(**overrides)[0]


def unusable(error: BadSettings) -> NoReturn:
    """End because of the settings."""
    click.echo(f"The settings cannot be used:\n{error}", err=True)
    sys.exit(2)


def fail(message: str) -> NoReturn:
    """End because it did not work."""
    click.echo(message, err=True)
    sys.exit(1)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what an operator can do something about into a message and an exit code, without a traceback."""
    import asyncpg
    import psycopg

    from majlis.kit.embedded import EmbeddedError
    from majlis.kit.errors import Refused
    from majlis.kit.migrations import MigrationFailed
    from majlis.serving import CannotStart

    try:
        yield
    except BadSettings as error:
        unusable(error)
    except (CannotStart, EmbeddedError, MigrationFailed) as error:
        fail(str(error))
    except Refused as error:
        more = [f"  {f.field}: {f.message}" for f in error.fields if f.message != error.detail]
        fail("\n".join([error.detail, *more]))
    except asyncpg.UndefinedTableError as error:
        fail(f"The database is not up to date ({error}): majlis migrate up")
    except (asyncpg.PostgresError, psycopg.Error, OSError) as error:
        fail(f"The database cannot be used: {error}" if not isinstance(error, OSError) else str(error))


def with_app(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """Run this with an App, beside a running server or with a database of the command's own."""
    from majlis import main, serving
    from majlis.kit import log

    log.configure("warning", "text")

    async def run(url: str) -> T:
        async with main.opened(settings, url) as app:
            return await work(app)

    with told(), serving.beside(settings) as url:
        return asyncio.run(run(url))
    raise AssertionError("unreachable")


def console() -> Console:
    """Where results go; as wide as the terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, wrap: Sequence[int] = ()) -> None:
    """Print rows under headings. The columns with these numbers may be folded where the terminal is narrow."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        shown.add_column(name, no_wrap=number not in wrap, overflow="fold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console().print(shown)
