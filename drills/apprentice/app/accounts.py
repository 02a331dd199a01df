"""Users and their sessions. Passwords and tokens are kept as hashes."""

import hashlib
import hmac
import os
import secrets

import database

COST = {"n": 2**10, "r": 8, "p": 1}
"""Of scrypt: low, since this is a drill's service."""


def register(name, email, password):
    """False if the name is taken."""
    salt = os.urandom(16)
    made = database.run(
        "insert into auth_user (username, email, salt, password) values (%s, %s, %s, %s)"
        " on conflict do nothing returning username",
        name, email, salt, hashed(password, salt),
    )  # fmt: skip
    return bool(made)


def log_in(name, password):
    """A new session's token; None if name or password is wrong."""
    known = database.run("select salt, password from auth_user where username = %s", name)
    if not known or not hmac.compare_digest(hashed(password, known[0][0]), known[0][1]):
        return None
    token = secrets.token_urlsafe(24)
    database.run("insert into auth_session (digest, username) values (%s, %s)", digest(token), name)
    return token


def user_of(token):
    """Whose session it is; None if it is nobody's."""
    known = database.run("select username from auth_session where digest = %s", digest(token))
    return known[0][0] if known else None


def hashed(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, **COST)


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()
