"""An empty data directory, made once per machine and version, of which every new database is a copy."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from drillbook.embedded.postgres.account import Account
from drillbook.embedded.postgres.binaries import Binaries

ADMIN = "rdsadmin"
"""The superuser, as RDS calls it. No client knows its password, which is in the data directory."""
PASSWORD_FILE = "rdsadmin.pgpass"  # noqa: S105 - a file's name
SETTINGS_FILE = "drillbook.conf"
_LAYOUT = 1
"""Counts up when what is written here changes."""
_SEGMENT_MIB = 1
"""Small WAL segments: what is archived, and copied with each backup, is small, too (AWS has 64 MiB)."""


def cache_folder() -> Path:
    """Where things are kept between clouds. Root's is readable by the account that root's databases run as."""
    if os.geteuid() == 0:
        return Path("/var/cache/drillbook")
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "drillbook"


def usable_cache(scratch: Path) -> Path:
    """The cache, or a place of this cloud's own where there can be none (a read-only home, an account without one)."""
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError:
        return scratch / "cache"
    return cache if os.access(cache, os.W_OK) else scratch / "cache"


def reachable(binaries: Binaries, account: Account, cache: Path) -> Binaries:
    """The binaries where ``account`` may run them: a copy in the cache if their own place is closed to it."""
    if account.uid is None or _can_run(binaries, account):
        return binaries
    copied = cache / f"postgres-{binaries.version}"
    if not copied.exists():
        _make(copied, lambda draft: shutil.copytree(binaries.folder.parent, draft, symlinks=True), mode=0o755)
    return Binaries(copied / "bin", binaries.version)


def template(binaries: Binaries, account: Account, cache: Path) -> Path:
    """The data directory to copy; made if this machine has none yet (0.5 to 2 s)."""
    owner = os.geteuid() if account.uid is None else account.uid
    made = cache / f"data-{binaries.version}-{sys.platform}-{owner}-{_LAYOUT}"
    if not made.exists():
        _make(made, lambda draft: _initialise(binaries, account, draft), mode=0o700)
    return made


def _can_run(binaries: Binaries, account: Account) -> bool:
    try:
        account.run([binaries["postgres"], "-V"])
    except OSError:
        return False
    return True


def _make(place: Path, fill: Callable[[Path], object], mode: int) -> None:
    """Whole or not at all, also if two clouds do it at the same time: the second one's work is thrown away."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    if os.geteuid() == 0:
        place.parent.chmod(0o755)
    work = Path(tempfile.mkdtemp(prefix=".draft-", dir=place.parent))
    try:
        work.chmod(0o755)
        draft = work / "made"
        fill(draft)
        draft.chmod(mode)
        _take_place(draft, place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take_place(draft: Path, place: Path) -> None:
    try:
        draft.rename(place)
    except OSError:
        if not place.exists():
            raise


def _initialise(binaries: Binaries, account: Account, draft: Path) -> None:
    password = secrets.token_urlsafe(24)
    account.folder(draft)
    word = draft.parent / "password"
    word.touch(mode=0o600)
    word.write_text(password)
    account.own(word)
    options = ["-D", draft, "-U", ADMIN, "-A", "scram-sha-256", "--pwfile", word, "-E", "UTF8", "--no-locale", "-N"]
    account.run([binaries["initdb"], *options, f"--wal-segsize={_SEGMENT_MIB}"])
    _private(draft / PASSWORD_FILE, f"*:*:*:{ADMIN}:{password}\n", account)
    _private(draft / SETTINGS_FILE, "", account)
    with (draft / "postgresql.conf").open("a") as configuration:
        configuration.write(f"include '{SETTINGS_FILE}'\n")


def _private(path: Path, content: str, account: Account) -> None:
    path.touch(mode=0o600)
    path.write_text(content)
    account.own(path)
