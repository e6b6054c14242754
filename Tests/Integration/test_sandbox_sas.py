"""Shared access signatures: the sandbox takes those of Microsoft's library, and refuses what the service refuses."""

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.storage.blob import ContainerClient

from sandbox import Sandbox

CONTAINER = "etcd-backups"
DAY = 86_400


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Sandbox(state=tmp_path_factory.mktemp("sandbox"), tls=True) as sandbox:
        sandbox.create_container(CONTAINER).upload_blob("one", b"1")
        yield sandbox


def client(service, sas: str, container: str = CONTAINER) -> ContainerClient:
    return ContainerClient(service.blob_url, container, credential=sas, retry_total=0)


@pytest.mark.parametrize("kind", ["account", "container", "delegated"])
def test_a_right_signature_opens_what_it_is_for(service, kind):
    container = client(service, service.sas(kind, starts=-60))
    name = f"two-{kind}"
    container.upload_blob(name, b"22")
    assert container.download_blob(name).readall() == b"22"
    assert name in [blob.name for blob in container.list_blobs()]
    container.delete_blob(name)


def test_a_blob_s_signature_opens_that_blob_alone(service):
    container = client(service, service.sas("blob", permission="r"))
    assert container.download_blob("one").readall() == b"1"
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        list(container.list_blobs())


REFUSALS = {
    "expired": ("container", {"ends": -1}, "AuthenticationFailed"),
    "not yet": ("account", {"starts": 600}, "AuthenticationFailed"),
    "delegation key expired": ("delegated", {"key_ends": -1}, "AuthenticationFailed"),
    "another container": ("container", {"container": "others"}, "AuthenticationFailed"),
    "address": ("container", {"ip": "10.0.0.1"}, "AuthorizationSourceIPMismatch"),
    "protocol": ("container", {"protocol": "https"}, "AuthorizationProtocolMismatch"),
    "resource type": ("account", {"resource_types": "s"}, "AuthorizationResourceTypeMismatch"),
    "no permission": ("container", {"permission": "rwd"}, "AuthorizationPermissionMismatch"),
}


@pytest.mark.parametrize("kind, options, code", REFUSALS.values(), ids=REFUSALS)
def test_a_signature_that_does_not_allow_a_listing_is_refused(service, kind, options, code):
    with pytest.raises(HttpResponseError) as refusal:
        list(client(service, service.sas(kind, **options)).list_blobs())
    assert (refusal.value.status_code, refusal.value.error_code.value
            if hasattr(refusal.value.error_code, "value") else refusal.value.error_code) == (403, code)


@pytest.mark.parametrize("permission, work", [
    ("rdl", lambda container: container.upload_blob("x", b"x")),
    ("wdl", lambda container: container.download_blob("one")),
    ("rwl", lambda container: container.delete_blob("one")),
], ids=["write", "read", "delete"])
@pytest.mark.parametrize("kind", ["account", "container", "delegated"])
def test_each_operation_needs_its_permission(service, kind, permission, work):
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        work(client(service, service.sas(kind, permission=permission)))


@pytest.mark.parametrize("kind", ["container", "delegated"])
def test_a_container_s_signature_does_not_read_the_container_s_properties(service, kind):
    with pytest.raises(HttpResponseError) as refusal:
        client(service, service.sas(kind)).get_container_properties()
    assert refusal.value.status_code == 403


@pytest.mark.parametrize("change", [
    lambda sas: sas.replace("sp=rwdl", "sp=racwdl"), lambda sas: sas.replace("sr=c", "sr=b"),
    lambda sas: sas.replace("se=2", "se=3"), lambda sas: sas + "&ses=scope",
], ids=["permissions", "resource", "expiry", "encryption scope"])
def test_an_altered_signature_is_refused(service, change):
    with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
        list(client(service, change(service.sas())).list_blobs())


def test_the_log_of_requests_holds_no_signature(service):
    list(client(service, service.sas()).list_blobs())
    assert service.requests()[-1]["target"].endswith("&sig=...") or "&sig=...&" in service.requests()[-1]["target"]
