"""Each value does what it says."""

import base64
import re

import pytest
import yaml

from helm import CHART, ENABLED, Helm, Objects, merged, nested

ABS = "etcd-operator.backupOperator.abs"
VALUES_FILES = [*sorted((CHART / "ci").glob("*.yaml")), *sorted((CHART / "examples").glob("*.yaml"))]
RUN_OBJECTS = ["CronJob", "Role", "RoleBinding", "Secret", "ServiceAccount"]


def test_renders_nothing_by_default(helm):
    assert helm.template({}).strip() == ""


def test_one_switch_renders_the_run_and_all_it_needs(helm):
    assert helm.render().kinds() == RUN_OBJECTS


@pytest.mark.parametrize("file", VALUES_FILES, ids=lambda file: file.stem)
def test_both_helms_render_the_same(helm_programs, tmp_path, file):
    """So one of them is enough for most tests."""
    values = yaml.safe_load(file.read_text())
    manifests = {Helm(major, tmp_path).template(values) for major in ("3", "4")}
    assert len(manifests) == 1


@pytest.mark.parametrize(
    "value, given, variable, expected",
    [
        ("global.etcdBackup.containerName", "snapshots/", "APP_ABS_CONTAINER_NAME", "snapshots/"),
        ("global.etcdBackup.secretName", "store", "APP_ABS_SECRET_NAME", "store"),
        (f"{ABS}.endpoint", "https://s.example.com", "APP_ABS_ENDPOINT", "https://s.example.com"),
        (f"{ABS}.apiVersion", "2019-07-07", "APP_ABS_API_VERSION", "2019-07-07"),
        ("abs.accessTier", "cold", "APP_ABS_ACCESS_TIER", "cold"),
        ("abs.immutability", "locked", "APP_ABS_IMMUTABILITY", "locked"),
        (f"{ABS}.allowHttp", True, "APP_ABS_ALLOW_HTTP", "on"),
        ("backupApp.cleaner.keepDaily", 7, "APP_CLEANER_KEEP_DAILY", "7"),
        ("backupApp.cleaner.keepWeekly", 4, "APP_CLEANER_KEEP_WEEKLY", "4"),
        ("backupApp.cleaner.keepMonthly", 12, "APP_CLEANER_KEEP_MONTHLY", "12"),
        ("backupApp.cleaner.historyExpiration", "2160h", "APP_CLEANER_HISTORY_EXPIRATION", "2160h"),
        (f"{ABS}.caConfigMap", "ca", "APP_ABS_CA_FILE", "/var/run/etcd-backup/abs-ca/ca.crt"),
        ("etcd.fullname", "my", "APP_BACKUP_ETCD_ENDPOINTS", "https://my-client.kyma-system.svc.cluster.local:2379"),
        ("etcd.fullname", "my", "APP_BACKUP_CLIENT_TLS_SECRET", "my-etcd-client-tls"),
        ("etcd.endpoints", ["https://a:1", "https://b:2"], "APP_BACKUP_ETCD_ENDPOINTS", "https://a:1,https://b:2"),
        ("etcd.tlsSecretName", "pair", "APP_BACKUP_CLIENT_TLS_SECRET", "pair"),
        ("etcd.credentialsSecretName", "root", "APP_BACKUP_ETCD_CREDENTIALS_SECRET", "root"),
        ("etcd.transport", "grpc", "APP_BACKUP_ETCD_TRANSPORT", "grpc"),
        ("backupApp.timeout", "1h30m", "APP_BACKUP_TIMEOUT", "1h30m"),
        ("backupApp.blobPrefix", "production", "APP_BLOB_PREFIX", "production"),
        ("backupApp.configMapName", "record", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING", "record"),
        ("backupApp.cleaner.leaveMinNewestBackupBlobs", 100000, "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "100000"),
        ("backupApp.cleaner.expirationBlobTime", "90s", "APP_CLEANER_EXPIRATION_BLOB_TIME", "90s"),
        ("backupApp.blockSize", "2MiB", "APP_BACKUP_BLOCK_SIZE", "2MiB"),
        ("backupApp.skipUnchanged", True, "APP_BACKUP_SKIP_UNCHANGED", "on"),
        ("backupApp.blocksInFlight", 3, "APP_BACKUP_BLOCKS_IN_FLIGHT", "3"),
        ("backupApp.pageCheck", False, "APP_BACKUP_PAGE_CHECK", "off"),
        ("backupApp.compression", "zstd:3", "APP_BACKUP_COMPRESSION", "zstd:3"),
        ("backupApp.encryption.recipients", [f"age1{'q' * 58}", f"age1{'p' * 58}"], "APP_BACKUP_ENCRYPTION_RECIPIENTS",
         f"age1{'q' * 58},age1{'p' * 58}"),
        ("backupApp.spool.enabled", True, "APP_BACKUP_SPOOL_DIRECTORY", "/var/spool/etcd-backup"),
        ("backupApp.logger.level", "debug", "APP_LOGGER_LEVEL", "debug"),
        ("backupApp.logger.format", "text", "APP_LOGGER_FORMAT", "text"),
    ],
)
def test_a_value_becomes_its_environment_variable(helm4, value, given, variable, expected):
    assert helm4.render(nested(value, given)).environment[variable] == expected


@pytest.mark.parametrize("size, bytes_", [("512Mi", 510027366), ("2Gi", 2040109465)])
def test_the_spool_stays_below_the_size_at_which_kubernetes_evicts_the_pod(helm4, size, bytes_):
    objects = helm4.render({"backupApp": {"spool": {"enabled": True, "sizeLimit": size}}})
    assert objects.environment["APP_BACKUP_SPOOL_LIMIT"] == str(bytes_)
    assert {"name": "spool", "emptyDir": {"sizeLimit": size}} in objects.pod["volumes"]
    assert {"name": "spool", "mountPath": "/var/spool/etcd-backup"} in objects.pod["containers"][0]["volumeMounts"]


def test_the_identity_is_for_a_restore_alone(helm4):
    objects = helm4.render(nested("backupApp.encryption.identitySecretName", "identity"))
    cron_job = objects.one("CronJob")
    assert cron_job["metadata"]["annotations"] == {"etcd-backup/identity-secret": "identity"}
    assert "identity" not in yaml.safe_dump(cron_job["spec"]) + yaml.safe_dump(objects.one("Role"))


def test_optional_variables_are_absent_until_their_values_are_set(helm4):
    assert set(helm4.render().environment) == {
        "APP_LOGGER_LEVEL", "APP_LOGGER_FORMAT", "APP_WORKING_NAMESPACE", "APP_ABS_CONTAINER_NAME",
        "APP_ABS_AUTHENTICATION", "APP_ABS_SECRET_NAME", "APP_BLOB_PREFIX", "APP_BACKUP_ETCD_ENDPOINTS",
        "APP_BACKUP_CLIENT_TLS_SECRET", "APP_BACKUP_ETCD_TRANSPORT", "APP_BACKUP_TIMEOUT", "APP_BACKUP_PAGE_CHECK",
        "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING",
        "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "APP_CLEANER_EXPIRATION_BLOB_TIME",
        "APP_CLEANER_HISTORY_EXPIRATION",
    }  # fmt: skip


def test_the_defaults_are_the_predecessors(helm4):
    objects = helm4.render()
    cron_job = objects.one("CronJob")["spec"]
    assert cron_job["schedule"] == "*/30 * * * *"
    assert cron_job["concurrencyPolicy"] == "Forbid"
    assert (cron_job["successfulJobsHistoryLimit"], cron_job["failedJobsHistoryLimit"]) == (1, 3)
    assert objects.pod["restartPolicy"] == "Never"
    environment = objects.environment
    assert environment["APP_ABS_SECRET_NAME"] == "etcd-backup-abs-credentials"
    assert environment["APP_BLOB_PREFIX"] == "service-catalog"
    assert environment["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"] == "sc-recorded-etcd-backup-data"
    assert environment["APP_BACKUP_CLIENT_TLS_SECRET"] == "service-catalog-etcd-stateful-etcd-client-tls"
    assert environment["APP_BACKUP_ETCD_ENDPOINTS"] == (
        "https://service-catalog-etcd-stateful-client.kyma-system.svc.cluster.local:2379"
    )
    assert environment["APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS"] == "3"
    assert environment["APP_CLEANER_EXPIRATION_BLOB_TIME"] == "72h"
    assert objects.job["template"]["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"


def test_the_predecessors_values_file_works_unchanged(helm4):
    values = yaml.safe_load((CHART / "ci" / "predecessor-values.yaml").read_text())
    objects = Objects(yaml.safe_load_all(helm4.template(values)))
    assert objects.kinds() == RUN_OBJECTS
    assert objects.environment["APP_ABS_CONTAINER_NAME"] == "sc-etcd/"


def test_without_tls_etcd_is_asked_over_http_and_no_certificate_is_read(helm4):
    objects = helm4.render({"etcd": {"secure": False}})
    assert objects.environment["APP_BACKUP_ETCD_ENDPOINTS"].startswith("http://service-catalog-etcd-stateful-client.")
    assert "APP_BACKUP_CLIENT_TLS_SECRET" not in objects.environment
    assert objects.one("Role")["rules"][0]["resourceNames"] == ["etcd-backup-abs-credentials"]


def test_the_secret_holds_account_and_key(helm4):
    secret = helm4.render({"global": {"etcdBackup": {"secretName": "store-key"}}}).one("Secret")
    assert secret["metadata"]["name"] == "store-key"
    assert {key: base64.b64decode(value) for key, value in secret["data"].items()} == {
        "storage-account": b"store",
        "storage-key": b"a2V5",
    }


def test_an_existing_secret_is_used_and_none_created(helm4):
    values = {"global": {"etcdBackup": {"enabled": True, "containerName": "abc", "existingSecret": "vault"}}}
    objects = Objects(yaml.safe_load_all(helm4.template(values)))
    assert "Secret" not in objects.kinds()
    assert objects.environment["APP_ABS_SECRET_NAME"] == "vault"
    assert "vault" in objects.one("Role")["rules"][0]["resourceNames"]


def test_the_role_names_every_object_and_every_verb(helm4):
    objects = helm4.render({"etcd": {"credentialsSecretName": "root"}})
    assert objects.one("Role")["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": ["etcd-backup-abs-credentials", "service-catalog-etcd-stateful-etcd-client-tls", "root"],
            "verbs": ["get"],
        },
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["sc-recorded-etcd-backup-data"],
            "verbs": ["get", "patch"],
        },
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["sc-recorded-etcd-backup-data-history-broke"],
            "verbs": ["patch"],
        },
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
    ]


def test_a_secret_that_serves_twice_is_named_once(helm4):
    objects = helm4.render({"etcd": {"credentialsSecretName": "etcd-backup-abs-credentials"}})
    names = objects.one("Role")["rules"][0]["resourceNames"]
    assert names == ["etcd-backup-abs-credentials", "service-catalog-etcd-stateful-etcd-client-tls"]


def test_the_binding_ties_the_role_to_the_pods_account_and_no_other(helm4):
    objects = helm4.render()
    account = objects.pod["serviceAccountName"]
    binding = objects.one("RoleBinding")
    assert objects.one("ServiceAccount")["metadata"]["name"] == account
    assert binding["roleRef"]["name"] == objects.one("Role")["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "kyma-system"}]


def test_nothing_is_cluster_wide_and_everything_is_in_the_releases_namespace(helm4):
    values = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
    for each in yaml.safe_load_all(helm4.template(values, namespace="elsewhere")):
        assert not each["kind"].startswith("Cluster")
        assert each["metadata"]["namespace"] == "elsewhere"


@pytest.mark.parametrize(
    "timeout, seconds",
    [("30m", 1980), ("1h30m", 5580), ("90s", 270), ("1.5h", 5580), ("1h0m0.5s", 3781), ("250ms", 181), ("+2m", 300)],
)
def test_the_job_may_take_three_minutes_longer_than_the_run(helm4, timeout, seconds):
    assert helm4.render(nested("backupApp.timeout", timeout)).job["activeDeadlineSeconds"] == seconds


@pytest.mark.parametrize(
    "value, given, field",
    [
        ("cronJobSchedule", "@daily", "schedule"),
        ("timeZone", "Europe/Warsaw", "timeZone"),
        ("suspend", True, "suspend"),
        ("startingDeadlineSeconds", 30, "startingDeadlineSeconds"),
        ("successfulJobsHistoryLimit", 0, "successfulJobsHistoryLimit"),
        ("failedJobsHistoryLimit", 9, "failedJobsHistoryLimit"),
    ],
)
def test_a_value_becomes_its_field_of_the_cron_job(helm4, value, given, field):
    assert helm4.render(nested(f"backupApp.{value}", given)).one("CronJob")["spec"][field] == given


@pytest.mark.parametrize("value", ["backoffLimit", "ttlSecondsAfterFinished"])
def test_a_value_becomes_its_field_of_the_job(helm4, value):
    assert helm4.render(nested(f"backupApp.{value}", 10000000)).job[value] == 10000000


def test_exit_statuses_decide_whether_the_job_tries_again(helm4):
    assert helm4.render().job["podFailurePolicy"]["rules"] == [
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": "etcd-backup", "operator": "In", "values": [2, 64, 78]},
        },
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]


def test_the_image_is_named_by_tag_or_by_digest_alone(helm4):
    image = {"repository": "example.com/b", "tag": "9"}
    digest = "sha256:" + "0f" * 32
    assert helm4.render(nested("backupApp.image", image)).container["image"] == "example.com/b:9"
    assert helm4.render(nested("backupApp.image", {**image, "digest": digest})).container["image"] == (
        f"example.com/b@{digest}"
    )


def test_the_tag_is_the_charts_app_version_unless_given(helm4):
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert helm4.render().container["image"] == f"etcd-backup:{version}"


@pytest.mark.parametrize(
    "value, given",
    [
        ("imagePullSecrets", [{"name": "registry"}]),
        ("nodeSelector", {"zone": "a"}),
        ("tolerations", [{"key": "etcd", "operator": "Exists"}]),
        ("affinity", {"nodeAffinity": {}}),
        ("priorityClassName", "important"),
    ],
)
def test_a_value_becomes_its_field_of_the_pod(helm4, value, given):
    assert value not in helm4.render().pod
    assert helm4.render({value: given}).pod[value] == given


def test_the_pull_policy_is_where_the_predecessor_had_it(helm4):
    assert helm4.render(nested("backupApp.image.pullPolicy", "Always")).container["imagePullPolicy"] == "Always"


def test_resources_are_those_given(helm4):
    container = helm4.render({"resources": {"limits": {"memory": "1Gi"}}}).container
    assert container["resources"]["limits"] == {"memory": "1Gi"}


def test_more_environment_labels_and_annotations_can_be_given(helm4):
    objects = helm4.render(
        {
            "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
            "commonLabels": {"team": "storage"},
            "podLabels": {"network": "open"},
            "podAnnotations": {"note": "here"},
        }
    )
    pod = objects.job["template"]["metadata"]
    assert objects.environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert all(each["metadata"]["labels"]["team"] == "storage" for each in objects)
    assert pod["labels"]["network"] == "open" and pod["annotations"]["note"] == "here"


def test_h3_a_label_or_an_annotation_of_the_charts_own_is_replaced_and_stands_once(helm4):
    """podLabels win over commonLabels, and both over the chart's own."""
    sidecar, version = "sidecar.istio.io/inject", "app.kubernetes.io/version"
    values = {
        "commonLabels": {version: "common", "helm.sh/chart": "common", "team": "common"},
        "podLabels": {sidecar: "true", version: "pod", "team": "pod"},
        "podAnnotations": {sidecar: "", "note": "here"},
        "prometheusRule": {"enabled": True, "labels": {version: "rule"}},
        "grafanaDashboard": {"enabled": True, "labels": {"team": "dashboard"}},
    }
    objects = helm4.render(values)
    pod = objects.job["template"]["metadata"]
    assert (pod["labels"][sidecar], pod["labels"][version], pod["labels"]["team"]) == ("true", "pod", "pod")
    assert pod["labels"]["helm.sh/chart"] == "common"
    assert pod["annotations"] == {sidecar: "", "note": "here"}
    assert objects.one("CronJob")["metadata"]["labels"][version] == "common"
    assert objects.one("PrometheusRule")["metadata"]["labels"][version] == "rule"
    assert objects.one("ConfigMap")["metadata"]["labels"]["team"] == "dashboard"
    manifest = helm4.template(merged(ENABLED, values))
    for text in manifest.split("---\n"):
        each_key_once(yaml.compose(text))


def each_key_once(node):
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
    for each in node.value if isinstance(node, yaml.CollectionNode) else []:
        for child in each if isinstance(each, tuple) else [each]:
            each_key_once(child)


OPENSHIFT = re.search(r"^podSecurityContext:.*?(?=^```)", (CHART / "README.md").read_text(), re.MULTILINE | re.DOTALL)[0]


def test_h2_on_openshift_no_id_is_fixed_and_all_else_stays(helm4):
    """What restricted-v2 wants: it gives user and group by itself, and refuses others."""
    default, objects = helm4.render(), helm4.render(yaml.safe_load(OPENSHIFT))
    assert objects.pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert objects.container["securityContext"] == default.container["securityContext"]


@pytest.mark.parametrize("given", [None, {}], ids=["null", "empty"])
def test_h2_a_security_context_of_null_is_left_out_and_an_empty_one_changes_nothing(helm4, given):
    objects = helm4.render({"podSecurityContext": given, "securityContext": given})
    assert ("securityContext" in objects.pod) is (given is not None)
    assert ("securityContext" in objects.container) is (given is not None)


def test_h2_large_numbers_stay_whole(helm4):
    objects = helm4.render({"podSecurityContext": {"runAsUser": 1000680000}, "securityContext": {"runAsUser": 1000680001}})
    assert objects.pod["securityContext"]["runAsUser"] == 1000680000
    assert objects.container["securityContext"]["runAsUser"] == 1000680001


def test_names_follow_the_release_and_can_be_overridden(helm4):
    def name(release="r", **changes):
        return helm4.render(changes, release=release).one("CronJob")["metadata"]["name"]

    assert name() == "r-etcd-backup"
    assert name("my-etcd-backup") == "my-etcd-backup"
    assert name(nameOverride="saver") == "r-saver"
    assert name(fullnameOverride="saver") == "saver"
    assert len(name(nameOverride="x" * 53)) <= 52


def test_every_object_carries_the_recommended_labels(helm4):
    objects = helm4.render({"networkPolicy": {"enabled": True}, "prometheusRule": {"enabled": True}})
    for labels in [each["metadata"]["labels"] for each in objects] + [objects.job["template"]["metadata"]["labels"]]:
        assert {
            "app.kubernetes.io/name": "etcd-backup",
            "app.kubernetes.io/instance": "backup",
            "app.kubernetes.io/component": "backup",
            "app.kubernetes.io/managed-by": "Helm",
        }.items() <= labels.items()
        assert labels["app.kubernetes.io/version"] and labels["helm.sh/chart"]


def test_a_network_policy_lets_the_pod_reach_what_it_needs_and_nobody_reach_the_pod(helm4):
    objects = helm4.render(
        {
            "networkPolicy": {"enabled": True, "apiServerPorts": [6443], "extraEgress": [{"ports": [{"port": 3128}]}]},
            "etcd": {"endpoints": ["https://a.example.com:12379", "https://[::1]:22379", "https://b.example.com"]},
            "etcd-operator": {"backupOperator": {"abs": {"endpoint": "https://store.example.com:10000/store"}}},
        }
    )
    policy = objects.one("NetworkPolicy")["spec"]
    dns, targets, extra = policy["egress"]
    assert policy["ingress"] == [] and policy["policyTypes"] == ["Ingress", "Egress"]
    assert sorted(each["protocol"] for each in dns["ports"]) == ["TCP", "UDP"]
    assert sorted(each["port"] for each in targets["ports"]) == [443, 6443, 10000, 12379, 22379]
    assert extra == {"ports": [{"port": 3128}]}
    assert policy["podSelector"]["matchLabels"].items() <= objects.job["template"]["metadata"]["labels"].items()


def test_a_store_with_a_private_authority_gets_its_certificates_mounted_read_only(helm4):
    objects = helm4.render(nested("etcd-operator.backupOperator.abs.caConfigMap", "store-ca"))
    [volume] = objects.pod["volumes"]
    [mount] = objects.container["volumeMounts"]
    assert volume["configMap"]["name"] == "store-ca"
    assert mount == {"name": volume["name"], "mountPath": "/var/run/etcd-backup/abs-ca", "readOnly": True}


def parent_of_the_chart(folder):
    """A parent chart with ours as its sub-chart, and values of its own under `global`."""
    (folder / "charts").mkdir(parents=True)
    (folder / "charts" / "etcd-backup").symlink_to(CHART)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: core\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text("global: {domainName: example.com, imagePullSecrets: [a]}\n")
    return folder


def test_as_a_sub_chart_it_follows_the_parents_global_values(helm, tmp_path):
    parent = parent_of_the_chart(tmp_path / "core")
    values = {"global": ENABLED["global"], "etcd-backup": {"etcd-operator": ENABLED["etcd-operator"]}}
    objects = Objects(yaml.safe_load_all(helm.template(values, chart=parent)))
    assert objects.kinds() == RUN_OBJECTS
    assert objects.environment["APP_ABS_SECRET_NAME"] == "etcd-backup-abs-credentials"


def test_as_a_sub_chart_it_renders_nothing_by_default(helm, tmp_path):
    assert helm.template({}, chart=parent_of_the_chart(tmp_path / "core")).strip() == ""


def test_as_a_sub_chart_it_refuses_a_null_of_its_parent(helm, tmp_path):
    parent = parent_of_the_chart(tmp_path / "core")
    with open(parent / "values.yaml", "a") as values:
        values.write("etcd-backup: {backupApp: {startingDeadlineSeconds: null}}\n")
    message = helm.refusal({}, chart=parent)
    assert "startingDeadlineSeconds is required" in message or "missing property 'startingDeadlineSeconds'" in message
