"""Keep secrets out of what is stored, shown and logged.

Two strengths: in a *message* anything that looks like a credential goes, ``password=...`` included; in a *value*
(people's own data, which an undo may need back) only what has the unmistakable shape of a token. Sources: the token
shapes of Shopify's and Google's own documentation, OWASP ASVS 5.0 16.2.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"

_TOKENS = re.compile(
    r"""
      shp(?:at|ca|pa|ss|ua|tka)_\w{8,}                      # Shopify access tokens and secrets
    | \bya29\.[\w.-]{8,}                                    # Google access token
    | (?<![\w/])1//[\w-]{20,}                               # Google refresh token
    | \bGOCSPX-[\w-]{10,}                                   # Google OAuth client secret
    | \bAIza[\w-]{30,}                                      # Google API key
    | \beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*                     # signed JSON token
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)

_NAMES = (
    r"(?:access[_-]?token|refresh[_-]?token|id[_-]?token|client[_-]?secret|api[_-]?(?:key|secret)|"
    r"private[_-]?key(?:[_-]?id)?|password|passwd|secret|authorization|cookie|x-shopify-access-token)"
)
_NAMED = re.compile(
    rf"({_NAMES}[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|(?:(?:Bearer|Basic)\s+)?[^\s,;&\"'}}]+)", re.IGNORECASE
)
_BEARER = re.compile(r"\b((?:Bearer|Basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_USERINFO = re.compile(r"(\w://)[^\s/@:]*:[^\s/@]+@")
_NAME = re.compile(_NAMES, re.IGNORECASE)


def mask_value(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without `secrets` and without anything that has the shape of a token."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _TOKENS.sub(MASK, text)


def mask_message(text: str, secrets: Iterable[str] = ()) -> str:
    """`mask_value`, and also without named credentials, authorization headers and passwords in URLs."""
    text = mask_value(text, secrets)
    text = _NAMED.sub(rf"\g<1>{MASK}", text)
    text = _BEARER.sub(rf"\g<1>{MASK}", text)
    return _USERINFO.sub(rf"\g<1>{MASK}@", text)


def mask_details(value: Any, secrets: Iterable[str] = ()) -> Any:
    """JSON-able facts with every text masked, and everything under a name such as ``password`` masked whole."""
    if isinstance(value, Mapping):
        return {
            mask_message(str(name), secrets): MASK if _NAME.search(str(name)) and each else mask_details(each, secrets)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_details(each, secrets) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_message(str(value), secrets)
