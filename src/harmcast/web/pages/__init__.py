"""Pages, one module a part of the service. A new module makes a `pages = Pages()` and is named in `all_pages`."""

from __future__ import annotations

from harmcast.web.guard import Pages


def all_pages() -> list[Pages]:
    """Every part of the service, in the order its addresses are tried."""
    from harmcast.web.pages import (
        answers,
        area,
        area_files,
        audit,
        case_reviews,
        cell,
        decisions,
        exports,
        files,
        force_sign_in,
        ground,
        health,
        home,
        invitation,
        kept,
        log,
        looks,
        notices,
        people,
        person,
        pseudonymised,
        quality,
        recommendation,
        register,
        releases,
        representations,
        requests,
        retention,
        roles,
        signing_in,
        supervisor,
        tour,
        track_record,
        training,
        users,
    )

    areas = (
        files, health, home, signing_in, kept, force_sign_in, invitation, notices, area_files, area, ground, cell, recommendation, track_record, training, tour, users,
        roles, looks,
    )  # fmt: skip
    about_people = (people, person, decisions, pseudonymised, case_reviews, supervisor, exports)
    oversight = (answers, audit, register, releases, quality, requests, log, retention, representations)
    return [module.pages for module in (*areas, *about_people, *oversight)]
