"""A table as QVD, the file that Qlik loads without parsing."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

_HEADER_END = b"</QvdTableHeader>\r\n\x00"


def qvd(frame: pl.DataFrame, name: str) -> bytes:
    """The frame as one QVD table; the same bytes from the same frame. Dates leave as ISO text, flags as 0 and 1."""
    import openqvd

    plain = frame.with_columns(
        pl.col(pl.Date).dt.to_string("%Y-%m-%d"),
        pl.col(pl.Boolean).cast(pl.Int64),
        pl.col(pl.Int32, pl.UInt32).cast(pl.Int64),
    )
    with tempfile.TemporaryDirectory(prefix="harmcast-qvd-") as folder:
        path = Path(folder) / "table.qvd"
        openqvd.write(plain.to_arrow(), str(path), table_name=name)
        raw = path.read_bytes()
    return _with_whole_header(raw, name)


def _with_whole_header(raw: bytes, name: str) -> bytes:
    """The QVD with the header elements that other readers ask for; offsets count from after the header, so they stand."""
    end = raw.index(b"</QvdTableHeader>")
    body = raw[raw.index(b"\x00", end) + 1 :]
    head = raw[:end].decode("utf-8")
    head = head.replace(
        f"<TableName>{escape(name)}</TableName>",
        "<QvBuildNo>50668</QvBuildNo>\n  <CreatorDoc></CreatorDoc>\n  <CreateUtcTime></CreateUtcTime>\n"
        "  <SourceCreateUtcTime></SourceCreateUtcTime>\n  <SourceFileUtcTime></SourceFileUtcTime>\n"
        "  <StaleUtcTime></StaleUtcTime>\n"
        f"  <TableName>{escape(name)}</TableName>\n  <SourceFileSize>-1</SourceFileSize>",
        1,
    )
    head = head.replace("<Tags/>", "<Comment></Comment>\n      <Tags></Tags>")
    head = head.rstrip() + "\n  <Comment></Comment>\n  <Lineage></Lineage>\n"
    if "<RecordByteSize>0<" in head:  # all columns constant: a byte a row, as other readers count the rows by it
        rows = int(re.findall(r"<NoOfRecords>(\d+)<", head)[0])
        head = head.replace("<RecordByteSize>0<", "<RecordByteSize>1<").replace(
            "<Length>0</Length>\n  <Comment>", f"<Length>{rows}</Length>\n  <Comment>"
        )
        body += b"\x00" * rows
    return head.replace("\r\n", "\n").replace("\n", "\r\n").encode() + _HEADER_END + body
