"""A real standalone Spark cluster on this machine: one master and its workers, each a process of its own, on loopback only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 180


def spark_class() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent / "bin" / "spark-class"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _start(folder: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_DIRS": str(folder / "local")}
    with (folder / f"{name}.log").open("wb") as log:
        command = [str(spark_class()), f"org.apache.spark.deploy.{words[0]}", *words[1:]]
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env)


def _wait(folder: Path, name: str, process: subprocess.Popen[bytes], said: str) -> None:
    log = folder / f"{name}.log"
    until = time.monotonic() + PATIENCE_S
    while said not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"Spark's {name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)


@contextmanager
def cluster(workers: int = 2, cores: int = 1) -> Iterator[str]:
    """Address of a master with `workers` workers of `cores` each, while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="harmcast-spark-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        port = _free_port()
        at = ("--host", "127.0.0.1", "--webui-port", "0", "--port")
        started.append(_start(folder, "master", "master.Master", *at, str(port)))
        _wait(folder, "master", started[0], "New state: ALIVE")
        for number in range(workers):
            size = ("--cores", str(cores), "--memory", "1g", "--work-dir", str(folder / f"work-{number}"))
            started.append(_start(folder, f"worker-{number}", "worker.Worker", *at, "0", *size, f"spark://127.0.0.1:{port}"))
        for number in range(workers):
            _wait(folder, f"worker-{number}", started[number + 1], "Successfully registered with master")
        yield f"spark://127.0.0.1:{port}"
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
