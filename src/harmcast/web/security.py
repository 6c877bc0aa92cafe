"""Headers that every response carries, and the largest request that is read."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harmcast.store.once import reading_once

MOST_BYTES = 64 * 1024
TILES = "/ground/"
CONTENT_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "manifest-src 'none'",
    ]
)
HEADERS: dict[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "x-robots-tag": "noindex, nofollow",
    "x-permitted-cross-domain-policies": "none",
}
TILE_CACHE = "private, max-age=604800, immutable"  # of a ground's tile alone: its address names its content
TRANSPORT = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """Sets HEADERS on each response, HSTS where the connection is https, and refuses a request that is too large."""

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        extra = dict(HEADERS)
        if self.https or scope.get("scheme") == "https":
            extra["strict-transport-security"] = TRANSPORT

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(extra)
                if message["status"] == 200 and scope["path"].startswith(TILES):
                    headers["cache-control"] = TILE_CACHE
                del headers["server"]
            await send(message)

        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            await PlainTextResponse("The request is larger than this service reads.", status_code=413)(scope, receive, send_with_headers)
            return
        with reading_once():
            await self.app(scope, _limited(receive), send_with_headers)


def _limited(receive: Receive) -> Receive:
    """Reads at most MOST_BYTES of a body that did not say its length; what is beyond ends the request."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                return {"type": "http.disconnect"}
        return message

    return limited
