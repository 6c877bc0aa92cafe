"""Append-only, hash-chained record of who looked, who changed, who decided: its shape and its proof.

Pure: nothing is opened here; `store/operations.py` keeps the events, and appends each in the transaction of the
write it speaks of. An event's hash covers the hash before it, so an edit, a gap or a changed order shows. A cut
tail or a whole rewrite shows only against a signed checkpoint that is kept elsewhere.

The kinds are the six of section 62, Data Protection Act 2018, and two of our own: `administration` (users,
register, settings) and `run` (the weekly run's own steps).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from harmcast.documents.plain import PlainRecord

Kind = Literal[
    "collection", "alteration", "consultation", "disclosure", "combination", "erasure", "administration", "run"
]
KINDS: tuple[str, ...] = (
    "collection", "alteration", "consultation", "disclosure", "combination", "erasure", "administration", "run",
)  # fmt: skip
GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """One thing that is about to happen, as whoever does it says it.

    Attributes:
        actor: account of the person, or `system` for the weekly run by timer.
        role: role acted in, as in `oversight/access.py`.
        kind: one of `KINDS`.
        action: fine name, e.g. `person_viewed`, `delivery_loaded`.
        purpose: why, if asked for; our policy, not a duty.
        subject: random key of the person it is about, never the force's reference; None if about nobody.
        object: what it is about, e.g. `release:2026-W47`, `cell:knife_injury:400000_290000`.
        detail: small facts (counts, names of rules); never a value of a record.
    """

    actor: str
    role: str
    kind: Kind
    action: str
    purpose: str | None = None
    subject: str | None = None
    object: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError("not a kind of event")

    def with_detail(self, **facts: Any) -> Event:
        return replace(self, detail={**self.detail, **facts})


@dataclass(frozen=True)
class Entry:
    """One event as it stands in the log."""

    seq: int
    at: str
    actor: str
    role: str
    kind: str
    action: str
    purpose: str | None
    subject: str | None
    object: str | None
    detail: str
    prev_hash: str
    hash: str
    writes: str | None = None
    seal: str | None = None


def instant(at: datetime) -> str:
    """A moment as the log writes it: UTC, microseconds, sortable as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """A moment that the log wrote, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def canonical(entry: Entry) -> bytes:
    """The bytes an entry's hash is taken of: JSON of `fields_of` but the hash, keys sorted, UTF-8."""
    fields = {name: value for name, value in fields_of(entry).items() if name != "hash"}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fields_of(entry: Entry) -> PlainRecord:
    """An entry as it is exported: no seal, which only the state can check, and `writes` only where it wrote rows."""
    return {name: value for name, value in vars(entry).items() if name != "seal" and (name != "writes" or value is not None)}


def seal(key: bytes, entry_hash: str) -> str:
    """Keyed hash (HMAC-SHA-256) of an entry's hash: it shows that whoever appended the entry held the state's secret."""
    return hmac.new(key, entry_hash.encode(), hashlib.sha256).hexdigest()


def digest(entry: Entry) -> str:
    """SHA-256 of an entry's canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def chained(event: Event, seq: int, at: str, prev_hash: str, writes: str | None = None, key: bytes | None = None) -> Entry:
    """The entry that follows the one whose hash is `prev_hash`.

    Args:
        writes: digest of the lines of rows it wrote; None: it wrote none.
        key: what it is sealed with.
    """
    entry = Entry(
        seq=seq,
        at=at,
        actor=event.actor,
        role=event.role,
        kind=event.kind,
        action=event.action,
        purpose=event.purpose,
        subject=event.subject,
        object=event.object,
        detail=json.dumps(dict(event.detail), sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        prev_hash=prev_hash,
        hash="",
        writes=writes,
    )
    entry = replace(entry, hash=digest(entry))
    return entry if key is None else replace(entry, seal=seal(key, entry.hash))


@dataclass(frozen=True)
class LogFault:
    """One sign of tampering: the rule broken and the place in the log (`seq` of an entry, or of a checkpoint)."""

    rule: str
    seq: int | None
    says: str


def broken_links(entries: Iterable[Entry]) -> list[LogFault]:
    """Where the chain itself does not hold, in the order of the log; empty if it holds from end to end."""
    found: list[LogFault] = []
    previous: Entry | None = None
    for entry in entries:
        expected_seq = 1 if previous is None else previous.seq + 1
        expected_hash = GENESIS if previous is None else previous.hash
        if entry.seq != expected_seq:
            found.append(LogFault("sequence", entry.seq, f"entry {expected_seq} was expected here"))
        if entry.prev_hash != expected_hash:
            found.append(LogFault("link", entry.seq, "does not follow from the entry before it"))
        if digest(entry) != entry.hash:
            found.append(LogFault("content", entry.seq, "is not what was written"))
        if previous is not None and entry.at < previous.at:
            found.append(LogFault("clock", entry.seq, "is dated before the entry that it follows"))
        if entry.kind not in KINDS:
            found.append(LogFault("kind", entry.seq, "has a kind that the log never writes"))
        previous = entry
    return found


@dataclass(frozen=True)
class Checkpoint:
    """What the log was at one moment, signed: so many entries, the last of them with this hash.

    Attributes:
        number: 1, 2, 3 ... ; `previous` is the digest of the checkpoint before, so that none can be swapped.
        state_id: random name of the state, so that another force's checkpoint does not pass.
        lost: first and last entry that a declared restore gave up; what earlier checkpoints saw of them is not asked for again.
        backup: SHA-256 of the backup that was made just before, so that a changed archive shows.
    """

    number: int
    state_id: str
    seq: int
    hash: str
    at: str
    previous: str
    signature: str = ""
    lost: tuple[int, int] | None = None
    backup: str | None = None

    def body(self) -> bytes:
        return json.dumps(self._fields(without="signature"), sort_keys=True, separators=(",", ":")).encode()

    def _fields(self, without: str = "") -> PlainRecord:
        return {name: value for name, value in vars(self).items() if name != without and not (name in ("lost", "backup") and value is None)}

    def digest(self) -> str:
        return hashlib.sha256(self.body()).hexdigest()

    def line(self) -> str:
        return json.dumps(self._fields(), sort_keys=True, separators=(",", ":"))

    @property
    def code(self) -> str:
        """The witness code of its line, short enough for paper."""
        return code_of(self.line().encode())

    @classmethod
    def of_line(cls, line: str) -> Checkpoint:
        """A checkpoint of its JSON line. Raises ValueError if it is none."""
        try:
            found = cls(**json.loads(line))
            return found if found.lost is None else replace(found, lost=(int(found.lost[0]), int(found.lost[1])))
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError("not a checkpoint") from error


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base 32 without letters that are misread: https://www.crockford.com/base32.html
CODE_DIGITS = 25


def code_of(content: bytes) -> str:
    """125 bits of a SHA-256 as five groups of five, e.g. `W89M6-A9A96-D91TY-2RF96-P9818`: 80 bits would fall to a pair made at 2^40 tries."""
    number = int.from_bytes(hashlib.sha256(content).digest()[:16], "big") >> 3
    digits = "".join(CROCKFORD[number >> (5 * i) & 31] for i in reversed(range(CODE_DIGITS)))
    return "-".join(digits[i : i + 5] for i in range(0, CODE_DIGITS, 5))


def as_code(text: str) -> str:
    """A code as somebody typed it from paper, in the form of `code_of`. Raises ValueError if it is none."""
    digits = text.upper().translate(str.maketrans("OIL", "011", "- \t"))
    if len(digits) != CODE_DIGITS or set(digits) - set(CROCKFORD):
        raise ValueError("not a code of five groups of five")
    return "-".join(digits[i : i + 5] for i in range(0, CODE_DIGITS, 5))


def signed(checkpoint: Checkpoint, private_key: bytes) -> Checkpoint:
    """The checkpoint with its Ed25519 signature; `private_key` is the raw 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(checkpoint.body())
    return replace(checkpoint, signature=signature.hex())


def public_key(private_key: bytes) -> bytes:
    """The raw 32 bytes that a signature is checked with."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def is_signed(checkpoint: Checkpoint, key: bytes) -> bool:
    """Whether the signature is the key holder's."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(checkpoint.signature), checkpoint.body())
    except (InvalidSignature, ValueError):
        return False
    return True


def checkpoint_faults(
    checkpoints: Iterable[Checkpoint], hashes: Mapping[int, str], key: bytes, state_id: str
) -> list[LogFault]:
    """What the checkpoints, kept elsewhere, say against the log.

    Args:
        checkpoints: all of one file, oldest first.
        hashes: hash of each entry of the log as it is now, by `seq`.
        key: public key, kept with the checkpoints.
    """
    found: list[LogFault] = []
    previous: Checkpoint | None = None
    listed = list(checkpoints)
    for i, point in enumerate(listed):
        is_lost = any(later.lost and later.lost[0] <= point.seq <= later.lost[1] for later in listed[i + 1 :])
        if point.state_id != state_id:
            found.append(LogFault("checkpoint_foreign", point.seq, f"checkpoint {point.number} is of another state"))
        if not is_signed(point, key):
            found.append(
                LogFault("checkpoint_signature", point.seq, f"checkpoint {point.number} is not signed by our key")
            )
        if previous is not None and (point.number != previous.number + 1 or point.previous != previous.digest()):
            found.append(
                LogFault("checkpoint_order", point.seq, f"checkpoint {point.number} does not follow the one before")
            )
        if previous is None and (point.number != 1 or point.previous != GENESIS):
            says = f"the first checkpoint is number {point.number}: those before it are missing"
            found.append(LogFault("checkpoint_order", point.seq, says))
        if previous is not None and not point.lost and (point.seq < previous.seq or point.at < previous.at):
            found.append(LogFault("checkpoint_clock", point.seq, f"checkpoint {point.number} goes back"))
        if is_lost:
            pass  # said by the checkpoint that declares it, which is signed and outside
        elif point.seq not in hashes and point.seq != 0:
            found.append(
                LogFault(
                    "tail_cut", point.seq, f"checkpoint {point.number} saw entry {point.seq}; the log has it no more"
                )
            )
        elif point.seq and hashes[point.seq] != point.hash:
            found.append(
                LogFault("rewritten", point.seq, f"entry {point.seq} is not the one that checkpoint {point.number} saw")
            )
        previous = point
    return found


def verify(
    entries: Iterable[Entry],
    checkpoints: Iterable[Checkpoint] = (),
    key: bytes | None = None,
    state_id: str = "",
) -> list[LogFault]:
    """Every sign of tampering in a log; empty if there is none.

    Without checkpoints a cut tail and a whole rewrite cannot be seen, and whoever prints this must say so.
    """
    listed = list(entries)
    found = broken_links(listed)
    points = list(checkpoints)
    if points:
        if key is None:
            raise ValueError("checkpoints are checked with their public key")
        found += checkpoint_faults(points, {entry.seq: entry.hash for entry in listed}, key, state_id)
    return found
