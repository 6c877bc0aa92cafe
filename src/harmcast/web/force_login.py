"""The force's own log-in: OpenID Connect, authorisation code with PKCE.

What the provider says is believed only as a signed ID token of the configured issuer, for this client, fresh, with the
nonce of this very browser; each answer once. Nothing here makes an account: a subject opens the account it is bound to. It is bound by
an invitation, or by an administrator who enters it; the name that the configured claim gives must then be the account's.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE); RFC 9207 (issuer in the answer).
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from harmcast.errors import RunStopped
from harmcast.settings import Web

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
KEPT_SECONDS = 3600.0
KEYS_AGAIN_SECONDS = 60.0
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 10.0
WAY_SECONDS = 600.0  # the cookie of a way there is no longer believed after it
BACK = "/sign-in/force/back"


class NotBelieved(Exception):
    """The provider's answer is not one to open an account with; `why` is a word for the log, never a value."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Identity:
    """Whom the provider named: its subject, and the account that the configured claim gives (None if absent)."""

    subject: str
    account: str | None


class ForceLogin:
    """One provider. Its metadata and keys are read when first needed and kept for an hour."""

    def __init__(self, web: Web) -> None:
        missing = [n for n in ("oidc_issuer", "oidc_client_id", "base_url") if not getattr(web, n)]
        if missing:
            raise _stopped("oidc_incomplete", "Set " + ", ".join(f"web.{name}" for name in missing) + ".")
        self.issuer = str(web.oidc_issuer).rstrip("/")
        self.client_id = str(web.oidc_client_id)
        self.redirect_uri = str(web.base_url).rstrip("/") + BACK
        self.claim = web.oidc_claim
        self._secret = _secret(web.oidc_client_secret)
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Any]] = {}
        self._seen: dict[str, float] = {}

    def begin(self) -> tuple[str, dict[str, str]]:
        """Where to send the browser, and what it must bring back: state, nonce and the code's verifier."""
        held = {name: secrets.token_urlsafe(32) for name in ("state", "nonce")} | {"verifier": secrets.token_urlsafe(48)}
        client = self._client()
        address, _ = client.create_authorization_url(
            self._metadata()["authorization_endpoint"],
            state=held["state"],
            nonce=held["nonce"],
            code_verifier=held["verifier"],
        )
        return str(address), held

    def finish(self, answer: dict[str, str], held: Mapping[str, str]) -> Identity:
        """Whom the provider's answer names. Raises NotBelieved, or RunStopped when the provider does not answer."""
        if not hmac.compare_digest(str(held.get("state", "")).encode(), answer.get("state", "").encode()):
            raise NotBelieved("state")
        self._once(str(held["state"]))
        if "iss" in answer and answer["iss"].rstrip("/") != self.issuer:
            raise NotBelieved("issuer")
        if "error" in answer or not answer.get("code"):
            raise NotBelieved("refused_there")
        token = self._token(answer["code"], str(held["verifier"]))
        claims = self._claims(token, str(held["nonce"]))
        named = claims.get(self.claim)
        return Identity(str(claims["sub"]), named.strip().lower()[:200] if isinstance(named, str) and named else None)

    def _once(self, state: str) -> None:
        """One way there opens one session. Raises NotBelieved (`again`) for an answer that was read before."""
        now = time.monotonic()
        with self._lock:
            self._seen = {held: until for held, until in self._seen.items() if until > now}
            if state in self._seen:
                raise NotBelieved("again")
            self._seen[state] = now + WAY_SECONDS

    def _token(self, code: str, verifier: str) -> str:
        from authlib.integrations.base_client import OAuthError

        try:
            got = self._client().fetch_token(
                self._metadata()["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuthError as error:
            raise NotBelieved("code") from error
        except (httpx.HTTPError, ValueError) as error:
            raise _stopped("oidc_unreachable", "See that the provider runs and this host may reach it.") from error
        if not isinstance(got.get("id_token"), str):
            raise NotBelieved("no_id_token")
        return str(got["id_token"])

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "values": [self._metadata()["issuer"]]},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for again in (False, True):
            try:
                claims = jwt.decode(token, self._keys(again), algorithms=ALGORITHMS).claims
                rules.validate(claims)
                break
            except (JoseError, ValueError) as error:  # a key that is new there: look once more
                if again:
                    raise NotBelieved("id_token") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.client_id:
            raise NotBelieved("azp")
        return dict(claims)

    def _client(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from authlib.integrations.httpx_client import OAuth2Client
        return OAuth2Client(
            self.client_id,
            self._secret,
            scope="openid profile",
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def _metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = self._read("metadata", f"{self.issuer}/.well-known/openid-configuration", KEPT_SECONDS)
        if str(found.get("issuer", "")).rstrip("/") != self.issuer:
            raise _stopped("oidc_other_issuer", "Set web.oidc_issuer to the issuer that the provider's own metadata names.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _is_safe(str(found.get(name, ""))):
                raise _stopped("oidc_unsafe", f"The provider's {name} must be an https address.")
        return found

    def _keys(self, again: bool) -> KeySet:
        address = str(self._metadata()["jwks_uri"])
        document = self._read("keys", address, KEYS_AGAIN_SECONDS if again else KEPT_SECONDS)
        return KeySet(list(_known_keys(document)))

    def _read(self, name: str, address: str, seconds: float) -> Any:
        """A JSON document of the provider, at most `seconds` old."""
        with self._lock:
            at, document = self._kept.get(name, (0.0, None))
            if document is not None and time.monotonic() - at < seconds:
                return document
            if not _is_safe(address):
                raise _stopped("oidc_unsafe", "The provider's address must be https.")
            try:
                response = httpx.get(address, timeout=TIMEOUT_SECONDS, trust_env=False)
                response.raise_for_status()
                document = response.json()
            except (httpx.HTTPError, ValueError) as error:
                raise _stopped("oidc_unreachable", "See that the provider runs and this host may reach it.") from error
            self._kept[name] = (time.monotonic(), document)
            return document


def _known_keys(document: Any) -> Iterator[Key]:
    """The provider's keys of kinds that are known here; others are passed over (RFC 7517, section 5)."""
    for one in document.get("keys", ()) if isinstance(document, dict) else ():
        try:
            yield import_key(one)
        except (JoseError, ValueError, TypeError, KeyError):
            continue


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def _secret(setting: str | None) -> str | None:
    if setting and setting.startswith("env:"):
        found = os.environ.get(setting[4:])
        if not found:
            raise _stopped("oidc_secret_missing", f"Set the variable {setting[4:]} (setting web.oidc_client_secret).")
        return found
    return setting


def _stopped(code: str, next_step: str) -> RunStopped:
    return RunStopped("The force's own log-in cannot be used.", code=code, next_step=next_step)
