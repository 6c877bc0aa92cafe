"""The force's own map service (WMS 1.3.0) behind this one: a browser names a tile by three numbers, the server builds the question.

It cannot be steered: no part of the address comes from a visitor, no redirect is followed, no proxy of the environment is used, only
a PNG or JPEG of at most 1.5 MB comes back. After a fault it rests, and pages draw the ground instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx

from harmcast.errors import RunStopped
from harmcast.ground.drawing import TILE_PX
from harmcast.publish.released import ReadCache
from harmcast.settings import MapSettings

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 2.0, 5.0, 8.0
MOST_BYTES = 1_500_000
AT_ONCE = 8
REST_SECONDS = 15.0
TILES_KEPT = 500
FARTHEST_TILE = 10_000
_STARTS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_OWN = {"service", "request", "version", "layers", "styles", "crs", "bbox", "width", "height", "format", "transparent"}


class MapService:
    """One map service. `clock` counts seconds."""

    def __init__(
        self, url: str, layers: str, crs: str, transport: httpx.BaseTransport | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._parts, self._layers, self._crs, self._clock = urlsplit(url), layers, crs, clock
        self._client = httpx.Client(
            trust_env=False, follow_redirects=False, timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS), transport=transport
        )
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._tiles = ReadCache(TILES_KEPT)
        self._rests_until = float("-inf")

    def tile(self, zoom: int, x: int, y: int) -> tuple[bytes, str]:
        """A tile and its type; asked for once however many wait. Raises RunStopped (`map_service_rests`, `map_service_failed`)."""
        return self._tiles.get((zoom, x, y), lambda: self._asked(zoom, x, y))

    def _asked(self, zoom: int, x: int, y: int) -> tuple[bytes, str]:
        if self._clock() < self._rests_until:
            raise RunStopped("The map service rests after a fault.", code="map_service_rests")
        with self._turns:
            try:
                return self._fetched(self.address(zoom, x, y))
            except (httpx.HTTPError, ValueError):
                self._rests_until = self._clock() + REST_SECONDS
                raise RunStopped("The map service did not give a picture.", code="map_service_failed") from None

    def address(self, zoom: int, x: int, y: int) -> str:
        """The question for one tile: GetMap with the bounds as easting, northing."""
        side = TILE_PX / 2.0**zoom
        bounds = (x * side, -(y + 1) * side, (x + 1) * side, -y * side)
        kept = [(key, value) for key, value in parse_qsl(self._parts.query) if key.lower() not in _OWN]
        own = {
            "SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": self._layers, "STYLES": "", "CRS": self._crs,
            "BBOX": ",".join(f"{v:.3f}" for v in bounds),
            "WIDTH": str(TILE_PX), "HEIGHT": str(TILE_PX), "FORMAT": "image/png", "TRANSPARENT": "TRUE",
        }  # fmt: skip
        query = str(httpx.QueryParams([*kept, *own.items()]))
        return urlunsplit((self._parts.scheme, self._parts.netloc, self._parts.path, query, ""))

    def _fetched(self, address: str) -> tuple[bytes, str]:
        """Raises ValueError if what comes is no picture, too large or too slow."""
        begun = self._clock()
        content = bytearray()
        with self._client.stream("GET", address, headers={"accept": "image/png, image/jpeg"}) as answer:
            if answer.status_code != 200:
                raise ValueError("no picture")
            for part in answer.iter_bytes():
                content += part
                if len(content) > MOST_BYTES or self._clock() - begun > WHOLE_SECONDS:
                    raise ValueError("too large or too slow")
        for start, kind in _STARTS.items():
            if content.startswith(start):
                return bytes(content), kind
        raise ValueError("no picture")


_services = ReadCache(4)


def service_of(settings: MapSettings, crs: str) -> MapService | None:
    """The service that the settings name, one for all requests; None where none is named."""
    if settings.wms_url is None:
        return None
    url, layers = settings.wms_url, settings.wms_layers
    return _services.get((url, layers, crs), lambda: MapService(url, layers, crs))
