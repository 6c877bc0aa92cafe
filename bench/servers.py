"""A PostgreSQL server of its own for a bench: on the loopback, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def programs() -> Path | None:
    """Where PostgreSQL's programs are; None if it is not installed."""
    found = shutil.which("initdb")
    return Path(found).parent if found else max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@dataclass
class Server:
    """A server that can be stopped dead and started again; `url` is its address as SQLAlchemy has it, without a database."""

    port: int
    folder: Path
    programs: Path
    user: str | None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://harmcast@127.0.0.1:{self.port}"

    def run(self, *command: str) -> None:
        subprocess.run(command, check=True, user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=100 -c recovery_init_sync_method=syncfs"
        self.run(str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "300", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """At once, as if its machine had lost power; what it had promised is on disk."""
        self.run(str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop")


@contextmanager
def postgres_server() -> Iterator[Server]:
    """A server, stopped and removed at the end."""
    found = programs()
    if found is None:
        raise SystemExit("no PostgreSQL here: install it (apt-get install postgresql) and run again")
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="harmcast-bench-pg-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = Server(port, folder, found, user)
    server.run(str(found / "initdb"), "-D", str(folder / "data"), "-U", "harmcast", "--auth=trust", "--encoding=UTF8", "--no-sync")
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres() -> Iterator[str]:
    """A server's address, `postgresql://harmcast@127.0.0.1:PORT`; it stops and is removed at the end."""
    with postgres_server() as server:
        yield server.url.replace("+psycopg", "")
