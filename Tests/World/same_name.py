"""In front of the blob service: gives every backup that is uploaded through it one and the same name, so that two runs
can be made to write to it. Requests are signed anew, as the signature covers the name. A commit waits at its gate.
"""

import http.server
import re
import threading

from blob_request import BlobRequest
from processes import PATIENCE
from sandbox import Sandbox

OF_THE_CONNECTION = ("host", "authorization", "connection", "content-length", "transfer-encoding", "expect")


class SameName:
    """A context manager: a server at `url` for as long as the block lasts."""

    def __init__(self, sandbox: Sandbox, name: str):
        self.sandbox = sandbox
        self.name = name
        self.committing = threading.Event()  # set once a commit has come to the gate
        self.gate = threading.Event()  # what has come to it goes on once this is set

    def __enter__(self) -> "SameName":
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/{self.sandbox.account}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, method: str, target: str, headers, body: bytes) -> BlobRequest:
        if "comp=blocklist" in target and method == "PUT":
            self.committing.set()
            assert self.gate.wait(PATIENCE), "the test never opened the gate"
        path = re.sub(r"[^/]+/[0-9A-Z]{26}(?=\?|$)", self.name, target.removeprefix(f"/{self.sandbox.account}"))
        return BlobRequest(self.sandbox, method, path, headers=end_to_end(headers), body=body)

    def _handler(self) -> type:
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = relay._answer(self.command, self.path, self.headers, body)
                self.send_response_only(answer.status)
                for name, value in end_to_end(answer.answer_headers).items():
                    self.send_header(name, value)
                size = answer.answer_headers["Content-Length"] if self.command == "HEAD" else len(answer.content)
                self.send_header("Content-Length", str(size or 0))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_HEAD = do_PUT = do_DELETE = pass_on

            def log_message(self, *_) -> None:
                pass

        return Handler


def end_to_end(headers) -> dict[str, str]:
    """The header fields that do not belong to one connection."""
    return {name: value for name, value in headers.items() if name.lower() not in OF_THE_CONNECTION}
