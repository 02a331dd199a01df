"""A full disk, as far as an ordinary user can make one: the kernel refuses to let the server's files grow.

RLIMIT_FSIZE is set on the running processes. A table then cannot be extended (SQLSTATE 53100, "could not extend file …
wrote only 4096 of 8192 bytes, HINT: Check free disk space"), and soon the log cannot be written, at which PostgreSQL
panics and ends: what an RDS instance in the state ``storage-full`` does. Reads go on until then. The message says
"File too large" where a really full disk says "No space left on device". Without prlimit (macOS) nothing is refused.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Troubleshooting.html#CHAP_Troubleshooting.Storage
"""

from __future__ import annotations

from drillbook.embedded.postgres.server import Server

_PAGE = 8192
_LIMIT = _PAGE + _PAGE // 2
"""Not a whole number of pages: the write that crosses it is cut short, which PostgreSQL knows as a full disk."""


def fill(server: Server) -> None:
    """From now on no file of the server grows beyond a page and a half."""
    server.limit_files(_LIMIT)


def empty(server: Server) -> None:
    """Let its files grow again."""
    server.limit_files(None)
