"""The map service behind ours: what is asked, what is refused, one question however many wait, and the rest after a fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from harmcast.errors import RunStopped, SettingsRefused
from harmcast.settings import parse
from harmcast.web.map_service import MapService

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@dataclass
class Elsewhere:
    """A real HTTP server that answers as told, and remembers what it was asked."""

    address: str = ""
    status: int = 200
    body: bytes = PNG
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    made.hold.set()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.hold.wait(20)
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(made.body)))
            self.end_headers()
            try:
                self.wfile.write(made.body)
            except OSError:
                return

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.address = f"http://127.0.0.1:{server.server_address[1]}/wms?map=force&REQUEST=evil&layers=other"
    yield made
    made.hold.set()
    server.shutdown()
    server.server_close()


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(elsewhere: Elsewhere, clock: Clock) -> MapService:
    return MapService(elsewhere.address, "roads,names", "EPSG:27700", clock=clock)


def test_the_server_builds_the_question_from_three_numbers(service: MapService, elsewhere: Elsewhere) -> None:
    """At zoom -1 a tile is 1,024 m: 371 begins at 379,904 m; -240 ends in the north at 245,760 m."""
    assert service.tile(-1, 371, -240) == (PNG, "image/png")
    asked = parse_qs(urlsplit(elsewhere.asked[0]).query, keep_blank_values=True)
    assert asked == {
        "map": ["force"], "SERVICE": ["WMS"], "VERSION": ["1.3.0"], "REQUEST": ["GetMap"], "LAYERS": ["roads,names"], "STYLES": [""],
        "CRS": ["EPSG:27700"], "BBOX": ["379904.000,244736.000,380928.000,245760.000"], "WIDTH": ["512"], "HEIGHT": ["512"],
        "FORMAT": ["image/png"], "TRANSPARENT": ["TRUE"],
    }  # fmt: skip


def test_a_jpeg_is_a_picture_too(service: MapService, elsewhere: Elsewhere) -> None:
    elsewhere.body = b"\xff\xd8\xff\xe0picture"
    assert service.tile(-1, 371, -240)[1] == "image/jpeg"


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (302, PNG, {"location": "http://127.0.0.1:1/secret"}),
        (200, b"<html>not a picture</html>", {"content-type": "image/png"}),
        (200, b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', {"content-type": "image/svg+xml"}),
        (200, PNG + b"0" * 1_500_000, {}),
        (200, b"", {}),
        (404, PNG, {}),
        (500, PNG, {}),
    ],
)
def test_whatever_is_no_small_picture_is_refused(service: MapService, elsewhere: Elsewhere, status: int, body: bytes, headers: dict[str, str]) -> None:
    elsewhere.status, elsewhere.body, elsewhere.headers = status, body, headers
    with pytest.raises(RunStopped) as refused:
        service.tile(-1, 371, -240)
    assert refused.value.code == "map_service_failed"
    assert len(elsewhere.asked) == 1


def test_after_a_fault_it_rests_fifteen_seconds(service: MapService, elsewhere: Elsewhere, clock: Clock) -> None:
    elsewhere.status = 500
    for code in ("map_service_failed", "map_service_rests"):
        with pytest.raises(RunStopped) as refused:
            service.tile(-1, 371, -240)
        assert refused.value.code == code
    elsewhere.status = 200
    clock.at += 14.9
    with pytest.raises(RunStopped):
        service.tile(-1, 371, -240)
    assert len(elsewhere.asked) == 1
    clock.at += 0.2
    assert service.tile(-1, 371, -240)[0] == PNG


def test_what_drips_for_more_than_eight_seconds_is_given_up(elsewhere: Elsewhere) -> None:
    class Drips(Clock):
        def __call__(self) -> float:
            self.at += 5.0
            return self.at

    elsewhere.body = PNG + b"0" * 1_000_000
    with pytest.raises(RunStopped):
        MapService(elsewhere.address, "roads", "EPSG:27700", clock=Drips()).tile(-1, 0, 0)


def test_nobody_there_is_a_fault() -> None:
    with pytest.raises(RunStopped, match="did not give"):
        MapService("http://127.0.0.1:9/wms", "roads", "EPSG:27700").tile(-1, 0, 0)


def test_no_proxy_of_the_environment_is_used(service: MapService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert service.tile(-1, 371, -240)[0] == PNG


def test_many_who_want_one_tile_ask_once(service: MapService, elsewhere: Elsewhere) -> None:
    elsewhere.hold.clear()
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(service.tile, -1, 371, -240) for _ in range(20)]
        elsewhere.hold.set()
        assert {one.result()[0] for one in waiting} == {PNG}
    assert len(elsewhere.asked) == 1


@pytest.mark.parametrize("lines", ['wms_url = "ftp://x/wms"\nwms_layers = "a"', 'wms_url = "http://x/wms"', 'wms_layers = "a"'])
def test_settings_of_a_service_are_whole(lines: str) -> None:
    text = '[force]\nname = "F"\n[[tools]]\nname = "k"\nkind = "places"\ncell_area_km2 = 1.0\nwhere = { weapon = ["knife"] }\n[map]\n'
    with pytest.raises(SettingsRefused):
        parse(text + lines)
