"""`python -m majlis.vendors.connections`: the stand-in for social networks, for development."""

import click

from majlis.vendors import loopback
from majlis.vendors.connections.fake import Fake


@click.command()
@click.option("--port", default=9403, show_default=True, help="where to listen, on 127.0.0.1")
def main(port: int) -> None:
    """Serve until interrupted, and print the settings that lead here."""
    loopback.run(Fake(port))


if __name__ == "__main__":
    main()
