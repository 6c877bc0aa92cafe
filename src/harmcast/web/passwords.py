"""Passwords of local accounts, kept as argon2id; an account that does not exist takes as long as one that does."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

SHORTEST, LONGEST = 12, 200
hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
WAITING = 8
_looking = {lane: ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"password-{lane}") for lane in ("known", "strangers")}
_waiting = dict.fromkeys(_looking, 0)
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))


def hashed(password: str) -> str:
    """The password as argon2id keeps it."""
    return _hasher.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; as slow for an account that has none."""
    try:
        return _hasher.verify(stored or _nobodys_hash(), password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


class Busy(Exception):
    """So many passwords wait to be looked at that no more are taken."""


async def looked_at(stored: str | None, password: str, *, is_known: bool) -> bool:
    """`is_password`, off the event loop. A device known to the account never waits behind strangers. Raises Busy with WAITING before it."""
    lane = "known" if is_known else "strangers"
    if _waiting[lane] >= WAITING:
        raise Busy
    _waiting[lane] += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_looking[lane], is_password, stored, password)
    finally:
        _waiting[lane] -= 1


def fault(password: str) -> str | None:
    """What is wrong with a new password, in words; None if nothing is."""
    return None if SHORTEST <= len(password) <= LONGEST else f"Choose a password of {SHORTEST} to {LONGEST} characters"
