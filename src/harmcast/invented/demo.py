"""The demo: an invented force from its first delivery to the dashboards, with people to log in as."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

from harmcast.errors import NotFit, SettingsRefused
from harmcast.operate import qlik
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, shown
from harmcast.runs import ground
from harmcast.runs.refit import refit_people
from harmcast.runs.release_moves import publish_release
from harmcast.store.state import State, create, open_state
from harmcast.store.users import Actor
from harmcast.weekly import run_week
from harmcast.weeks import Week, last_complete_week

PEOPLE, YEARS, WEEKS, SEED = 12_000, 4.0, 9, 47
SETTER_UP = Event("demo", "operator", "administration", "demo_set_up")


def make_demo(state_folder: Path, deliveries: Path) -> State:
    """The demo's state: made if it is not there, else opened. The invented force ends with the last complete week."""
    if (state_folder / "secret").is_file():
        return open_state(state_folder)
    with shown() as progress:
        say = _spoken(progress)
        say("Inventing a force", 0.0)
        last = last_week()
        _invented(deliveries, last, part(say, 0.0, 0.15))
        beside = state_folder.with_name(f".{state_folder.name}.making")
        shutil.rmtree(beside, ignore_errors=True)
        state = create(beside, deliveries / "settings.toml", "demo")
        if not state.settings.force.invented:
            raise SettingsRefused("The demo is for an invented force only.", code="demo_not_invented")
        say("Reading the ground", 0.14)
        ground.compile_ground(state, "demo")
        _run(state, deliveries, part(say, 0.15, 1.0))
        state.close()
        beside.rename(state_folder)
    return open_state(state_folder)


def last_week() -> date:
    """The Sunday the demo's records end with: its Monday delivery has been made by today."""
    return last_complete_week(date.today() - timedelta(days=1)).sunday


def _spoken(progress: Progress) -> Progress:
    """Progress on a terminal, and a printed line a stage where there is none, so that a log shows it too."""
    import sys
    import time

    begun, said = time.monotonic(), [""]

    def update(stage: str, share: float) -> None:
        progress(stage, share)
        if not sys.stderr.isatty() and stage != said[0]:
            said[0] = stage
            print(f"  {time.monotonic() - begun:5.0f} s  {stage}", file=sys.stderr, flush=True)

    return update


def _invented(folder: Path, to: date, progress: Progress) -> None:
    from harmcast.invented.making import invent

    stamp = folder / ".made"
    wanted = f"{PEOPLE} {YEARS} {SEED} {to} {WEEKS}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    invent(folder, people=PEOPLE, years=YEARS, seed=SEED, to=to, weeks=WEEKS, progress=progress)
    stamp.write_text(wanted)


def _run(state: State, deliveries: Path, progress: Progress) -> None:
    from harmcast.runs.accept import accept_load
    from harmcast.runs.load import load_delivery

    folders = sorted(p for p in (deliveries / "deliveries").iterdir() if (p / "manifest.json").is_file())
    operator = Actor("demo", "Demo", (("operator", None),))
    first = load_delivery(state, folders[0], operator.account, progress=part(progress, 0.0, 0.2))
    if first.load is not None:
        accept_load(state, first.load, operator, "Invented for the demo: there are no figures to compare it with", progress=part(progress, 0.2, 0.25))
    _people_who_use_it(state)
    first_monday = Week.of(last_week()).plus(2 - len(folders[1:])).monday
    registered(state, first_monday, date.today())
    scientist, supervisor = state.users.get("scientist"), state.users.get("supervisor")
    for tool in [state.settings.people_tool] if state.settings.people_tool else []:
        progress("Fitting the first person model", 0.25)
        refitted = refit_people(state, tool.name, first_monday - timedelta(days=7), scientist)
        publish_release(state, str(refitted.document["model"]), supervisor, "First model of the demo", first_monday)
    for number, folder in enumerate(folders[1:]):
        monday = first_monday + timedelta(days=7 * number)
        share = 0.35 + 0.65 * number / len(folders[1:])
        progress(f"Week {Week.of(monday)}", share)
        result = run_week(state, monday, operator, delivery=folder)
        if any(standing in ("draft", "held") for standing, _ in result.standings.values()):
            _let_out(state, result.name, (scientist, supervisor), monday)
    qlik.refresh(state, operator.account, "operator")


def _let_out(state: State, name: str, people: tuple[Actor, ...], monday: date) -> None:
    """Two people look at a held or draft week; what the audit or the register holds stays held, as it would."""
    for person in people:
        try:
            publish_release(state, name, person, "Looked at in the demo", monday)
        except NotFit:
            return


def _people_who_use_it(state: State) -> None:
    from harmcast.invented.demo_logins import demo_users

    demo_users(state, sorted(set(state.records.persons()["unit"].drop_nulls().to_list())))


def registered(state: State, first_use: date, today: date) -> None:
    """Approvals of the invented force: invented, and said to be. In use from the day of its first release, in shadow before."""
    since = min(today - timedelta(days=400), first_use)
    review = today + timedelta(days=300)
    for tool in state.settings.tools:
        state.register.set_status(tool.name, "shadow", since, "Invented for the demo", SETTER_UP)
        for kind, who in (("dpia", "Invented data protection officer"), ("legal", "Invented legal adviser"), ("ethics", "Invented ethics committee"), ("standing_approval", "Invented owner")):
            state.register.enter(
                {
                    "tool": tool.name,
                    "kind": kind,
                    "title": "Invented for the demo",
                    "outcome": "approved",
                    "dated": since,
                    "by_whom": who,
                    "document_ref": f"DEMO-{kind.upper()}-{tool.name}",
                    "conditions": None,
                    "review_by": review,
                },
                SETTER_UP,
            )
        state.register.set_status(tool.name, "in use", first_use, "Invented for the demo", SETTER_UP)
        state.register.describe(tool.name, {**DESCRIBED["any"], **DESCRIBED[tool.kind]}, SETTER_UP, since)
    for kind, who, outcome, title in PAPERS:
        entry = {"tool": None, "kind": kind, "title": title, "outcome": outcome, "dated": since, "by_whom": who}
        held = outcome != "none made"
        state.register.enter(
            entry | {"document_ref": f"DEMO-{kind.upper()}" if held else None, "conditions": None, "review_by": review if held else None}, SETTER_UP
        )


DESCRIBED = {
    "any": {
        "owner": "Head of Intelligence (invented)",
        "made_by": "In-house, Data Analytics Lab (invented)",
        "cost": "Two analysts' time and one server; no licence (invented)",
        "website": "force.example/tools",
        "contact": "tools@force.example",
        "objections_to": "The Data Protection Officer, dpo@force.example",
    },
    "places": {
        "purpose": "To show where serious harm may come in the next four weeks, so that help and patrols can be offered there first.",
        "policy_purpose": "Fewer people injured: part of the force's plan against serious violence (invented).",
        "users": "The intelligence team of the serious violence project",
        "decisions_supported": "Which places the team recommends to force tasking. People at tasking decide.",
        "previous_process": "Maps of the last four weeks, drawn by hand.",
    },
    "people": {
        "purpose": "To find people whose harm may grow while support can still change that.",
        "policy_purpose": "Integrated offender management: earlier support, and fewer victims (invented).",
        "users": "Local Offender Management Units, each for its own people",
        "decisions_supported": "Whether a unit considers support for a person who was charged. Officers decide, and a supervisor signs a referral.",
        "previous_process": "Lists kept by each unit, by officers' own judgement.",
    },
}
PAPERS = (
    ("policy", "Invented head of intelligence", "approved", "How the tools may be used"),
    ("technical_paper", "Invented Data Analytics Lab", "approved", "The method in formulas"),
    ("training_material", "Invented Data Analytics Lab", "approved", "Methodology, demonstration and recording"),
    ("appropriate_policy", "Invented data protection officer", "approved", "Appropriate policy document"),
    ("eia", "Invented policy team", "none made", "Left out of the demo, so that a gap is seen as one"),
)


def welcome(state: State, host: str, port: int, serves: bool = True) -> list[str]:
    """What the demo prints at its end: where to look, or how to serve it, and whom to log in as (passwords are new each time)."""
    from harmcast.invented.demo_logins import demo_users, printed

    return [
        "",
        f"{state.settings.force.name}: nobody in it exists.",
        f"Dashboards: http://{host}:{port}" if serves else f"Dashboards: harmcast serve {state.root}",
        "",
        printed(demo_users(state, sorted(set(state.records.persons()["unit"].drop_nulls().to_list())))),
        "",
    ]
