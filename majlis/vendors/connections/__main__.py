"""`python -m majlis.vendors.connections`: the stand-in for social networks, for development."""

from contextlib import suppress

import click

from majlis.vendors.connections.fake import Fake


@click.command()
@click.option("--port", default=9403, show_default=True, help="where to listen, on 127.0.0.1")
def main(port: int) -> None:
    """Serve until interrupted, and print the settings that lead here."""
    fake = Fake(port)
    for name, value in fake.settings().items():
        click.echo(f"MAJLIS_{name.upper()}='{value}'")
    with suppress(KeyboardInterrupt):
        fake.serve_forever()
    fake.server_close()


if __name__ == "__main__":
    main()
