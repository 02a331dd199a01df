"""Secrets do not reach events, reports, journals or error messages. Text goes through ``redact`` first."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

MASK = "[redacted]"

_NAME = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|signature)"
)
_SECRET_NAME = re.compile(rf"(?:^|[_\-.]){_NAME}(?:$|[_\-.])|(?:password|secret|token|passwd|apikey)$", re.IGNORECASE)
_VALUE = r"""(?!\[redacted\]|(?:null|true|false|None)\b|""|'')("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"',;&}\])]+)"""

_PATTERNS: dict[str, re.Pattern[str]] = {
    "private key": re.compile(
        r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    "AWS access key id": re.compile(r"()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "presigned signature": re.compile(
        r"(\b(?:X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|sig)=)[^&\s\"']+", re.IGNORECASE
    ),
    "authorization header": re.compile(r"(\b(?:Bearer|Basic)\s+)[A-Za-z0-9+/._~=-]{8,}", re.IGNORECASE),
    "JSON web token": re.compile(r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    "access token": re.compile(r"()\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,})"),
    "password in a URL": re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    "command-line secret": re.compile(rf"((?:^|\s)--?[a-z-]*{_NAME}(?:=|\s+))(?!-){_VALUE}", re.IGNORECASE),
    # Not what stands in the ARN of a secret: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME.
    "named secret": re.compile(
        rf"""((?<!\d{{12}}:)\b[\w.-]*{_NAME}(?!smanager:)[\w-]*["']?\s*[=:]\s*)(?!\s){_VALUE}""", re.IGNORECASE
    ),
}


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without ``secrets`` and without whatever looks like one; what surrounds them stays readable."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS.values():
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def find_secrets(text: str) -> list[str]:
    """The kinds of secret that ``text`` seems to hold, never the secrets themselves."""
    return [kind for kind, pattern in _PATTERNS.items() if any(MASK not in hit[0] for hit in pattern.finditer(text))]


def is_secret_name(name: str) -> bool:
    """Does a variable of this name usually hold a secret?"""
    return _SECRET_NAME.search(name) is not None


def secret_values(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The values of secret-named variables that are long enough to be masked without harming other words."""
    return [value for name, value in environment.items() if is_secret_name(name) and len(value) >= 6]
