"""RS256 tokens and keys: sign, verify, publish. Only what Google's endpoints need of RFC 7515 to RFC 7519."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import functools
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadTokenError(ValueError):
    """A token that is not a JWT, or not signed by the key."""


@dataclass(frozen=True)
class SigningKey:
    """A private key with everything a verifier may ask for."""

    key_id: str
    private_pem: str
    public_pem: str
    certificate: str
    jwk: Mapping[str, str]


def b64(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Bytes of unpadded base64url; BadTokenError if it is none."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise BadTokenError("Token must be a base64url encoded JWT.") from error


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier (RFC 7636, S256)."""
    return b64(hashlib.sha256(verifier.encode()).digest())


def new_key_pair() -> tuple[str, str]:
    """A fresh RSA-2048 key as (private PEM, public PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _private_pem(key), _public_pem(key.public_key())


@functools.cache
def sandbox_key() -> SigningKey:
    """The key that this process signs ID tokens with; made once, as making one takes a tenth of a second."""
    return load_key(new_key_pair()[0])


@functools.lru_cache(maxsize=8)
def load_key(private_pem: str) -> SigningKey:
    """A signing key with its certificate and JWK, from the private PEM."""
    key = _private(private_pem)
    public = _public_pem(key.public_key())
    key_id = hashlib.sha1(public.encode(), usedforsecurity=False).hexdigest()
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": key_id,
        "n": b64(numbers.n.to_bytes(256)),
        "e": b64(numbers.e.to_bytes(3)),
    }
    return SigningKey(key_id, private_pem, public, _certificate(key), jwk)


def sign(claims: Mapping[str, Any], key: SigningKey) -> str:
    """A signed JWT."""
    header = {"alg": "RS256", "kid": key.key_id, "typ": "JWT"}
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    signature = _private(key.private_pem).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{b64(signature)}"


def unverified_claims(token: str) -> dict[str, Any]:
    """The claims as they stand, believed by nobody yet."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadTokenError("Token must have three parts.")
    try:
        claims = json.loads(unb64(parts[1]))
    except ValueError as error:
        raise BadTokenError("Claims are not JSON.") from error
    if not isinstance(claims, dict):
        raise BadTokenError("Claims are not a JSON object.")
    return claims


def verify(token: str, public_pem: str) -> dict[str, Any]:
    """The claims of a token that this key has signed; BadTokenError otherwise. Times are the caller's business."""
    claims = unverified_claims(token)
    signed, _, signature = token.rpartition(".")
    header = json.loads(unb64(signed.split(".", 1)[0]))
    if header.get("alg") != "RS256":
        raise BadTokenError("Algorithm is not RS256.")
    try:
        _public(public_pem).verify(unb64(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise BadTokenError("Signature does not match.") from error
    return claims


@functools.lru_cache(maxsize=64)
def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@functools.lru_cache(maxsize=64)
def _public(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public_pem(key: rsa.RSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
