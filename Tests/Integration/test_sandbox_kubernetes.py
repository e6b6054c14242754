"""The Kubernetes half: Secrets and ConfigMaps over TLS, with the API server's answers."""

import base64
import http.client
import json
import ssl
from urllib.parse import urlsplit

import pytest

from certificates import Authority
from sandbox import Sandbox

NAMESPACE, USER = "kyma-system", "system:serviceaccount:kyma-system:etcd-backup"
MERGE = "application/merge-patch+json"
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
RECORD = f"{CONFIG_MAPS}/record"


@pytest.fixture(scope="module")
def service():
    with Sandbox() as sandbox:
        sandbox.create_namespace(NAMESPACE)
        sandbox.grant("admin", "admin", [
            {"namespace": "*", "resources": ["secrets", "configmaps"], "verbs": ["get", "create", "patch"]}])
        sandbox.grant("job", USER, [
            {"namespace": NAMESPACE, "resources": ["secrets"], "resourceNames": ["abs"], "verbs": ["get"]},
            {"namespace": NAMESPACE, "resources": ["configmaps"], "resourceNames": ["record"],
             "verbs": ["get", "patch", "create"]}])
        yield sandbox


@pytest.fixture
def record(service):
    """A ConfigMap with two keys."""
    service.put_configmap(NAMESPACE, "record", {"path": "old", "other": "kept"})
    return service


def ask(service, method, path, body=None, *, token="admin", content_type="application/json", context=None):
    address = urlsplit(service.kubernetes_url)
    connection = http.client.HTTPSConnection(
        address.hostname, address.port, context=context or service.ssl_context(), timeout=20)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = content_type
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def patch(service, body, path=RECORD, **options):
    return ask(service, "PATCH", path, body, content_type=MERGE, **options)


def refused(answer, code, reason, message=None):
    status, document = answer
    assert (status, document["kind"], document["status"]) == (code, "Status", "Failure")
    assert (document["code"], document["reason"]) == (code, reason)
    if message:
        assert document["message"] == message
    return True


# Who may do what.


def test_a_secret_comes_as_the_api_shows_it(service):
    service.put_secret(NAMESPACE, "abs", {"storage-account": "acct1\n", "storage-key": b"\x00\xff"})
    status, secret = ask(service, "GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/abs", token="job")
    assert (status, secret["kind"], secret["apiVersion"], secret["type"]) == (200, "Secret", "v1", "Opaque")
    assert base64.b64decode(secret["data"]["storage-account"]) == b"acct1\n"
    assert base64.b64decode(secret["data"]["storage-key"]) == b"\x00\xff"
    assert secret["metadata"]["resourceVersion"]


@pytest.mark.parametrize("token", [None, "", "unknown", "Job"])
def test_an_unknown_token_is_unauthorized(service, token):
    assert refused(ask(service, "GET", RECORD, token=token), 401, "Unauthorized", "Unauthorized")


def test_a_revoked_token_is_unauthorized_from_the_next_request_on(record):
    record.grant("short", "u", [{"namespace": NAMESPACE, "resources": ["configmaps"], "verbs": ["get"]}])
    assert ask(record, "GET", RECORD, token="short")[0] == 200
    record.revoke("short")
    assert ask(record, "GET", RECORD, token="short")[0] == 401


def test_a_refusal_names_user_verb_resource_and_namespace(service):
    answer = ask(service, "GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/other", token="job")
    assert refused(answer, 403, "Forbidden", (
        f'secrets "other" is forbidden: User "{USER}" cannot get resource "secrets" '
        f'in API group "" in the namespace "{NAMESPACE}"'))
    assert answer[1]["details"] == {"name": "other", "kind": "secrets"}
    assert refused(ask(service, "GET", "/api/v1/namespaces/default/configmaps/record", token="job"), 403, "Forbidden")


def test_a_rule_with_names_never_allows_a_post(service):
    answer = ask(service, "POST", CONFIG_MAPS, {"metadata": {"name": "record"}}, token="job")
    assert refused(answer, 403, "Forbidden", (
        f'configmaps is forbidden: User "{USER}" cannot create resource "configmaps" '
        f'in API group "" in the namespace "{NAMESPACE}"'))


def test_a_missing_object_and_a_missing_namespace_look_the_same(service):
    for namespace in (NAMESPACE, "nowhere"):
        answer = ask(service, "GET", f"/api/v1/namespaces/{namespace}/configmaps/none")
        assert refused(answer, 404, "NotFound", 'configmaps "none" not found')


@pytest.mark.parametrize("path", ["/", "/api/v2/x", "/api/v1/namespaces/a/pods/b", f"{RECORD}/status",
                                  "/api/v1/namespaces/../configmaps/x", "/api/v1/namespaces/a/configmaps/%2e%2e"])
def test_an_unknown_path_is_not_found(service, path):
    assert refused(ask(service, "GET", path), 404, "NotFound")


def test_a_method_that_is_not_served_is_refused(record):
    assert refused(ask(record, "DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/record"), 405, "MethodNotAllowed")
    assert refused(ask(record, "DELETE", CONFIG_MAPS), 405, "MethodNotAllowed")
    assert record.configmap(NAMESPACE, "record") is not None


# Patching.


def test_a_merge_patch_changes_its_keys_and_no_others(record):
    status, document = patch(record, {"data": {"path": "c1/a.db", "size": "7"}})
    assert (status, document["kind"]) == (200, "ConfigMap")
    assert document["data"] == {"path": "c1/a.db", "size": "7", "other": "kept"}
    assert record.configmap(NAMESPACE, "record") == document["data"]


def test_null_deletes_a_key(record):
    assert patch(record, {"data": {"path": None}})[1]["data"] == {"other": "kept"}


def test_a_change_gets_a_new_version_and_the_same_value_keeps_it(record):
    first = patch(record, {"data": {"path": "new"}})[1]["metadata"]["resourceVersion"]
    assert patch(record, {"data": {"path": "new"}})[1]["metadata"]["resourceVersion"] == first
    assert int(patch(record, {"data": {"path": "newer"}})[1]["metadata"]["resourceVersion"]) > int(first)


def test_a_patch_for_another_version_conflicts(record):
    version = patch(record, {"data": {"path": "new"}})[1]["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": "1"}, "data": {"path": "newer"}}
    assert refused(patch(record, body), 409, "Conflict")
    body["metadata"]["resourceVersion"] = version
    assert patch(record, body)[0] == 200


def test_a_patch_never_creates(service):
    answer = patch(service, {"data": {"path": "x"}}, f"{CONFIG_MAPS}/none")
    assert refused(answer, 404, "NotFound", 'configmaps "none" not found')
    assert service.configmap(NAMESPACE, "none") is None


def test_a_dry_run_changes_nothing(record):
    assert patch(record, {"data": {"path": "new"}}, f"{RECORD}?dryRun=All&fieldManager=x")[0] == 200
    assert record.configmap(NAMESPACE, "record")["path"] == "old"
    assert refused(patch(record, {"data": {"path": 1}}, f"{RECORD}?dryRun=All"), 422, "Invalid")


@pytest.mark.parametrize("content_type", [
    "application/json", "application/json-patch+json", "application/strategic-merge-patch+json",
    "application/apply-patch+yaml", "text/plain"])
def test_another_kind_of_patch_is_refused(record, content_type):
    answer = ask(record, "PATCH", RECORD, {"data": {"path": "x"}}, content_type=content_type)
    assert refused(answer, 415, "UnsupportedMediaType")


def test_a_charset_is_fine(record):
    answer = ask(record, "PATCH", RECORD, {"data": {"path": "x"}}, content_type=f"{MERGE}; charset=utf-8")
    assert answer[0] == 200


@pytest.mark.parametrize("body", ["", "{", "[]", '{"data":', "x"])
def test_an_undecodable_body_is_a_bad_request(record, body):
    assert refused(patch(record, body), 400, "BadRequest")


@pytest.mark.parametrize("data", [{"a b": "x"}, {"": "x"}, {"a/b": "x"}, {"..": "x"}, {"k" * 254: "x"},
                                  {"path": 1}, {"path": True}, {"path": {"a": "b"}}, {"path": ["a"]}])
def test_a_key_or_value_against_the_rules_is_invalid(record, data):
    assert refused(patch(record, {"data": data}), 422, "Invalid")
    assert record.configmap(NAMESPACE, "record") == {"path": "old", "other": "kept"}


def test_a_value_that_is_no_string_brings_the_whole_object_into_the_message(record):
    assert '"other":"kept"' in patch(record, {"data": {"path": 1}})[1]["message"]


def test_an_immutable_configmap_stays(service):
    service.put_configmap(NAMESPACE, "record", {"path": "old"}, immutable=True)
    answer = patch(service, {"data": {"path": "new"}})
    assert refused(answer, 422, "Invalid")
    assert "field is immutable when `immutable` is set" in answer[1]["message"]
    assert patch(service, {"data": {"path": "old"}})[0] == 200


def test_more_than_a_mebibyte_is_too_much(record):
    record.put_configmap(NAMESPACE, "record", {})
    assert patch(record, {"data": {"a": "x" * (1 << 20)}})[0] == 200
    assert refused(patch(record, {"data": {"b": "x"}}), 422, "Invalid")


@pytest.mark.parametrize("body", [{"metadata": {"name": "other"}}, {"kind": "Secret"},
                                  {"metadata": {"namespace": "other"}}])
def test_a_patch_cannot_make_another_object_of_it(record, body):
    assert refused(patch(record, body), 400, "BadRequest")


# Creating.


def test_a_configmap_is_created_once(service):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new-one"}, "data": {"path": "a/b"}}
    status, document = ask(service, "POST", f"{CONFIG_MAPS}?fieldManager=x", body)
    assert (status, document["data"], document["metadata"]["namespace"]) == (201, {"path": "a/b"}, NAMESPACE)
    assert document["metadata"]["uid"] and document["metadata"]["creationTimestamp"]
    answer = ask(service, "POST", CONFIG_MAPS, body)
    assert refused(answer, 409, "AlreadyExists", 'configmaps "new-one" already exists')
    assert patch(service, {"data": {"path": "c"}}, f"{CONFIG_MAPS}/new-one")[0] == 200


def test_a_configmap_in_a_missing_namespace_is_not_created(service):
    answer = ask(service, "POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}})
    assert refused(answer, 404, "NotFound", 'namespaces "nowhere" not found')


@pytest.mark.parametrize(("body", "code", "reason"), [
    ({"metadata": {}}, 422, "Invalid"), ({"metadata": {"name": "Upper"}}, 422, "Invalid"),
    ({"metadata": {"name": "a", "namespace": "other"}}, 400, "BadRequest"),
    ({"kind": "Secret", "metadata": {"name": "a"}}, 400, "BadRequest"),
    ({"metadata": {"name": "a"}, "data": {"k": 1}}, 422, "Invalid")])
def test_a_configmap_against_the_rules_is_not_created(service, body, code, reason):
    assert refused(ask(service, "POST", CONFIG_MAPS, body), code, reason)
    assert service.configmap(NAMESPACE, "a") is None


# Reviews.


@pytest.mark.parametrize(("verb", "resource", "name", "allowed"), [
    ("get", "secrets", "abs", True), ("get", "secrets", "other", False), ("get", "secrets", None, False),
    ("patch", "configmaps", "record", True), ("delete", "configmaps", "record", False)])
def test_an_access_review_tells_what_would_be_allowed(service, verb, resource, name, allowed):
    attributes = {"namespace": NAMESPACE, "verb": verb, "resource": resource, **({"name": name} if name else {})}
    status, review = ask(service, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}}, token="job")
    assert (status, review["status"]["allowed"]) == (201, allowed)


# TLS.


def test_a_client_that_does_not_know_the_ca_turns_away(service):
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(service, "GET", RECORD, context=ssl.create_default_context())


def test_a_client_certificate_of_the_ca_is_an_identity(record):
    record.authority.client().write(record.pki, "client")
    record.grant_certificate(record.pki / "client.crt", "certificate-user", [
        {"namespace": NAMESPACE, "resources": ["configmaps"], "verbs": ["get"]}])
    context = record.ssl_context()
    context.load_cert_chain(record.pki / "client.crt", record.pki / "client.key")
    assert ask(record, "GET", RECORD, token=None, context=context)[0] == 200
    answer = patch(record, {"data": {"path": "x"}}, token=None, context=context)
    assert refused(answer, 403, "Forbidden")
    assert 'User "certificate-user" cannot patch' in answer[1]["message"]


def test_a_client_certificate_of_another_ca_is_none(record, tmp_path):
    Authority("sandbox test CA").client().write(tmp_path, "client")
    context = record.ssl_context()
    context.load_cert_chain(tmp_path / "client.crt", tmp_path / "client.key")
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(record, "GET", RECORD, token=None, context=context)


def test_a_kubeconfig_names_server_ca_token_and_namespace(service, tmp_path):
    service.kubeconfig(tmp_path / "kubeconfig", "job", NAMESPACE)
    config = json.loads((tmp_path / "kubeconfig").read_text())
    assert config["clusters"][0]["cluster"]["server"] == service.kubernetes_url
    assert config["users"][0]["user"]["token"] == "job"
    assert config["contexts"][0]["context"]["namespace"] == NAMESPACE
