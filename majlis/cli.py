"""The commands of `majlis`."""

import sys
from typing import Any

import click

from majlis import settings as configuration
from majlis.settings import BadSettings, Settings


def read(**overrides: Any) -> Settings:
    """The settings, or the end of the program with the reasons."""
    try:
        return configuration.read(**overrides)[0]
    except BadSettings as error:
        click.echo(f"The settings cannot be used:\n{error}", err=True)
        sys.exit(2)


@click.group()
@click.version_option(package_name="majlis")
def main() -> None:
    """Majlis: one self-hosted social backend behind several doors."""


@main.command()
@click.option("--host", help="address to listen on")
@click.option("--port", type=int, help="port to listen on")
@click.option("--data-dir", help="where database, files and mail live")
@click.option("--workers", default=1, show_default=True, help="serving processes")
@click.option("--no-worker", is_flag=True, help="run no background jobs here (see `majlis work`)")
@click.option("--reload", is_flag=True, help="start again when the code changes")
def serve(host: str | None, port: int | None, data_dir: str | None, workers: int, no_worker: bool, reload: bool) -> None:
    """Serve the API, with its own PostgreSQL unless MAJLIS_DATABASE_URL names one."""
    from majlis import serving

    settings = read(host=host, port=port, data_dir=data_dir, worker="off" if no_worker else None)
    serving.serve(settings, workers=workers, reload=reload)


if __name__ == "__main__":
    main()
