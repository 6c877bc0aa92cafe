"""The operational database: every table and column. Its history is in `migrations/`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers a row by itself only where the key is plain INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")
Instant = String(27)  # UTC, 2026-11-16T06:00:00.000000Z: sorts as text, the same in both databases
Hash = String(64)
Key = String(40)
Name = String(200)


def _id() -> Column[int]:
    return Column("id", Number, primary_key=True, autoincrement=True)


# -- the log -------------------------------------------------------------------------------------
events = Table(
    "events", metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
    Column("actor", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("action", String(60), nullable=False, index=True),
    Column("purpose", Text),
    Column("subject", Key, index=True),
    Column("object", Text),
    Column("detail", Text, nullable=False),
    Column("prev_hash", Hash, nullable=False),
    Column("hash", Hash, nullable=False),
    Column("writes", Hash),  # over the lines of `versions` of this entry; null: it wrote no kept row
    Column("seal", Hash),  # keyed hash of `hash`: who can write to the database alone cannot make one
    Index("ix_events_actor_at", "actor", "at"),  # how much one account looked at within the hour: asked at every look
)  # fmt: skip

versions = Table(
    "versions", metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),  # of the entry that wrote it
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("tab", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("row", Text),  # canonical JSON; null where gone, and in `person_keys`
    Column("hash", Hash, nullable=False),
    Index("ix_versions_tab_key", "tab", "key"),
)  # fmt: skip

facts = Table(
    "facts", metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)  # fmt: skip

# -- what is held --------------------------------------------------------------------------------
ledger = Table(
    "ledger", metadata,
    _id(),
    Column("kind", String(20), nullable=False),  # part, release, model
    Column("name", String(300), nullable=False, unique=True),  # path below the state
    Column("table_name", String(40)),
    Column("sequence", Number, nullable=False, index=True),  # of the load that wrote it
    Column("made_at", Instant),  # of the delivery it came with
    Column("rows", Number),
    Column("bytes", Number, nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("standing", String(20), nullable=False),  # current, waiting, replaced, removed
    Column("added_at", Instant, nullable=False),
    Column("witness", String(40)),  # of a release: the code of the last line signed outside before it
)  # fmt: skip

deliveries = Table(
    "deliveries", metadata,
    _id(),
    Column("delivery_id", Name, nullable=False, index=True),
    Column("content_sha256", Hash),
    Column("made_at", Instant),
    Column("complete", Boolean),
    Column("standing", String(20), nullable=False),  # loaded, again, waiting, rejected, refused
    Column("sequence", Number),  # of the parts it wrote; null: it changed nothing
    Column("loaded_at", Instant, nullable=False),
    Column("code", String(60)),  # of the error, if refused
    Column("document", Text, nullable=False),  # JSON: warnings, notes, effects, faults without values
    Column("first_by", Name),  # the first of two people who accept it
    Column("accepted_by", Name),  # who accepted or rejected it
    Column("accepted_at", Instant),  # from then on it counts
    Column("accept_reason", Text),
    Column("mapping_sha256", Hash),  # of the mapping it was read with; null: none
)  # fmt: skip

delivery_files = Table(
    "delivery_files", metadata,
    _id(),
    Column("delivery", Number, ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("file", Name, nullable=False),
    Column("table_name", String(40), nullable=False),
    Column("received", Number, nullable=False),
    Column("loaded", Number, nullable=False),
    Column("unchanged", Number, nullable=False),
    Column("superseded", Number, nullable=False),
    Column("quarantined", Number, nullable=False),
    Column("left_out", Number, nullable=False),
    Column("deleted", Number, nullable=False),  # held keys that went: listed, or absent from a complete extract
    Column("waiting", Number, nullable=False),  # held charges whose person is not held
    Column("made", Number),  # rows that an SQL mapping made of those received; null: there was none
    Column("unread", Number),  # of an SQL mapping: rows received that could not be read
    Column("notes", Text, nullable=False),  # JSON: rule -> count, for rows that were kept
    Column("columns", Text, nullable=False),  # JSON: column of the source -> type, to see drift
)  # fmt: skip

quarantine = Table(
    "quarantine", metadata,
    _id(),
    Column("delivery", Number, ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("file", Name, nullable=False),
    Column("table_name", String(40), nullable=False),
    Column("row", Number),
    Column("column", Name),
    Column("rule", String(60), nullable=False),
)  # fmt: skip

person_keys = Table(
    "person_keys", metadata,
    Column("person_ref", Text, primary_key=True),
    Column("person_key", Key, nullable=False, unique=True),
    Column("content_key", LargeBinary, nullable=False),  # encrypts what people wrote about this person
)  # fmt: skip

counters = Table(
    "counters", metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Number, nullable=False),
)  # fmt: skip

erased = Table(
    "erased", metadata,
    Column("ref_hash", Hash, primary_key=True),  # keyed hash: blocks the return until it leaves the source
    Column("table_name", String(40), nullable=False),
    Column("erased_at", Instant, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("left_at", Instant),  # made_at of the delivery that showed it had left; older ones stay blocked
)  # fmt: skip

runs = Table(
    "runs", metadata,
    _id(),
    Column("week", String(8), index=True),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("standing", String(20), nullable=False),  # running, done, held, failed
    Column("code", String(60)),
    Column("document", Text, nullable=False),
)  # fmt: skip

# -- releases and models -------------------------------------------------------------------------
releases = Table(
    "releases", metadata,
    _id(),
    Column("week", String(8), nullable=False),
    Column("tool", String(40), nullable=False),
    Column("revision", Integer, nullable=False, default=1),
    Column("standing", String(20), nullable=False),  # draft, reviewed, held, published, withdrawn
    Column("origin", Date, nullable=False),
    Column("as_of", Date),
    Column("sequence", Number),  # records up to this load
    Column("path", Text),
    Column("manifest_sha256", Hash),
    Column("model", Name),
    Column("findings", Text, nullable=False, default="[]"),  # JSON: what was found, typed (oversight.findings)
    Column("settings_sha256", Hash),  # of the settings it was made with, kept in settings-kept/; null: made before they were
    Column("made_at", Instant, nullable=False),
    Column("published_at", Instant),
    UniqueConstraint("week", "tool", "revision"),
)  # fmt: skip

release_moves = Table(
    "release_moves", metadata,
    _id(),
    Column("release", Number, ForeignKey("releases.id"), nullable=False, index=True),
    Column("from_standing", String(20)),
    Column("to_standing", String(20), nullable=False),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("reason", Text),
    Column("at", Instant, nullable=False),
)  # fmt: skip

finding_lifts = Table(
    "finding_lifts", metadata,
    _id(),
    Column("finding", String(60), nullable=False, index=True),  # its id, the same from week to week
    Column("tool", String(40), nullable=False),
    Column("severity", Float),  # how far over the bar when it was lifted; null: nothing measured
    Column("from_on", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("first", Name, nullable=False),
    Column("first_role", Name, nullable=False),
    Column("first_reason", Text, nullable=False),
    Column("condition", Text),  # what must hold while it is lifted
    Column("at", Instant, nullable=False),
    Column("second", Name),  # null until a second person has agreed
    Column("second_role", Name),
    Column("second_reason", Text),
    Column("second_at", Instant),
    Column("ended_on", Date),  # somebody ended it before its time
    Column("ended_by", Name),
)  # fmt: skip

models = Table(
    "models", metadata,
    _id(),
    Column("tool", String(40), nullable=False, index=True),
    Column("name", Name, nullable=False),
    Column("week", String(8)),
    Column("path", Text, nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("data_hash", Hash),
    Column("standing", String(20), nullable=False),  # candidate, approved, withdrawn
    Column("document", Text, nullable=False, default="{}"),
    Column("made_at", Instant, nullable=False),
    Column("approved_by", Name),
    Column("approved_at", Instant),
    Column("refused_by", Name),
    Column("refused_at", Instant),
    Column("refuse_reason", Text),
)  # fmt: skip

band_cuts = Table(
    "band_cuts", metadata,
    _id(),
    Column("tool", String(40), nullable=False),
    Column("reference_date", Date, nullable=False),
    Column("percentiles", Text, nullable=False),
    Column("cuts", Text, nullable=False),
    Column("harm_unit", Name, nullable=False),
    Column("index_sha256", Hash),
    Column("people", Number),
    Column("frozen_at", Instant, nullable=False),
    Column("by", Name, nullable=False),
)  # fmt: skip

harm_index_imports = Table(
    "harm_index_imports", metadata,
    _id(),
    Column("name", Name, nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("edition", Name),
    Column("unit", Name),
    Column("source", Text),
    Column("rows", Integer, nullable=False),
    Column("document", Text, nullable=False, default="{}"),  # codes without a weight and how each was filled
    Column("imported_at", Instant, nullable=False),
    Column("by", Name, nullable=False),
)  # fmt: skip

monitor_history = Table(
    "monitor_history", metadata,
    _id(),
    Column("week", String(8), nullable=False, index=True),
    Column("tool", String(40), nullable=False),
    Column("figure", String(80), nullable=False),
    Column("part", Name),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("n", Number),
    Column("verdict", String(20)),
    Column("reason", Text),
)  # fmt: skip

alerts = Table(
    "alerts", metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("week", String(8)),
    Column("tool", String(40)),
    Column("words", Text, nullable=False),
    Column("seen_by", Name),
    Column("seen_at", Instant),
)  # fmt: skip

# -- people who use it ---------------------------------------------------------------------------
users = Table(
    "users", metadata,
    Column("account", Name, primary_key=True),
    Column("name", Name, nullable=False),
    Column("os_account", Name, unique=True),
    Column("oidc_subject", Name, unique=True),
    Column("password_hash", Text),
    Column("standing", String(20), nullable=False),  # active, disabled
    Column("made_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)  # fmt: skip

user_roles = Table(
    "user_roles", metadata,
    _id(),
    Column("account", Name, ForeignKey("users.account"), nullable=False, index=True),
    Column("role", Name, nullable=False),
    Column("unit", Name),
    Column("given_at", Instant, nullable=False),
    Column("given_by", Name, nullable=False),
    Column("ended_at", Instant),
    Column("until", Date),  # last day: roles lapse
)  # fmt: skip

role_proposals = Table(
    "role_proposals", metadata,
    _id(),
    Column("account", Name, ForeignKey("users.account"), nullable=False, index=True),
    Column("role", Name, nullable=False),
    Column("unit", Name),
    Column("by", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", String(20)),  # confirmed, refused; null: it waits for a second person
    Column("answered_by", Name),
    Column("answered_at", Instant),
)  # fmt: skip

training = Table(
    "training", metadata,
    _id(),
    Column("account", Name, ForeignKey("users.account"), nullable=False, index=True),
    Column("tool", String(40), nullable=False),
    Column("kind", Name, nullable=False),  # methodology, demonstration, tour, recording
    Column("trainer", Name),
    Column("trainer_contact", Name),
    Column("passed_on", Date, nullable=False),
    Column("right", Integer),
    Column("asked", Integer),
    Column("by", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("token_hash", Hash, primary_key=True),
    Column("account", Name, ForeignKey("users.account"), nullable=False, index=True),
    Column("role", Name),
    Column("unit", Name),
    Column("csrf", Hash, nullable=False),  # token of its forms: keyed, over account, role, unit and times, so that a changed row opens nothing
    Column("made_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ended_at", Instant),
)  # fmt: skip

one_time_codes = Table(
    "one_time_codes", metadata,
    _id(),
    Column("account", Name, ForeignKey("users.account"), nullable=False, index=True),
    Column("what", Name, nullable=False),  # name of a command, or `invitation`
    Column("code_hash", Hash, nullable=False),  # keyed, over account, what and times too: the database alone makes none and moves none
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
)  # fmt: skip

kept_forms = Table(
    "kept_forms", metadata,
    _id(),
    Column("account", Name, ForeignKey("users.account"), nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("action", String(60), nullable=False),
    Column("person_key", Key, index=True),  # sealed under this person's content key; null: under the state's secret
    Column("fields_enc", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

sign_in_lanes = Table(
    "sign_in_lanes", metadata,
    Column("lane", Hash, primary_key=True),  # of an account and a device known to it, or of all strangers to it
    Column("misses", Integer, nullable=False),
    Column("since", Instant),
    Column("in_a_row", Integer, nullable=False),
    Column("untold", Integer, nullable=False),
    Column("told_at", Instant),
)  # fmt: skip

# -- the register of tools -----------------------------------------------------------------------
register_tools = Table(
    "register_tools", metadata,
    Column("tool", String(40), primary_key=True),
    Column("title", Name, nullable=False),
    Column("purpose", Text),
    Column("owner", Name),
    Column("developer", Name),
    Column("cost", Text),
    Column("document", Text, nullable=False, default="{}"),  # further fields of the register
    Column("changed_at", Instant, nullable=False),
    Column("by", Name, nullable=False),
)  # fmt: skip

register_statuses = Table(
    "register_statuses", metadata,
    _id(),
    Column("tool", String(40), nullable=False, index=True),
    Column("status", String(20), nullable=False),  # shadow, trial, in use, stopped
    Column("from_on", Date, nullable=False),
    Column("reason", Text),
    Column("by", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

register_entries = Table(
    "register_entries", metadata,
    _id(),
    Column("tool", String(40), index=True),  # null: every tool
    Column("kind", String(40), nullable=False),  # dpia legal ethics eia policy training_material contract ...
    Column("title", Name),
    Column("outcome", String(40)),  # approved, approved with conditions, refused, none made
    Column("dated", Date, nullable=False),
    Column("by_whom", Name, nullable=False),
    Column("document_ref", Text),
    Column("conditions", Text),
    Column("review_by", Date),
    Column("entered_by", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

# -- decisions about people: words encrypted under the person's content key ---------------------
decisions = Table(
    "decisions", metadata,
    _id(),
    Column("person_key", Key, nullable=False, index=True),
    Column("week", String(8), nullable=False),
    Column("release", Number),
    Column("unit", Name),
    Column("model", Name),
    Column("band", String(20)),
    Column("decision", String(40), nullable=False),
    Column("reason_code", String(60), nullable=False),
    Column("checks", Text, nullable=False, default="[]"),
    Column("own_judgement", String(20)),
    Column("review_on", Date),
    Column("time_band", String(20)),
    Column("judged_first", Boolean),
    Column("shown_enc", LargeBinary),  # score and page as shown
    Column("words_enc", LargeBinary),
    Column("after", Number),  # the decision this one was made with in view
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    UniqueConstraint("person_key", "after"),
)  # fmt: skip

sign_offs = Table(
    "sign_offs", metadata,
    _id(),
    Column("decision", Number, ForeignKey("decisions.id"), nullable=False, index=True),
    Column("outcome", String(20), nullable=False),
    Column("words_enc", LargeBinary),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

follow_ups = Table(
    "follow_ups", metadata,
    _id(),
    Column("decision", Number, ForeignKey("decisions.id"), nullable=False, index=True),
    Column("step", String(40), nullable=False),  # offered, taken up, ended ...
    Column("happened_on", Date, nullable=False),
    Column("words_enc", LargeBinary),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

representations = Table(
    "representations", metadata,
    _id(),
    Column("person_key", Key, index=True),
    Column("tool", String(40)),
    Column("kind", String(40), nullable=False),  # objection, data error, complaint
    Column("received_on", Date, nullable=False),
    Column("channel", String(40)),
    Column("words_enc", LargeBinary),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

representation_steps = Table(
    "representation_steps", metadata,
    _id(),
    Column("representation", Number, ForeignKey("representations.id"), nullable=False, index=True),
    Column("step", String(40), nullable=False),  # looked at, outcome, rescored
    Column("outcome", String(40)),
    Column("rescored_week", String(8)),
    Column("words_enc", LargeBinary),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

erasure_requests = Table(
    "erasure_requests", metadata,
    _id(),
    Column("list_hash", String(16), nullable=False),  # of the keys it is about: a list that changed meanwhile is another list
    Column("people", Integer, nullable=False),
    Column("reasons", Text, nullable=False),  # JSON: reason -> how many
    Column("why", Text, nullable=False),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("decision", String(20)),  # erased, refused; null: it waits for the second person
    Column("decided_by", Name),
    Column("decided_at", Instant),
    Column("decided_why", Text),
)  # fmt: skip

# -- cells ---------------------------------------------------------------------------------------
cell_notes = Table(
    "cell_notes", metadata,
    _id(),
    Column("tool", String(40), nullable=False),
    Column("cell", Name, nullable=False),
    Column("week", String(8)),
    Column("words", Text, nullable=False),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

tasking = Table(
    "tasking", metadata,
    _id(),
    Column("tool", String(40), nullable=False),
    Column("cell", Name, nullable=False),
    Column("week", String(8), nullable=False),
    Column("step", String(20), nullable=False),  # recommendation, outcome, done
    Column("about", Number),  # the recommendation that tasking answered, or that something was done on
    Column("choice", String(40)),
    Column("words", Text),  # of a recommendation: why
    Column("place_words", Text),  # of a recommendation: where, when and what is asked, as the briefing prints them
    Column("time_words", Text),
    Column("asked", Text),
    Column("decided_on", Date),
    Column("deferred_to", Date),  # day to which tasking put it off
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

cell_activity = Table(
    "cell_activity", metadata,
    _id(),
    Column("tool", String(40), nullable=False),
    Column("cell", Name, nullable=False),
    Column("kind", String(40), nullable=False),  # patrol, visit
    Column("happened_on", Date, nullable=False),
    Column("minutes", Float),
    Column("words", Text),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

strikes = Table(
    "strikes", metadata,
    _id(),
    Column("table_name", String(40), nullable=False),
    Column("row", Number, nullable=False),  # the entry that was wrong
    Column("reason", Text, nullable=False),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("table_name", "row"),
)  # fmt: skip

Index("ix_cells_notes", cell_notes.c.tool, cell_notes.c.cell)
Index("ix_cells_tasking", tasking.c.tool, tasking.c.cell)
Index("ix_cells_activity", cell_activity.c.tool, cell_activity.c.cell)

# -- whom each account looked at -----------------------------------------------------------------
seen = Table(
    "seen", metadata,
    Column("account", Name, primary_key=True),
    Column("day", Date, primary_key=True),  # of the force's zone
    Column("way", String(20), primary_key=True),  # opened, listed
    Column("person_key", Key, primary_key=True),
)  # fmt: skip

look_grants = Table(
    "look_grants", metadata,
    _id(),
    Column("account", Name, ForeignKey("users.account"), nullable=False),
    Column("day", Date, nullable=False),
    Column("by", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

# -- what leaves ---------------------------------------------------------------------------------
export_requests = Table(
    "export_requests", metadata,
    _id(),
    Column("what", Name, nullable=False),
    Column("query", Text, nullable=False, default="{}"),
    Column("with_names", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("unit", Name),
    Column("at", Instant, nullable=False),
    Column("decision", String(20)),  # granted, refused; null: open
    Column("decided_by", Name),
    Column("decided_at", Instant),
)  # fmt: skip

exports = Table(
    "exports", metadata,
    _id(),
    Column("what", Name, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("with_names", Boolean, nullable=False),
    Column("reason", Text),
    Column("request", Number, ForeignKey("export_requests.id")),
    Column("subjects", Text, nullable=False, default="[]"),  # JSON: person keys it held
    Column("sha256", Hash, nullable=False),
    Column("path", Text),  # of the copy kept for the record, if one is
    Column("remove_on", Date),
    Column("by", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("unit", Name),
    Column("at", Instant, nullable=False),
)  # fmt: skip

report_runs = Table(
    "report_runs", metadata,
    _id(),
    Column("kind", String(20), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("sha256", Hash, nullable=False),
    Column("by", Name, nullable=False),
    Column("at", Instant, nullable=False),
)  # fmt: skip

published_answers = Table(
    "published_answers", metadata,
    _id(),
    Column("kind", String(20), nullable=False),
    Column("reference", Name, nullable=False),  # of the request it answers, as the force gave it
    Column("as_of", Date, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("html", LargeBinary, nullable=False),  # what was signed and handed out: never made again
    Column("json", LargeBinary, nullable=False),
    Column("sha256", Hash, nullable=False),  # of `html`
    Column("supersedes", Number, ForeignKey("published_answers.id")),
    Column("first", Name, nullable=False),
    Column("first_role", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("second", Name),  # null: it waits for the second person
    Column("second_role", Name),
    Column("second_at", Instant),
)  # fmt: skip

# -- which rows the log vouches for ----------------------------------------------------------------
# A kept table: each version of each row has a line behind the entry that wrote it. Beside it the column that says when a row was
# first written, so that rows adopted by an upgrade count from their own day. Every table is here or in LEFT_OUT.
KEPT: dict[str, str | None] = {
    facts.name: None,
    ledger.name: "added_at",
    deliveries.name: "loaded_at",
    delivery_files.name: None,
    person_keys.name: None,
    erased.name: "erased_at",
    runs.name: "started_at",
    releases.name: "made_at",
    release_moves.name: "at",
    finding_lifts.name: "at",
    models.name: "made_at",
    band_cuts.name: "frozen_at",
    harm_index_imports.name: "imported_at",
    alerts.name: "at",
    users.name: "made_at",
    user_roles.name: "given_at",
    role_proposals.name: "at",
    training.name: "at",
    register_tools.name: None,
    register_statuses.name: "at",
    register_entries.name: "at",
    decisions.name: "at",
    sign_offs.name: "at",
    follow_ups.name: "at",
    representations.name: "at",
    representation_steps.name: "at",
    erasure_requests.name: "at",
    cell_notes.name: "at",
    tasking.name: "at",
    cell_activity.name: "at",
    look_grants.name: "at",
    strikes.name: "at",
    export_requests.name: "at",
    exports.name: "at",
    report_runs.name: "at",
    published_answers.name: "at",
}
LEFT_OUT = frozenset({
    counters.name,
    events.name,
    kept_forms.name,
    monitor_history.name,
    one_time_codes.name,
    quarantine.name,
    seen.name,
    sessions.name,
    sign_in_lanes.name,
    versions.name,
})  # fmt: skip


ADDED_ONLY = frozenset({decisions.name, sign_offs.name, follow_ups.name})  # what was written there is never changed and never goes


def is_kept(table: str) -> bool:
    """Whether the log vouches for a table's rows. Raises KeyError for a table nobody has declared."""
    if table in KEPT:
        return True
    if table in LEFT_OUT:
        return False
    raise KeyError(f"{table} is neither kept nor left out: say which in schema.py")
