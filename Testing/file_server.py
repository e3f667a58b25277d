"""A server on this machine that gives one file and can misbehave in every way that a download has to survive."""

from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PIECE = 1 << 14


class FileServer(ThreadingHTTPServer):
    """Serves CONTENT inside a `with` block; attributes say how it misbehaves.

    Attributes:
        content, tag: the file and its ETag.
        statuses: answers to the next requests instead of the file.
        cut_after: bytes after which the next connections end.
        redirect: where requests for the file are sent instead.
        wrong_range: answer with another part than asked for.
        seconds_a_piece: pause between pieces of 16 KiB.
        ranges: the Range header of every request so far.
    """

    daemon_threads = True

    def __init__(self, content: bytes = CONTENT) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.tag = '"v1"'
        self.statuses: list[int] = []
        self.cut_after: list[int] = []
        self.redirect = ""
        self.wrong_range = False
        self.seconds_a_piece = 0.0
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        """Address of the file."""
        return f"http://127.0.0.1:{self.server_address[1]}/model.pth"

    @property
    def sha256(self) -> str:
        """Checksum of the file."""
        return hashlib.sha256(self.content).hexdigest()

    def __enter__(self) -> FileServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        if self.server.redirect and self.path == "/model.pth":
            return self.answer(302, {"Location": self.server.redirect, "Content-Length": "0"})
        if self.server.statuses:
            return self.answer(self.server.statuses.pop(0), {"Content-Length": "0"})
        return self.send_content()

    def send_content(self) -> None:
        content, start, status = self.server.content, 0, 200
        wanted = self.headers.get("Range")
        if wanted and self.headers.get("If-Range") == self.server.tag:
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        if start >= len(content):
            return self.answer(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
        headers = {"Content-Length": str(len(content) - start), "ETag": self.server.tag}
        if status == 206:
            shown = start + 7 if self.server.wrong_range else start
            headers["Content-Range"] = f"bytes {shown}-{len(content) - 1}/{len(content)}"
        self.answer(status, headers)
        length = self.server.cut_after.pop(0) if self.server.cut_after else len(content)
        self.send_pieces(content[start : start + length])

    def send_pieces(self, content: bytes) -> None:
        step = PIECE if self.server.seconds_a_piece else max(len(content), 1)
        for start in range(0, len(content), step):
            time.sleep(self.server.seconds_a_piece)
            try:
                self.wfile.write(content[start : start + step])
            except OSError:  # the other end is gone
                return

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass
