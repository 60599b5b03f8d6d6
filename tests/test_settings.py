"""Settings: where they come from, and what is refused."""

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from majlis import settings
from majlis.settings import BadSettings, Settings

CANARY = "canary-0123456789-abcdefghijklmnop-ABC"
SAFE = {
    "MAJLIS_MODE": "production",
    "MAJLIS_SECRET_KEY": CANARY,
    "MAJLIS_PUBLIC_URL": "https://api.example.org",
    "MAJLIS_MAIL_URL": "smtps://user:pass@mail.example.org",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no variables of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MAJLIS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def test_the_nearest_source_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("MAJLIS_PORT=1001\nMAJLIS_HOST=0.0.0.0\nMAJLIS_LOG_LEVEL=debug\nOTHER=1\n")
    monkeypatch.setenv("MAJLIS_PORT", "1002")
    monkeypatch.setenv("MAJLIS_HOST", "10.0.0.1")
    found, sources = settings.read(port=1003, host=None)
    assert (found.port, found.host, found.log_level, found.max_body_mb) == (1003, "10.0.0.1", "debug", 12)
    assert sources == {
        "port": "command",
        "host": "environment",
        "log_level": ".env",
        "secret_key": "data folder",
    }


def test_an_empty_variable_is_none(folder: Path) -> None:
    found, sources = settings.read({"MAJLIS_PORT": "", "MAJLIS_SECRET_KEY": "x"})
    assert found.port == 8080
    assert "port" not in sources


def test_every_fault_is_named_with_its_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("MAJLIS_PROT=8080\n")
    monkeypatch.setenv("MAJLIS_PORT", "many")
    monkeypatch.setenv("MAJLIS_MODE", "prod")
    monkeypatch.setenv("MAJLIS_DATABASE", "x")
    with pytest.raises(BadSettings) as refused:
        settings.read()
    lines = str(refused.value).splitlines()
    for name, source in (
        ("MAJLIS_PROT", ".env"),
        ("MAJLIS_PORT", "environment"),
        ("MAJLIS_MODE", "environment"),
        ("MAJLIS_DATABASE", "environment"),
    ):
        assert any(line.startswith(f"{name} ({source})") for line in lines), name
    assert len(lines) == 4


def test_what_tests_are_told_is_no_setting(folder: Path) -> None:
    settings.read({"MAJLIS_TEST_DATABASE_URL": "postgresql:///x", "MAJLIS_SECRET_KEY": "x"})


def test_values_are_typed(folder: Path) -> None:
    found, _ = settings.read(
        {
            "MAJLIS_PORT": "81",
            "MAJLIS_REQUIRE_VERIFIED_EMAIL": "true",
            "MAJLIS_DRAIN_S": "2.5",
            "MAJLIS_RATE_LIMITS": "off",
        }
    )
    assert (found.port, found.require_verified_email, found.drain_s, found.rate_limits) == (
        81,
        True,
        2.5,
        "off",
    )
    for name, value in (
        ("PORT", "1.5"),
        ("REQUIRE_VERIFIED_EMAIL", "perhaps"),
        ("RATE_LIMITS", "no"),
        ("WORKER", ""),
    ):
        if value:
            with pytest.raises(BadSettings, match=f"MAJLIS_{name}"):
                settings.read({f"MAJLIS_{name}": value})


def test_a_development_key_is_made_once_and_kept_private(folder: Path) -> None:
    first, _ = settings.read({})
    second, sources = settings.read({})
    assert len(first.secret_key) >= 32
    assert first.secret_key == second.secret_key
    assert sources["secret_key"] == "data folder"
    assert ((folder / "data" / "majlis" / "secret_key").stat().st_mode & 0o777) == 0o600


def test_production_starts_with_safe_settings(folder: Path) -> None:
    found, _ = settings.read(SAFE)
    assert found.secret_keys() == [CANARY]
    assert not (folder / "data").exists(), "no key is made up in production"


@pytest.mark.parametrize(
    "name, value",
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 40),
        ("SECRET_KEY", f"{CANARY},changeme"),
        ("RATE_LIMITS", "off"),
        ("BCRYPT_COST", "10"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://app.example.org, *"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "http://api.example.org"),
        ("MAIL_URL", ""),
        ("MEDIA_BASE_URL", "http://cdn.example.org"),
        ("APP_URL", "http://app.example.org"),
        ("FCM_URL", "http://fcm.example.org"),
        ("WEBPUSH_HOSTS", "fcm.googleapis.com,http://127.0.0.1:8123"),
    ],
)
@pytest.mark.rule("afrochat:R24", "x18:R39")
def test_production_refuses_what_is_unsafe(folder: Path, name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=f"MAJLIS_{name}") as refused:
        settings.read({**SAFE, f"MAJLIS_{name}": value})
    assert len(str(refused.value).splitlines()) == 1
    settings.read({**SAFE, "MAJLIS_MODE": "development", f"MAJLIS_{name}": value})


def test_production_names_all_faults_at_once(folder: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        settings.read({"MAJLIS_MODE": "production", "MAJLIS_RATE_LIMITS": "off", "MAJLIS_CORS_ORIGINS": "*"})
    for name in ("SECRET_KEY", "RATE_LIMITS", "CORS_ORIGINS", "PUBLIC_URL", "MAIL_URL"):
        assert f"MAJLIS_{name}" in str(refused.value)


SECRETS = [field.name for field in msgspec.structs.fields(Settings) if settings.is_secret(field.name)]


def test_what_is_secret() -> None:
    wanted = {
        "secret_key",
        "database_url",
        "database_read_url",
        "redis_url",
        "s3_key",
        "s3_secret",
        "mail_url",
    }
    assert wanted <= set(SECRETS)
    looks = re.compile(r"(secret|password|token|_key$)")
    assert [field.name for field in msgspec.structs.fields(Settings) if looks.search(field.name)] == [
        name for name in Settings.__struct_fields__ if looks.search(name) and name in SECRETS
    ]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_not_shown(folder: Path, name: str) -> None:
    given: dict[str, Any] = {f"MAJLIS_{name.upper()}": CANARY}
    found, sources = settings.read(given)
    shown = {variable: value for variable, value, _, _ in settings.describe(found, sources)}
    assert shown[f"MAJLIS_{name.upper()}"] == "•••"
    assert CANARY not in str(list(settings.describe(found, sources)))
    assert CANARY not in repr(found)


def test_every_setting_is_described(folder: Path) -> None:
    found, sources = settings.read({"MAJLIS_PORT": "81"})
    rows = {
        variable: (value, source, help) for variable, value, source, help in settings.describe(found, sources)
    }
    assert len(rows) == len(Settings.__struct_fields__)
    assert rows["MAJLIS_PORT"][:2] == ("81", "environment")
    assert rows["MAJLIS_HOST"][:2] == ("127.0.0.1", "default")
    assert all(help for _, _, help in rows.values())


def test_addresses_follow_from_one_another(folder: Path) -> None:
    plain, _ = settings.read({"MAJLIS_SECRET_KEY": "x"})
    assert plain.base_url() == "http://127.0.0.1:8080"
    assert plain.media_url() == "http://127.0.0.1:8080/media"
    public, _ = settings.read(
        {
            "MAJLIS_SECRET_KEY": "x",
            "MAJLIS_PUBLIC_URL": "https://a.example/",
            "MAJLIS_MEDIA_BASE_URL": "https://cdn.example/m/",
        }
    )
    assert (public.base_url(), public.media_url()) == ("https://a.example", "https://cdn.example/m")
    assert settings.listed(" a, ,b ,") == ["a", "b"]


def test_where_data_lies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.default_data_dir() == str(folder / "data" / "majlis")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert settings.default_data_dir() == "/var/lib/majlis"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/amina")
    assert settings.default_data_dir() == "/home/amina/.local/share/majlis"
