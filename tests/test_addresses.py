"""Addresses reach Arrow's file systems; what cannot be reached ends in a sentence, and soon."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.fs
import pyarrow.parquet
import pytest

from downslope.errors import InputError
from downslope.fitting.fit import Ask
from downslope.fitting.fit_files import fit_files
from downslope.fitting.fit_within import fit_within
from downslope.sources.arrow import open_files

N = 4000


def write(folder: Path, kind: str) -> Path:
    """A hive-partitioned set, half of it in each folder."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=N)
    whole = pa.table({"x": x, "y": 3.0 * x + 1.0 + 0.1 * rng.normal(size=N)})
    for i in range(2):
        (folder / f"half={i}").mkdir(parents=True)
        part, path = whole.slice(i * N // 2, N // 2), folder / f"half={i}" / f"part.{kind}"
        if kind == "csv":
            pa.csv.write_csv(part, path)
        else:
            pa.parquet.write_table(part, path, row_group_size=500)
    return folder


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as reading takes: HEAD and GET of objects, with ranges, and listings."""

    protocol_version = "HTTP/1.1"
    root = Path()

    def do_HEAD(self) -> None:
        self._object(body=False)

    def do_GET(self) -> None:
        if "list-type" in parse_qs(urlsplit(self.path).query):
            self._listing()
        else:
            self._object(body=True)

    def _object(self, body: bool) -> None:
        file = self.root / unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]
        if not file.is_file():
            return self._say(404, b"", "text/plain", 0)
        content, asked = file.read_bytes(), self.headers.get("Range")
        status, size = 200, len(content)
        if asked:
            first, last = asked.removeprefix("bytes=").split("-")
            status, content = 206, content[int(first) : int(last or size) + 1]
        self._say(status, content if body else b"", "binary/octet-stream", len(content))

    def _listing(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        prefix, cut = query.get("prefix", ""), query.get("delimiter")
        keys = sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*.*"))
        keys = [key for key in keys if key.startswith(prefix)]
        folders = {prefix + k[len(prefix) :].split("/")[0] + "/" for k in keys if cut}
        folders = {f for f in folders if any(k.startswith(f) for k in keys)}
        found = [key for key in keys if not any(key.startswith(f) for f in folders)]
        text = "".join(
            f"<Contents><Key>{key}</Key><Size>{(self.root / key).stat().st_size}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in found
        )
        text += "".join(
            f"<CommonPrefixes><Prefix>{f}</Prefix></CommonPrefixes>" for f in sorted(folders)
        )
        text = (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
            f"><Name>b</Name><Prefix>{prefix}</Prefix><KeyCount>{len(found) + len(folders)}"
            f"</KeyCount><IsTruncated>false</IsTruncated>{text}</ListBucketResult>"
        )
        self._say(200, text.encode(), "application/xml", len(text))

    def _say(self, status: int, content: bytes, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def bucket(tmp_path):
    """Address of a bucket that holds what is in ``tmp_path``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Bucket,), {"root": tmp_path}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    options = f"scheme=http&endpoint_override=127.0.0.1:{server.server_port}&region=us-east-1"
    yield lambda path: f"s3://key:secret@b/{path}?{options}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_bucket_answers_what_the_folder_answers(bucket, tmp_path, kind):
    here = write(tmp_path / "rows", kind)
    near = fit_files(here, Ask("y", test_size=0.0))
    far = fit_files(bucket("rows"), Ask("y", test_size=0.0))
    assert far.model().names == near.model().names
    assert far.model().coefficients.tolist() == near.model().coefficients.tolist()
    one = f"rows/half=1/part.{kind}"
    near, far = (fit_files(place, Ask("y")) for place in (tmp_path / one, bucket(one)))
    assert far.data.n_learned == near.data.n_learned


def test_pieces_of_a_file_in_a_bucket_are_read_alone(bucket, tmp_path, monkeypatch):
    write(tmp_path / "rows", "csv")
    monkeypatch.setattr("downslope.fitting.fit_within.PIECE_BYTES", 512)
    monkeypatch.setattr("downslope.fitting.fit_within.FIRST_ROWS", 200)
    done = fit_within(bucket("rows/half=0/part.csv"), Ask("y"), 0.1)
    assert done.data.n_learned + done.data.n_aside < N / 4


def test_a_file_address_is_the_file(tmp_path):
    here = write(tmp_path / "rows", "csv")
    assert open_files(f"file://{here}").columns == open_files(here).columns == ["x", "y", "half"]


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:secret@b/rows.parquet?scheme=http&endpoint_override=127.0.0.1:9&region=us-east-1",
        "s3://key:secret@b/*.csv?scheme=http&endpoint_override=127.0.0.1:9&region=us-east-1",
        "gs://anonymous@b/rows.parquet?scheme=http&endpoint_override=127.0.0.1:9",
    ],
)
def test_a_host_that_cannot_be_reached_is_a_sentence(address):
    with pytest.raises(InputError, match="check the address, the network and your creden") as said:
        open_files(address)
    assert "secret" not in str(said.value)


def test_what_is_not_in_a_bucket_is_a_sentence(bucket, tmp_path):
    with pytest.raises(InputError):
        open_files(bucket("nothing.parquet"))
    with pytest.raises(InputError, match="is empty, or not there"):
        open_files(bucket("nothing"))


def test_a_folder_without_files_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"is empty, or not there; name a folder that holds"):
        open_files(tmp_path)
    (tmp_path / "rows.txt").write_text("x\n1\n")
    with pytest.raises(InputError, match=r"files ending in \.txt; a set of files needs one"):
        open_files(tmp_path)
