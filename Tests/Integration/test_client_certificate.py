"""A service principal that shows a certificate: its assertion is signed with PS256, as Microsoft documents it."""

import base64
import hashlib
import json
import socket
import ssl
import threading
import time
from urllib.parse import parse_qs

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from identities import CLIENT, SECRET, TENANT, Identities
from test_secrets import assert_no_secret_in
from world import CONTAINER, NAMESPACE, STORE_SECRET, TOKEN


@pytest.fixture
def identities(world, tmp_path):
    identities = Identities(world.sandbox, tmp_path, CONTAINER)
    world.env |= identities.environment("service-principal")
    return identities


def put(world, **values: str) -> None:
    world.sandbox.put_secret(
        NAMESPACE, STORE_SECRET, {"storage-account": world.sandbox.account} | {
            name.replace("_", "-"): value for name, value in values.items()})


def key_lines(pem: str) -> list[str]:
    return [line for line in pem.partition("PRIVATE KEY-----")[2].splitlines() if len(line) == 64]


def test_A30_a_certificate_opens_the_store(world, identities):
    pem = identities.certificate()
    put(world, client_certificate=pem)
    run = world.run(APP_LOGGER_LEVEL="trace")
    world.assert_whole(world.assert_success(run))
    checked = world.run("check")
    assert checked.status == 0 and CLIENT in checked.text, checked.text
    assert_no_secret_in(run.log + checked.text, [*key_lines(pem), TOKEN])


def test_A30_also_from_microsofts_variable(world, identities, tmp_path):
    (tmp_path / "client.pem").write_text(identities.certificate())
    world.assert_success(world.run(
        APP_ABS_SECRET_NAME=None, AZURE_STORAGE_ACCOUNT=world.sandbox.account,
        AZURE_CLIENT_CERTIFICATE_PATH=str(tmp_path / "client.pem")))


def test_A30_the_sandbox_takes_what_microsofts_library_signs_and_nothing_else(world, identities):
    def token(pem: str) -> str:
        return CertificateCredential(
            TENANT, CLIENT, certificate_data=pem.encode(), authority=world.sandbox.identity_url, retry_total=0,
            disable_instance_discovery=True, connection_verify=str(world.sandbox.ca_file),
        ).get_token("https://storage.azure.com/.default").token

    assert token(identities.certificate())
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        token(identities.certificate(is_uploaded=False))


def test_A31_the_assertion_is_what_the_document_says_judged_by_another_library(world, identities, tmp_path):
    """PyJWT verifies it; the server takes one request and refuses."""
    pem = identities.certificate()
    put(world, client_certificate=pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.sandbox.pki / "server.crt", world.sandbox.pki / "server.key")
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: received.append(refuse_one(listener, context)))
        thread.start()
        authority = f"https://127.0.0.1:{listener.getsockname()[1]}"
        run = world.run(AZURE_AUTHORITY_HOST=authority)
        thread.join(30)
    assert run.status == 78, run
    form = {name: values[0] for name, values in parse_qs(received[0]).items()}
    assert sorted(form) == ["client_assertion", "client_assertion_type", "client_id", "grant_type", "scope"]
    public_key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    url = f"{authority}/{TENANT}/oauth2/v2.0/token"
    claims = jwt.decode(
        form["client_assertion"], public_key, algorithms=["PS256"], audience=url,
        options={"require": ["aud", "iss", "sub", "jti", "nbf", "exp"]})
    assert claims["iss"] == claims["sub"] == CLIENT and claims["exp"] - claims["nbf"] == 600
    assert abs(claims["nbf"] - time.time()) < 60 and all(type(claims[name]) is int for name in ("nbf", "exp"))
    thumbprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.partition("-----BEGIN PRIVATE")[0])).digest()
    assert jwt.get_unverified_header(form["client_assertion"]) == {
        "alg": "PS256", "typ": "JWT", "x5t#S256": base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()}


def refuse_one(listener, context) -> str:
    connection, _ = listener.accept()
    with context.wrap_socket(connection, server_side=True) as stream:
        request = b""
        while b"\r\n\r\n" not in request:
            request += stream.recv(65_536)
        head, _, body = request.partition(b"\r\n\r\n")
        [length] = [int(line[15:]) for line in head.decode().splitlines() if line.lower().startswith("content-length:")]
        while len(body) < length:
            body += stream.recv(65_536)
        answer = json.dumps({"error": "invalid_client", "error_description": "AADSTS700027: no."}).encode()
        stream.sendall(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(answer), answer))
        return body.decode()


def test_A32_a_certificate_that_was_not_uploaded_is_refused_with_what_to_do(world, identities):
    put(world, client_certificate=identities.certificate(is_uploaded=False))
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert "AADSTS700027" in run.log and "Upload the certificate" in run.log, run


@pytest.mark.parametrize("make, words", [
    (lambda ids: ids.certificate(days=-0.5), ["expired at"]),
    (lambda ids: ids.certificate(key=ec.generate_private_key(ec.SECP256R1())), ["not RSA"]),
    (lambda ids: ids.certificate(key=rsa.generate_private_key(65537, 1024)), ["1024 bits"]),
    (lambda ids: ids.certificate().partition("-----BEGIN PRIVATE")[0], ["holds no private key"]),
    (lambda _: "nothing", ["is not PEM"]),
], ids=["expired", "EC", "short", "no key", "no PEM"])
def test_A32_a_certificate_that_cannot_serve_is_refused_before_anything_is_asked(world, identities, make, words):
    put(world, client_certificate=make(identities))
    run = world.run()
    assert {request["service"] for request in world.requests()} == {"kubernetes"}
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in ["client-certificate of", *words]), run


def test_A32_a_secret_beside_a_certificate_is_refused(world, identities):
    put(world, client_certificate=identities.certificate(), client_secret=SECRET)
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert "both client-secret and client-certificate" in run.log and SECRET not in run.log, run


def test_A32_a_certificate_that_ends_soon_is_a_warning(world, identities):
    put(world, client_certificate=identities.certificate(days=5))
    run = world.run()
    world.assert_success(run)
    assert "the certificate of the service principal" in run.log and "expires at" in run.log, run
