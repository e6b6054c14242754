"""What the API server does to an object before it stores it: the schema, defaults, validation, immutable fields, the
ServiceAccount admission and Pod Security. The README beside this file names the source of each rule.

Everything here is a function of plain objects. What is not modelled is refused with `NotModelled`, which fails the test.
"""

import copy
import itertools
import re

import schemas
from api_server import Refusal

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ENFORCE = "pod-security.kubernetes.io/enforce"
JOB_LABELS = {"job-name": "name", "batch.kubernetes.io/job-name": "name",
              "controller-uid": "uid", "batch.kubernetes.io/controller-uid": "uid"}
JOB_FINALIZER = "batch.kubernetes.io/job-tracking"

# What the stand-ins act on, or what has no effect in them because nothing of the kind exists there: no taint, no
# second image, no service link.
MODELLED = {
    "pod": {
        "serviceAccountName", "serviceAccount", "automountServiceAccountToken", "enableServiceLinks", "restartPolicy",
        "terminationGracePeriodSeconds", "imagePullSecrets", "nodeSelector", "tolerations", "securityContext",
        "initContainers", "containers", "volumes", "nodeName", "dnsPolicy", "schedulerName", "hostNetwork"},
    "container": {
        "name", "image", "imagePullPolicy", "command", "args", "env", "resources", "securityContext", "volumeMounts",
        "terminationMessagePolicy", "terminationMessagePath"},
    "pod security": {"runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup", "seccompProfile"},
    "security": {
        "runAsUser", "runAsGroup", "runAsNonRoot", "allowPrivilegeEscalation", "privileged", "readOnlyRootFilesystem",
        "capabilities", "seccompProfile"},
    "mount": {"name", "mountPath", "subPath", "readOnly"},
    "volume": {"persistentVolumeClaim", "secret", "configMap", "projected", "emptyDir", "csi"},
    "Job": {
        "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "podFailurePolicy", "template", "selector",
        "completions", "parallelism", "completionMode", "suspend", "podReplacementPolicy", "manualSelector"},
    "StatefulSet": {
        "serviceName", "replicas", "selector", "template", "volumeClaimTemplates", "podManagementPolicy",
        "persistentVolumeClaimRetentionPolicy", "ordinals", "updateStrategy", "revisionHistoryLimit"},
}
FIELDS_OF_A_POD = {"metadata.name", "metadata.namespace"}
# Volumes that Pod Security's level `restricted` allows.
RESTRICTED_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


class NotModelled(Exception):
    """The test world does not know what Kubernetes would do with this."""


def only(what: str, found: dict, where: str) -> None:
    unknown = set(found) - MODELLED[what]
    if unknown:
        raise NotModelled(f"{where}: the test world does not model {sorted(unknown)} of a {what}")


def invalid(kind: str, name: str, message: str) -> Refusal:
    return Refusal(422, "Invalid", f'{kind} "{name}" is invalid: {message}')


def checked(item: dict) -> None:
    """Against the schema, strictly: an unknown field or a wrong type is refused, as with fieldValidation=Strict."""
    try:
        schemas.validate(item)
    except schemas.Misfit as failure:
        raise Refusal(400, "BadRequest", str(failure)) from None
    metadata = item["metadata"]
    for value in metadata.get("labels", {}).values():
        if not re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value):
            raise invalid(item["kind"], metadata["name"], f"metadata.labels: Invalid value: {value!r}")
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", metadata["name"]):
        raise invalid(item["kind"], metadata["name"], "metadata.name: a lowercase RFC 1123 subdomain must consist of …")


# Jobs and StatefulSets


def with_defaults_of_a_job(job: dict) -> dict:
    """A new Job: also the selector and the labels by which its pods are found."""
    job = copy.deepcopy(job)
    spec, metadata = job["spec"], job["metadata"]
    only("Job", spec, metadata["name"])
    if len(metadata["name"]) > 63:
        raise invalid("Job", metadata["name"], "spec.template.labels: Invalid value: must be no more than 63 characters")
    for name, value in {"backoffLimit": 6, "completions": 1, "parallelism": 1, "completionMode": "NonIndexed",
                        "suspend": False}.items():
        spec.setdefault(name, value)
    if (spec["completions"], spec["parallelism"], spec["suspend"]) != (1, 1, False):
        raise NotModelled("the test world runs one pod of a Job")
    labels = {label: metadata[of] for label, of in JOB_LABELS.items()}
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": metadata["uid"]}}
    template = spec["template"]
    template.setdefault("metadata", {})["labels"] = {**(template["metadata"].get("labels") or {}), **labels}
    template["spec"] = with_defaults_of_a_pod(template["spec"], metadata["name"])
    restart = template["spec"]["restartPolicy"]
    if restart not in ("Never", "OnFailure"):
        raise invalid("Job", metadata["name"], 'spec.template.spec.restartPolicy: Required value: valid values: '
                                               '"OnFailure", "Never"')
    if restart != "Never":
        raise NotModelled("a Job whose pods are restarted")
    for rule in spec.get("podFailurePolicy", {}).get("rules", []):
        only_rule = {"action", "onPodConditions"} if "onPodConditions" in rule else {"action", "onExitCodes"}
        if set(rule) != only_rule or rule["action"] not in ("Ignore", "FailJob"):
            raise NotModelled(f"the rule {rule}")
    return job


def immutable(old: dict, new: dict) -> None:
    """Refuses a change of what cannot change."""
    name = new["metadata"]["name"]
    match new["kind"]:
        case "Job":
            for field in ("completions", "completionMode", "selector", "template", "podFailurePolicy"):
                if old["spec"].get(field) != new["spec"].get(field):
                    raise invalid("Job.batch", name, f"spec.{field}: Invalid value: field is immutable")
        case "StatefulSet":
            free = {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                    "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}
            kept = [{key: value for key, value in each["spec"].items() if key not in free} for each in (old, new)]
            if kept[0] != kept[1]:
                raise Refusal(422, "Invalid", f'StatefulSet.apps "{name}" is invalid: spec: Forbidden: updates to '
                                              "statefulset spec for fields other than 'replicas', 'ordinals', …")
        case "Pod":
            changed = {key for key in {*old["spec"], *new["spec"]} if old["spec"].get(key) != new["spec"].get(key)}
            if changed:
                raise Refusal(422, "Invalid", f'Pod "{name}" is invalid: spec: Forbidden: pod updates may not change '
                                              f"fields other than …: {sorted(changed)}")
        case "ConfigMap" | "Secret":
            if old.get("immutable") and (old.get("data") != new.get("data") or not new.get("immutable")):
                raise invalid(new["kind"], name, "data: Forbidden: field is immutable when `immutable` is set")


# Pods


def containers(spec: dict) -> list[dict]:
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def with_defaults_of_a_pod(spec: dict, name: str, claims: tuple[str, ...] = ()) -> dict:
    """Empty lists and maps go, as they do in Go; the defaults that a stand-in acts on come."""
    spec = {key: value for key, value in copy.deepcopy(spec).items() if value not in (None, [], {})}
    only("pod", spec, name)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    only("pod security", spec["securityContext"], name)
    if len(spec["containers"]) != 1:
        raise NotModelled("a pod with several containers beside each other")
    for each in containers(spec):
        for key in [key for key, value in each.items() if value in (None, [])]:
            del each[key]
        only("container", each, name)
        only("security", each.setdefault("securityContext", {}), name)
        each.setdefault("terminationMessagePolicy", "File")
        if each.setdefault("terminationMessagePath", "/dev/termination-log") != "/dev/termination-log":
            raise NotModelled("terminationMessagePath")
        for mount in each.get("volumeMounts", []):
            only("mount", mount, name)
        for variable in each.get("env", []):
            source = variable.get("valueFrom")
            if source and source.get("fieldRef", {}).get("fieldPath") not in FIELDS_OF_A_POD:
                raise NotModelled(f"the source of {variable}")
        resources = each.get("resources") or {}
        for what, amount in (resources.get("requests") or {}).items():
            limit = (resources.get("limits") or {}).get(what)
            if limit and quantity(amount) > quantity(limit):
                raise invalid("Pod", name, f"spec.containers[0].resources.requests: Invalid value: {amount!r}: must be "
                                           f"less than or equal to {what} limit of {limit}")
    for volume in spec.get("volumes", []):
        [source] = set(volume) - {"name"}
        if source not in MODELLED["volume"] | {"hostPath"}:
            raise NotModelled(f"volumes of the kind {source}")
        for part in volume.get("projected", {}).get("sources", []):
            [kind] = part
            if kind == "serviceAccountToken":
                if part[kind].get("expirationSeconds", 3600) < 600:
                    raise NotModelled(f"the token {part}")
            elif kind == "downwardAPI":
                if [each["fieldRef"]["fieldPath"] for each in part[kind]["items"]] != ["metadata.namespace"]:
                    raise NotModelled(f"the fields {part}")
            elif kind not in ("configMap", "secret"):
                raise NotModelled(f"the projected source {kind}")
    return valid_pod(spec, name, claims)


def quantity(text: str | int) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    units = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
    return float(number) * units[unit]


def valid_pod(spec: dict, name: str, claims: tuple[str, ...]) -> dict:
    volumes = [*claims, *(volume["name"] for volume in spec.get("volumes", []))]
    repeated(volumes, "Pod", name, "spec.volumes[].name")
    repeated([each["name"] for each in containers(spec)], "Pod", name, "spec.containers[].name")
    for each in containers(spec):
        mounts = each.get("volumeMounts", [])
        for mount in mounts:
            if mount["name"] not in volumes:
                raise invalid("Pod", name, f"spec.containers[].volumeMounts[].name: Not found: {mount['name']!r}")
        repeated([mount["mountPath"] for mount in mounts], "Pod", name, "spec.containers[].volumeMounts[].mountPath")
    return spec


def repeated(names: list[str], kind: str, name: str, field: str) -> None:
    for one in names:
        if names.count(one) > 1:
            raise invalid(kind, name, f"{field}: Duplicate value: {one!r}")


def admitted_pod(pod: dict, service_accounts: dict[str, dict], enforced: str) -> dict:
    """The pod as it is stored: mutated by the ServiceAccount admission, then judged by Pod Security."""
    pod = copy.deepcopy(pod)
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    spec = pod["spec"] = with_defaults_of_a_pod(pod["spec"], name)
    account_name = spec.setdefault("serviceAccountName", "default")
    account = service_accounts.get(account_name)
    if account is None:
        raise Refusal(403, "Forbidden", f'pods "{name}" is forbidden: error looking up service account '
                                        f'{namespace}/{account_name}: serviceaccount "{account_name}" not found')
    if automounts(spec, account):
        mount_token(spec)
    if "imagePullSecrets" not in spec and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    violations = list(violations_of(enforced, spec))
    if violations:
        raise Refusal(403, "Forbidden", f'pods "{name}" is forbidden: violates PodSecurity "{enforced}:latest": '
                                        f'{", ".join(violations)}')
    return pod


def automounts(spec: dict, account: dict) -> bool:
    """The pod's word, else the ServiceAccount's, else yes."""
    for each in (spec, account):
        if each.get("automountServiceAccountToken") is not None:
            return each["automountServiceAccountToken"]
    return True


def mount_token(spec: dict) -> None:
    """A projected volume `kube-api-access-…` in every container that has nothing at that place."""
    without = [each for each in containers(spec)
               if all(mount["mountPath"] != TOKEN_PATH for mount in each.get("volumeMounts", []))]
    if not without:
        return
    volume = "kube-api-access-x7k2p"
    for each in without:
        each.setdefault("volumeMounts", []).append({"name": volume, "readOnly": True, "mountPath": TOKEN_PATH})
    spec.setdefault("volumes", []).append({"name": volume, "projected": {"defaultMode": 0o644, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {
            "apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}})


def violations_of(level: str, spec: dict):
    """Of the Pod Security Standards, the rules on fields that are modelled."""
    if level not in ("privileged", "baseline", "restricted"):
        raise NotModelled(f"the Pod Security level {level}")
    if level == "privileged":
        return
    if spec.get("hostNetwork"):
        yield "host namespaces (hostNetwork=true)"
    pod = spec["securityContext"]
    contexts = [(f'container "{each["name"]}"', each["securityContext"]) for each in containers(spec)]
    for where, own in contexts:
        if own.get("privileged"):
            yield f"privileged ({where} must not set securityContext.privileged=true)"
        added = set(own.get("capabilities", {}).get("add", []))
        if added:
            raise NotModelled("added capabilities")
    kinds = {volume["name"]: (set(volume) - {"name"}).pop() for volume in spec.get("volumes", [])}
    for volume, kind in kinds.items():
        if kind == "hostPath":
            yield f'hostPath volumes (volume "{volume}")'
        elif level == "restricted" and kind not in RESTRICTED_VOLUMES:
            yield f'restricted volume types (volume "{volume}" uses restricted volume type "{kind}")'
    if level == "baseline":
        return
    for where, own in contexts:
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"allowPrivilegeEscalation != false ({where} must set securityContext.allowPrivilegeEscalation=false)"
        if "ALL" not in own.get("capabilities", {}).get("drop", []):
            yield f'unrestricted capabilities ({where} must set securityContext.capabilities.drop=["ALL"])'
        if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            yield f"runAsNonRoot != true (pod or {where} must set securityContext.runAsNonRoot=true)"
        if own.get("runAsUser", pod.get("runAsUser")) == 0:
            yield f"runAsUser=0 ({where} must not set runAsUser=0)"
        if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f'seccompProfile (pod or {where} must set securityContext.seccompProfile.type to "RuntimeDefault")'


# Names that the API server makes up.

_numbers = itertools.count()


def generated(prefix: str) -> str:
    """`generateName`, never twice in one test run."""
    letters, number, name = "bcdfghjklmnpqrstvwxz2456789", next(_numbers), ""
    for _ in range(5):
        number, digit = divmod(number, len(letters))
        name = letters[digit] + name
    return f"{prefix}{name}"

