"""What every section of the settings has in common: unknown keys are refused, and nothing changes after reading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
