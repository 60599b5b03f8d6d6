"""Keys for push to browsers."""

import click


@click.command("push-key", short_help="Make a key for push to browsers.")
def push_key() -> None:
    """Make a key for push to browsers, and print it as a setting. Changes nothing.

    Keep it: browsers subscribe with it, and have to subscribe anew when it changes.

    \b
    majlis push-key >> .env
    """
    from majlis.vendors import push_web

    private, _ = push_web.new_key()
    click.echo(f"MAJLIS_VAPID_KEY={private}")
