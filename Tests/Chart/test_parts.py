"""Values as the well-known charts have them: more of the pod, more objects, accounts and registries of others."""

import pytest
import yaml

from helm import ENABLED, Objects, instance, merged, nested, parent


@pytest.mark.parametrize("value, given", [
    ("hostAliases", [{"ip": "192.0.2.1", "hostnames": ["etcd-0"]}]),
    ("dnsConfig", {"nameservers": ["192.0.2.53"]}),
    ("dnsPolicy", "Default"),
    ("runtimeClassName", "gvisor"),
    ("topologySpreadConstraints", [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]),
    ("initContainers", [{"name": "wait", "image": "wait:1"}]),
    ("hostNetwork", True),
])
def test_a_value_becomes_its_field_of_the_pod(helm4, value, given):
    assert value not in helm4.render().pod
    assert helm4.render({value: given}).pod[value] == given


def test_a_pod_in_the_network_of_its_node_finds_the_services_of_the_cluster(helm4):
    assert helm4.render({"hostNetwork": True}).pod["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert helm4.render({"hostNetwork": True, "dnsPolicy": "Default"}).pod["dnsPolicy"] == "Default"


def test_volumes_and_environment_of_others_stand_beside_the_charts_own(helm4):
    objects = helm4.render({
        "backupApp": {"spool": {"enabled": True}},
        "extraVolumes": [{"name": "scratch", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "envFrom": [{"configMapRef": {"name": "proxies"}}],
    })
    assert [each["name"] for each in objects.pod["volumes"]] == ["spool", "scratch"]
    assert [each["mountPath"] for each in objects.container["volumeMounts"]] == ["/var/spool/etcd-backup", "/scratch"]
    assert objects.container["envFrom"] == [{"configMapRef": {"name": "proxies"}}]


@pytest.mark.parametrize("changes, reason", [
    ({"extraVolumes": [{"name": "spool", "emptyDir": {}}]}, 'extraVolumes has "spool", which is taken'),
    ({"extraVolumeMounts": [{"name": "a", "mountPath": "/var/spool/etcd-backup"}]}, 'extraVolumeMounts has "/var/spool'),
    ({"initContainers": [{"name": "etcd-backup"}]}, "initContainers has etcd-backup, the name of the container itself"),
    ({"serviceAccount": {"create": False}}, "serviceAccount.create is false, and serviceAccount.name is empty"),
])
def test_what_kubernetes_would_refuse_is_refused_in_words(helm4, changes, reason):
    base = merged(ENABLED, {"backupApp": {"spool": {"enabled": True}}})
    assert reason in helm4.refusal(merged(base, changes))


def test_more_objects_are_maps_or_texts_and_both_are_templates(helm4):
    objects = helm4.render({"extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-map"}},
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include "etcd-backup.fullname" . }}-text\n',
    ]})
    names = [each["metadata"]["name"] for each in objects if each["kind"] == "ConfigMap"]
    assert names == ["backup-map", "backup-etcd-backup-text"]
    assert helm4.template({"extraObjects": [{"kind": "ConfigMap"}]}).strip() == "", "nothing while backups are off"


def test_annotations_of_ones_own_are_on_every_object_and_the_pods_win(helm4):
    objects = helm4.render({
        "commonAnnotations": {"owner": "storage", "note": "common"}, "podAnnotations": {"note": "pod"},
        "serviceAccount": {"annotations": {"note": "account"}}, "prometheusRule": {"enabled": True},
        "backupApp": {"encryption": {"identitySecretName": "identity"}}})
    assert all(each["metadata"]["annotations"]["owner"] == "storage" for each in objects)
    assert objects.one("ServiceAccount")["metadata"]["annotations"]["note"] == "account"
    assert objects.one("CronJob")["metadata"]["annotations"] == {
        "etcd-backup/identity-secret": "identity", "owner": "storage", "note": "common"}
    assert objects.job["template"]["metadata"]["annotations"].items() >= {"owner": "storage", "note": "pod"}.items()


def test_an_account_and_rights_of_ones_own_are_used_and_none_made(helm4):
    objects = helm4.render({"serviceAccount": {"create": False, "name": "mine"}})
    assert "ServiceAccount" not in objects.kinds() and objects.pod["serviceAccountName"] == "mine"
    assert objects.one("RoleBinding")["subjects"][0]["name"] == "mine"
    objects = helm4.render({"rbac": {"create": False}, "serviceAccount": {"name": "saver"}})
    assert not {"Role", "RoleBinding"} & set(objects.kinds())
    assert objects.one("ServiceAccount")["metadata"]["name"] == objects.pod["serviceAccountName"] == "saver"


@pytest.mark.parametrize("repository, image", [
    ("etcd-backup", "mirror.example.com/etcd-backup:1"),
    ("team/etcd-backup", "mirror.example.com/team/etcd-backup:1"),
    ("registry.example.com:5000/team/etcd-backup", "mirror.example.com/team/etcd-backup:1"),
    ("localhost/etcd-backup", "mirror.example.com/etcd-backup:1"),
])
def test_the_registry_of_the_parent_takes_the_place_of_the_images_own(helm4, repository, image):
    changes = {"global": {"imageRegistry": "mirror.example.com/"}, "backupApp": {"image": {"repository": repository, "tag": "1"}}}
    assert helm4.render(changes).container["image"] == image


def test_the_pull_secrets_of_the_parent_are_added_as_names_or_as_maps(helm4):
    changes = {"global": {"imagePullSecrets": ["a", {"name": "b"}]}, "imagePullSecrets": [{"name": "c"}, {"name": "a"}]}
    assert helm4.render(changes).pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}, {"name": "c"}]


# Under several names in one parent


def test_two_instances_of_one_parent_share_nothing_but_the_container(helm, tmp_path):
    values = {"orders": instance("orders"), "customers": instance("customers")}
    manifest = helm.template(values, chart=parent(tmp_path / "core"))
    objects = Objects(each for each in yaml.safe_load_all(manifest) if each)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names)) == 10
    found = {}
    for cron_job in (each for each in objects if each["kind"] == "CronJob"):
        template = cron_job["spec"]["jobTemplate"]["spec"]["template"]
        [container] = template["spec"]["containers"]
        environment = {each["name"]: each.get("value") for each in container["env"]}
        labels = template["metadata"]["labels"]
        found[labels["app.kubernetes.io/name"]] = [
            cron_job["metadata"]["name"], template["spec"]["serviceAccountName"], environment["APP_ABS_SECRET_NAME"],
            environment["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"], environment["APP_BLOB_PREFIX"]]
    assert found == {
        alias: [f"backup-{alias}", f"backup-{alias}", f"backup-{alias}-abs", f"backup-{alias}-record", alias]
        for alias in ("orders", "customers")}


def test_an_instance_that_is_off_renders_nothing(helm4, tmp_path):
    manifest = helm4.template({"orders": instance("orders")}, chart=parent(tmp_path / "core"))
    kinds = [each["kind"] for each in yaml.safe_load_all(manifest) if each]
    assert sorted(kinds) == ["CronJob", "Role", "RoleBinding", "Secret", "ServiceAccount"]


def test_a_value_that_is_missing_is_named_for_the_instance(helm4, tmp_path):
    values = {"orders": merged(instance("orders"), nested("abs.prefix", "")), "customers": instance("customers")}
    assert "core/charts/orders/templates" in (message := helm4.refusal(values, chart=parent(tmp_path / "core")))
    assert "abs.prefix is empty" in message
