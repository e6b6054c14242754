"""What goes wrong during a run: faults of the store and of the API, by the kinds of the sandbox."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Mishap:
    """A scripted fault, and the name that the summary counts it under."""

    name: str
    rule: dict


# Without a store that lies: "damage" and "shorten" leave a blob that is not what the answers said.
STORE = {
    "ListBlobs": ["status", "reset", "cut", "empty-page", "delay"],
    "PutBlock": ["status", "reset", "lost-answer", "wrong-checksum", "stall", "delay", "throttle"],
    "PutBlockList": ["status", "reset", "lost-answer", "stall"],
    "HeadBlob": ["status", "reset"],
    "GetBlockList": ["status", "reset", "cut"],
    "DeleteBlob": ["status", "reset", "lost-answer"],
}
API = {
    "GetSecret": ["status", "reset", "cut", "delay"],
    "GetConfigMap": ["status", "reset", "cut"],
    "PatchConfigMap": ["status", "reset", "lost-answer", "stall"],
    "CreateConfigMap": ["status", "lost-answer"],
}


def mishap(chance: random.Random) -> Mishap:
    """Any fault, once, a few times, or for good."""
    service, operations = chance.choice([("blob", STORE), ("blob", STORE), ("kubernetes", API)])
    operation = chance.choice(list(operations))
    kind = chance.choice(operations[operation])
    rule = {"match": {"service": service, "operation": operation}, "skip": chance.randrange(3),
            "action": {"kind": kind, **_details(kind, service, chance)}}
    times = chance.choice([1, 1, 2, 3, None])
    return Mishap(f"{operation} {kind}", rule | ({} if times is None else {"times": times}))


def _details(kind: str, service: str, chance: random.Random) -> dict:
    match kind:
        case "status":
            code = chance.choice([(500, "InternalError"), (503, "ServerBusy"), (403, "AuthorizationPermissionMismatch")])
            return {"status": code[0]} | ({"code": code[1]} if service == "blob" else {})
        case "reset" | "cut":
            return {"afterBytes": chance.choice([0, 1, 100, 300_000])}
        case "stall":
            return {"seconds": chance.choice([0.1, 1, 3])}
        case "delay":
            return {"milliseconds": chance.choice([10, 500])}
        case "throttle":
            return {"bytesPerSecond": 3_000_000}
        case _:
            return {}
