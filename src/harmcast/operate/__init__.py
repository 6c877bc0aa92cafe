"""Running it: health, figures, alerts, the weekly service, reloads."""
