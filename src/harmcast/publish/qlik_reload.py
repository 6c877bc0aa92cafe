"""Qlik is asked to reload: the one request that leaves for it, and only where the settings name its server.

A reload that cannot be started never holds a release back: what was published stands, and the operator is told.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from uuid import UUID

from harmcast.errors import Fault, RunStopped, SettingsRefused
from harmcast.settings import Qlik

SECONDS = 30.0
NOT_STARTED = UUID(int=0)


def task_of(settings: Qlik) -> UUID:
    """The task to start. Raises SettingsRefused (`qlik_incomplete`) with everything that is missing or is not there."""
    faults = [Fault("setting_missing", f"qlik.{name}", next_step="set it") for name in ("reload_task", "certificate", "key", "root_certificate") if not getattr(settings, name)]
    for name in ("certificate", "key", "root_certificate"):
        path = getattr(settings, name)
        if path and not Path(path).is_file():
            faults.append(Fault("file_missing", f"qlik.{name}", next_step="put the file there, or name another"))
    try:
        task = UUID(settings.reload_task or str(NOT_STARTED))
    except ValueError:
        task = NOT_STARTED
        faults.append(Fault("not_a_uuid", "qlik.reload_task", next_step="copy the task's id from the management console"))
    if faults:
        raise SettingsRefused("The settings for reloading Qlik are not complete.", code="qlik_incomplete", faults=tuple(faults))
    return task


def start(settings: Qlik) -> str:
    """Starts the reload task and gives its execution session's id; does not wait for its end.

    Raises: SettingsRefused (`qlik_incomplete`, `qlik_not_installed`); RunStopped (`qlik_not_reloaded`).
    """
    task = task_of(settings)
    client = _client(settings)
    answer = client.post(endpoint=f"/qrs/task/{task}/start/synchronous")
    session = str((answer or {}).get("value") or NOT_STARTED)
    if session == str(NOT_STARTED):
        raise RunStopped(
            "Qlik did not start the reload.",
            code="qlik_not_reloaded",
            next_step="Look at the task in Qlik's management console; the release itself is out. `harmcast reload STATE` asks again.",
        )
    return session


def _client(settings: Qlik) -> Any:
    try:
        from qrs_api_client.auth import AuthManager
        from qrs_api_client.client import QRSClient
    except ImportError:
        raise SettingsRefused(
            "qlik.reload_server is set, and the client for it is not installed.",
            code="qlik_not_installed",
            next_step="Install harmcast with the extra `qlik`.",
        ) from None
    logging.getLogger("qrs_api_client").setLevel(logging.CRITICAL)  # its messages name the server's address and answer
    keys = AuthManager(cert_path=settings.certificate, key_path=settings.key, root_cert_path=settings.root_certificate)
    client = QRSClient(str(settings.reload_server), settings.reload_port, "certificate", keys, verify_ssl=True)
    client.session.trust_env = False  # never through a proxy
    usual = client.session.request
    client.session.request = lambda *words, **more: usual(*words, **{"timeout": SECONDS, **more})
    return client
