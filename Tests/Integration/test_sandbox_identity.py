"""Tokens: the sandbox's Entra and IMDS answer Microsoft's own library, and refuse what the services refuse."""

import contextlib
import http.client
import time
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.storage.blob import ContainerClient

from identities import CLIENT, SECRET, TENANT, Identities
from sandbox import Sandbox

CONTAINER = "etcd-backups"
KINDS = ["service-principal", "workload-identity", "managed-identity"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Sandbox(state=tmp_path_factory.mktemp("sandbox"), tls=True) as sandbox:
        sandbox.create_container(CONTAINER).upload_blob("one", b"1")
        yield sandbox


@pytest.fixture
def identities(running, tmp_path):
    return Identities(running, tmp_path, CONTAINER)


def credential(identities, kind, monkeypatch, **options):
    sandbox = identities.sandbox
    options = {
        "authority": sandbox.identity_url, "disable_instance_discovery": True, "retry_total": 0,
        "connection_verify": str(sandbox.ca_file)} | options
    tenant, client = options.pop("tenant", TENANT), options.pop("client", CLIENT)
    match kind:
        case "service-principal":
            return ClientSecretCredential(tenant, client, options.pop("secret", SECRET), **options)
        case "workload-identity":
            return WorkloadIdentityCredential(
                tenant_id=tenant, client_id=client, token_file_path=str(identities.token_file), **options)
        case "managed-identity":
            monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", sandbox.imds_url)
            return ManagedIdentityCredential(client_id=client, retry_total=0)


def container(identities, credential) -> ContainerClient:
    sandbox = identities.sandbox
    return ContainerClient(
        sandbox.blob_tls_url, CONTAINER, credential=credential, retry_total=0, connection_verify=str(sandbox.ca_file))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_microsoft_s_library_opens_the_container(identities, monkeypatch, kind):
    client = container(identities, credential(identities, kind, monkeypatch))
    name = f"two-{kind}"
    client.upload_blob(name, b"22")
    assert client.download_blob(name).readall() == b"22"
    client.delete_blob(name)


@pytest.mark.parametrize("kind, options, number", [
    ("service-principal", {"secret": "wrong"}, 7000215), ("service-principal", {"client": "other"}, 700016),
    ("service-principal", {"tenant": "other"}, None), ("workload-identity", {"client": "other"}, 700016),
])
def test_a_wrong_identity_gets_no_token(identities, monkeypatch, kind, options, number):
    with pytest.raises(ClientAuthenticationError, match=f"AADSTS{number}" if number else None):
        credential(identities, kind, monkeypatch, **options).get_token("https://storage.azure.com/.default")


@pytest.mark.parametrize("claims, number", [
    ({"iss": "https://oidc.cluster.example"}, 700211), ({"aud": "other"}, 700212),
    ({"sub": "system:serviceaccount:other:etcd-backup"}, 700213), ({"exp": 1000}, 700024),
], ids=["issuer", "audience", "subject", "time"])
def test_a_federated_token_must_match_to_the_letter(identities, monkeypatch, claims, number):
    identities.write_token(**claims)
    with pytest.raises(ClientAuthenticationError, match=f"AADSTS{number}"):
        credential(identities, "workload-identity", monkeypatch).get_token("https://storage.azure.com/.default")


def test_a_federated_token_of_another_key_is_refused(identities, monkeypatch):
    text = identities.token_file.read_text()
    identities.token_file.write_text(text.rsplit(".", 1)[0] + "." + "A" * 342)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        credential(identities, "workload-identity", monkeypatch).get_token("https://storage.azure.com/.default")


def test_a_machine_has_only_its_own_identities(identities, monkeypatch):
    with pytest.raises(ClientAuthenticationError, match="Identity not found"):
        credential(identities, "managed-identity", monkeypatch, client="other").get_token("https://storage.azure.com")


@pytest.mark.parametrize("roles, work", [
    (["write", "delete"], lambda client: client.download_blob("one")),
    (["read", "delete"], lambda client: client.upload_blob("two", b"2")),
    (["read", "write"], lambda client: client.delete_blob("one")),
], ids=["read", "write", "delete"])
def test_each_operation_needs_its_role(identities, monkeypatch, roles, work):
    identities.set(roles=roles)
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        work(container(identities, credential(identities, "service-principal", monkeypatch)))


@pytest.mark.parametrize("members, reason", [
    ({"accountTenant": "other"}, "Issuer validation failed"), ({"lifetime": 1, "announcedLifetime": 3600}, "expired"),
], ids=["tenant", "lifetime"])
def test_a_token_that_does_not_hold_is_refused_with_401(identities, monkeypatch, members, reason):
    tokens = credential(identities, "service-principal", monkeypatch)
    identities.set(**members)
    token = tokens.get_token("https://storage.azure.com/.default")
    time.sleep(1.1)

    class Fixed:
        def get_token(self, *scopes, **options):
            return token

    with pytest.raises(ClientAuthenticationError, match=reason):
        container(identities, Fixed()).download_blob("one")


def test_a_token_is_not_taken_over_http(identities, monkeypatch):
    token = credential(identities, "service-principal", monkeypatch).get_token("https://storage.azure.com/.default")
    url = urlsplit(identities.sandbox.blob_url)
    with contextlib.closing(http.client.HTTPConnection(url.hostname, url.port)) as connection:
        connection.request("GET", f"{url.path}/{CONTAINER}/one", headers={
            "Authorization": f"Bearer {token.token}", "x-ms-version": "2021-12-02"})
        response = connection.getresponse()
        assert response.status == 403 and b"not allowed with HTTP" in response.read()


def test_a_new_generation_ends_the_tokens_before_it(identities, monkeypatch):
    client = container(identities, credential(identities, "service-principal", monkeypatch))
    assert client.download_blob("one").readall() == b"1"
    identities.set(generation=1)
    with pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationInfo"):
        client.download_blob("one")
    later = container(identities, credential(identities, "service-principal", monkeypatch))
    assert later.download_blob("one").readall() == b"1"


def test_a_token_for_another_audience_is_refused(identities, monkeypatch):
    identities.set(audience="https://vault.azure.net")
    client = container(identities, credential(identities, "service-principal", monkeypatch))
    with pytest.raises(ClientAuthenticationError, match="Audience validation failed"):
        client.download_blob("one")
