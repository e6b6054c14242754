"""Who owns which field of an object, as an API server keeps it in `metadata.managedFields`, and server-side apply.

Lists are atomic here: right for every list of an object whose content a run writes, since it has none.
See https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

import copy

APPLY, UPDATE = "Apply", "Update"
NOT_OWNED = {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}


class Conflict(Exception):
    """An apply that would change what another manager owns."""


def leaves(item):
    """{path: value} of every field that a manager can own."""
    owned = {key: value for key, value in item.items() if key not in ("apiVersion", "kind", "status")}
    metadata = {key: value for key, value in owned.get("metadata", {}).items() if key not in NOT_OWNED}
    found = {}

    def walk(value, path):
        if isinstance(value, dict) and value:
            for key, each in value.items():
                walk(each, (*path, key))
        elif value is not None:
            found[path] = value

    for key, value in {**owned, "metadata": metadata}.items():
        if key != "metadata" or value:
            walk(value, (key,))
    return found


def encoded(paths):
    """Paths as FieldsV1."""
    fields: dict[str, dict] = {}
    for path in sorted(paths):
        place = fields
        for key in path:
            place = place.setdefault(f"f:{key}", {})
    return fields


def decoded(fields, path=()):
    for key, value in fields.items():
        if value:
            yield from decoded(value, (*path, key.removeprefix("f:")))
        else:
            yield (*path, key.removeprefix("f:"))


def owners(item):
    """{(manager, operation): paths} of a stored object."""
    entries = item.get("metadata", {}).get("managedFields") or []
    return {(each["manager"], each["operation"]): set(decoded(each["fieldsV1"])) for each in entries}


def with_owners(item, owned, api_version):
    entries = [
        {"manager": manager, "operation": operation, "apiVersion": api_version, "fieldsType": "FieldsV1",
         "time": "2026-01-01T00:00:00Z", "fieldsV1": encoded(paths)}
        for (manager, operation), paths in owned.items() if paths
    ]  # fmt: skip
    return {**item, "metadata": {**item["metadata"], "managedFields": entries}}


def updated(live, item, manager):
    """`item` in place of `live`: what differs belongs to the manager who wrote it, what is gone to none."""
    before, after = leaves(live), leaves(item)
    owned = owners(live)
    if item["metadata"].get("managedFields") not in (None, live.get("metadata", {}).get("managedFields")):
        owned = owners(item)  # a client that moves ownership says so itself
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    owned = {owner: (paths & after.keys()) - changed for owner, paths in owned.items()}
    owned[manager, UPDATE] = owned.get((manager, UPDATE), set()) | changed
    return with_owners(item, owned, item["apiVersion"])


def applied(live, body, manager, force):
    """The object after a server-side apply; what the manager applied before and leaves out now is taken away."""
    wanted, owned = leaves(body), owners(live)
    present = leaves(live)
    mine = (manager, APPLY)
    fought = {
        (path, owner)
        for owner, paths in owned.items() if owner != mine
        for path in paths & wanted.keys() if present.get(path) != wanted[path]
    }  # fmt: skip
    if fought and not force:
        fields = ", ".join(f'conflict with "{owner}": .{".".join(path)}' for path, (owner, _) in sorted(fought))
        raise Conflict(f"Apply failed with {len(fought)} conflict{'s' * (len(fought) > 1)}: {fields}")
    for path, owner in fought:
        owned[owner].discard(path)
    others = set().union(*(paths for owner, paths in owned.items() if owner != mine))
    result = copy.deepcopy(live) or {"metadata": {}}
    for path in owned.get(mine, set()) - wanted.keys() - others:
        remove(result, path)
    for path, value in wanted.items():
        place = result
        for key in path[:-1]:
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        if value != {} or not isinstance(place.get(path[-1]), dict):
            place[path[-1]] = value
    result.update({"apiVersion": body["apiVersion"], "kind": body["kind"]})
    result["metadata"]["name"] = body["metadata"]["name"]
    owned[mine] = set(wanted)
    return with_owners(result, owned, body["apiVersion"])


def remove(item, path):
    *parents, last = path
    for key in parents:
        item = item.get(key)
        if not isinstance(item, dict):
            return
    item.pop(last, None)


def json_patched(item, operations):
    """RFC 6902, as far as maps go: what clients move ownership with."""
    item = copy.deepcopy(item)
    for each in operations:
        *parents, last = [key.replace("~1", "/").replace("~0", "~") for key in each["path"].split("/")[1:]]
        place = item
        for key in parents:
            place = place[key]
        match each["op"]:
            case "add" | "replace":
                place[last] = each["value"]
            case "remove":
                del place[last]
            case "test":
                assert place.get(last) == each["value"], each
            case other:
                raise AssertionError(f"not known: {other}")
    return item
