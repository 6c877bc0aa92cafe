"""Qlik is asked to reload over mutual TLS by a server of the test's own that answers as its repository service does."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harmcast.errors import RunStopped, SettingsRefused
from harmcast.publish import qlik_reload
from harmcast.settings import Qlik

pytest.importorskip("qrs_api_client")
TASK = "6f3a2d52-1f3c-4e0e-9a53-5e0c2d1b7a10"
SESSION = "0b9df3c2-72b4-4a57-8c3e-2f6f0a5b9d11"


def _pair(folder: Path, name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
    """A certificate NAME.pem with NAME.key; signed by itself where no issuer is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signer = issuer or (subject, key)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, issuer is None, issuer is None, False, False), critical=True)
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return subject, key


@dataclass
class Repository:
    """A repository service that was asked: what came, and what it answers."""

    settings: Qlik
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    answer: tuple[int, object] = (201, {"value": SESSION})


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    root = _pair(tmp_path, "root", None)
    _pair(tmp_path, "server", root)
    _pair(tmp_path, "client", root)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            held.asked.append((self.command, self.path, self.headers.get("X-Qlik-Xrfkey")))
            status, body = held.answer
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "root.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    held = Repository(
        Qlik(reload_server="127.0.0.1", reload_port=server.server_port, reload_task=TASK, certificate=str(tmp_path / "client.pem"),
             key=str(tmp_path / "client.key"), root_certificate=str(tmp_path / "root.pem"))
    )  # fmt: skip
    yield held
    server.shutdown()
    server.server_close()


def test_the_named_task_is_started_once(repository: Repository) -> None:
    assert qlik_reload.start(repository.settings) == SESSION
    ((method, path, xrf),) = repository.asked
    assert method == "POST"
    assert path.startswith(f"/qrs/task/{TASK}/start/synchronous?")
    assert xrf
    assert f"Xrfkey={xrf}" in path


@pytest.mark.parametrize("answer", [(403, {}), (500, {}), (201, {"value": "00000000-0000-0000-0000-000000000000"}), (201, {})])
def test_a_reload_that_did_not_start_is_a_named_error(repository: Repository, answer: tuple[int, object]) -> None:
    repository.answer = answer
    with pytest.raises(RunStopped) as stopped:
        qlik_reload.start(repository.settings)
    assert stopped.value.code == "qlik_not_reloaded"


def test_a_server_that_the_root_does_not_vouch_for_is_not_asked(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    _pair(other, "root", None)
    with pytest.raises(RunStopped):
        qlik_reload.start(repository.settings.model_copy(update={"root_certificate": str(other / "root.pem")}))
    assert repository.asked == []


def test_nobody_there_is_a_named_error(repository: Repository) -> None:
    with pytest.raises(RunStopped):
        qlik_reload.start(repository.settings.model_copy(update={"reload_port": 9}))


def test_every_fault_of_the_settings_is_said_at_once() -> None:
    with pytest.raises(SettingsRefused) as refused:
        qlik_reload.start(Qlik(reload_server="qlik.force.example", reload_task="not one", key="/nowhere/key.pem"))
    assert {fault.where for fault in refused.value.faults} == {"qlik.certificate", "qlik.root_certificate", "qlik.key", "qlik.reload_task"}
