"""Private certificate authorities, for etcd with TLS and for the sandbox: short-lived, made in memory, written where
the servers read them.
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str

    def write(self, folder: Path, name: str) -> None:
        """`name.crt` and `name.key`."""
        (folder / f"{name}.crt").write_text(self.certificate)
        (folder / f"{name}.key").write_text(self.key)


class Authority:
    """Signs server and client certificates for 127.0.0.1. The program warns of those valid for less than 14 days."""

    def __init__(self, name: str = "etcd test CA", days: int = 30):
        self._days = days
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.certificate = _pem(self._certificate)

    def server(self, client_auth: bool = True, hosts: tuple[str, ...] = (), addresses: tuple[str, ...] = ()) -> KeyPair:
        """etcd's gateway also uses the server's certificate as a client, which needs `client_auth`."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        if client_auth:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in ("localhost", *hosts)]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", *addresses)]
        return self._issue("etcd", usages, names)

    def client(self, common_name: str | None = "etcd-backup") -> KeyPair:
        """With etcd authentication on, the gateway refuses a certificate that has a common name."""
        return self._issue(common_name, [ExtendedKeyUsageOID.CLIENT_AUTH], [])

    def _issue(self, common_name, usages, names) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "etcd-backup tests")]
        if common_name:
            attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
        builder = self._builder(x509.Name(attributes), key).add_extension(
            x509.ExtendedKeyUsage(usages), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return KeyPair(_pem(builder.sign(self._key, hashes.SHA256())), private.decode())

    def _builder(self, subject, key) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=self._days))
        )


@dataclass(frozen=True)
class TLS:
    """What one cluster and its clients need: certificates as text, and as files in a folder for etcd and etcdctl."""

    signer: Authority
    server: KeyPair
    client: KeyPair
    folder: Path

    @classmethod
    def make(
        cls,
        folder: Path,
        server_client_auth: bool = True,
        client_name: str | None = "etcd-backup",
        signer: Authority | None = None,
        hosts: tuple[str, ...] = (),
        addresses: tuple[str, ...] = (),
    ) -> "TLS":
        signer = signer or Authority()
        server = signer.server(server_client_auth, hosts, addresses)
        tls = cls(signer, server, signer.client(client_name), folder)
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_text(signer.certificate)
        tls.server.write(folder, "server")
        tls.client.write(folder, "client")
        return tls

    def secret(self) -> dict[str, str]:
        """The Kubernetes Secret that APP_BACKUP_CLIENT_TLS_SECRET names."""
        return {
            "etcd-client.crt": self.client.certificate,
            "etcd-client.key": self.client.key,
            "etcd-client-ca.crt": self.signer.certificate,
        }


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
