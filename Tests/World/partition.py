"""Cuts one member of a cluster off from its peers, while its clients still reach it.

Every member's peer URL is a relay's. A relay looks up which process is at the other end of a connection, so that it
can drop those from and to one member, without network namespaces or firewall rules, which need root.
"""

import contextlib
import os
import socket
import threading
from pathlib import Path

from processes import free_port


class PeerRelays:
    """Hands out peer ports whose traffic it relays: `Cluster(peers=PeerRelays())`."""

    def __init__(self):
        self._relays: dict[int, _PeerRelay] = {}

    def listen_for(self, public_port: int) -> int:
        """Relays what comes to `public_port`; returns the port where the member itself should listen."""
        relay = _PeerRelay(public_port)
        self._relays[public_port] = relay
        return relay.private_port

    def isolate(self, public_port: int, pid: int) -> None:
        """Drops every connection to and from this member, now and from now on."""
        for port, relay in self._relays.items():
            relay.drop(everything=port == public_port, pid=pid)

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()


class _PeerRelay:
    def __init__(self, public_port: int):
        self.private_port = free_port()
        self._listener = socket.create_server(("127.0.0.1", public_port))
        self._lock = threading.Lock()
        self._pairs: list[tuple[int, socket.socket, socket.socket]] = []  # the peer's port, both ends
        self._drops_everything = False
        self._dropped_pid: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self, everything: bool, pid: int) -> None:
        with self._lock:
            self._drops_everything = everything
            self._dropped_pid = pid
            for peer_port, client, server in self._pairs:
                if everything or peer_port in _client_ports(pid):
                    _end(client, server)

    def close(self) -> None:
        _end(self._listener, *(end for _, *ends in self._pairs for end in ends))

    def _accept(self) -> None:
        while True:
            try:
                client, (_, peer_port) = self._listener.accept()
            except OSError:
                return  # closed
            with self._lock:
                isolated = self._dropped_pid is not None and peer_port in _client_ports(self._dropped_pid)
                if self._drops_everything or isolated:
                    _end(client)
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self.private_port))
                except OSError:
                    _end(client)  # the member is not there (yet)
                    continue
                self._pairs.append((peer_port, client, server))
            for source, target in [(client, server), (server, client)]:
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(64 * 1024):
            target.sendall(piece)
    _end(source, target)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _client_ports(pid: int) -> set[int]:
    """The local ports of all TCP connections of a process; none once it has ended."""
    inodes = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(descriptor))
    ports = set()
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in inodes:
            ports.add(int(fields[1].split(":")[1], 16))
    return ports
