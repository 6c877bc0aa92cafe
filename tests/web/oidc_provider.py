"""A small OpenID Connect provider on loopback: discovery, authorisation, token and keys, with faults to order."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "harmcast-tests", "a secret of the tests"


@dataclass
class Provider:
    """Signs whoever `person` says in at once. `fault` orders one thing to be wrong in the next answer."""

    port: int = 0
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "s-1", "preferred_username": "intelligence_analyst"})
    fault: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    redeemed: int = 0
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, parameters={"kid": "k1", "use": "sig"}))

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.metadata),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    def metadata(self, request: Request) -> Response:
        named = {n: f"{self.issuer}/{p}" for n, p in (("authorization_endpoint", "authorize"), ("token_endpoint", "token"), ("jwks_uri", "keys"))}
        return JSONResponse({"issuer": self.issuer, **named, "code_challenge_methods_supported": ["S256"]})

    def keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        answer = {"state": asked["state"], "iss": self.issuer}
        if self.fault == "refused":
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self.codes[answer["code"]] = asked
        if self.fault == "state":
            answer["state"] = "another"
        if self.fault == "mix_up":
            answer["iss"] = "http://127.0.0.1:1"
        return RedirectResponse(asked["redirect_uri"] + "?" + urlencode(answer), status_code=302)

    async def token(self, request: Request) -> Response:
        form = dict(await request.form())
        sent = base64.b64encode(f"{CLIENT}:{SECRET}".replace(" ", "+").encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(str(form.get("code")), None)
        known = request.headers.get("authorization") in (f"Basic {sent}", f"Basic {plain}")
        if not known or asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        if create_s256_code_challenge(str(form.get("code_verifier", ""))) != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        self.redeemed += 1
        answer = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 60}
        return JSONResponse(answer if self.fault == "no_id_token" else answer | {"id_token": self.id_token(asked["nonce"])})

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}
        wrong = {
            "nonce": {"nonce": "another"}, "audience": {"aud": "another client"}, "issuer": {"iss": "http://127.0.0.1:1"},
            "expired": {"iat": now - 900, "exp": now - 600}, "azp": {"aud": [CLIENT, "x"], "azp": "x"},
        }  # fmt: skip
        claims |= wrong.get(self.fault, {})
        if self.fault == "no_expiry":
            del claims["exp"]
        if self.fault == "unsigned":
            return _by_hand({"alg": "none"}, claims, None)
        if self.fault == "public_key_as_secret":
            return _by_hand({"alg": "HS256", "kid": "k1"}, claims, self.key.as_pem(private=False))
        key = RSAKey.generate_key(2048, parameters={"kid": "k1"}) if self.fault == "other_key" else self.key
        return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims, key)


def _by_hand(header: dict[str, str], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token that no library would make: unsigned, or signed with the public key as if it were a shared secret."""

    def text(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).decode().rstrip("=")

    body = ".".join(text(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{text(hmac.digest(secret, body.encode(), 'sha256')) if secret else ''}"


def serve(provider: Provider) -> tuple[uvicorn.Server, threading.Thread]:
    """Runs the provider on a free port until its server is told to exit."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        provider.port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=provider.port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    return server, thread
