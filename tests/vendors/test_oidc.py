"""Identity tokens of Google and Apple, with real keys, and where those keys come from."""

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from majlis.kit import clock
from majlis.vendors.oauth import (
    BadProviderToken,
    NonceMismatch,
    Person,
    Proof,
    Providers,
    ProviderUnavailable,
    fake,
)
from majlis.vendors.oauth.fake import (
    GOOGLE_CLIENTS,
    Fake,
)
from majlis.vendors.oauth.wire import Wire
from tests.vendors.companies import NONCE, person, using, why

CERTS = "/google/oauth2/v3/certs"
OVER = {"iat": 1_000_000_000, "exp": 1_000_003_600}
SOON = {"iat": 4_000_000_000, "exp": 4_000_003_600}


@pytest.fixture
def companies() -> Iterator[Fake]:
    with fake.serving() as running:
        yield running


@pytest.mark.rule("hamsaya:38")
@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
@pytest.mark.parametrize("client", GOOGLE_CLIENTS)
def test_google_vouches_for_somebody(companies: Fake, issuer: str, client: str) -> None:
    token = companies.google(
        "1077", "Amina@example.org", iss=issuer, aud=client, given_name="Amina", family_name="Ahmadi"
    )
    assert person(companies, "google", token) == Person(
        issuer="https://accounts.google.com",
        subject="1077",
        client_id=client,
        email="Amina@example.org",
        email_verified=True,
        first_name="Amina",
        last_name="Ahmadi",
    )


@pytest.mark.rule("hamsaya:38", "hamsaya:42")
@pytest.mark.parametrize(
    "changes, words",
    [
        ({"iss": "https://accounts.example.com"}, "issuer"),
        ({"iss": "https://accounts.google.com/"}, "issuer"),
        ({"aud": "another.apps.googleusercontent.com"}, "app"),
        ({"aud": [*GOOGLE_CLIENTS]}, "not valid"),
        (OVER, "over"),
        (SOON, "not valid yet"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"exp": "2030-01-01"}, "not valid"),
        ({"sub": ""}, "not valid"),
        ({"sub": "1" * 256}, "not valid"),
        *(({name: None}, "not valid") for name in ("iss", "aud", "sub", "exp", "iat")),
    ],
)
def test_claims_must_be_of_this_issuer_for_this_app_and_now(
    companies: Fake, changes: dict[str, Any], words: str
) -> None:
    token = companies.google("1077", "amina@example.org", **changes)
    assert words in why(companies, "google", token)


@pytest.mark.rule("hamsaya:42")
def test_a_token_is_over_an_hour_later_by_our_clock(companies: Fake) -> None:
    token = companies.google("1077")
    with clock.shifted(timedelta(minutes=60)):  # within the difference that clocks may have
        person(companies, "google", token)
    with clock.shifted(timedelta(minutes=62)):
        assert "over" in why(companies, "google", token)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(companies: Fake) -> dict[str, str]:
    """Tokens that hold the right claims, and that Google did not sign."""
    good = companies.google("1077", "amina@example.org")
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = companies.kid(companies.keys[-1])
    public = fake.rsa_key(companies.keys[-1]).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = jwt.utils.base64url_encode(
        pem
    )  # PyJWT refuses to sign with a PEM as the secret, an attacker would not
    curve = ec.generate_private_key(ec.SECP256R1())
    return {
        "nobody's": f"{_part({'alg': 'none', 'kid': kid})}.{body}.",
        "none signed": f"{_part({'alg': 'none', 'kid': kid})}.{body}.{signature}",
        "by the public key": jwt.encode(claims, secret, "HS256", headers={"kid": kid}),
        "another key": jwt.encode(claims, fake.rsa_key(-1), "RS256", headers={"kid": kid}),
        "unknown key": jwt.encode(claims, fake.rsa_key(-1), "RS256", headers={"kid": "mine"}),
        "own key": jwt.encode(
            claims,
            fake.rsa_key(-1),
            "RS256",
            headers={"kid": "mine", "jwk": {"kty": "RSA"}, "jku": "http://127.0.0.1:1/"},
        ),
        "another hash": jwt.encode(claims, fake.rsa_key(companies.keys[-1]), "RS512", headers={"kid": kid}),
        "a curve": jwt.encode(claims, curve, "ES256", headers={"kid": kid}),
        "no key id": jwt.encode(claims, fake.rsa_key(companies.keys[-1]), "RS256"),
        "another body": f"{head}.{_part({**claims, 'sub': '1'})}.{signature}",
        "cut": good[:-2],
        "two parts": f"{head}.{body}",
        "words": "let me in",
        "other script": "نشانه",
        "a list": f"{head}.{_part([1])}.{signature}",
        "deep": f"{head}.{base64.urlsafe_b64encode(b'[' * 5000).decode()}.{signature}",
        "long": good + "A" * 20_000,
        "": "",
    }


@pytest.mark.rule("hamsaya:38")
def test_what_google_did_not_sign_is_refused(companies: Fake) -> None:
    tokens = forged(companies)

    async def each(providers: Providers) -> list[str]:
        passed = []
        for name, token in tokens.items():
            try:
                await providers.get("google").person(Proof(token=token))
            except BadProviderToken:
                continue
            passed.append(name)
        await providers.get("google").person(Proof(token=companies.google("1077")))  # the control
        return passed

    assert using(companies.settings(), each) == []


@pytest.mark.rule("hamsaya:39")
@pytest.mark.parametrize("verified, counts", [("true", True), (True, True), ("false", False), (False, False)])
def test_apple_writes_truth_in_two_ways(companies: Fake, verified: Any, counts: bool) -> None:
    token = companies.apple("001.a", "x7@privaterelay.appleid.com", nonce=NONCE, email_verified=verified)
    found = person(companies, "apple", token, nonce=NONCE)
    assert (found.subject, found.email, found.email_verified) == (
        "001.a",
        "x7@privaterelay.appleid.com",
        counts,
    )
    assert found.issuer == "https://appleid.apple.com"


@pytest.mark.rule("hamsaya:39")
def test_apples_nonce_is_the_hash_of_the_apps(companies: Fake) -> None:
    good = companies.apple("001.a", nonce=NONCE)
    assert person(companies, "apple", good, nonce=NONCE)
    claims = jwt.decode(good, options={"verify_signature": False})
    bare = companies.signed({**claims, "nonce": NONCE})
    for token, nonce in (
        (bare, NONCE),  # whoever stole the token could read it there
        (good, claims["nonce"]),
        (companies.apple("001.a", nonce="another"), NONCE),
        (companies.apple("001.a"), NONCE),  # none in the token
        (companies.apple("001.a"), ""),
        (companies.apple("001.a"), None),
        (companies.apple("001.a", nonce=NONCE), None),
        (companies.apple("001.a", nonce=NONCE), NONCE.upper()),
    ):
        with pytest.raises(NonceMismatch):
            person(companies, "apple", token, nonce=nonce)


def test_googles_nonce_counts_where_the_app_has_one(companies: Fake) -> None:
    assert person(companies, "google", companies.google("1", nonce=NONCE))
    assert person(companies, "google", companies.google("1", nonce=NONCE), nonce=NONCE)
    with pytest.raises(NonceMismatch):
        person(companies, "google", companies.google("1"), nonce=NONCE)


@pytest.mark.rule("hamsaya:39", "hamsaya:42")
def test_one_companys_token_is_nothing_at_another(companies: Fake) -> None:
    """Both sign with the same keys here, so that only the claims tell them apart."""
    google = companies.google("1077", "amina@example.org", nonce=NONCE)
    apple = companies.apple("1077", "amina@example.org", nonce=NONCE)
    assert "issuer" in why(companies, "apple", google, nonce=NONCE)
    assert "issuer" in why(companies, "google", apple)
    assert "app" in why(companies, "apple", companies.apple("1", nonce=NONCE, aud="org.other"), nonce=NONCE)


# ---- the keys


def test_keys_are_fetched_once_and_kept_as_long_as_their_issuer_says(companies: Fake) -> None:
    companies.max_age = 7200

    async def twice(providers: Providers) -> list[int]:
        google, seen = providers.get("google"), []
        for minutes in (0, 30, 119, 121):
            with clock.shifted(timedelta(minutes=minutes)):
                await google.person(Proof(token=companies.google("1")))
                seen.append(companies.asked.count(CERTS))
        return seen

    assert using(companies.settings(), twice) == [1, 1, 1, 2]


def test_many_at_once_ask_for_the_keys_once(companies: Fake) -> None:
    async def at_once(providers: Providers) -> None:
        token = companies.google("1")
        await asyncio.gather(*(providers.get("google").person(Proof(token=token)) for _ in range(20)))

    using(companies.settings(), at_once)
    assert companies.asked == [CERTS]


def test_a_new_key_is_found_and_an_old_one_ends(companies: Fake) -> None:
    async def rotate(providers: Providers) -> None:
        google = providers.get("google")
        before = companies.google("1")
        await google.person(Proof(token=before))
        companies.rotate()
        with clock.shifted(timedelta(seconds=11)):
            await google.person(Proof(token=companies.google("1")))
            await google.person(Proof(token=before))  # its key is still shown
        companies.rotate()
        with clock.shifted(timedelta(seconds=22)):
            await google.person(Proof(token=companies.google("1")))
            with pytest.raises(BadProviderToken):
                await google.person(Proof(token=before))

    using(companies.settings(), rotate)
    assert companies.asked == [CERTS] * 3


def test_made_up_key_ids_do_not_flood_the_issuer(companies: Fake) -> None:
    def made_up(number: int) -> str:
        return jwt.encode({"sub": "1"}, fake.rsa_key(-1), "RS256", headers={"kid": f"made-up-{number}"})

    async def flood(providers: Providers) -> None:
        google = providers.get("google")
        await google.person(Proof(token=companies.google("1")))
        for seconds in (0, 9, 11, 12):
            with clock.shifted(timedelta(seconds=seconds)):
                for number in range(20):
                    with pytest.raises(BadProviderToken):
                        await google.person(Proof(token=made_up(number)))
        await google.person(Proof(token=companies.google("1")))

    using(companies.settings(), flood)
    assert companies.asked == [CERTS] * 2


@pytest.mark.parametrize("fault", ["down", "html"])
def test_keys_outlive_a_failure_of_their_issuer_for_a_day(companies: Fake, fault: str) -> None:
    async def outage(providers: Providers) -> None:
        google = providers.get("google")
        await google.person(Proof(token=companies.google("1")))
        companies.fault = fault
        for hours in (2, 23):
            with clock.shifted(timedelta(hours=hours)):
                await google.person(Proof(token=companies.google("1")))
        with clock.shifted(timedelta(hours=25)):
            with pytest.raises(ProviderUnavailable) as refused:
                await google.person(Proof(token=companies.google("1")))
            assert refused.value.status == 502
            companies.fault = None
            with pytest.raises(ProviderUnavailable):  # so soon nobody asks again
                await google.person(Proof(token=companies.google("1")))
        with clock.shifted(timedelta(hours=25, seconds=11)):
            await google.person(Proof(token=companies.google("1")))

    using(companies.settings(), outage)
    assert companies.asked == [CERTS] * 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": []},
        {"keys": "none"},
        {"keys": [{"kty": "oct", "kid": "1", "k": "c2VjcmV0"}]},
        {"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]},
        {"keys": [{"kty": "RSA", "kid": "1", "n": "!", "e": "?"}]},
        {"keys": [{"kty": "RSA", "kid": "1", "use": "enc", "n": "AQAB", "e": "AQAB"}]},
        {},
    ],
)
def test_keys_that_are_none_count_as_a_failure(companies: Fake, monkeypatch: Any, wrong: Any) -> None:
    monkeypatch.setattr(companies, "jwks", lambda: wrong)
    with pytest.raises(ProviderUnavailable):
        person(companies, "google", companies.google("1"))


def test_a_company_that_is_slow_is_given_up(companies: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    companies.fault = "slow"

    async def ask() -> None:
        wire = Wire("Google", companies.url + "/google", "majlis", timeout_s=0.2)
        try:
            await wire.send("GET", "/oauth2/v3/certs")
        finally:
            await wire.aclose()

    with pytest.raises(ProviderUnavailable) as refused:
        asyncio.run(ask())
    assert refused.value.status == 502
