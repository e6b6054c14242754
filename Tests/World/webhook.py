"""What the webhook of Azure workload identity does to a pod, as its source says (pkg/webhook, v1.6.0)."""

import copy

AUDIENCE = "api://AzureADTokenExchange"
FOLDER = "/var/run/secrets/azure/wi/token"
VOLUME = "azure-workload-identity-reserved-0f1e2d"
PREFIX = "azure.workload.identity"


def injected(template: dict, account: dict, authority: str) -> dict:
    """The spec of a pod template, changed if its label asks for it; `account` is its ServiceAccount."""
    spec = copy.deepcopy(template["spec"])
    if template["metadata"].get("labels", {}).get(f"{PREFIX}/use") != "true":
        return spec
    annotations = account["metadata"].get("annotations", {})
    variables = {
        "AZURE_CLIENT_ID": annotations.get(f"{PREFIX}/client-id"),
        "AZURE_TENANT_ID": annotations[f"{PREFIX}/tenant-id"],  # else that of the webhook, which has none here
        "AZURE_FEDERATED_TOKEN_FILE": f"{FOLDER}/azure-identity-token",
        "AZURE_AUTHORITY_HOST": authority,
    }
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        present = {each["name"] for each in container.setdefault("env", [])}
        container["env"] += [{"name": name, "value": value} for name, value in variables.items()
                             if value and name not in present]
        container.setdefault("volumeMounts", []).append({"name": VOLUME, "mountPath": FOLDER, "readOnly": True})
    token = {"path": "azure-identity-token", "expirationSeconds": 3600, "audience": AUDIENCE}
    spec.setdefault("volumes", []).append({"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": token}]}})
    return spec
