"""harmcast: weekly forecasts of harm by place and by person, for a police force that has to answer for them."""

__version__ = "0.1.0"
