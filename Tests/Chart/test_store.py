"""How the store is opened: each kind of credential, from values, a Secret or a folder; and by either set of names."""

import base64

import pytest
import yaml

from helm import CHART, ENABLED, NEUTRAL, Objects, merged, nested

KINDS: dict[str, dict[str, str]] = {
    "shared-key": {"account": "store", "accountKey": "a2V5"},
    "sas": {"account": "store", "sasToken": "sv=2021-12-02&sig=x"},
    "connection-string": {"connectionString": "AccountName=store;AccountKey=a2V5"},
    "workload-identity": {"account": "store", "clientId": "5d0c"},
    "managed-identity": {"account": "store", "clientId": "5d0c"},
    "service-principal": {"account": "store", "tenantId": "7f1c", "clientId": "5d0c", "clientSecret": "s"},
}
SECRETS = {
    "shared-key": {"storage-account": "store", "storage-key": "a2V5"},
    "sas": {"storage-account": "store", "sas-token": "sv=2021-12-02&sig=x"},
    "connection-string": {"connection-string": "AccountName=store;AccountKey=a2V5"},
    "service-principal": {"storage-account": "store", "tenant-id": "7f1c", "client-id": "5d0c", "client-secret": "s"},
}
PLACE = {"container": "etcd-backups", "prefix": "production"}


def values(kind, **more):
    """Of an enabled chart whose store is opened by that kind; `more` are further values of `abs`."""
    return {**NEUTRAL, "abs": {**PLACE, "authentication": kind, **more}}


def rendered(helm4, kind, changes=None, **more):
    return helm4.render(changes, base=values(kind, **more))


@pytest.mark.parametrize("kind", SECRETS)
def test_the_chart_makes_the_secret_of_a_kind(helm4, kind):
    objects = rendered(helm4, kind, **KINDS[kind])
    secret = objects.one("Secret")
    assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == SECRETS[kind]
    assert objects.environment["APP_ABS_SECRET_NAME"] == secret["metadata"]["name"] == "backup-etcd-backup-abs"
    assert objects.environment["APP_ABS_AUTHENTICATION"] == kind
    assert secret["metadata"]["name"] in objects.one("Role")["rules"][0]["resourceNames"]
    assert "AZURE_STORAGE_ACCOUNT" not in objects.environment


def test_an_identity_of_the_pod_or_the_node_needs_no_secret(helm4):
    for kind in ("workload-identity", "managed-identity"):
        objects = rendered(helm4, kind, **KINDS[kind])
        assert "Secret" not in objects.kinds() and "APP_ABS_SECRET_NAME" not in objects.environment
        assert objects.environment["AZURE_STORAGE_ACCOUNT"] == "store"
        assert objects.one("Role")["rules"][0]["resourceNames"] == ["etcd-client"]
        assert objects.environment.get("AZURE_CLIENT_ID") == ("5d0c" if kind == "managed-identity" else None)


def test_workload_identity_labels_the_pod_and_annotates_its_service_account(helm4):
    label = "azure.workload.identity/use"
    objects = rendered(helm4, "workload-identity", account="store", clientId="5d0c", tenantId="7f1c")
    assert objects.one("ServiceAccount")["metadata"]["annotations"] == {
        "azure.workload.identity/client-id": "5d0c", "azure.workload.identity/tenant-id": "7f1c"}
    assert objects.job["template"]["metadata"]["labels"][label] == "true"
    assert label not in helm4.render(base=NEUTRAL).job["template"]["metadata"]["labels"]
    annotations = {"azure.workload.identity/client-id": "other"}
    objects = rendered(helm4, "workload-identity", {"serviceAccount": {"annotations": annotations}}, account="store")
    assert objects.one("ServiceAccount")["metadata"]["annotations"] == annotations


def test_workload_identity_with_a_service_account_of_ones_own_names_the_client_in_the_pod(helm4):
    own = {"serviceAccount": {"create": False, "name": "mine"}}
    objects = rendered(helm4, "workload-identity", own, account="store", clientId="5d0c", tenantId="7f1c")
    assert (objects.environment["AZURE_CLIENT_ID"], objects.environment["AZURE_TENANT_ID"]) == ("5d0c", "7f1c")


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_ones_own_serves_every_kind(helm4, kind):
    client = {"clientId": "5d0c"} if kind.endswith("-identity") else {}
    objects = rendered(helm4, kind, existingSecret="vault", **client)
    assert "Secret" not in objects.kinds() and objects.environment["APP_ABS_SECRET_NAME"] == "vault"
    assert objects.one("Role")["rules"][0]["resourceNames"] == ["vault", "etcd-client"]


SOURCES: dict[str, tuple] = {
    "secretName": ("vault", {"secret": {"secretName": "vault"}}),
    "secretProviderClass": ("vault", {"csi": {
        "driver": "secrets-store.csi.k8s.io", "readOnly": True, "volumeAttributes": {"secretProviderClass": "vault"}}}),
    "volume": ({"hostPath": {"path": "/etc/store"}}, {"hostPath": {"path": "/etc/store"}}),
}


@pytest.mark.parametrize("value, variable, folder", [
    ("abs.secretDirectory", "APP_ABS_SECRET_DIRECTORY", "abs"),
    ("etcd.tlsDirectory", "APP_BACKUP_CLIENT_TLS_DIRECTORY", "etcd-tls"),
    ("etcd.credentialsDirectory", "APP_BACKUP_ETCD_CREDENTIALS_DIRECTORY", "etcd-credentials")])
def test_a_folder_takes_the_place_of_a_secret(helm4, value, variable, folder):
    base = values("sas", existingSecret="vault") if value != "abs.secretDirectory" else values("sas")
    base = merged(base, nested("etcd.tlsSecretName", "" if value == "etcd.tlsDirectory" else "etcd-client"))
    for source, (given, volume) in SOURCES.items():
        objects = helm4.render(nested(f"{value}.{source}", given), base=base)
        path = f"/var/run/etcd-backup/{folder}"
        assert objects.environment[variable] == path
        assert objects.pod["volumes"] == [{"name": folder, **volume}]
        assert objects.container["volumeMounts"] == [{"name": folder, "mountPath": path, "readOnly": True}]
    objects = helm4.render(nested(f"{value}.path", "/vault/secrets"), base=base)
    assert objects.environment[variable] == "/vault/secrets" and "volumes" not in objects.pod


def test_with_folders_alone_the_service_account_reads_no_secret(helm4):
    folders = {"etcd": {"tlsSecretName": "", "tlsDirectory": {"path": "/tls"}}}
    objects = rendered(helm4, "sas", folders, secretDirectory={"path": "/abs"})
    assert [rule["resources"] for rule in objects.one("Role")["rules"]] == [["configmaps"]] * 3
    assert not {name for name in objects.environment if name.startswith("APP_") and "_SECRET_NAME" in name}


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_policy_lets_out_what_a_kind_needs(helm4, kind):
    policy = rendered(helm4, kind, {"networkPolicy": {"enabled": True, "apiServerPorts": [6443]}}, **KINDS[kind])
    _dns, targets, *imds = policy.one("NetworkPolicy")["spec"]["egress"]
    assert {"port": 443, "protocol": "TCP"} in targets["ports"], "of the store and of Microsoft Entra ID"
    assert imds == ([{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]}]
                    if kind == "managed-identity" else [])


def test_the_network_policy_lets_out_to_an_authority_of_another_port(helm4):
    more = {**KINDS["service-principal"], "authorityHost": "https://login.example.com:8443"}
    objects = rendered(helm4, "service-principal", {"networkPolicy": {"enabled": True}}, **more)
    assert {"port": 8443, "protocol": "TCP"} in objects.one("NetworkPolicy")["spec"]["egress"][1]["ports"]
    assert objects.environment["AZURE_AUTHORITY_HOST"] == "https://login.example.com:8443"


# What is missing, or too much


@pytest.mark.parametrize("kind, value", [(kind, value) for kind, given in KINDS.items() for value in given])
def test_what_a_kind_needs_is_demanded(helm4, kind, value):
    given = {name: text for name, text in KINDS[kind].items() if name != value}
    if (kind, value) == ("managed-identity", "clientId"):  # the only one of the node
        assert rendered(helm4, kind, **given)
        return
    message = helm4.refusal(values(kind, **given))
    assert f"abs.{value} is empty: set it" in message and message.count("is empty") == 1


@pytest.mark.parametrize("kind, value", [
    ("shared-key", "sasToken"), ("sas", "accountKey"), ("connection-string", "account"), ("workload-identity", "accountKey"),
    ("managed-identity", "tenantId"), ("service-principal", "connectionString")])
def test_what_a_kind_has_no_use_for_is_refused_without_showing_it(helm4, kind, value):
    message = helm4.refusal(values(kind, **KINDS[kind], **{value: "b25seQ=="}))
    assert f'abs.{value} is set, but abs.authentication is "{kind}", which has no use for it' in message
    assert "b25seQ==" not in message


def test_what_is_given_twice_is_refused(helm4):
    folder = {"path": "/abs"}
    twice: list[tuple[dict, str]] = [
        ({"existingSecret": "vault", "secretDirectory": folder}, "abs.secretDirectory and abs.existingSecret are both set"),
        ({"existingSecret": "vault", "sasToken": "s"}, 'abs.existingSecret is "vault", so its key sas-token holds that'),
        ({"secretDirectory": folder, "account": "store"}, "abs.secretDirectory is set, so its key storage-account holds that"),
        ({"secretDirectory": {**folder, "secretName": "a"}}, "abs.secretDirectory has secretName and path: leave one"),
        ({"secretDirectory": {"path": "abs"}}, 'abs.secretDirectory.path is "abs": write the whole path'),
        ({"secretDirectory": {"volume": {"name": "a", "emptyDir": {}}}}, "abs.secretDirectory.volume has emptyDir and name"),
    ]
    for more, reason in twice:
        assert reason in helm4.refusal(values("sas", **more))
    both = {**KINDS["service-principal"], "clientCertificate": "c"}
    assert "abs.clientSecret and abs.clientCertificate are both set" in helm4.refusal(values("service-principal", **both))
    for changes, reason in [
        ({"tlsDirectory": folder}, "etcd.tlsDirectory and etcd.tlsSecretName are both set: leave one"),
        ({"credentialsDirectory": folder, "credentialsSecretName": "a"}, "etcd.credentialsSecretName are both set"),
        ({"secure": False, "tlsSecretName": "", "tlsDirectory": folder}, "etcd.tlsDirectory is set, but etcd.secure is false"),
    ]:
        assert reason in helm4.refusal(merged(NEUTRAL, {"etcd": changes}))


# Names of today, and the inherited ones


def test_nothing_of_the_predecessor_is_in_what_the_names_of_today_render(helm4):
    manifest = helm4.template(merged(NEUTRAL, {"backupApp": {"cronJobSchedule": "@daily"}}))
    assert not [word for word in ("service-catalog", "sc-recorded", "abs-credentials", "kyma-system/") if word in manifest]
    environment = Objects(yaml.safe_load_all(manifest)).environment
    assert environment["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"] == "backup-etcd-backup-record"
    assert environment["APP_BLOB_PREFIX"] == "production"


@pytest.mark.parametrize("value, reason", [
    ("abs.prefix", "abs.prefix is empty: set it to a name of this cluster's own"),
    ("etcd.endpoints", "etcd.endpoints is empty: set it to the client URLs of etcd"),
    ("etcd.tlsSecretName", "etcd.tlsSecretName is empty: set it to the Secret with etcd's client certificate")])
def test_with_the_names_of_today_there_is_no_default_that_may_be_wrong(helm4, value, reason):
    message = helm4.refusal(merged(NEUTRAL, nested(value, [] if value == "etcd.endpoints" else "")))
    assert reason in message and message.count("  - ") == 1


def test_a_newcomer_learns_at_once_all_that_is_missing(helm4):
    message = helm4.refusal({"enabled": True})
    for value in ("abs.account", "abs.accountKey", "abs.container", "abs.prefix", "etcd.endpoints", "etcd.tlsSecretName"):
        assert f"{value} is empty: set it to" in message
    assert "etcdBackup" not in message and "etcd-operator" not in message


def test_either_set_of_names_renders_the_same(helm4):
    inherited = {
        "global": {"etcdBackup": {"enabled": True, "containerName": "abc"}},
        "etcd-operator": {"backupOperator": {"abs": {
            "storageAccount": "store", "storageKey": "a2V5", "endpoint": "https://s.example.com", "caConfigMap": "ca",
            "apiVersion": "2019-07-07", "allowHttp": True}}},
        "backupApp": {"blobPrefix": "svc"},
    }
    store = {"account": "store", "accountKey": "a2V5", "endpoint": "https://s.example.com", "caConfigMap": "ca",
             "apiVersion": "2019-07-07", "allowHttp": True, "container": "abc", "prefix": "svc",
             "secretName": "etcd-backup-abs-credentials"}
    today = {"enabled": True, "abs": store, "backupApp": {"configMapName": "sc-recorded-etcd-backup-data"},
             "etcd": {"fullname": "service-catalog-etcd-stateful"}}
    assert helm4.template(inherited) == helm4.template(today)


def test_the_names_of_today_win_over_the_globals_of_a_parent(helm4):
    inherited = merged(ENABLED, nested("etcd-operator.backupOperator.abs", {"storageAccount": "", "storageKey": ""}))
    objects = helm4.render(nested("abs.container", "own"), base=merged(inherited, NEUTRAL))
    assert objects.environment["APP_ABS_CONTAINER_NAME"] == "own"


def test_two_names_for_one_thing_are_refused(helm4):
    message = helm4.refusal(merged(NEUTRAL, nested("etcd-operator.backupOperator.abs.storageAccount", "other")))
    assert "abs.account and its inherited name etcd-operator.backupOperator.abs.storageAccount are both set" in message


def test_every_inherited_name_says_so_in_the_notes(helm4):
    values = helm4.home / "values.yaml"
    values.write_text((CHART / "ci" / "predecessor-values.yaml").read_text())
    done = helm4.run("install", "backup", CHART, "--values", values, "--dry-run=client")
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("\nNOTES:\n")[2]
    for line in ("global.etcdBackup.enabled                            is now  enabled",
                 "global.etcdBackup.containerName                      is now  abs.container",
                 "etcd-operator.backupOperator.abs.storageKey          is now  abs.accountKey",
                 "backupApp.configMapName=sc-recorded-etcd-backup-data", "abs.prefix=service-catalog"):
        assert line in notes
    values.write_text(yaml.safe_dump(NEUTRAL))
    assert "inherited" not in helm4.run("install", "backup", CHART, "--values", values, "--dry-run=client").stdout
