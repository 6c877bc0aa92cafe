"""The written thresholds of the audit: each a number with a unit and the sentence that gives its reason.

The names that `[fairness]` in the settings carries mean the same here; `Thresholds.chosen` takes them over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from harmcast.documents.audit import AuditLimit


def _threshold(default: Any, says: str, unit: str) -> Any:
    return field(default=default, metadata={"says": says, "unit": unit})


@dataclass(frozen=True)
class Thresholds:
    """When the audit says met, concern or stop. All of it is our choice; a force may set it otherwise, in writing."""

    ratio_concern: float = _threshold(
        0.8,
        "A group wrongly put high, missed or put high under this often for each of the reference group, or over one over this, is a concern "
        "if chance alone would not give it (four fifths). Met: the whole 95% interval lies inside.",
        "ratio",
    )
    ratio_stop: float = _threshold(
        0.5,
        "Wrongly put high or missed outside this and one over this even at the near end of the interval stops the release.",
        "ratio",
    )
    records_ratio_concern: float = _threshold(
        0.9,
        "A group whose charges fall away, or rest on police activity alone, over one over this often for each of others', or whose hits are "
        "upheld under this often, is a concern.",
        "ratio",
    )
    family_error: float = _threshold(
        0.01,
        "Chance that an audit with nothing wrong, taken over all shares it judges together (Holm), says concern.",
        "share",
    )
    like_for_like: tuple[str, ...] = _threshold(
        ("ethnicity_self", "ethnicity_officer"),
        "Attributes for which unequal selection itself is judged. For age and sex it is printed, and what is judged is whether predictions hold, because offending differs by both.",
        "attributes",
    )
    police_found_classes: tuple[str, ...] = _threshold(
        (
            "008/11",
            "008/12",
            "008/13",
            "008/26",
            "010",
            "033",
            "054",
            "062",
            "066",
            "077",
            "081",
            "083",
            "092",
            "093",
            "193",
            "803",
            "807",
        ),
        "Offence codes (a class stands for its codes) that mostly come to notice by police activity: possession of weapons or drugs, going equipped, handling, driving.",
        "offence codes",
    )
    proxy_concern_auc: float = _threshold(
        0.65,
        "A feature alone that tells a protected group from the rest above this is a concern, which two people must lift.",
        "AUC",
    )
    proxy_refuse_auc: float = _threshold(
        0.75, "A feature alone that tells a protected group from the rest above this is refused.", "AUC"
    )
    proxy_judged_half_width: float = _threshold(
        0.05, "A proxy's strength is judged where the half-width of its interval is at most this.", "AUC"
    )
    proxy_noted: tuple[str, ...] = _threshold(
        ("age_band",),
        "Attributes for which proxies are printed, not judged: every count of past events grows with age. Predictions by age are judged instead.",
        "attributes",
    )
    feedback_error: float = _threshold(
        0.01,
        "Chance that the feedback check raises its alarm although records do not follow patrols.",
        "share",
    )
    places_ratio_concern: float = _threshold(
        0.8,
        "Recorded over forecast in a deprivation fifth, relative to the whole, outside this and one over this is a concern if chance alone would not give it. Met: the whole 95% interval lies inside.",
        "ratio",
    )
    places_ratio_stop: float = _threshold(
        0.5,
        "The same, outside this and one over this even at the near end of its interval, stops the release.",
        "ratio",
    )
    places_judged_half_width: float = _threshold(
        0.2, "That ratio is judged where the half-width of its interval is at most this.", "ratio"
    )

    @classmethod
    def chosen(cls, settings: Mapping[str, Any]) -> Thresholds:
        """The thresholds with those a force has set; names that mean nothing here are left alone."""
        known = {f.name for f in fields(cls)}
        own: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in settings.items()
            if name in known
        }
        return cls(**own)

    def document(self) -> list[AuditLimit]:
        """Every threshold with its value, unit and sentence, as rows ready for JSON."""
        values = asdict(self)
        return [
            {
                "name": f.name,
                "value": list(values[f.name]) if isinstance(values[f.name], tuple) else values[f.name],
                "unit": f.metadata["unit"],
                "says": f.metadata["says"],
            }
            for f in fields(self)
        ]
