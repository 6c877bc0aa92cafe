"""Spark started and ended: no pages of its own, no noise, loopback unless the master is elsewhere."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harmcast.errors import RunStopped

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUIET = """
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n
"""


def is_local(master: str) -> bool:
    """Whether nothing has to be reached from another machine: threads of this process, or a master on loopback."""
    return master.startswith("local") or (urlsplit(master).hostname or "") in ("127.0.0.1", "localhost", "::1")


def options(master: str, scratch: Path) -> dict[str, str]:
    """What harmcast asks of Spark; anything else (identities, encryption, memory) comes from the site's spark-defaults.conf."""
    here = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": (scratch / "warehouse").as_uri(),
        "spark.local.dir": str(scratch / "spark"),
        # a task is a force's whole week: silence is work, and one lost worker is no reason to give up
        "spark.task.maxFailures": "4",
        "spark.network.timeout": "600s",
        "spark.executor.heartbeatInterval": "30s",
        "spark.python.authenticate.socketTimeout": "120s",
        "spark.python.worker.reuse": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={scratch / 'log4j2.properties'}",
        **(here if is_local(master) else {}),
    }


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """A Spark session while the block runs; what it writes on the way lies in a folder of this machine that goes away.

    Raises: RunStopped (`spark_missing`, `java_missing`, `spark_not_started`).
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    if is_local(master):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support", category=FutureWarning)
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise RunStopped("Spark is not installed.", code="spark_missing", next_step="Install harmcast with its extra `fleet`.") from None
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise RunStopped("Java is not installed.", code="java_missing", next_step="Install Java 17, or set JAVA_HOME.")
    # Spark's Java process outlives the session and may still write here: leftovers go when it ends
    scratch = Path(tempfile.mkdtemp(prefix="harmcast-spark-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    (scratch / "log4j2.properties").write_text(QUIET, encoding="utf-8")
    builder = SparkSession.builder.master(master).appName("harmcast fleet")
    for name, value in options(master, scratch).items():
        builder = builder.config(name, value)
    try:
        made = builder.getOrCreate()
    except Exception as error:  # the gateway raises kinds of its own; all of them mean that Spark did not start
        raise RunStopped(
            f"Spark did not start ({type(error).__name__}).",
            code="spark_not_started",
            next_step="Check Java 17 and that the master answers at its address.",
        ) from error
    try:
        yield made
    finally:
        made.stop()
