"""Stored backups to read back: real ones, and what can become of them in a store."""

import hashlib
import struct

from azure.storage.blob import ContentSettings

from world import CONTAINER, PREFIX, World

# Names that sort before and after every name of today.
OLD = "01AAAAAAAAAAAAAAAAAAAAAAAA"
OTHER = "01BBBBBBBBBBBBBBBBBBBBBBBB"


def put(world: World, data: bytes, name: str = OLD, prefix: str = PREFIX, container: str = CONTAINER,
        sha256: str | None = None) -> str:
    """Stores these bytes under a backup's name; returns the path."""
    metadata = {"sha256": sha256} if sha256 else {}
    world.service.get_blob_client(container, f"{prefix}/{name}").upload_blob(
        data, overwrite=True, metadata=metadata,
        content_settings=ContentSettings(content_type="application/octet-stream"))
    return f"{container}/{prefix}/{name}"


def flipped(data: bytes, position: int) -> bytes:
    damaged = bytearray(data)
    damaged[position] ^= 1
    return bytes(damaged)


def with_a_broken_page(whole: bytes) -> bytes:
    """As a member with a failing disk would send it: the root says that it is another page."""
    page_size, root = struct.unpack_from("<I", whole, 24)[0], struct.unpack_from("<Q", whole, 32)[0]
    database = flipped(whole[:-32], root * page_size)
    return database + hashlib.sha256(database).digest()


def damaged(kind: str, whole: bytes) -> tuple[bytes, str]:
    """What a store may hold in place of a whole backup, and a word that the message must say."""
    middle = len(whole) // 2 // 4096 * 4096
    return {
        "empty": (b"", "0 bytes"),
        "one byte": (b"\0", "1 bytes"),
        "without its trailer": (whole[:-32], "ended early"),
        "without its last byte": (whole[:-1], "ended early"),
        "half": (whole[:middle], "ended early"),
        "with a page missing": (whole[:middle] + whole[middle + 4096:], "ended early"),
        "with a page twice": (whole[:middle] + whole[middle - 4096:], "the end of the snapshot"),
        "with bytes behind": (whole + b"\0" * 512, "the end of the snapshot"),
        "a flipped bit in the first page": (flipped(whole, 40), "meta page 0"),
        "a flipped bit in the middle": (flipped(whole, middle + 100), "SHA-256"),
        "a flipped bit in the trailer": (flipped(whole, len(whole) - 1), "SHA-256"),
        "zeros": (bytes(len(whole)), "bbolt's"),
        "a web page": (b"<html>" + b" " * 20_000 + b"</html>", "bbolt's"),
        "a database without its SHA-256 and zeros": (whole[:-32] + bytes(32), "SHA-256"),
    }[kind]


DAMAGES = [
    "empty", "one byte", "without its trailer", "without its last byte", "half", "with a page missing",
    "with a page twice", "with bytes behind", "a flipped bit in the first page", "a flipped bit in the middle",
    "a flipped bit in the trailer", "zeros", "a web page", "a database without its SHA-256 and zeros",
]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
