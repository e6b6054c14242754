"""A TCP relay in front of a server, which can cut or damage what passes, or go silent."""

import contextlib
import socket
import struct
import threading

PIECE = 64 * 1024


class Relay:
    """Passes bytes both ways until told otherwise. Offsets count what one side sent on one connection.

    Whatever is shorter passes unharmed, because a connection that ends before the offset never meets it.
    """

    def __init__(self, port: int):
        self._port = port
        self.cut_at: int | None = None
        self.flip_bit_at: int | None = None
        self.silent_at: int | None = None
        self.reset = False
        self.flip_request_bit_at: int | None = None  # once only, so that a repetition passes
        self._closed = threading.Event()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start(self._accept)

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_) -> None:
        self._closed.set()
        for open_socket in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()

    def _start(self, target, *arguments) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                if self._closed.is_set():
                    return
                client.close()  # the server is gone, so the client gets what it would have got
                continue
            self._sockets += [client, server]
            self._start(self._requests, client, server)
            self._start(self._answers, server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sent = 0
            while piece := client.recv(PIECE):
                end = sent + len(piece)
                if self.flip_request_bit_at is not None and end > self.flip_request_bit_at:
                    piece = _flipped(piece, max(0, self.flip_request_bit_at - sent))
                    self.flip_request_bit_at = None
                server.sendall(piece)
                sent = end
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE):
                end = sent + len(piece)
                if self.flip_bit_at is not None and sent <= self.flip_bit_at < end:
                    piece = _flipped(piece, self.flip_bit_at - sent)
                if self.silent_at is not None and end > self.silent_at:
                    client.sendall(piece[: self.silent_at - sent])
                    self._closed.wait()
                    return
                if self.cut_at is not None and end > self.cut_at:
                    client.sendall(piece[: self.cut_at - sent])
                    break
                client.sendall(piece)
                sent = end
            if self.reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.shutdown(socket.SHUT_RD)  # ends the other thread's recv, which keeps the socket open
                client.close()
            else:
                client.shutdown(socket.SHUT_RDWR)


def _flipped(piece: bytes, offset: int) -> bytes:
    damaged = bytearray(piece)
    damaged[offset] ^= 1
    return bytes(damaged)
