"""One TOML file -> one frozen Settings. Unknown keys are refused; every field has a sentence and a unit.

Where the public record is silent the choice is ours: it stands here as a default, with its reason in the sentence,
and `docs/reference/settings.md` is generated from these sentences.
"""

from __future__ import annotations

import codecs
import tomllib
from datetime import date
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator

from harmcast import offence_codes
from harmcast.errors import Fault, SettingsRefused
from harmcast.gaps import Gap
from harmcast.settings import gone
from harmcast.settings.section import SettingsSection
from harmcast.settings.thresholds import AuditSettings, Fairness, MonitorSettings, ShadowSettings
from harmcast.tables import BANDS

Where = dict[str, list[str]]
RelativePath = Annotated[Path, Field(strict=False)]


class Force(SettingsSection):
    name: str = Field(description="Name of the force as printed on pages and answers.")
    timezone: str = Field("Europe/London", description="Zone of every time that names none.")
    crs: str = Field("EPSG:27700", description="Projected system in metres of eastings and northings.")
    boundary: RelativePath | None = Field(
        None, description="File of one or more polygons (GeoJSON, WGS84 or `crs`), unioned; cells lie over it."
    )
    area_from: Literal["boundary", "first_days"] = Field(
        "boundary", description="Whether the study area is the boundary, or the cells with any crime in the first days held."
    )
    area_days: int = Field(1096, gt=0, description="How many first days count for `area_from = \"first_days\"`, days.")
    cell_min_inside_share: float = Field(
        0.0, ge=0, lt=1, description="A cell is kept if more than this share of it lies inside; 0: any overlap, so that no crime inside is lost."
    )
    areas: RelativePath | None = Field(None, description="Layer of policing areas with a `code` (and `name`) a polygon.")
    neighbourhoods: RelativePath | None = Field(
        None, description="Layer with `code, residents, deprivation_fifth` (1 most deprived): for the audit of places only."
    )
    neutral: RelativePath | None = Field(
        None,
        description="Residents by group, from a census: CSV with `attribute, group, residents, source, year`. The exploratory analysis sets who is charged beside it.",
    )
    offence_codes: Literal["home_office", "as_text"] = Field(
        "home_office",
        description="Whether offence codes are the Home Office's, so that `8/6`, `00806` and `008/06` are one code; `as_text`: a code is its text.",
    )
    invented: bool = Field(False, description="True for an invented force: every page says so, and log-ins may be printed.")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is not a time zone") from error
        return value


class FileForm(SettingsSection):
    """How a delivered text file is written. The key is its name; `*` in it stands for any characters."""

    name: str = Field("", description="What an SQL mapping calls it; default: its name without the ending.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between fields; a tab is `\\t`.")
    quote: str = Field('"', max_length=1, description="Character around fields that hold the delimiter; empty: none.")
    encoding: str = Field("utf-8", description="Encoding; Windows exports are mostly `cp1252`.")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError as error:
            raise ValueError("is no encoding that is known") from error


class Feed(SettingsSection):
    source: Literal["folder", "sql"] = Field("folder", description="Deliveries in a folder, or tables of a database.")
    inbox: RelativePath | None = Field(None, description="Folder watched by `week`: each folder in it with a manifest is a delivery.")
    mapping: RelativePath | None = Field(
        None, description="Mapping of the force's columns to ours, TOML for renames or SQL for all else; without one our names are read as they stand."
    )
    files: dict[str, FileForm] = Field(default_factory=dict, description="How delivered text files are written, by name or pattern: `[feed.files.\"CRIMES*.txt\"]`.")
    mapping_memory_mb: int = Field(4096, ge=64, description="Most memory that an SQL mapping may take, MB.")
    mapping_seconds: int = Field(600, gt=0, description="Longest that an SQL mapping may take, seconds.")
    quarantine_max_share: float = Field(
        0.02, ge=0, le=1, description="A delivery is refused whole if more than this share of a file's rows is quarantined: a broken export, not broken rows."
    )
    off_area_max_share: float = Field(
        0.1, ge=0, le=1, description="A delivery is refused whole if more than this share of located crimes lies off the force's area: a wrong coordinate system."
    )
    max_file_mb: int = Field(4096, gt=0, description="A larger file is refused, unpacked size, MB.")
    url: str | None = Field(None, description="SQLAlchemy URL of the source database; `env:NAME` reads it from the environment.")
    sql_schema: str | None = Field(None, description="Schema of the source tables.")
    lag_days: int = Field(14, ge=0, description="How far behind the newest change the next read begins, for late edits, days.")
    deleted_max_share: float = Field(
        0.05, ge=0, le=1, description="A delivery or a read of the database is refused if more than this share of a table held goes with it, and more than 20 keys: an emptied source, not deletions."
    )
    repeated_max_share: float = Field(
        0.05, ge=0, le=1, description="A delivery is refused if more than this share of a table's rows repeats a key, or replaces a row that differs in date, place and offence: cut or reused references."
    )
    late_days: int = Field(8, gt=0, description="Pages warn when the newest delivery is older than this, days.")
    volume_deviations: float = Field(4.0, gt=0, description="A week outside so many robust deviations of its past holds the release.")

    @model_validator(mode="after")
    def _sql_of_folders(self) -> Self:
        if self.source == "sql" and self.mapping is not None and self.mapping.suffix.lower() == ".sql":
            raise ValueError("mapping: an SQL mapping is for delivered files; in a database make views instead")
        return self

    def form_of(self, file: str) -> FileForm:
        """How a delivered file is written: its own name first, then the first pattern that fits."""
        fitting = (form for pattern, form in self.files.items() if fnmatchcase(file.lower(), pattern.lower()))
        return self.files.get(file) or next(fitting, FileForm())


class PlacesTool(SettingsSection):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Short name; files are named after it.")
    kind: Literal["places"] = Field(description="A tool about places.")
    title: str = Field("", description="Name people see; default: the short name in words.")
    cell_area_km2: float | None = Field(None, gt=0, description="Area of a square cell, km2; 0.5 means a side of 707.1 m.")
    cell_side_m: float | None = Field(None, gt=0, description="Side of a square cell, m, instead of its area.")
    units: RelativePath | None = Field(None, description="A layer of polygons instead of squares (LSOAs, wards, hexagons).")
    unit_key: str = Field("code", description="Property of the layer that names a unit.")
    horizon_weeks: int = Field(4, ge=1, le=13, description="Length of the window forecast, weeks.")
    where: Where = Field(description="Which crimes count: keys are ANDed, values ORed; an offence code without a slash is its whole class.")
    leading: list[Where] = Field(default_factory=list, description="Other recorded crime that may lead it; each is one series.")

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        given = [x is not None for x in (self.cell_area_km2, self.cell_side_m, self.units)]
        if sum(given) != 1:
            raise ValueError("give exactly one of cell_area_km2, cell_side_m, units")
        if not self.where:
            raise ValueError("where must name at least one column")
        return self

    @property
    def side_m(self) -> float | None:
        """Side of the square cell, m, to a tenth: half a square kilometre has 707.1 m; None for a layer of polygons."""
        side = self.cell_area_km2**0.5 * 1000.0 if self.cell_area_km2 is not None else self.cell_side_m
        return None if side is None else round(side, 1)


class PeopleTool(SettingsSection):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Short name; files are named after it.")
    kind: Literal["people"] = Field(description="A tool about people who were charged.")
    title: str = Field("", description="Name people see; default: the short name in words.")
    harm_index: RelativePath | Literal["default"] = Field(
        "default", description="File offence_code, weight, unit, edition, source; `default`: the shipped Cambridge medians by offence subgroup, coarse."
    )
    second_index: RelativePath | Literal["default", "none"] = Field(
        "none", description="A second index run beside, to say who would be in another band."
    )
    horizons_months: list[int] = Field([12, 24], description="Within how many months of the origin becoming high harm is forecast, months.")

    @field_validator("horizons_months")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        if not value or sorted(set(value)) != value or value[0] < 1:
            raise ValueError("must rise and be at least 1")
        return value


Tool = Annotated[PlacesTool | PeopleTool, Field(discriminator="kind")]


class PeopleSettings(SettingsSection):
    unknown_birth: Literal["leave_out", "score"] = Field(
        "leave_out", description="What becomes of people without a date of birth: left out, because nobody under 18 may be scored; counted either way."
    )
    weapon_classes: list[str] = Field(
        ["008/11", "008/12", "008/13", "010", "081"], description="Offence codes counted as weapon charges among the features."
    )
    records_from: date | None = Field(
        None,
        description="First day of charge records the force vouches for; chances look back no further. Default: the first charge, moved past a thin start.",
    )
    capacity: int | None = Field(
        None, ge=1, description="People whom one unit can consider: of so many with the highest chances it is counted who became high harm. Default: a twentieth of all with a chance."
    )
    useful_share: float | None = Field(
        None, gt=0, lt=1, description="Share of people considered who must become high harm for considering them to be worth it, by the units' own word; net benefit is counted with it, share."
    )
    small_number: int = Field(5, ge=2, description="In the track record and the monitor counts from 1 to under this are not shown; those of groups are rounded, people.")


class Bands(SettingsSection):
    percentiles: list[float] | None = Field(
        None,
        description="Percentiles of the charged at the reference date that part the five bands; refused where one event alone or one class of offence decides who "
        "arrives at high harm. Default: none, and cuts of 30, 180, 365 and 1,825 sentence-days.",
    )
    reference_date: date | None = Field(
        None, description="Day that percentiles are taken on. Default: the day the first accepted load with charges was made. Cuts hold until `harmcast cuts` takes them again."
    )
    cuts: list[float] | None = Field(None, description="Four cuts in the unit of the harm index; needed where that is not days.")
    list_bands: list[str] = Field(
        ["low-medium", "high-medium", "high", "super high"], description="Bands whose people are on their unit's list without asking."
    )

    @model_validator(mode="after")
    def _four(self) -> Self:
        for name, numbers in (("percentiles", self.percentiles), ("cuts", self.cuts)):
            if numbers is not None and (len(numbers) != 4 or any(b <= a for a, b in pairwise(numbers))):
                raise ValueError(f"{name}: four rising numbers")
        if self.cuts is not None and self.percentiles is not None:
            raise ValueError("percentiles have no effect beside cuts: leave one of them out")
        if self.reference_date is not None and self.percentiles is None:
            raise ValueError("reference_date has no effect without percentiles: leave it out")
        if set(self.list_bands) - set(BANDS):
            raise ValueError("list_bands: only " + ", ".join(BANDS))
        return self


class Harm(SettingsSection):
    decay: Literal["ogrs4", "half_life", "none"] = Field(
        "ogrs4", description="How a charge's weight fades: with the evidence on offence-free months (OGRS4), with a half-life, or not."
    )
    half_life_months: float | None = Field(None, gt=0, description="Half-life for `decay = \"half_life\"`, months.")
    one_event: Literal["crime_or_day", "day", "each_charge"] = Field(
        "crime_or_day", description="Charges of one event count once, by the heaviest: same crime reference, or else same person and day."
    )

    @model_validator(mode="after")
    def _half_life(self) -> Self:
        if self.decay == "half_life" and self.half_life_months is None:
            raise ValueError("half_life_months is needed for this decay")
        return self


class Review(SettingsSection):
    """Retention: review groups of the College of Policing's practice on the management of police information."""

    group_years: dict[str, float] = Field(
        {"1": 10, "2": 10, "3": 6, "4": 6}, description="Years from one review to the next for each review group, used when the feed gives no date."
    )
    backup_days: int = Field(28, gt=0, description="Backups older than this are named for removal, so that erasure reaches them, days.")
    release_weeks: int = Field(156, gt=0, description="People releases older than this are removed, weeks.")
    export_days: int = Field(28, gt=0, description="A copy of an export kept for the record goes after this, days.")


class Log(SettingsSection):
    checkpoint_dir: RelativePath | None = Field(
        None, description="One folder, kept elsewhere, whose `checkpoints.jsonl` receives a signed line after each run: the form of 0.1.0, one more place beside `witnesses`."
    )
    witnesses: list[RelativePath] = Field(
        default_factory=list,
        description="Files, each kept elsewhere, that receive a signed line after each run: two or more, in different hands. Without any a cut tail of the log cannot be seen.",
    )
    witness_command: list[str] = Field(
        default_factory=list, description="Command that gets each signed line and its code as JSON on its standard input (e.g. a mail to the data protection officer)."
    )
    ask_purpose: bool = Field(True, description="Whether opening a person asks why. Our policy, not a duty: the duty to log a justification was removed in 2025.")


class ReleaseSettings(SettingsSection):
    second_person: bool = Field(True, description="Whether a release needs two people to go out: one reviews, another publishes.")


class Decisions(SettingsSection):
    review_weeks: int = Field(12, ge=1, le=26, description="Default time to the next review, weeks.")
    review_weeks_max: int = Field(26, ge=1, description="Longest time to the next review, weeks.")
    reviewed_days: int = Field(7, gt=0, description="A band change should be looked at within so many days.")
    override_low: float = Field(0.05, ge=0, le=1, description="Override rate under which the alarm says people may be rubber-stamping, share.")
    override_high: float = Field(0.60, ge=0, le=1, description="Override rate above which the alarm says the score is not trusted, share.")
    override_from: int = Field(20, gt=0, description="The alarm speaks from so many decisions.")
    judge_then_reveal: bool = Field(False, description="Whether an officer gives an own judgement before the score is shown.")


class WorkSettings(SettingsSection):
    """How long open work may wait before it is overdue. A change of band is due after `[decisions] reviewed_days`."""

    tasking_days: int = Field(14, gt=0, description="A recommendation is answered by the next tasking meeting: so many days after it was made or put off.")
    sign_off_days: int = Field(7, gt=0, description="A supervisor signs a referral off within so many days.")
    decide_again_days: int = Field(7, gt=0, description="A referral that was not agreed is decided again within so many days.")
    review_ahead_days: int = Field(7, ge=0, description="A review becomes open work so many days before its date.")
    answer_months: int = Field(1, gt=0, description="An objection or a data error is answered within so many months of its receipt: one, by section 54 of the Data Protection Act 2018.")
    correction_days: int = Field(14, gt=0, description="What was upheld is corrected, and the person scored again, within so many days.")
    release_days: int = Field(2, gt=0, description="A release or a model that waits for people moves on within so many days.")
    finding_days: int = Field(28, gt=0, description="A finding is answered, and a missing or refused approval entered, within so many days.")
    approval_days: int = Field(60, ge=0, description="The review of an approval becomes open work so many days before its date.")
    delivery_days: int = Field(2, gt=0, description="A delivery that was refused, waits or did not come is looked into within so many days.")
    download_days: int = Field(2, gt=0, description="A download with names, or an erasure, is let go or refused by a second person within so many days.")
    closed_days: int = Field(14, gt=0, description="Homes list what was closed in the last so many days, and how.")


class Web(SettingsSection):
    idle_minutes: int = Field(15, gt=0, description="A session ends after so long without a page, minutes.")
    absolute_hours: int = Field(10, gt=0, description="A session ends after so long in any case, hours.")
    login: Literal["local", "oidc"] = Field("local", description="Local accounts, or the force's own log-in (OIDC).")
    local_until: date | None = Field(None, description="Last day on which local accounts open: a real force names one, and its own log-in takes over. None: they open, and `harmcast check` says so.")
    oidc_issuer: str | None = Field(None, description="Issuer URL of the force's log-in.")
    oidc_client_id: str | None = Field(None, description="Client id registered there.")
    oidc_client_secret: str | None = Field(None, description="Client secret; `env:NAME` reads it from the environment.")
    oidc_claim: str = Field("preferred_username", description="Claim whose name must be the account's when an invitation binds the log-in to it.")
    base_url: str | None = Field(None, description="Address people type, for log-in redirects and secure cookies.")
    export_rows: int = Field(500, gt=0, description="Most rows in one export about people.")
    people_a_day: int = Field(150, gt=0, description="Different people one user may open, find by search or export in a day; a supervisor (for one: the data protection officer) opens one more day.")
    people_in_7_days: int = Field(400, gt=0, description="The same in seven days.")
    qlik_people: bool = Field(False, description="The app about people for Qlik: everyone on a unit's list, past the daily caps of people opened; only once the register names who controls and logs access there.")
    metrics_token: str | None = Field(
        None, description="Token of the collector that reads /metrics, 32 characters or more; `env:NAME` reads the environment. Without one nobody does; `harmcast status --metrics` prints the same."
    )


    @field_validator("base_url", mode="after")
    @classmethod
    def _of_a_host(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "https://host")
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("base_url is a host's address without a path, e.g. https://harmcast.force.example: pages link from the root")
        return value


class MapSettings(SettingsSection):
    ground: RelativePath | None = Field(
        None, description="GeoPackage in `crs` with the layers of OS Open Zoomstack or OS Open Roads; `harmcast ground` reads what lies near the force and keeps that, not the file."
    )
    names: RelativePath | None = Field(None, description="Folder of OS Open Names as CSV, read with `ground`: names of cells, and what can be found.")
    attribution: str = Field("", description="Wording that the licence of the map asks for, printed under every map; needed with `ground`.")

    wms_url: str | None = Field(
        None, description="The force's own map service (WMS 1.3.0 in `crs`) as a second source of the screen map; asked by this service alone, never by a browser. Paper always shows the ground."
    )
    wms_layers: str = Field("", description="Layers asked of `wms_url`, with commas between.")
    shared_folder: RelativePath | None = Field(
        None, description="Folder that receives each places tool's published release as `<tool>.gpkg`, replaced or removed as releases come and go; none: nothing is written."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.wms_url is not None and not self.wms_url.startswith(("http://", "https://")):
            raise ValueError("wms_url must begin with http:// or https://")
        if (self.wms_url is None) != (not self.wms_layers.strip()):
            raise ValueError("wms_url and wms_layers are set together")
        if self.ground is not None and not self.attribution.strip():
            raise ValueError("attribution is needed with ground, e.g. \"Contains OS data © Crown copyright and database right 2026\"")
        if self.names is not None and self.ground is None:
            raise ValueError("names are read with ground: name both")
        return self


class Qlik(SettingsSection):
    user_directory: str | None = Field(None, description="User directory of Qlik's accounts, e.g. FORCE: section access names people as FORCE\\ACCOUNT; none: the account alone.")
    reload_server: str | None = Field(None, description="Host of the Qlik Repository Service that is asked to reload once a release is out; none: nothing is asked. Needs the extra `qlik`.")
    reload_port: int = Field(4242, gt=0, lt=65536, description="Its port.")
    reload_task: str | None = Field(None, description="Id of the reload task to start there (a UUID).")
    certificate: str | None = Field(None, description="Client certificate exported from Qlik for this machine, PEM: its path here.")
    key: str | None = Field(None, description="Key of that certificate, PEM: its path here, readable by the service's account alone.")
    root_certificate: str | None = Field(None, description="Root certificate that the server's own is checked against, PEM: its path here.")


class Alerts(SettingsSection):
    command: list[str] = Field(default_factory=list, description="Command run with the alert's JSON on its standard input (e.g. a mail command).")
    webhook: str | None = Field(None, description="Address that receives the alert's JSON; only inside the force's network.")


class StoreSettings(SettingsSection):
    url: str | None = Field(None, description="SQLAlchemy URL of the operational database; default: SQLite in the state. `env:NAME` reads the environment.")


class GapSettings(SettingsSection):
    """Weeks the force has no records of: missing in every count, never zero."""

    from_: date = Field(alias="from", description="First day without records.")
    to: date = Field(description="Last day without records.")
    areas: list[str] = Field(default_factory=list, description="Policing areas it holds in; none named: the whole force.")
    reason: str = Field(min_length=1, description="Why there are none, in words; printed with the figures it touches.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to < self.from_:
            raise ValueError("a gap ends on or after the day it begins")
        if not self.reason.strip():
            raise ValueError("say the reason in words")
        return self


def _codes(printed: list[str]) -> list[str]:
    return list(dict.fromkeys(code for one in printed for code in offence_codes.of_settings(one)))


def _with_codes(tool: PlacesTool | PeopleTool) -> PlacesTool | PeopleTool:
    if not isinstance(tool, PlacesTool):
        return tool

    def one_form(where: Where) -> Where:
        return {key: _codes(values) if key == "offence_code" else values for key, values in where.items()}

    return tool.model_copy(update={"where": one_form(tool.where), "leading": [one_form(where) for where in tool.leading]})


class Settings(SettingsSection):
    """Everything a force sets, in one file."""

    force: Force
    feed: Feed = Feed()
    store: StoreSettings = StoreSettings()
    tools: list[Tool] = Field(min_length=1, description="The tools the force runs.")
    people: PeopleSettings = PeopleSettings()
    harm: Harm = Harm()
    bands: Bands = Bands()
    fairness: Fairness = Fairness()
    audit: AuditSettings = AuditSettings()
    monitor: MonitorSettings = MonitorSettings()
    shadow: ShadowSettings = ShadowSettings()
    release: ReleaseSettings = ReleaseSettings()
    decisions: Decisions = Decisions()
    work: WorkSettings = WorkSettings()
    retention: Review = Review()
    log: Log = Log()
    web: Web = Web()
    map: MapSettings = MapSettings()
    alerts: Alerts = Alerts()
    qlik: Qlik = Qlik()
    gaps: list[GapSettings] = Field(default_factory=list, description="Weeks without records, by the force's own word.")

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [tool.name for tool in self.tools]
        if len(set(names)) != len(names):
            raise ValueError("tools: two tools have one name")
        if sum(tool.kind == "people" for tool in self.tools) > 1:
            raise ValueError("tools: one tool about people at most")
        return self

    @field_validator("tools", "people", mode="after")
    @classmethod
    def _one_form(cls, value: Any, info: ValidationInfo) -> Any:
        """Offence codes in the form that the records hold them in."""
        force = info.data.get("force")
        if force is None or force.offence_codes != "home_office":
            return value
        if isinstance(value, PeopleSettings):
            return value.model_copy(update={"weapon_classes": _codes(value.weapon_classes)})
        return [_with_codes(tool) for tool in value]

    @property
    def places_tools(self) -> list[PlacesTool]:
        return [tool for tool in self.tools if isinstance(tool, PlacesTool)]

    @property
    def people_tool(self) -> PeopleTool | None:
        return next((tool for tool in self.tools if isinstance(tool, PeopleTool)), None)

    @property
    def gap_days(self) -> tuple[Gap, ...]:
        """The gaps as plain days, for the rooms that know no settings."""
        return tuple(Gap(gap.from_, gap.to, tuple(gap.areas)) for gap in self.gaps)

    def tool(self, name: str) -> PlacesTool | PeopleTool:
        for tool in self.tools:
            if tool.name == name:
                return tool
        raise SettingsRefused(
            "There is no such tool in the settings.",
            code="tool_unknown",
            next_step="Name one of: " + ", ".join(t.name for t in self.tools) + ".",
        )


def _paths(node: Any, trail: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Path]]:
    if isinstance(node, Path):
        return [(trail, node)]
    if isinstance(node, BaseModel):
        return [hit for name in type(node).model_fields for hit in _paths(getattr(node, name), (*trail, name))]
    if isinstance(node, list):
        return [hit for i, item in enumerate(node) for hit in _paths(item, (*trail, i))]
    return []


NOT_COPIED = {("feed", "inbox"), ("log", "checkpoint_dir"), ("log", "witnesses"), ("map", "shared_folder")}
LEFT_IN_PLACE = {("map", "ground"), ("map", "names")}  # too large to copy: the state remembers where they lie


def named_files(settings: Settings) -> dict[str, Path]:
    """Files that the settings name and a state keeps a copy of: dotted setting -> path as written."""
    return {".".join(map(str, trail)): path for trail, path in _paths(settings) if trail[:2] not in NOT_COPIED | LEFT_IN_PLACE}


def files_left_in_place(settings: Settings) -> dict[str, Path]:
    """Files and folders that the settings name and a state does not copy: dotted setting -> path as written."""
    return {".".join(map(str, trail)): path for trail, path in _paths(settings) if trail[:2] in LEFT_IN_PLACE}


def _fault(error: Any, name: str) -> Fault:
    column = ".".join(str(part) for part in error["loc"])
    return Fault(rule=str(error["msg"]), where=name, column=column or None)


def parse(text: str, name: str = "settings.toml") -> Settings:
    """Settings of a TOML text. Raises SettingsRefused with every fault at once, never a value."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(
            f"{name} is not TOML: {error}", code="settings_not_toml", next_step="Mend the line named and run `harmcast check` again."
        ) from None
    went = gone.faults(document, name)
    if went:
        raise SettingsRefused(
            f"{name} has {len(went)} setting(s) that are gone.",
            code="setting_gone",
            faults=went,
            next_step="Take them out; what holds instead is said beside each.",
        )
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        faults = tuple(_fault(e, name) for e in error.errors(include_input=False, include_url=False, include_context=False))
        raise SettingsRefused(
            f"{name} has {len(faults)} fault(s).",
            code="settings_invalid",
            faults=faults,
            next_step="Edit the settings named; docs/reference/settings.md lists every one.",
        ) from None


def read(path: Path) -> Settings:
    """Settings of a file; its relative paths stay relative to its folder (see `located`)."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError:
        raise SettingsRefused(
            "The settings file cannot be read.", code="settings_missing", next_step=f"Put a settings file at {path}."
        ) from None
    except UnicodeDecodeError:
        raise SettingsRefused(
            f"{path.name} is not UTF-8 text.", code="settings_not_text", next_step="Save it as UTF-8."
        ) from None
