"""The feedback check: quiet where patrols only follow crime, loud where records follow patrols."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from harmcast.fairness.audit import audit_places
from harmcast.fairness.feedback import Feedback, check, panel, simulate, with_and_without
from harmcast.fairness.thresholds import Thresholds

T = Thresholds()


def test_nothing_planted_keeps_its_word() -> None:
    found = [check(simulate(seed, 0.0, cells=150, windows=26)[0], T) for seed in range(40)]
    assert sum(f.alarm for f in found) <= 2
    strengths = [f.z for f in found if f.z is not None]
    assert abs(np.mean(strengths)) < 0.6
    assert np.std(strengths) < 1.5


def test_records_that_follow_patrols_are_found() -> None:
    found = [check(simulate(seed, 0.6)[0], T).alarm for seed in range(10)]
    assert sum(found) >= 9


def test_patrols_sent_after_crime_are_no_alarm() -> None:
    """Patrols early in a window go where something has just happened; crime clusters in time; nothing follows patrols."""
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows, cells = [], 200
        rate = rng.gamma(0.5, 1.0, cells)
        for w in range(26):
            burst = rng.gamma(2.0, 0.5, cells)
            early, late = rng.poisson(rate * burst / 2), rng.poisson(rate * burst / 2)
            minutes = 30.0 * early + rng.gamma(1, 10, cells)
            rows.append(
                pl.DataFrame(
                    {"origin": [date(2024, 1, 1) + timedelta(days=28 * w)] * cells, "cell": [f"{i:03d}" for i in range(cells)],
                     "expected": rate, "early": early, "late": late, "minutes": minutes, "minutes_all": minutes}
                )
            )
        alarms += check(pl.concat(rows), T).alarm
    assert alarms <= 2


def test_too_little_is_said() -> None:
    rows, _ = simulate(1, 0.5, windows=4)
    found = check(rows, T)
    assert found.z is None
    assert not found.alarm
    assert found.reason


def test_panel_places_events_in_windows_and_halves() -> None:
    origins = [date(2026, 1, 5), date(2026, 2, 2)]
    forecast = pl.DataFrame({"origin": origins * 2, "cell": ["a", "a", "b", "b"], "expected": [1.0] * 4})
    crimes = pl.DataFrame(
        {"cell": ["a", "a", "a", "b", "a"], "happened_on": [date(2026, 1, 5), date(2026, 1, 18), date(2026, 1, 19), date(2026, 2, 2), date(2026, 3, 2)]}
    )
    activity = pl.DataFrame({"cell": ["a", "a"], "started_on": [date(2026, 1, 6), date(2026, 1, 30)], "minutes": [30.0, 20.0]})
    rows = panel(forecast, crimes, activity)
    first = rows.filter((pl.col("cell") == "a") & (pl.col("origin") == origins[0])).row(0, named=True)
    assert (first["early"], first["late"], first["minutes"], first["minutes_all"]) == (2, 1, 30.0, 50.0)
    assert rows["early"].sum() + rows["late"].sum() == 4  # the last lies after every window


def test_parts_add_up_to_the_whole() -> None:
    rows, _ = simulate(3, 0.5)
    table = with_and_without(rows)
    whole, patrolled, rest = (table.row(i, named=True) for i in range(3))
    for column in ("cell_windows", "recorded", "in_top"):
        assert whole[column] == patrolled[column] + rest[column]
    assert whole["expected"] == pytest.approx(patrolled["expected"] + rest["expected"])


def test_simulated_loop_moves_the_map_away_from_conduct() -> None:
    for seed in range(3):
        story = simulate(seed, 0.8)[1]
        assert (story["patrolled_share"] - story["true_share"]).tail(20).mean() > 0.05
        quiet = simulate(seed, 0.0)[1]
        assert abs((quiet["patrolled_share"] - quiet["true_share"]).tail(20).mean()) < 0.05


def test_audit_of_places_carries_the_alarm() -> None:
    rows, _ = simulate(4, 0.8)
    days = {"early": 2, "late": 20}
    crimes = pl.concat(
        [rows.filter(pl.col(part) > 0).select("cell", (pl.col("origin") + pl.duration(days=d)).alias("happened_on"), pl.col(part).alias("n"))
         .select(pl.col("cell", "happened_on").repeat_by("n").explode()) for part, d in days.items()]
    )
    activity = rows.filter(pl.col("minutes") > 0).select("cell", (pl.col("origin") + pl.duration(days=1)).alias("started_on"), "minutes")
    outcomes = rows.select("origin", "cell", recorded=pl.col("early") + pl.col("late"))
    audit = audit_places(rows.select("origin", "cell", "expected"), outcomes, None, activity, T, crimes=crimes)
    assert audit.verdict == "concern"
    assert audit.findings[0].name == "feedback/records_follow_patrols"
    assert (audit.findings[0].verdict, audit.findings[0].severity >= 1) == ("concern", True)
    assert "Do records follow patrols?" in audit.extra


def by_hand(rows: pl.DataFrame) -> tuple[float, float, float, float]:
    """The check in loops: z, and what a standard deviation of patrols adds with its range."""
    from scipy.optimize import minimize

    origins, cells = sorted(rows["origin"].unique()), sorted(rows["cell"].unique())
    at = {(row["origin"], row["cell"]): row for row in rows.iter_rows(named=True)}
    level = [np.log(max(sum(at[o, c]["late"] for c in cells), 1)) for o in origins]
    y, moved, design, whose = [], [], [], []
    for w, origin in enumerate(origins[3:], start=3):
        for cell in cells:
            now, past = at[origin, cell], [at[o, cell] for o in origins[:w]]
            seen = [one["early"] + one["late"] for one in past]
            patrols = [np.log(1 + one["minutes"]) for one in past]
            row = [np.log(max(now["expected"], 1e-4)), np.log(1 + now["early"]), np.log(1 + seen[-1]), np.log(sum(seen) / w + 0.05), sum(patrols) / w]
            design.append([1.0, *row, *[v * v for v in row], level[w] - sum(level[3:]) / len(level[3:])])
            y.append(float(now["late"]))
            moved.append(np.log(1 + now["minutes"]) - sum(patrols) / w)
            whose.append(cell)
    late, x, m = np.array(y), np.array(design), np.array(moved)
    scaled = x.copy()
    scaled[:, 1:] = (x[:, 1:] - x[:, 1:].mean(axis=0)) / x[:, 1:].std(axis=0)

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        mean = np.exp(scaled @ b)
        return float(mean.sum() - late @ (scaled @ b) + 5e-4 * (b[1:] ** 2).sum()), scaled.T @ (mean - late) + 1e-3 * np.r_[0, b[1:]]

    fitted = np.exp(scaled @ minimize(loss, np.r_[np.log(late.mean()), np.zeros(x.shape[1] - 1)], jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000}).x)
    weighted = scaled * fitted[:, None]
    cleared = m - scaled @ np.linalg.solve(scaled.T @ weighted, weighted.T @ m)
    parts = [sum((late[k] - fitted[k]) * cleared[k] for k in range(len(late)) if whose[k] == cell) for cell in cells]
    score, noise, information = sum(parts), np.sqrt(sum(p * p for p in parts)), (fitted * cleared**2).sum()
    spread = np.sqrt(information / fitted.sum())
    slope, half = score / information * spread, 1.96 * noise / information * spread
    return score / noise, np.expm1(slope), np.expm1(slope - half), np.expm1(slope + half)


@pytest.mark.parametrize(("seed", "follow"), [(2, 0.8), (5, 0.0)])
def test_the_check_is_that_of_plain_steps(seed: int, follow: float) -> None:
    rows = simulate(seed, follow, cells=40, windows=9, patrolled=8)[0]
    found = check(rows.sample(fraction=1, shuffle=True, seed=1), T)
    assert (found.z, found.extra_share, found.extra_low, found.extra_high) == pytest.approx(by_hand(rows), abs=2e-3)
    assert (found.records, found.windows, found.reason) == (rows["late"].sum(), 9, None)
    assert found.z is not None
    for error, alarm in ((0.5, found.z > 0), (1e-9, False)):
        assert check(rows, Thresholds(feedback_error=error)).alarm is alarm


def test_what_a_check_needs_at_the_least() -> None:
    rows = simulate(2, 0.5, cells=40, windows=6, patrolled=8)[0]
    told = check(rows, T)
    assert (told.reason, told.windows) == (None, 6)
    five = check(rows.filter(pl.col("origin") < rows["origin"].max()), T)
    assert (five.z, five.windows, five.alarm, five.reason) == (None, 5, False, "fewer than 6 windows or 50 records")
    order = rows.sort("origin", "cell").with_columns(late=0).with_row_index()
    for records in (49, 50):
        few = check(order.with_columns(late=(pl.col("index") % 4 == 0) & (pl.col("index") < 4 * records)), T)
        assert few.records == records
        assert (few.reason is None) == (records == 50)
    told_why = Feedback(None, None, None, None, False, int(rows["late"].sum()), 6, "patrols never change")
    by_cell = pl.col("cell").rank("dense") * 7.1
    for minutes in (pl.lit(0.0), pl.lit(30.0), by_cell):  # a mean of equal numbers may differ from them in its last digit
        assert check(rows.with_columns(minutes=minutes), T) == told_why
    once = pl.when(pl.int_range(pl.len()) == rows.height - 1).then(31.0).otherwise(30.0)
    assert check(rows.sort("origin", "cell").with_columns(minutes=once), T).reason != "patrols never change"
    with pytest.raises(ValueError, match="every cell at every origin"):
        check(rows.head(rows.height - 1), T)


def test_a_panel_ends_a_window_on_its_last_day_and_its_first_half_too() -> None:
    origin, cells = date(2026, 1, 5), ["a", "b"]
    forecast = pl.DataFrame({"origin": [origin] * 2, "cell": cells, "expected": [1.5, 0.5]})
    days = {"b": [-1, 0, 13, 14, 27, 28]}
    crimes = pl.DataFrame({"cell": ["b"] * 6, "happened_on": [origin + timedelta(days=d) for d in days["b"]]})
    walks = pl.DataFrame({"cell": ["b"] * 6 + ["elsewhere"], "started_on": [origin + timedelta(days=d) for d in [*days["b"], 3]], "minutes": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]})
    assert panel(forecast, crimes, walks).rows() == [(origin, "a", 1.5, 0, 0, 0.0, 0.0), (origin, "b", 0.5, 2, 2, 6.0, 30.0)]
    assert panel(forecast, crimes, walks, days=14).row(1) == (origin, "b", 0.5, 1, 1, 2.0, 6.0)


def test_the_track_record_with_and_without_patrols_row_by_row() -> None:
    rows = pl.DataFrame({"origin": [1, 1, 1], "cell": ["a", "b", "c"], "expected": [4.0, 3.0, 0.0], "early": [1, 2, 0], "late": [2, 0, 0], "minutes": [0.0, 0.0, 0.0], "minutes_all": [0.0, 5.0, 0.0]})
    assert with_and_without(rows, top=1).rows() == [
        ("all cells", 3, 7.0, 5, pytest.approx(5 / 7), 3, pytest.approx(0.6)), ("patrolled cells", 1, 3.0, 2, pytest.approx(2 / 3), 0, 0.0), ("cells not patrolled", 2, 4.0, 3, 0.75, 3, 1.0),
    ]  # fmt: skip
    assert with_and_without(rows.tail(1)).rows()[1:] == [("patrolled cells", 0, 0.0, 0, None, 0, None), ("cells not patrolled", 1, 0.0, 0, None, 0, None)]


def test_a_simulated_place_is_what_it_says() -> None:
    rows, story = simulate(3, 0.5, cells=50, windows=8, patrolled=12)
    assert rows["origin"].unique().sort().to_list() == story["origin"].to_list() == [date(2023, 1, 2) + timedelta(days=28 * w) for w in range(8)]
    assert (rows["minutes_all"] - 2 * rows["minutes"]).abs().max() == 0
    heat: list[np.ndarray] = []
    before = np.zeros(50)
    for w, (part, told) in enumerate(zip(rows.partition_by("origin", maintain_order=True), story.iter_rows(named=True), strict=True)):
        records, here = (part["early"] + part["late"]).to_numpy(), (part["minutes"] > 0).to_numpy()
        assert part["cell"].to_list() == [f"c{k:04d}" for k in range(50)]
        assert 9 <= here.sum() <= 12  # nine of the hottest, three by chance, who may be the same
        assert told["patrolled_share"] == pytest.approx(records[here].sum() / records.sum())
        assert 0 < told["true_share"] < 1
        level = part["expected"].to_numpy()
        if w == 0:
            assert len(set(level)) == 1
        else:
            assert np.allclose(level, 0.8 * before + 0.2 * heat[-1])
            past = sum(heat[-3:])
            assert here[past > np.sort(past)[-9]].all()
        before = level
        heat.append(records)
    rates = [simulate(seed, 3.0, cells=400, windows=6, patrolled=40)[0] for seed in range(2)]
    quiet = [simulate(seed, 0.0, cells=400, windows=6, patrolled=40)[0] for seed in range(2)]
    for loud, still in zip(rates, quiet, strict=True):  # the first window alone has the same patrols in both
        here = loud.head(400).filter(pl.col("minutes") > 0)
        beside = still.head(400).filter(pl.col("minutes") > 0)
        assert here["cell"].equals(beside["cell"])
        assert (here["early"] + here["late"]).sum() > 2 * (beside["early"] + beside["late"]).sum()
