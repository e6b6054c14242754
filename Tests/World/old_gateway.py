"""The gateway of etcd 3.3.0 to 3.3.20 in front of a newer member: it writes the same, but for three differences."""

import json
from http import HTTPStatus

from balancer import GatewayBalancer
from etcd import Member


class OldGateway(GatewayBalancer):
    """Nothing stands between the messages of a stream, which has status 200 even where it is refused; and an error has
    its text in `error` alone."""

    def __init__(self, member: Member):
        super().__init__(
            snapshots=member.url, others=member.url, change=_in_old_style, snapshot_status=HTTPStatus.OK)


def _in_old_style(line: bytes) -> bytes:
    if not line.startswith(b'{"error":'):
        return line.removesuffix(b"\n")
    error = json.loads(line)
    if "message" in error:
        assert error.pop("message") == error["error"]
    return json.dumps(error, separators=(",", ":")).encode()
