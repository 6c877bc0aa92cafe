"""The records that open work is derived from, read as they stand, and the items that `store.work_kinds` makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, cast
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from harmcast.errors import StoreDamaged
from harmcast.oversight import grants, log, register
from harmcast.oversight.access import ROLES as ROLE_NAMES
from harmcast.oversight.access import Role
from harmcast.store import case_reviews, desk, merges, proposals, schema, strikes, work, work_kinds
from harmcast.store.reads import units
from harmcast.store.releases import Move, Release
from harmcast.store.state import State
from harmcast.store.work import Item
from harmcast.store.work_records import (
    BandMoved,
    Decided,
    Delivered,
    EnteredApproval,
    ListAsked,
    ModelKept,
    PersonNow,
    Received,
    Recommended,
    Recorded,
    ReleaseStood,
    WorkRules,
)
from harmcast.tables import BANDS

CHANGE_RELEASES = 13
ERASED_SHOWN_DAYS = 60
ROLES = {role.value: role for role in Role}
PEOPLE_NOW = pl.Schema(
    {"person_key": pl.String(), "survivor": pl.String(), "unit": pl.String(), "restricted": pl.Boolean(), "gone": pl.String(), "gone_on": pl.Date()}
)


@dataclass(frozen=True)
class OpenWork:
    """Every item, open and lately closed, as it stood when it was read. `unread`: kinds whose records could not be read."""

    items: tuple[Item, ...]
    unread: tuple[str, ...]
    rules: WorkRules


def mark(state: State) -> int:
    """What changes whenever any kept row does: number of the newest entry that wrote one."""
    return state.operations.number(sa.select(sa.func.max(schema.versions.c.seq)))


def people_now(state: State, release: Release | None, tool: str) -> pl.DataFrame:
    """Everybody held: the record that survives, its unit as the newest release has it, whether restricted, and why gone: PEOPLE_NOW.

    A merged record is as restricted as it or the surviving one is.
    """
    known = state.records.known("persons", columns=["person_ref", "unit", "restricted", "merged_into", "died_on"])
    if known.is_empty():
        return PEOPLE_NOW.to_frame()
    held = known.join(state.person_keys(), on="person_ref", how="inner")
    held = held.with_columns(survivor_ref=pl.col("person_ref").replace(merges.survivors(held)))
    scored = pl.DataFrame(schema={"person_key": pl.String, "unit_now": pl.String})
    if release is not None:
        scored = release.frame(tool, ["person_key", "unit"]).rename({"unit": "unit_now"})
    there = held.select(
        survivor_ref="person_ref", survivor="person_key", there_restricted="restricted", there_died="died_on", there_unit="unit"
    ).join(scored.with_columns(scored=pl.lit(True)), left_on="survivor", right_on="person_key", how="left")
    joined = held.drop("unit").join(there, on="survivor_ref", how="left")
    is_scored = pl.col("scored").fill_null(False)
    gone = (
        pl.when(pl.col("there_died").is_not_null()).then(pl.lit("died"))
        .when(~is_scored if release is not None else pl.lit(False)).then(pl.lit("not_scored"))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    on = pl.when(gone == "died").then("there_died").when(gone == "not_scored").then(pl.lit(release.origin if release else None, dtype=pl.Date))
    return joined.select(
        "person_key",
        survivor=pl.coalesce("survivor", "person_key"),
        unit=pl.when(is_scored).then("unit_now").otherwise("there_unit"),
        restricted=pl.col("restricted").fill_null(False) | pl.col("there_restricted").fill_null(False),
        gone=gone,
        gone_on=on,
    ).cast(dict(PEOPLE_NOW))  # type: ignore[arg-type]


def band_changes(release: Release, tool: str) -> pl.DataFrame:
    """People whose band a release changed: person_key, was, now."""
    frame = release.frame(tool, ["person_key", "band", "band_last_week"])
    moved = frame.filter(pl.col("band") != pl.col("band_last_week"))
    return moved.select("person_key", was="band_last_week", now="band")


def read(
    state: State,
    today: date,
    *,
    now: Callable[[Release | None, str], pl.DataFrame] | None = None,
    changes: Callable[[Release, str], pl.DataFrame] | None = None,
) -> OpenWork:
    """Every item as the records stand on `today`. A kind whose records cannot be read is named, and the others go on.

    Args: `now`, `changes`: `people_now` and `band_changes`, or what keeps what they read.
    """
    reader = _Reader(state, today, now or (lambda release, tool: people_now(state, release, tool)), changes or band_changes)
    items: list[Item] = []
    unread: list[str] = []
    for kinds, make in reader.kinds():
        try:
            items += make()
        except StoreDamaged:
            unread += kinds
    return OpenWork(tuple(items), tuple(unread), reader.rules)


class _Reader:
    """Reads what each kind needs, once."""

    def __init__(
        self, state: State, today: date, now: Callable[[Release | None, str], pl.DataFrame], changes: Callable[[Release, str], pl.DataFrame]
    ) -> None:
        self.state = state
        self.today = today
        self.zone = ZoneInfo(state.settings.force.timezone)
        self.since = log.instant(log.moment(state.operations.now()) - timedelta(days=state.settings.work.closed_days + 7))
        self._now = now
        self._changes = changes

    def kinds(self) -> Sequence[tuple[tuple[str, ...], Callable[[], Iterable[Item]]]]:
        rules, settings = self.rules, self.state.settings
        return (
            (("recommendation",), lambda: work_kinds.recommendations(self.recommended(), rules)),
            (("referral",), lambda: work_kinds.referrals(self.decided, self.people, rules)),
            (("moved_up",), lambda: work_kinds.moved_up(self.moved, self.decided, self.people, rules)),
            (("review",), lambda: work_kinds.reviews(self.decided, self.people, rules)),
            (tuple(sorted(work.RECEIVED)), lambda: work_kinds.representations(self.received, self.people, rules)),
            (("release",), lambda: work_kinds.releases(self.released, rules)),
            (("model",), lambda: work_kinds.models(self.models(), rules)),
            (("finding",), lambda: work_kinds.findings(self.released, self.state.lifts.all(), self.entered, rules)),
            (("approval",), lambda: work_kinds.approvals(self.state.register.tools(self.today), self.entered, rules)),
            (("delivery",), lambda: work_kinds.deliveries(self.delivered(), settings.feed.late_days, rules)),
            (("download",), lambda: work_kinds.asked("download", self.asked(schema.export_requests), rules)),
            (("erasure",), lambda: work_kinds.asked("erasure", self.asked(schema.erasure_requests), rules)),
            (("case_review",), lambda: work_kinds.asked("case_review", self.asked(schema.export_requests, case_reviews.WHAT), rules)),
            (("role",), lambda: work_kinds.asked("role", self.proposed(), rules)),
        )

    # -- what all share --

    def rows(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        """Rows of a kept table by number, each as the log says."""
        return self.state.operations.checked(table, *where, order_by=(table.c.id,))

    def day(self, at: str) -> date:
        return log.moment(at).astimezone(self.zone).date()

    @cached_property
    def rules(self) -> WorkRules:
        settings, tools = self.state.settings, self.state.register.tools(self.today)
        entries = self.state.register.entries(self.today)
        people = settings.people_tool
        stopped = {}
        for tool in tools:
            if not register.standing(tool, entries, self.today).may_show:
                refused = [e.dated for e in entries if e.tool == tool.name and e.refused]
                stopped[tool.name] = tool.status_since if tool.status == "stopped" else max(refused, default=self.today)
        return WorkRules(
            today=self.today,
            days=settings.work,
            managed_units=units.managed(self.state),
            horizon_days={tool.name: 7 * tool.horizon_weeks for tool in settings.places_tools},
            reviewed_days=settings.decisions.reviewed_days,
            stopped=stopped,
            people_tool=people.name if people else None,
        )

    @cached_property
    def history(self) -> list[Release]:
        tool = self.rules.people_tool
        return self.state.releases.history(tool) if tool else []

    @cached_property
    def people(self) -> dict[str, PersonNow]:
        """Where everybody whom an item may be about stands."""
        named = {d.person_key for d in self.decided} | {r.person_key for r in self.received} | {m.person_key for m in self.moved}
        tool = self.rules.people_tool
        if not named or tool is None:
            return {}
        frame = self._now(self.history[-1] if self.history else None, tool)
        found = frame.filter(pl.col("person_key").is_in(sorted(named)))
        stand = {row[0]: PersonNow(*row[1:]) for row in found.iter_rows()}
        erased = self._erased() if named - set(stand) else {}
        return stand | {key: PersonNow(key, None, False, "erased", erased.get(key)) for key in named - set(stand)}

    def _erased(self) -> dict[str, date]:
        table = schema.events
        since = log.instant(log.moment(self.state.operations.now()) - timedelta(days=ERASED_SHOWN_DAYS))
        query = sa.select(table.c.subject, table.c.at).where(table.c.action == "person_forgotten", table.c.at >= since)
        return {row["subject"]: self.day(row["at"]) for row in self.state.operations.rows(query)}

    # -- records of each kind --

    def recommended(self) -> list[Recommended]:
        rows = self.rows(schema.tasking)
        last = {
            row["about"]: Recorded(row["choice"], row["decided_on"] or self.day(row["at"]), self.day(row["at"]), row["deferred_to"])
            for row in rows if row["step"] in ("outcome", "done") and row["choice"] in work.STATES["recommendation"]
        }  # fmt: skip
        withdrawn, struck = self._withdrawn_when_written(), strikes.of(self.state.operations, schema.tasking.name)
        return [
            Recommended(row["id"], row["tool"], row["cell"], row["week"], self.day(row["at"]), ROLES.get(row["role"]),
                             last.get(row["id"]), withdrawn(row["tool"], row["week"], row["at"]))
            for row in rows if row["step"] == "recommendation" and row["id"] not in struck
        ]  # fmt: skip

    def _withdrawn_when_written(self) -> Callable[[str, str, str], bool]:
        """Whether the release of a tool and week that was published at an instant is withdrawn today."""
        published: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for release, moves in self._releases:
            out = next((move["at"] for move in moves if move["to_standing"] == "published"), None)
            if out is not None:
                published.setdefault((release.tool, release.week), []).append((out, release.standing))

        def is_withdrawn(tool: str, week: str, at: str) -> bool:
            before = [standing for out, standing in sorted(published.get((tool, week), ())) if out <= at]
            return bool(before) and before[-1] == "withdrawn"

        return is_withdrawn

    @cached_property
    def decided(self) -> list[Decided]:
        """The newest decision about each person, those made lately, and those that these came after; bands noted together stand aside."""
        everything = self.state.operations.added(schema.decisions)
        noted = {row["id"]: row["after"] for row in everything if row["reason_code"] == desk.NOTED}
        newest = {row["person_key"]: row["id"] for row in everything if row["id"] not in noted}
        lately = {row["id"] for row in everything if row["at"] >= self.since}
        before = {_decided_before(row["after"], noted) for row in everything if row["id"] in lately}
        rows = [row for row in everything if row["id"] in lately or row["id"] in before or newest.get(row["person_key"]) == row["id"]]
        signed, followed = self._recorded(schema.sign_offs, "outcome"), self._recorded(schema.follow_ups, "step")
        return [
            Decided(row["id"], row["person_key"], row["week"], row["decision"], self.day(row["at"]), row["at"], row["review_on"],
                         ROLES.get(row["role"]), signed.get(row["id"]), followed.get(row["id"]), row["id"] in noted)
            for row in rows
        ]  # fmt: skip

    def _recorded(self, table: sa.Table, what: str) -> dict[int, Recorded]:
        """What was last recorded on each decision."""
        rows = ((row, self.day(row["at"])) for row in self.state.operations.added(table))
        return {row["decision"]: Recorded(row[what], row.get("happened_on", written), written) for row, written in rows}

    @cached_property
    def moved(self) -> list[BandMoved]:
        """Changes of band of the last releases about people who stand on a list, oldest first."""
        tool, listed = self.rules.people_tool, self.state.settings.bands.list_bands
        found = []
        for release in self.history[-CHANGE_RELEASES:] if tool else ():
            at = release.published_at or release.made_at
            on = self.day(at)
            found += [
                BandMoved(key, release.id, release.name, was, now, on, at) for key, was, now in self._changes(release, str(tool)).iter_rows()
            ]
        rising = {m.person_key for m in found if m.now in listed and BANDS.index(m.now) > BANDS.index(m.was)}
        return [m for m in found if m.person_key in rising]

    @cached_property
    def received(self) -> list[Received]:
        """With the last step that counts: `looked at` after an answer says nothing new, and only what was upheld is scored again."""
        last: dict[int, Recorded] = {}
        for row in self.rows(schema.representation_steps):
            key = str(row["outcome"]).removesuffix("_in_part") if row["step"] == "outcome" else row["step"]
            before = last[row["representation"]].key if row["representation"] in last else ""
            if (key == "looked_at" and before not in ("", "looked_at")) or (key == "rescored" and before != "upheld"):
                continue
            last[row["representation"]] = Recorded(key, self.day(row["at"]), self.day(row["at"]))
        return [
            Received(row["id"], row["kind"], row["person_key"] or "", row["received_on"], ROLES.get(row["role"]), last.get(row["id"]))
            for row in self.rows(schema.representations) if row["kind"] in work.KINDS
        ]  # fmt: skip

    @cached_property
    def _releases(self) -> list[tuple[Release, list[Move]]]:
        """Every tool's releases with their moves, by number."""
        found = [release for tool in self.state.settings.tools for release in self.state.releases.history(tool.name, None)]
        moves: dict[int, list[Move]] = {}
        for move in cast("list[Move]", self.rows(schema.release_moves)):
            moves.setdefault(move["release"], []).append(move)
        return [(release, moves.get(release.id, [])) for release in sorted(found, key=lambda r: r.id)]

    @cached_property
    def released(self) -> list[ReleaseStood]:
        found = []
        for release, moves in self._releases:
            reviewed = [ROLES.get(move["role"]) for move in moves if move["to_standing"] == "reviewed"]
            since = self.day(moves[-1]["at"] if moves else release.made_at)
            found.append(
                ReleaseStood(
                    release.id, release.name, release.tool, release.standing, self.day(release.made_at), since,
                    waited=bool(moves) and moves[0]["to_standing"] != "published", reviewer=reviewed[-1] if reviewed else None,
                    makers=frozenset(move["by"] for move in moves if move["from_standing"] is None), findings=release.findings,
                )
            )  # fmt: skip
        return found

    def models(self) -> list[ModelKept]:
        roles = schema.user_roles
        scientists = {row["account"] for row in self.state.operations.rows(sa.select(roles.c.account).where(roles.c.role == Role.DATA_SCIENTIST.value, roles.c.ended_at.is_(None)))}
        found = []
        for tool in self.state.settings.tools:
            for model in self.state.models.all(tool.name):
                since = model.approved_at or model.refused_at or model.made_at
                maker = Role.DATA_SCIENTIST if model.made_by in scientists else None
                found.append(ModelKept(model.id, model.name, model.tool, model.standing, self.day(model.made_at), self.day(since), maker))
        return found

    @cached_property
    def entered(self) -> list[EnteredApproval]:
        return [
            EnteredApproval(row["id"], row["tool"], row["kind"], row["outcome"], row["dated"], self.day(row["at"]), row["review_by"])
            for row in self.rows(schema.register_entries)
        ]

    def delivered(self) -> list[Delivered]:
        return [
            Delivered(row["id"], row["delivery_id"], row["standing"], self.day(row["accepted_at"] or row["loaded_at"]),
                           date.fromisoformat(row["made_at"][:10]) if row["made_at"] else None, row["first_by"])
            for row in self.rows(schema.deliveries)
        ]  # fmt: skip

    def asked(self, table: sa.Table, what: str = "people") -> list[ListAsked]:
        of_what = [table.c.what == what] if "what" in table.c else []
        return [
            ListAsked(row["id"], row.get("unit"), ROLES.get(row["role"]), self.day(row["at"]), row["decision"],
                           self.day(row["decided_at"]) if row["decided_at"] else None)
            for row in self.rows(table, *of_what)
        ]  # fmt: skip

    def proposed(self) -> list[ListAsked]:
        """Roles proposed, each with who may confirm it: a supervisor of the unit where there is one, else any or a second administrator."""
        held = proposals.all_of(self.state.operations)
        everyone = self.state.users.everyone() if held else []
        names = {user.account: user.name for user in everyone}
        leads = [(user.account, h.unit) for user in everyone if user.is_active for h in user.roles if h.role is Role.SUPERVISOR]
        found = []
        for one in held:
            others = {unit for account, unit in leads if account not in (one.account, one.by)}
            of_unit = one.role in grants.PEOPLE_ROLES and (one.answer is not None or one.unit in others)
            says = ROLE_NAMES[one.role][0] + (f" of {one.unit}" if one.unit else "")
            found.append(
                ListAsked(one.id, one.unit if of_unit else None, Role.ADMINISTRATOR, self.day(one.at), one.answer,
                               self.day(one.answered_at) if one.answered_at else None, about=names.get(one.account, one.account),
                               owner=Role.SUPERVISOR if of_unit or others else Role.ADMINISTRATOR, says=says)
            )  # fmt: skip
        return found


def _decided_before(number: int, noted: Mapping[int, int]) -> int:
    """The decision before, over those that only noted a band. Args: `noted`: their numbers, with the one each came after."""
    while number in noted:
        number = noted[number]
    return number
