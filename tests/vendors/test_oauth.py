"""Google's, Apple's and Facebook's tokens, from a server that speaks as they do, with real keys."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from majlis.settings import BadSettings, Settings, unsafe
from majlis.vendors import oauth
from majlis.vendors.oauth import (
    BadProviderToken,
    Person,
    Proof,
    ProviderDisabled,
    Providers,
    ProviderUnavailable,
    fake,
)
from majlis.vendors.oauth.fake import (
    APP_ID,
    BUNDLE_ID,
    OTHER_APP,
    REDIRECT,
    SERVICES_ID,
    Fake,
)
from tests.vendors.companies import NONCE, person, using, why


@pytest.fixture
def companies() -> Iterator[Fake]:
    with fake.serving() as running:
        yield running


# ---- Apple's codes


def exchanged(companies: Fake, code: str, who: Person, **settings: str) -> str:
    async def exchange(providers: Providers) -> str:
        assert providers.apple is not None
        return await providers.apple.exchange(code, who)

    found: str = using({**companies.settings(), **settings}, exchange)
    return found


def apples(sub: str = "001.a", client_id: str = BUNDLE_ID) -> Person:
    return Person(issuer="https://appleid.apple.com", subject=sub, client_id=client_id)


@pytest.mark.rule("hamsaya:39")
def test_a_code_becomes_a_token_that_can_be_revoked(companies: Fake) -> None:
    token = exchanged(companies, companies.apple_code("001.a"), apples())
    assert companies.refresh_tokens[token]["sub"] == "001.a"

    async def revoke(providers: Providers) -> None:
        assert providers.apple is not None
        await providers.apple.revoke(BUNDLE_ID, token)
        await providers.apple.revoke(BUNDLE_ID, token)  # Apple does not mind

    using(companies.settings(), revoke)
    assert companies.revoked == [token]


@pytest.mark.rule("hamsaya:39")
def test_a_code_counts_once_for_its_person_and_app(companies: Fake) -> None:
    spent = companies.apple_code("001.a")
    exchanged(companies, spent, apples())
    others = companies.apple_code("001.b")
    webs = companies.apple_code("001.a", SERVICES_ID, REDIRECT)
    late = companies.apple_code("001.a")
    companies.codes[late]["until"] -= timedelta(minutes=6)
    for code in (spent, others, webs, late, "made-up"):
        with pytest.raises(BadProviderToken):
            exchanged(companies, code, apples())
    assert exchanged(companies, companies.apple_code("001.a"), apples())  # the control


def test_the_code_of_a_website_comes_with_its_redirect(companies: Fake) -> None:
    web = apples(client_id=SERVICES_ID)
    assert exchanged(companies, companies.apple_code("001.a", SERVICES_ID, REDIRECT), web)
    code = companies.apple_code("001.a", SERVICES_ID, REDIRECT)
    with pytest.raises(BadProviderToken):
        exchanged(companies, code, web, apple_redirects="")


@pytest.mark.parametrize("wrong", [{"apple_team_id": "ANOTHER"}, {"apple_key_id": "ANOTHER"}])
def test_a_wrong_key_of_ours_is_no_fault_of_the_persons(companies: Fake, wrong: dict[str, str]) -> None:
    with pytest.raises(ProviderUnavailable):
        exchanged(companies, companies.apple_code("001.a"), apples(), **wrong)


# ---- Facebook


@pytest.mark.rule("hamsaya:40")
def test_facebook_vouches_for_somebody_but_not_for_the_address(companies: Fake) -> None:
    found = person(companies, "facebook", companies.facebook("10215", "farid@example.org"))
    assert found == Person(
        issuer="https://www.facebook.com",
        subject="10215",
        client_id=APP_ID,
        email="farid@example.org",
        email_verified=False,
        first_name="Farid",
        last_name="Noori",
    )
    assert companies.asked == ["/facebook/v25.0/debug_token", "/facebook/v25.0/me"]


@pytest.mark.rule("hamsaya:40", "hamsaya:42")
@pytest.mark.parametrize(
    "changes",
    [
        {"is_valid": False},
        {"app_id": OTHER_APP},  # which Facebook itself refuses to look at
        {"app_id": "3000000000000003"},  # and should it not, we do
        {"type": "PAGE"},
        {"type": "APP", "user_id": ""},
        {"expires_at": 1_000_000_000},
        {"data_access_expires_at": 1_000_000_000},
        {"user_id": "666"},
    ],
)
def test_facebooks_token_must_be_good_ours_and_a_persons(companies: Fake, changes: dict[str, Any]) -> None:
    token = companies.facebook("10215", "farid@example.org", **changes)
    assert why(companies, "facebook", token)


def test_facebooks_token_may_never_be_over(companies: Fake) -> None:
    assert person(companies, "facebook", companies.facebook("1", expires_at=0, data_access_expires_at=0))


@pytest.mark.rule("hamsaya:40")
def test_what_facebook_did_not_give_is_refused(companies: Fake) -> None:
    for token in ("made-up", "", "EAA&access_token=1", companies.google("1")):
        assert why(companies, "facebook", token)


@pytest.mark.rule("hamsaya:40")
def test_facebooks_limited_login_is_a_signed_token(companies: Fake) -> None:
    token = companies.facebook_limited("10215", "farid@example.org", nonce=NONCE)
    found = person(companies, "facebook", token, nonce=NONCE)
    assert found == person(companies, "facebook", companies.facebook("10215", "farid@example.org"))
    assert not found.email_verified
    assert companies.asked[0] == "/facebook/.well-known/oauth/openid/jwks/"
    assert "/facebook/v25.0/debug_token" not in companies.asked[:1]


@pytest.mark.rule("hamsaya:40", "hamsaya:42")
@pytest.mark.parametrize(
    "changes, nonce",
    [
        ({}, None),
        ({}, "another"),
        ({"nonce": NONCE}, hashlib.sha256(NONCE.encode()).hexdigest()),  # as it can be read in the token
        ({"nonce": None}, NONCE),
        ({"iss": "https://accounts.google.com"}, NONCE),
        ({"aud": OTHER_APP}, NONCE),
        ({"exp": 1_000_000_000}, NONCE),
        ({"iat": 9_000_000_000}, NONCE),
        ({"sub": ""}, NONCE),
    ],
)
def test_a_token_of_limited_login_is_ours_and_of_this_attempt(
    companies: Fake, changes: dict[str, Any], nonce: str | None
) -> None:
    token = companies.facebook_limited("10215", "farid@example.org", **{"nonce": NONCE, **changes})
    proof = {} if nonce is None else {"nonce": nonce}
    assert why(companies, "facebook", token, **proof)


def test_a_token_that_facebook_did_not_sign_is_refused(companies: Fake) -> None:
    token = companies.facebook_limited("10215", nonce=NONCE)
    head, body, signature = token.split(".")
    other = companies.facebook_limited("666", nonce=NONCE).split(".")[1]
    for made in (f"{head}.{other}.{signature}", f"{head}.{body}.", "eyJ.eyJ.x"):
        assert why(companies, "facebook", made, nonce=NONCE)
    assert person(companies, "facebook", token, nonce=NONCE).subject == "10215"


@pytest.mark.rule("hamsaya:40")
@pytest.mark.parametrize("wrong", [{"facebook_app_secret": "another"}, {"facebook_app_id": "3"}])
def test_a_wrong_secret_of_ours_counts_as_no_answer(companies: Fake, wrong: dict[str, str]) -> None:
    token = companies.facebook("10215")
    with pytest.raises(ProviderUnavailable):
        using({**companies.settings(), **wrong}, lambda it: it.get("facebook").person(Proof(token=token)))


@pytest.mark.parametrize("fault", ["down", "html"])
def test_facebook_may_fail(companies: Fake, fault: str) -> None:
    companies.fault = fault
    with pytest.raises(ProviderUnavailable):
        person(companies, "facebook", companies.facebook("10215"))


def test_nobody_listens(companies: Fake) -> None:
    token = companies.facebook("10215")
    with pytest.raises(ProviderUnavailable) as refused:
        using(
            {**companies.settings(), "facebook_url": "http://127.0.0.1:1"},
            lambda it: it.get("facebook").person(Proof(token=token)),
        )
    assert token not in str(refused.value) and refused.value.__cause__ is None


# ---- settings


def test_without_settings_nothing_is_offered() -> None:
    async def each(providers: Providers) -> None:
        for name in ("google", "apple", "facebook"):
            with pytest.raises(ProviderDisabled):
                providers.get(name)

    using({}, each)


def _pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"facebook_app_secret": ""}, "FACEBOOK_APP_SECRET"),
        ({"facebook_app_id": ""}, "FACEBOOK_APP_ID"),
        ({"apple_team_id": ""}, "APPLE_TEAM_ID"),
        ({"apple_private_key": ""}, "APPLE_PRIVATE_KEY"),
        ({"apple_private_key": "-----BEGIN"}, "APPLE_PRIVATE_KEY"),
        ({"apple_private_key": _pem(fake.rsa_key(0))}, "P-256"),
        ({"apple_private_key": _pem(ec.generate_private_key(ec.SECP384R1()))}, "P-256"),
        ({"apple_redirects": "org.example.majlis.web"}, "APPLE_REDIRECTS"),
        ({"google_url": "ftp://127.0.0.1"}, "GOOGLE_URL"),
        ({"apple_url": "appleid.apple.com"}, "APPLE_URL"),
        ({"facebook_url": "http://[::"}, "Facebook"),
    ],
)
def test_settings_that_cannot_be_used_are_named(companies: Fake, wrong: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named) as refused:
        oauth.from_settings(Settings(**{**companies.settings(), **wrong}))  # type: ignore[arg-type]
    assert "PRIVATE KEY-----" not in str(refused.value)


def test_without_a_key_apple_is_offered_and_codes_are_left_alone(companies: Fake) -> None:
    keyless = {**companies.settings(), "apple_team_id": "", "apple_key_id": "", "apple_private_key": ""}

    async def look(providers: Providers) -> None:
        assert providers.apple is not None and not providers.apple.can_exchange
        assert await providers.apple.person(Proof(token=companies.apple("1", nonce=NONCE), nonce=NONCE))
        with pytest.raises(ProviderUnavailable):
            await providers.apple.revoke(BUNDLE_ID, "r")

    using(keyless, look)


def test_production_asks_companies_over_https_only(companies: Fake) -> None:
    faults = [line for line in unsafe(Settings(**companies.settings())) if "_URL must be an https" in line]  # type: ignore[arg-type]
    assert [line.partition(" ")[0] for line in faults] == [
        "MAJLIS_GOOGLE_URL",
        "MAJLIS_APPLE_URL",
        "MAJLIS_FACEBOOK_URL",
    ]


# ---- the stand-in, as developers use it


@pytest.mark.parametrize("provider", ["google", "apple", "facebook"])
def test_apps_get_tokens_from_the_stand_in(companies: Fake, provider: str) -> None:
    given = httpx.post(
        f"{companies.url}/{provider}/token",
        json={"email": "amina@example.org", **({"nonce": NONCE} if provider == "apple" else {})},
    ).json()
    token = given.get("id_token") or given["access_token"]
    found = person(companies, provider, token, nonce=NONCE if provider == "apple" else None)
    assert found.email == "amina@example.org"
    if provider == "apple":
        assert exchanged(companies, given["authorization_code"], found)
