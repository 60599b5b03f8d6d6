"""`python -m majlis.vendors.oauth`: the stand-in for Google, Apple and Facebook, for development."""

import click

from majlis.vendors import loopback
from majlis.vendors.oauth.fake import Fake


@click.command()
@click.option("--port", default=9400, show_default=True, help="where to listen, on 127.0.0.1")
def main(port: int) -> None:
    """Serve until interrupted, and print the settings that lead here."""
    loopback.run(Fake(port))


if __name__ == "__main__":
    main()
