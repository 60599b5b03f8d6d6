"""Settings: read once from the environment (and a `.env` file), checked, then passed in."""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import urlsplit

import dotenv
import msgspec
from msgspec import Meta

from majlis.company_settings import SECRET, CompanySettings


class Settings(CompanySettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator can set. Field `x_y` is read from `MAJLIS_X_Y`."""

    mode: Annotated[
        Literal["development", "production"],
        Meta(description="development or production; production refuses unsafe settings"),
    ] = "development"
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="port to listen on")] = 8080
    data_dir: Annotated[
        str,
        Meta(
            description="where the embedded database, files and mail live; empty means the platform's default"
        ),
    ] = ""
    database_url: Annotated[
        str, Meta(description="postgresql://… ; empty starts the embedded PostgreSQL", extra=SECRET)
    ] = ""
    database_read_url: Annotated[
        str, Meta(description="a replica for reads; empty reads from the primary", extra=SECRET)
    ] = ""
    database_pool: Annotated[int, Meta(description="connections per process and database")] = 10
    redis_url: Annotated[
        str,
        Meta(
            description="redis://… for limits, cache and hints between processes; empty uses PostgreSQL and memory",
            extra=SECRET,
        ),
    ] = ""
    s3_bucket: Annotated[str, Meta(description="bucket for files; empty stores them in the data folder")] = ""
    s3_endpoint: Annotated[str, Meta(description="S3 endpoint, for servers other than Amazon's")] = ""
    s3_region: Annotated[str, Meta(description="S3 region")] = "us-east-1"
    s3_key: Annotated[str, Meta(description="S3 access key id", extra=SECRET)] = ""
    s3_secret: Annotated[str, Meta(description="S3 secret access key", extra=SECRET)] = ""
    secret_key: Annotated[
        str,
        Meta(
            description="at least 32 characters; signs tokens and cursors; older keys may follow, separated by commas",
            extra=SECRET,
        ),
    ] = ""
    mail_url: Annotated[
        str,
        Meta(
            description="smtp://user:password@host:587 or smtps://…; empty writes mail into the data folder",
            extra=SECRET,
        ),
    ] = ""
    mail_from: Annotated[str, Meta(description="sender of mail")] = "Majlis <majlis@localhost>"
    public_url: Annotated[
        str,
        Meta(
            description="address under which people reach this server, for links in mail; empty means http://host:port"
        ),
    ] = ""
    app_url: Annotated[str, Meta(description="where links in mail lead; empty means the public address")] = ""
    app_name: Annotated[
        str, Meta(description="name that people see beside their codes and passkeys", min_length=1)
    ] = "Majlis"
    passkey_domain: Annotated[
        str, Meta(description="domain that passkeys belong to; empty means the host of the app address")
    ] = ""
    passkey_origins: Annotated[
        str,
        Meta(
            description="comma-separated origins that passkeys may be used on, such as https://app.example.org or "
            "android:apk-key-hash:…; empty means the app address"
        ),
    ] = ""
    media_base_url: Annotated[
        str,
        Meta(
            description="address of public files (a CDN that fetches from <public address>/media); empty means that"
        ),
    ] = ""
    media_moved_from: Annotated[
        str,
        Meta(
            description="former addresses of public files, comma-separated, such as http://127.0.0.1:8080/media: what was "
            "uploaded under them is shown under today's"
        ),
    ] = ""
    geocoder: Annotated[
        Literal["offline", "google", "mapbox", "nominatim", "off"],
        Meta(description="what names the place of a location; offline asks nobody"),
    ] = "offline"
    geocoder_key: Annotated[str, Meta(description="key for google or mapbox", extra=SECRET)] = ""
    geocoder_url: Annotated[
        str, Meta(description="geocoder at another address, such as your own Nominatim")
    ] = ""
    fcm_credentials: Annotated[
        str,
        Meta(
            description="service-account file of Firebase, or its text; empty sends no push to apps",
            extra=SECRET,
        ),
    ] = ""
    fcm_url: Annotated[str, Meta(description="another address instead of Firebase's")] = (
        "https://fcm.googleapis.com"
    )
    stripe_key: Annotated[
        str, Meta(description="secret key of the account at Stripe; empty turns payments off", extra=SECRET)
    ] = ""
    stripe_webhook_secrets: Annotated[
        str,
        Meta(
            description="comma-separated signing secrets of the webhooks at Stripe; while one is changed, both",
            extra=SECRET,
        ),
    ] = ""
    stripe_url: Annotated[str, Meta(description="another address instead of Stripe's")] = (
        "https://api.stripe.com"
    )
    ticket_fee_percent: Annotated[
        int, Meta(ge=0, le=100, description="the platform's part of what is paid for tickets, in percent")
    ] = 0
    creator_fee_percent: Annotated[
        int, Meta(ge=0, le=100, description="the platform's part of what is paid to authors, in percent")
    ] = 0
    vapid_key: Annotated[
        str,
        Meta(description="private key from `majlis push-key`; empty sends no push to browsers", extra=SECRET),
    ] = ""
    vapid_subject: Annotated[
        str, Meta(description="mailto: or https: address for push services; empty means the public address")
    ] = ""
    webpush_hosts: Annotated[
        str, Meta(description="comma-separated hosts of the push services of browsers that are sent to")
    ] = "fcm.googleapis.com,*.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
    digest: Annotated[
        Literal["daily", "weekly", "off"],
        Meta(description="how often people who want it get a mail of what they have not read"),
    ] = "daily"
    digest_hour: Annotated[
        int, Meta(ge=0, le=23, description="hour of the day, in UTC, from which these mails go out")
    ] = 6
    notification_days: Annotated[
        int, Meta(ge=0, description="days after which notifications are deleted; 0 keeps them")
    ] = 90
    log_days: Annotated[
        int,
        Meta(ge=1, description="days for which a client that was away can catch up with conversations"),
    ] = 30
    workspace_files_mb: Annotated[
        int, Meta(ge=0, description="what the files of a workspace may take, in MiB; 0 for no limit")
    ] = 5120
    erasure_days: Annotated[
        int, Meta(ge=0, description="days after which a deleted account is erased for good; 0 keeps it")
    ] = 30
    bcrypt_cost: Annotated[
        int, Meta(ge=4, le=16, description="of password hashes: each more takes twice as long")
    ] = 12
    rate_limits: Annotated[Literal["on", "off"], Meta(description="off only in development")] = "on"
    limits: Annotated[
        str,
        Meta(
            description="other rate limits than these, as name=hits/seconds with commas: "
            "auth=5/900,api=1000/3600,upload=10/60,post=10/3600,ip=100/3600,burst=20/60; "
            "those of other doors are named like x18-writes=60/60"
        ),
    ] = ""
    rate_limit_exempt: Annotated[
        str, Meta(description="comma-separated networks that limits per address do not count")
    ] = ""
    cors_origins: Annotated[str, Meta(description="comma-separated origins; * only in development")] = ""
    trusted_proxies: Annotated[
        str, Meta(description="comma-separated networks whose X-Forwarded-For is believed")
    ] = ""
    metrics_networks: Annotated[str, Meta(description="comma-separated networks that may read /metrics")] = (
        "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    )
    max_body_mb: Annotated[int, Meta(description="largest JSON or single-file body, in MiB")] = 12
    request_timeout_s: Annotated[
        float, Meta(description="seconds after which a request is given up with 503")
    ] = 30.0
    drain_s: Annotated[
        float, Meta(description="seconds that requests under way get to finish at shutdown")
    ] = 10.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least level that is logged")
    ] = "info"
    log_format: Annotated[Literal["json", "text"], Meta(description="json for machines, text for people")] = (
        "json"
    )
    max_sockets: Annotated[int, Meta(ge=0, description="open sockets of a process; more are turned away")] = (
        10_000
    )
    socketio: Annotated[
        Literal["on", "websocket", "off"], Meta(description="Socket.IO; websocket means without long polls")
    ] = "on"
    worker: Annotated[Literal["on", "off"], Meta(description="whether serve also runs background jobs")] = (
        "on"
    )
    job_attempts: Annotated[int, Meta(description="tries of a background job before it is held")] = 8
    require_verified_email: Annotated[
        bool,
        Meta(
            description="whether whoever writes needs a confirmed address: posts, comments, businesses, chat, likes"
        ),
    ] = False
    otlp_endpoint: Annotated[
        str, Meta(description="OpenTelemetry collector, http://host:4318; needs the extra majlis[telemetry]")
    ] = ""
    hosts: Annotated[str, Meta(description="host=surface pairs served at the root of that host name")] = ""

    def __repr__(self) -> str:
        """Without values: many of them are secret, and this may end up in a log."""
        return f"Settings({self.mode})"

    def secret_keys(self) -> list[str]:
        """The signing keys, newest first."""
        return [key.strip() for key in self.secret_key.split(",") if key.strip()]

    def base_url(self) -> str:
        """Where people reach this server, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def media_url(self) -> str:
        """Where public files are found, without a slash at the end."""
        return (self.media_base_url or self.base_url() + "/media").rstrip("/")

    def data_path(self) -> Path:
        """The data folder; not made here."""
        return Path(self.data_dir or default_data_dir()).expanduser().absolute()


class BadSettings(Exception):
    """One or more settings cannot be used; the message names each."""


EXAMPLE_SECRETS = frozenset({"secret", "changeme", "your-secret-key", "your-256-bit-secret", "majlis"})
PREFIX = "MAJLIS_"
IGNORED = "MAJLIS_TEST_"  # what tests are told; a server that they start inherits it


def default_data_dir() -> str:
    """The data folder when none is set: root keeps out of home folders, whose parents are closed."""
    if os.environ.get("XDG_DATA_HOME"):
        return os.path.join(os.environ["XDG_DATA_HOME"], "majlis")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return "/var/lib/majlis"
    return os.path.join(os.path.expanduser("~"), ".local", "share", "majlis")


def listed(value: str) -> list[str]:
    """The parts of a comma-separated setting."""
    return [part.strip() for part in value.split(",") if part.strip()]


def read(environ: Mapping[str, str] | None = None, **overrides: Any) -> tuple[Settings, dict[str, str]]:
    """Settings and where each came from (command, environment, .env, data folder, default).

    In development an absent secret key is made once and kept in the data folder.
    Raises BadSettings with one line per fault.
    """
    sources: dict[str, str] = {}
    values: dict[str, Any] = {}
    faults: list[str] = []
    files = _dotenv() if environ is None else {}
    real = os.environ if environ is None else environ
    known = {field.name: field for field in msgspec.structs.fields(Settings)}
    for source, mapping in ((".env", files), ("environment", real)):
        for key, value in mapping.items():
            if not key.startswith(PREFIX) or key.startswith(IGNORED):
                continue
            name = key.removeprefix(PREFIX).lower()
            if name not in known:
                faults.append(f"{key} ({source}): there is no such setting")
            elif value != "":
                values[name], sources[name] = value, source
    for name, value in overrides.items():
        if value is not None:
            values[name], sources[name] = value, "command"
    settings: dict[str, Any] = {}
    for name, value in values.items():
        try:
            settings[name] = msgspec.convert(value, known[name].type, strict=False)
        except msgspec.ValidationError as error:
            shown = "…" if is_secret(name) else repr(value)
            faults.append(f"{PREFIX}{name.upper()} ({sources[name]}): {shown}: {error}")
    faults += [f"{PREFIX}{name.upper()} ({sources[name]}): {why}" for name, why in _unreadable(settings)]
    if faults:
        raise BadSettings("\n".join(faults))
    result = Settings(**settings)
    if not result.secret_key and result.mode == "development":
        result = msgspec.structs.replace(result, secret_key=_kept_secret(result.data_path()))
        sources["secret_key"] = "data folder"
    faults = list(unsafe(result)) if result.mode == "production" else []
    if faults:
        raise BadSettings("\n".join(faults))
    return result, sources


def _dotenv() -> dict[str, str]:
    """What the `.env` file of the present folder sets."""
    return {name: value for name, value in dotenv.dotenv_values(".env").items() if value is not None}


def _unreadable(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, reason) of limits and networks that cannot be read."""
    names = [
        name
        for name in ("limits", "rate_limit_exempt", "trusted_proxies", "metrics_networks")
        if name in values
    ]
    if not names:
        return
    from majlis.kit import limits  # half a second with the Redis client: commands without these need not wait

    for name in names:
        try:
            (limits.overrides if name == "limits" else limits.networks)(values[name])
        except ValueError as error:
            yield name, str(error)


def unsafe(settings: Settings) -> Iterator[str]:
    """What makes these settings unfit for production, one line each."""
    if not settings.secret_keys():
        yield "MAJLIS_SECRET_KEY is not set"
    for key in settings.secret_keys():
        if len(key) < 32 or key.lower() in EXAMPLE_SECRETS or len(set(key)) < 8:
            yield "MAJLIS_SECRET_KEY has a key that is shorter than 32 characters or easily guessed"
    if settings.rate_limits == "off":
        yield "MAJLIS_RATE_LIMITS=off is for development only"
    if settings.bcrypt_cost < 12:
        yield "MAJLIS_BCRYPT_COST below 12 is for development only"
    if "*" in listed(settings.cors_origins):
        yield "MAJLIS_CORS_ORIGINS=* is for development only; name the origins"
    if not settings.public_url.startswith("https://"):
        yield "MAJLIS_PUBLIC_URL must be the https address of this server"
    if not settings.mail_url:
        yield "MAJLIS_MAIL_URL is not set: people could not confirm their address"
    if any(urlsplit(origin).scheme == "http" for origin in listed(settings.passkey_origins)):
        yield "MAJLIS_PASSKEY_ORIGINS must be https origins"
    companies = (
        "google_url",
        "apple_url",
        "facebook_url",
        "fcm_url",
        "stripe_url",
        "plaid_url",
        "social_url",
    )
    for name in ("media_base_url", "app_url", *companies):
        value = getattr(settings, name)
        if value and urlsplit(value).scheme == "http":
            yield f"MAJLIS_{name.upper()} must be an https address"
    if any(host.startswith("http://") for host in listed(settings.webpush_hosts)):
        yield "MAJLIS_WEBPUSH_HOSTS has an address that is not https"


def is_secret(name: str) -> bool:
    """Whether the value of this setting must never be shown."""
    return _help()[name][1]


def describe(settings: Settings, sources: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """(variable, value or •••, source, help) of every setting."""
    for name, (help, secret) in _help().items():
        value = getattr(settings, name)
        shown = ("•••" if value else "") if secret else str(value)
        yield f"{PREFIX}{name.upper()}", shown, sources.get(name, "default"), help


def _help() -> dict[str, tuple[str, bool]]:
    """(help, whether secret) of each setting, in the order of the class."""
    hints = get_type_hints(Settings, include_extras=True)
    own_first = sorted(hints, key=lambda name: name in CompanySettings.__struct_fields__)
    metas = {name: hints[name].__metadata__[0] for name in own_first}
    return {name: (meta.description, meta.extra == SECRET) for name, meta in metas.items()}


def _kept_secret(folder: Path) -> str:
    """The development key of this data folder, made the first time."""
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
