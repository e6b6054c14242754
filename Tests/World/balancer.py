"""A load balancer in front of etcd that sends snapshots to one member and everything else to another."""

import contextlib
import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import grpc


class GatewayBalancer:
    """For the JSON gateway: plain HTTP/1.1, each request passed on by its path.

    Every line of an answer passes through `change`; `bytes` leaves it as it is. A snapshot's answer may be given
    another status."""

    def __init__(
        self, snapshots: str, others: str, change: Callable[[bytes], bytes] = bytes,
        snapshot_status: int | None = None,
    ):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_snapshot = self.path.endswith("/maintenance/snapshot")
                member = snapshots if is_snapshot else others
                connection = http.client.HTTPConnection(urlsplit(member).netloc, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                with contextlib.closing(connection):
                    connection.request("POST", self.path, body, headers)
                    answer = connection.getresponse()
                    status = snapshot_status if is_snapshot else None
                    self.send_response_only(status or answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("content-length", "transfer-encoding"):
                            self.send_header(name, value)
                    self.send_header("Connection", "close")  # its end is the end of the answer
                    self.end_headers()
                    for line in answer:
                        self.wfile.write(change(line))

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> "GatewayBalancer":
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()


class GRPCBalancer(grpc.GenericRpcHandler):
    """For native gRPC: messages pass as bytes, metadata as they are."""

    def __init__(self, snapshots: str, others: str):
        self._snapshots, self._others = (grpc.insecure_channel(urlsplit(url).netloc) for url in (snapshots, others))
        self._server = grpc.server(ThreadPoolExecutor(4), handlers=[self])
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def __enter__(self) -> "GRPCBalancer":
        return self

    def __exit__(self, *_) -> None:
        self._server.stop(None).wait()
        self._snapshots.close()
        self._others.close()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        metadata = [(name, value) for name, value in details.invocation_metadata if name in ("hasleader", "token")]

        def one(request: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return self._others.unary_unary(details.method)(request, metadata=metadata, timeout=60)
            except grpc.RpcError as error:
                return context.abort(error.code(), error.details())

        def stream(request: bytes, context: grpc.ServicerContext):
            try:
                yield from self._snapshots.unary_stream(details.method)(request, metadata=metadata, timeout=60)
            except grpc.RpcError as error:
                return context.abort(error.code(), error.details())

        if details.method == "/etcdserverpb.Maintenance/Snapshot":
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(one)


BALANCERS = {"gateway": GatewayBalancer, "grpc": GRPCBalancer}
