"""Commands that stay: serve and work."""

import sys
from typing import Any

import click
import msgspec
from rich.panel import Panel
from rich.table import Table

from majlis import __version__
from majlis.cli import common
from majlis.settings import Settings


@click.command(short_help="Serve the API.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [MAJLIS_HOST, 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.  [MAJLIS_PORT, 8080]",
)
@click.option("--data-dir", metavar="FOLDER", help="Where database, files and mail live.  [MAJLIS_DATA_DIR]")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Serving processes."
)
@click.option("--no-worker", is_flag=True, help="Run no background jobs here; `majlis work` does.")
@click.option("--reload", is_flag=True, help="Start again when the code changes.")
def serve(
    host: str | None, port: int | None, data_dir: str | None, workers: int, no_worker: bool, reload: bool
) -> None:
    """Serve the API, with a PostgreSQL of its own unless MAJLIS_DATABASE_URL names one.

    Migrations run first. SIGTERM or Ctrl-C lets requests under way finish, then stops everything.

    \b
    majlis serve
    majlis serve --port 9000 --data-dir ./data
    majlis serve --host 0.0.0.0 --workers 4
    """
    if reload and workers > 1:
        raise click.UsageError("--reload serves with one process; leave --workers out.")
    settings = _for_people(host=host, port=port, data_dir=data_dir, worker="off" if no_worker else None)
    from majlis import serving
    from majlis.vendors import files, mail

    with common.told():
        # Unusable settings end here with exit code 2, not in the middle of starting.
        files.from_settings(settings)
        mail.from_settings(settings)
        serving.serve(settings, workers=workers, reload=reload, ready=_announce)


@click.command(short_help="Run background jobs, serve nothing.")
def work() -> None:
    """Run background jobs and schedules, and serve nothing.

    Any number of these may run beside `majlis serve --no-worker`.

    \b
    majlis work
    MAJLIS_DATABASE_URL=postgresql://majlis@db/majlis majlis work
    """
    settings = _for_people()
    from majlis import serving

    with common.told():
        serving.work(settings, ready=_announce_work)


def _for_people(**overrides: Any) -> Settings:
    """The settings, with logs for people where people look, unless one says otherwise."""
    settings, sources = common.read_all(**overrides)
    if sys.stdout.isatty() and "log_format" not in sources:
        return msgspec.structs.replace(settings, log_format="text")
    return settings


def _facts(settings: Settings) -> list[tuple[str, str]]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    database = "" if settings.database_url else "  with its own PostgreSQL"
    letters = "by the server of MAJLIS_MAIL_URL" if settings.mail_url else f"{settings.data_path() / 'mail'}"
    return [
        ("address", url),
        ("docs", f"{url}/docs"),
        ("data", f"{settings.data_path()}{database}"),
        ("mail", letters + ("" if settings.mail_url else "  (majlis mail)")),
    ]


def _announce(settings: Settings) -> None:
    if not sys.stdout.isatty():
        from majlis.kit import log

        told = {name: value.partition("  ")[0] for name, value in _facts(settings)}
        log.get("majlis.serving").info("serving", mode=settings.mode, **told)
        return
    grid = Table.grid(padding=(0, 2))
    for name, value in _facts(settings):
        grid.add_row(f"[dim]{name}", value)
    grid.add_row("", "[dim]Ctrl-C stops everything")
    title = f"[bold]Majlis {__version__}[/] · {settings.mode}"
    common.console().print(Panel(grid, title=title, title_align="left", border_style="cyan", expand=False))


def _announce_work(settings: Settings) -> None:
    from majlis.kit import log

    log.get("majlis.serving").info("working", mode=settings.mode)
