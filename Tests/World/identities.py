"""Identities of Microsoft Entra ID for the tests: an application, a federated service account and a machine's identity."""

import base64
import datetime
import json
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from sandbox import Sandbox

TENANT = "7f1c2a3b-0000-4000-8000-00000000000a"
CLIENT = "5d0c9f52-0000-4000-8000-00000000000b"
SECRET = "v8Q~secret+of/an=application&"
ISSUER = "https://oidc.cluster.example/"
SUBJECT = "system:serviceaccount:kyma-system:etcd-backup"
AUDIENCE = "api://AzureADTokenExchange"
ROLES = ["read", "write", "delete"]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Identities:
    """One client, which a secret, a federated token and the machine stand for alike."""

    def __init__(self, sandbox: Sandbox, folder: Path, container: str):
        self.sandbox = sandbox
        self.container = container
        self.token_file = folder / "federated-token"
        self.certificates: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.set()
        self.write_token()

    def set(self, roles: list[str] = ROLES, secret: str = SECRET, federated: dict | None = None, **members) -> None:
        """Tells the sandbox; `members` are those of identities.json."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        trust = {"issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE} | (federated or {})
        client = {"secrets": [secret], "federated": [trust], "certificates": self.certificates,
                  "roles": {self.container: roles}}
        self.sandbox.set_identities(**({
            "accountTenant": TENANT, "tenants": {TENANT: {CLIENT: client}}, "issuers": {ISSUER: public},
            "machine": [CLIENT], "lifetime": 3600} | members))

    def certificate(self, is_uploaded: bool = True, days: float = 90, key: Key | None = None) -> str:
        """PEM of a certificate and its key, which the application has or has not uploaded."""
        key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd-backup")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=days)).sign(key, hashes.SHA256()))
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        if is_uploaded:
            self.certificates.append(pem)
            self.set()
        return pem + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    def write_token(self, **claims) -> None:
        """As Kubernetes writes it, with these claims in place of the right ones."""
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": SUBJECT, "aud": [AUDIENCE], "nbf": now - 5, "exp": now + 3600} | claims
        signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': 'k1'})}.{_encoded(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self.token_file.write_text(f"{signed}.{_base64(signature)}")

    def environment(self, kind: str) -> dict[str, str]:
        """What the webhook, the node or the operator sets."""
        common = {
            "APP_ABS_AUTHENTICATION": kind, "APP_ABS_ENDPOINT": self.sandbox.blob_tls_url,
            "APP_ABS_CA_FILE": str(self.sandbox.ca_file), "AZURE_CLIENT_ID": CLIENT}
        authority = {"AZURE_AUTHORITY_HOST": self.sandbox.identity_url + "/", "AZURE_TENANT_ID": TENANT}
        match kind:
            case "workload-identity":
                return common | authority | {"AZURE_FEDERATED_TOKEN_FILE": str(self.token_file)}
            case "service-principal":
                return common | authority
            case "managed-identity":
                return common | {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.sandbox.imds_url}
            case _:
                raise ValueError(f"no identity is of the kind {kind}")


def _encoded(members: dict) -> str:
    return _base64(json.dumps(members).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
