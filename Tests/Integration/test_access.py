"""Ways in which etcd, TLS and authentication can be set up wrongly: each ends with its cause and its remedy in the log."""

import pytest
from cryptography.hazmat.primitives import serialization

from certificates import TLS, Authority
from etcd import Release
from processes import free_port
from world import MEBIBYTE, NAMESPACE, TLS_SECRET

RELEASES = [pytest.param(release, id=f"etcd-{release.version}") for release in Release.all()]


def assert_refused(world, run, *words, status=78):
    world.assert_nothing_happened(run, status=status)
    for word in words:
        assert word in run.log, f"{word!r} is not said\n{run}"


@pytest.mark.parametrize("release", RELEASES)
def test_a_user_without_the_root_role_is_told_so(empty_world, start_etcd, release):
    cluster = start_etcd(release)
    cluster.fill(10)
    cluster.enable_authentication("pw-of-root", {"reader": "pw-of-reader"})
    empty_world.back_up(cluster)
    empty_world.use_credentials("reader", "pw-of-reader")
    run = empty_world.run()
    assert_refused(empty_world, run, "root role")
    assert "pw-of-reader" not in run.log


@pytest.mark.parametrize("release", RELEASES)
def test_a_cluster_with_authentication_asks_for_the_credentials_secret(empty_world, start_etcd, release):
    cluster = start_etcd(release)
    cluster.enable_authentication("pw-of-root")
    cluster.user = None
    empty_world.back_up(cluster)
    assert_refused(empty_world, empty_world.run(), "APP_BACKUP_ETCD_CREDENTIALS_SECRET")


@pytest.mark.parametrize("release", RELEASES)
def test_a_wrong_password_is_told_and_not_shown(empty_world, start_etcd, release):
    cluster = start_etcd(release)
    cluster.enable_authentication("pw-of-root")
    empty_world.back_up(cluster)
    empty_world.use_credentials("root", "wr0ng-passw0rd")
    run = empty_world.run()
    assert_refused(empty_world, run, "username and password")
    assert "wr0ng-passw0rd" not in run.log


@pytest.mark.parametrize("release", RELEASES)
def test_credentials_do_no_harm_while_authentication_is_off(empty_world, start_etcd, release):
    cluster = start_etcd(release)
    cluster.fill(10)
    empty_world.back_up(cluster)
    empty_world.use_credentials("root", "not needed")
    empty_world.assert_success(empty_world.run())


def test_a_client_certificate_with_a_common_name_and_authentication_is_explained(
    empty_world, start_etcd, tmp_path
):
    tls = TLS.make(tmp_path / "tls", client_name=None)
    cluster = start_etcd(tls=tls)
    cluster.enable_authentication("pw-of-root")
    empty_world.back_up(cluster)
    named = TLS.make(tmp_path / "named", client_name="etcd-backup", signer=tls.signer)
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, named.secret())
    assert_refused(empty_world, empty_world.run(), "common name")


@pytest.mark.parametrize("release", RELEASES)
def test_a_server_certificate_without_clientAuth_is_explained(empty_world, start_etcd, tmp_path, release):
    cluster = start_etcd(release, tls=TLS.make(tmp_path / "tls", server_client_auth=False))
    empty_world.back_up(cluster)
    run = empty_world.run(APP_BACKUP_TIMEOUT="20s")
    assert_refused(empty_world, run, "clientAuth", status=1)


def test_a_missing_client_certificate_is_explained(empty_world, start_etcd, tmp_path):
    tls = TLS.make(tmp_path / "tls")
    cluster = start_etcd(tls=tls)
    empty_world.back_up(cluster)
    secret = tls.secret() | {"etcd-client.crt": "", "etcd-client.key": ""}
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, secret)
    assert_refused(empty_world, empty_world.run(), "etcd-client.crt")


def test_over_grpc_the_common_name_of_the_client_certificate_is_the_etcd_user(
    empty_world, start_etcd, tmp_path
):
    tls = TLS.make(tmp_path / "tls", client_name=None)
    cluster = start_etcd(tls=tls)
    cluster.fill(10)
    cluster.enable_authentication("pw-of-root")
    empty_world.back_up(cluster)
    named = TLS.make(tmp_path / "named", client_name="root", signer=tls.signer)
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, named.secret())
    run = empty_world.run(
        APP_BACKUP_ETCD_TRANSPORT="grpc", APP_BACKUP_ETCD_CREDENTIALS_SECRET=None)
    empty_world.assert_whole(empty_world.assert_success(run))


def test_text_around_the_PEM_blocks_does_no_harm(empty_world, start_etcd, tmp_path):
    """As `openssl ca` and `openssl pkcs12` write it."""
    tls = TLS.make(tmp_path / "tls")
    empty_world.back_up(start_etcd(tls=tls))
    secret = {key: f"Bag Attributes\n    localKeyID: 01\n{pem}\n# the end" for key, pem in tls.secret().items()}
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, secret)
    empty_world.assert_success(empty_world.run())


@pytest.mark.parametrize("key", ["etcd-client-ca.crt", "etcd-client.crt", "etcd-client.key"])
def test_what_is_no_PEM_is_explained(empty_world, start_etcd, tmp_path, key):
    tls = TLS.make(tmp_path / "tls")
    empty_world.back_up(start_etcd(tls=tls))
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, tls.secret() | {key: "MIIB"})
    assert_refused(empty_world, empty_world.run(), key, "is not PEM", "-----BEGIN")


def encrypted(key: str, old_format: bool = False) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL if old_format else serialization.PrivateFormat.PKCS8
    return serialization.load_pem_private_key(key.encode(), None).private_bytes(
        serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"x")).decode()


@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize("arguments", [[], ["check"]], ids=["backup", "check"])
def test_K1_an_encrypted_key_is_an_error_with_its_remedy(
    empty_world, start_etcd, tmp_path, old_format, arguments
):
    tls = TLS.make(tmp_path / "tls")
    empty_world.back_up(start_etcd(tls=tls))
    key = encrypted(tls.client.key, old_format)
    assert ("Proc-Type: 4,ENCRYPTED" if old_format else "BEGIN ENCRYPTED PRIVATE KEY") in key
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, tls.secret() | {"etcd-client.key": key})
    run = empty_world.run(*arguments)
    assert run.status == 78, run
    text = run.log + run.text
    assert f"Secret {NAMESPACE}/{TLS_SECRET}: etcd-client.key is encrypted" in text, run
    assert "without a passphrase" in text, run


def test_K1_a_key_of_another_certificate_is_an_error(empty_world, start_etcd, tmp_path):
    tls = TLS.make(tmp_path / "tls")
    empty_world.back_up(start_etcd(tls=tls))
    secret = tls.secret() | {"etcd-client.key": tls.server.key}
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, secret)
    assert_refused(
        empty_world, empty_world.run(),
        f"Secret {NAMESPACE}/{TLS_SECRET}: etcd-client.key does not match etcd-client.crt")


def test_K1_certificates_in_any_order_open_the_way(empty_world, start_etcd, tmp_path):
    tls = TLS.make(tmp_path / "tls")
    empty_world.back_up(start_etcd(tls=tls))
    everything = tls.client.key + tls.signer.certificate + tls.client.certificate
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, dict.fromkeys(tls.secret(), everything))
    empty_world.assert_success(empty_world.run())


def test_K1_a_certificate_that_expires_soon_is_a_warning(empty_world, start_etcd, tmp_path):
    tls = TLS.make(tmp_path / "tls", signer=Authority(days=1))
    empty_world.back_up(start_etcd(tls=tls))
    run = empty_world.run()
    empty_world.assert_success(run)
    assert "etcd-client.crt expires in " in run.log, run
    check = empty_world.run("check")
    assert check.status == 0 and "etcd-client.crt expires in " in check.text, check


def test_K2_a_CA_file_over_8_MB_is_an_error(world, tmp_path):
    bundle = tmp_path / "ca.crt"
    bundle.write_text(Authority("store").certificate * 20_000)
    assert bundle.stat().st_size > 8 * MEBIBYTE
    assert_refused(world, world.run(APP_ABS_CA_FILE=str(bundle)), "APP_ABS_CA_FILE", "larger than 1 MiB")


def test_a_server_that_another_authority_signed_is_not_trusted(empty_world, start_etcd, tmp_path):
    tls = TLS.make(tmp_path / "tls")
    empty_world.back_up(start_etcd(tls=tls))
    secret = tls.secret() | {"etcd-client-ca.crt": Authority("somebody else").certificate}
    empty_world.sandbox.put_secret(NAMESPACE, TLS_SECRET, secret)
    assert_refused(empty_world, empty_world.run(), "certificate")


def test_https_against_a_plain_port_is_explained(world, etcd):
    run = world.run(APP_BACKUP_ETCD_ENDPOINTS=etcd.endpoints.replace("http:", "https:"))
    world.assert_nothing_happened(run, status=run.status)
    assert run.status in (1, 78) and "http://" in run.log, run


def test_a_disabled_gateway_is_explained(empty_world, start_etcd):
    cluster = start_etcd(flags=["--enable-grpc-gateway=false"])
    empty_world.back_up(cluster)
    assert_refused(empty_world, empty_world.run(), "gateway")
    run = empty_world.run(APP_BACKUP_ETCD_TRANSPORT="auto")
    empty_world.assert_whole(empty_world.assert_success(run))


def test_a_port_that_speaks_only_grpc_is_explained(empty_world, start_etcd):
    cluster = start_etcd(Release("3.5.16"), http_port=free_port())
    empty_world.back_up(cluster)
    assert_refused(empty_world, empty_world.run(), "--listen-client-http-urls")
