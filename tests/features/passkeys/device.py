"""An authenticator in software: it makes passkeys and signs with them as a phone does, and lies when told to."""

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from majlis.kit.crypto import b64, unb64

ORIGIN = "http://localhost:8080"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


class Device:
    """Holds one passkey. `counts` is false for those that do not count their uses, as synchronised ones."""

    def __init__(self, *, counts: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.handle = b""
        self.uses = 0
        self.counts = counts
        self.flags = PRESENT | VERIFIED

    def make(
        self, options: dict[str, Any], *, origin: str = ORIGIN, fmt: str = "none", **lies: Any
    ) -> dict[str, Any]:
        """What navigator.credentials.create() gives for these options."""
        self.handle = unb64(options["user"]["id"])
        data = self._data(lies.get("domain", options["rp"]["id"]), ATTESTED)
        data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self._cose()
        statement = lies.get("statement", {})
        attested = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})
        client = self._client("webauthn.create", lies.get("challenge", options["challenge"]), origin)
        return self._credential(
            clientDataJSON=b64(client),
            attestationObject=b64(attested),
            transports=["internal", "hybrid", "x"],
        )

    def sign(self, options: dict[str, Any], *, origin: str = ORIGIN, **lies: Any) -> dict[str, Any]:
        """What navigator.credentials.get() gives for these options."""
        self.uses += self.counts
        data = self._data(lies.get("domain", options["rpId"]), 0)
        client = self._client(
            lies.get("kind", "webauthn.get"), lies.get("challenge", options["challenge"]), origin
        )
        key = lies.get("key", self.key)
        signature = key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=b64(client),
            authenticatorData=b64(data),
            signature=b64(signature),
            userHandle=b64(lies.get("handle", self.handle)),
        )

    def _data(self, domain: str, more: int) -> bytes:
        return (
            hashlib.sha256(domain.encode()).digest()
            + bytes([self.flags | more])
            + self.uses.to_bytes(4, "big")
        )

    def _cose(self) -> bytes:
        point = self.key.public_key().public_numbers()
        return cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
        ).encode()

    def _credential(self, **response: Any) -> dict[str, Any]:
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
