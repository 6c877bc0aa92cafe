"""Settings of judgement: the written bars of the audit, of the monitor, and for a trial.

Each is our choice with its reason in the sentence; a force may set another, in writing, before it sees the figures.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from harmcast.settings.section import SettingsSection

ATTRIBUTES = ("age_band", "sex", "ethnicity_self", "ethnicity_officer")


class Fairness(SettingsSection):
    """Written thresholds of the audit (`fairness/thresholds.py` keeps the same defaults; a test compares them)."""

    ratio_concern: float = Field(
        0.8, gt=0, lt=1, description="A group put high, wrongly put high or missed under this often for each of the reference group, or over one over it, is a concern, ratio."
    )
    ratio_stop: float = Field(
        0.5, gt=0, lt=1, description="Wrongly put high or missed outside this and one over it even at the near end of its interval stops the release, ratio."
    )
    records_ratio_concern: float = Field(
        0.9, gt=0, lt=1, description="A group whose charges fall away, or rest on police activity alone, over one over this often for each of others' is a concern, ratio."
    )
    family_error: float = Field(
        0.01, gt=0, lt=1, description="Chance that an audit with nothing wrong says concern, taken over all shares it judges together by Holm's rule, share."
    )
    like_for_like: list[str] = Field(
        ["ethnicity_self", "ethnicity_officer"],
        description="Attributes for which unequal selection itself is judged; for others it is printed, because offending differs by age and sex.",
    )
    police_found_classes: list[str] = Field(
        ["008/11", "008/12", "008/13", "008/26", "010", "033", "054", "062", "066", "077", "081", "083", "092", "093", "193", "803", "807"],
        description="Offence codes (a class stands for its codes) that mostly come to notice by police activity.",
    )
    proxy_concern_auc: float = Field(0.65, ge=0.5, le=1, description="A feature alone predicting a protected group above this is a concern, which two people must lift, AUC.")
    proxy_refuse_auc: float = Field(0.75, ge=0.5, le=1, description="A feature alone predicting a protected group above this is refused, AUC.")
    proxy_judged_half_width: float = Field(0.05, gt=0, description="A proxy's strength is judged where the half-width of its interval is at most this, AUC.")
    proxy_noted: list[str] = Field(
        ["age_band"], description="Attributes for which proxies are printed, not judged: every count of past events grows with age."
    )
    feedback_error: float = Field(0.01, gt=0, lt=0.5, description="Chance of a feedback alarm although records do not follow patrols, share.")
    places_ratio_concern: float = Field(
        0.8, gt=0, le=1, description="Recorded over forecast in a deprivation fifth, relative to the whole, outside this and one over it is a concern, ratio."
    )
    places_ratio_stop: float = Field(
        0.5, gt=0, le=1, description="The same, outside this and one over it even at the near end of its interval, stops the release, ratio."
    )
    places_judged_half_width: float = Field(0.2, gt=0, description="That ratio is judged where the half-width of its interval is at most this, ratio.")

    @model_validator(mode="after")
    def _bars_in_order(self) -> Self:
        if self.ratio_stop > self.ratio_concern or self.proxy_refuse_auc < self.proxy_concern_auc or self.places_ratio_stop > self.places_ratio_concern:
            raise ValueError("the bar of a stop lies beyond the bar of a concern")
        for name in ("like_for_like", "proxy_noted"):
            if set(getattr(self, name)) - set(ATTRIBUTES):
                raise ValueError(f"{name}: only " + ", ".join(ATTRIBUTES))
        return self


class AuditSettings(SettingsSection):
    """Who is held against whom: how protected columns become groups."""

    age_edges: list[int] = Field([18, 25, 35, 50], description="First age of each age band after the youngest, years.")
    sexes: dict[str, str] = Field(
        default_factory=dict, description="The force's own codes of sex -> `male`, `female` or another label, over the shipped ones."
    )
    ethnicities: dict[str, str] = Field(
        default_factory=dict, description="The force's own codes of ethnicity -> a label, over the shipped 16+1 and IC codes."
    )
    references: dict[str, str] = Field(
        default_factory=dict,
        description="Attribute (`age_band`, `sex`, `ethnicity_self`, `ethnicity_officer`) -> group that others are held against; default: the largest recorded.",
    )

    @model_validator(mode="after")
    def _rising_ages(self) -> Self:
        if not self.age_edges or self.age_edges[0] < 1 or any(b <= a for a, b in pairwise(self.age_edges)):
            raise ValueError("age_edges: rising ages from 1")
        if set(self.references) - set(ATTRIBUTES):
            raise ValueError("references: only " + ", ".join(ATTRIBUTES))
        return self


class MonitorSettings(SettingsSection):
    """When the monitor speaks (`evaluate/monitor_thresholds.py` keeps the same defaults; a test compares them)."""

    false_alarms: float = Field(0.2, gt=0, description="False alarms expected in 104 weeks over everything watched together, alarms.")
    level_allowance: float = Field(0.4, gt=0, lt=1, description="Share of those false alarms that the forecast levels have: few charts, and the ones that matter most, share.")
    reference_weeks: int = Field(52, ge=13, description="Weeks from which it is learned how far one week foretells the next, weeks.")
    least_past_weeks: int = Field(26, ge=6, description="Weeks a series must have before its chart speaks, weeks.")
    least_a_week: float = Field(8.0, ge=0, description="Bins with fewer than this a week, on average in the reference weeks, are put together, count.")
    least_share: float = Field(0.03, ge=0, lt=1, description="Bins with less than this share of the reference weeks are put together too, share.")
    least_stock_spread: float = Field(
        0.6, ge=0, description="A stock's weekly change is never taken to be steadier than this share of the noise of as many fresh draws, share."
    )
    break_error: float = Field(0.01, gt=0, lt=1, description="A break in a base rate is told where chance would give one as large less often than this, share.")
    calibration_low: float = Field(0.5, gt=0, le=1, description="Recorded over forecast surely below this over the last periods suspends the tool, ratio.")
    calibration_high: float = Field(2.0, ge=1, description="Recorded over forecast surely above this over the last periods suspends the tool, ratio.")
    calibration_periods: int = Field(13, ge=3, description="Last completed periods of four weeks that calibration is taken over, periods.")
    calibration_watch: float = Field(
        1.2, gt=1, description="Recorded over forecast surely outside this, or one over it, over the same periods is watched, ratio."
    )
    recent_weeks: int = Field(8, ge=1, description="An alarm is open for so many weeks after it was raised, weeks.")
    suspend_inputs_share: float = Field(
        0.5, gt=0, le=1, description="This share of the inputs, and more than one, in open alarm together suspends the tool: the feed is not what it was, share."
    )


class ShadowBar(SettingsSection):
    """One line of the bar for a trial, written before the tool runs."""

    figure: str = Field(description="Figure of the scores that is held against it, pooled over what came.")
    says: str = Field(description="The line in words.")
    model: str = Field("", description="Which method's figure; empty: the one released.")
    at_least: float | None = Field(None, description="The figure must be at least this.")
    at_most: float | None = Field(None, description="The figure must be at most this.")
    holds: float | None = Field(None, description="The range of the figure must hold this.")
    n: int = Field(0, ge=0, description="How many the figure must rest on before it is judged: for people, how many the chances expected.")
    surely: bool = Field(False, description="Whether the whole range of the figure must lie inside the bar, not the figure alone.")


class ShadowSettings(SettingsSection):
    weeks_asked: int = Field(
        26, gt=0, description="Weeks a places tool runs in shadow before a trial can be asked for, weeks. The tool about people runs until its bar rests on enough."
    )
    places_bar: list[ShadowBar] = Field(
        [
            ShadowBar(figure="coverage_90", says="Ranges hold: of ranges that should hold 90 in 100, at least 85 do.", at_least=0.85, n=2000),
            ShadowBar(figure="total_error", says="The force's total is off by at most a quarter.", at_most=0.25, n=200),
            ShadowBar(figure="log_score_gain", says="It places crime better than the 24-month count with the same total and spread (log score).", at_least=0.0, n=2000),
            ShadowBar(figure="hit_rate_gain", says="Its 20 places hold no fewer offences than the count's 20, within 2 in 100.", at_least=-0.02, n=200),
        ],
        description="Bar for a trial of a places tool.",
    )
    people_bar: list[ShadowBar] = Field(
        [
            ShadowBar(
                figure="came_over_said_12m",
                says="As many became high harm as the chances said: the range of came over said holds 1 and lies within .67 to 1.5.",
                at_least=0.67,
                at_most=1.5,
                holds=1.0,
                n=100,
                surely=True,
            ),
            ShadowBar(figure="calibration_slope_12m", says="Chances are neither too bold nor too shy: the range of the slope over years holds 1.", holds=1.0, n=100),
            ShadowBar(figure="tenths_inside_12m", says="Of ten tenths of chance, in 8 what came lies inside the group range and the noise of so many.", at_least=8.0, n=100),
            ShadowBar(
                figure="gain_at_capacity_12m",
                says="As many people as a unit can consider: the card's first hold surely no fewer who became than plain harm's first, less a tenth.",
                at_least=-0.1,
                n=100,
                surely=True,
            ),
            ShadowBar(figure="net_benefit_12m", says="Considering the card's first is worth it at the share of looks that must be useful.", at_least=0.0, n=100),
            ShadowBar(figure="net_benefit_over_plain_12m", says="It is worth no less than considering plain harm's first.", at_least=0.0, n=100),
        ],
        description="Bar for a trial of the tool about people.",
    )
