"""The Kubernetes half: putting a whole ConfigMap in the place of another."""

import pytest

from sandbox import Sandbox
from test_sandbox_kubernetes import CONFIG_MAPS, MERGE, NAMESPACE, RECORD, USER, ask, patch, refused


@pytest.fixture(scope="module")
def service():
    with Sandbox() as sandbox:
        sandbox.grant("admin", "admin", [
            {"namespace": "*", "resources": ["configmaps"], "verbs": ["get", "update", "patch", "delete"]}])
        sandbox.grant("job", USER, [
            {"namespace": NAMESPACE, "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}])
        yield sandbox


@pytest.fixture
def record(service):
    """A ConfigMap with two keys."""
    service.put_configmap(NAMESPACE, "record", {"path": "old", "other": "kept"})
    return service


def put(service, body, path=RECORD, **options):
    return ask(service, "PUT", path, body, **options)


def stored(service):
    return ask(service, "GET", RECORD)[1]


def test_an_update_replaces_the_whole_object(record):
    old = stored(record)
    new = old | {"data": {"path": "c1/a.db"}, "binaryData": {"b": "AP8="}, "immutable": False}
    new["metadata"] |= {"labels": {"a": "b"}}
    status, document = put(record, new, f"{RECORD}?fieldManager=x")
    assert status == 200
    version = document["metadata"].pop("resourceVersion")
    assert int(version) > int(new["metadata"].pop("resourceVersion"))
    assert document == new
    assert stored(record)["metadata"]["resourceVersion"] == version
    assert record.configmap(NAMESPACE, "record") == {"path": "c1/a.db"}


@pytest.mark.parametrize("options", [None, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}])
def test_a_deleted_configmap_is_gone(record, options):
    uid = stored(record)["metadata"]["uid"]
    status, document = ask(record, "DELETE", RECORD, options)
    assert status == 200
    assert (document["status"], document["details"]) == (
        "Success", {"name": "record", "kind": "configmaps", "uid": uid})
    assert record.configmap(NAMESPACE, "record") is None
    assert refused(ask(record, "DELETE", RECORD), 404, "NotFound", 'configmaps "record" not found')


@pytest.mark.parametrize("options", [{"preconditions": {"uid": "a"}}, {"orphanDependents": True}, {"dryRun": ["All"]}])
def test_a_deletion_with_an_option_that_is_not_served_deletes_nothing(record, options):
    assert refused(ask(record, "DELETE", RECORD, options), 400, "BadRequest")
    assert refused(ask(record, "DELETE", f"{RECORD}?dryRun=All"), 400, "BadRequest")
    assert record.configmap(NAMESPACE, "record") is not None


def test_a_deletion_needs_the_right_to_it(record):
    assert refused(ask(record, "DELETE", RECORD, token="job"), 403, "Forbidden", (
        f'configmaps "record" is forbidden: User "{USER}" cannot delete resource "configmaps" '
        f'in API group "" in the namespace "{NAMESPACE}"'))
    assert record.configmap(NAMESPACE, "record") is not None


def test_an_update_of_another_version_conflicts(record):
    old = stored(record)
    patch(record, {"data": {"other": "changed"}})
    answer = put(record, old | {"data": {"path": "new"}})
    assert refused(answer, 409, "Conflict", (
        'Operation cannot be fulfilled on configmaps "record": the object has been modified; '
        "please apply your changes to the latest version and try again"))
    assert record.configmap(NAMESPACE, "record") == {"path": "old", "other": "changed"}


@pytest.mark.parametrize("version", [{}, {"resourceVersion": ""}])
def test_an_update_without_a_version_is_unconditional(record, version):
    assert put(record, {"metadata": {"name": "record"} | version, "data": {"path": "new"}})[0] == 200
    assert record.configmap(NAMESPACE, "record") == {"path": "new"}


def test_an_update_cannot_change_what_only_the_server_sets(record):
    old = stored(record)
    body = {"metadata": {"name": "record", "creationTimestamp": "2001-01-01T00:00:00Z"}, "data": {}}
    new = put(record, body)[1]
    assert (new["kind"], new["apiVersion"]) == ("ConfigMap", "v1")
    for field in ("uid", "namespace", "creationTimestamp"):
        assert new["metadata"].get(field) == old["metadata"].get(field)
    body["metadata"]["uid"] = "another"
    assert refused(put(record, body), 409, "Conflict")


def test_an_update_that_changes_nothing_keeps_the_version(record):
    old = patch(record, {"data": {"path": "new"}})[1]
    assert put(record, old) == (200, old)


def test_an_update_never_creates(service):
    answer = put(service, {"metadata": {"name": "none"}, "data": {"path": "x"}}, f"{CONFIG_MAPS}/none")
    assert refused(answer, 404, "NotFound", 'configmaps "none" not found')
    assert service.configmap(NAMESPACE, "none") is None


def test_an_update_needs_its_own_verb(record):
    answer = put(record, stored(record), token="job")
    assert refused(answer, 403, "Forbidden", (
        f'configmaps "record" is forbidden: User "{USER}" cannot update resource "configmaps" '
        f'in API group "" in the namespace "{NAMESPACE}"'))


@pytest.mark.parametrize("metadata", [{"name": "other"}, {"name": ""}, {}, {"name": "record", "namespace": "other"}])
def test_an_update_under_another_name_is_a_bad_request(record, metadata):
    assert refused(put(record, {"metadata": metadata, "data": {}}), 400, "BadRequest")
    assert record.configmap(NAMESPACE, "record") == {"path": "old", "other": "kept"}


@pytest.mark.parametrize("body", ["", "{", "[]", '{"kind":"Secret","metadata":{"name":"record"}}'])
def test_an_update_with_something_else_is_a_bad_request(record, body):
    assert refused(put(record, body), 400, "BadRequest")


def test_an_update_is_not_a_patch(record):
    answer = put(record, stored(record), content_type=MERGE)
    assert refused(answer, 415, "UnsupportedMediaType")


@pytest.mark.parametrize("data", [{"a b": "x"}, {"path": 1}])
def test_an_update_against_the_rules_is_invalid(record, data):
    assert refused(put(record, stored(record) | {"data": data}), 422, "Invalid")


def test_an_update_leaves_an_immutable_configmap(service):
    service.put_configmap(NAMESPACE, "record", {"path": "old"}, immutable=True)
    assert refused(put(service, stored(service) | {"data": {"path": "new"}}), 422, "Invalid")


def test_a_dry_run_of_an_update_changes_nothing(record):
    assert put(record, stored(record) | {"data": {}}, f"{RECORD}?dryRun=All")[0] == 200
    assert record.configmap(NAMESPACE, "record") == {"path": "old", "other": "kept"}


def test_an_update_is_logged_as_such(record):
    put(record, stored(record))
    assert record.requests()[-1]["operation"] == "UpdateConfigMap"
