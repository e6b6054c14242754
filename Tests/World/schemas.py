"""The published schemas of Kubernetes, as its API server applies them: an unknown field or a wrong type is refused."""

import functools
import re

import kubernetes_validate
from jsonschema.validators import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

# From the oldest that the chart promises to the newest that is published.
RELEASES = ("1.29.0", "1.32.0", kubernetes_validate.latest_version())


class Misfit(Exception):
    """The object does not fit; the message names the field."""


def validate(item: dict, release: str = RELEASES[-1]) -> None:
    """Strictly, as with fieldValidation=Strict."""
    errors = list(_validator(item["kind"], item["apiVersion"], release).iter_errors(item))
    if errors:
        where = ".".join(map(str, errors[0].absolute_path))
        raise Misfit(f"{item['kind']} in version {item['apiVersion']!r} cannot be handled: {where}: {errors[0].message}")


@functools.cache
def _validator(kind: str, api_version: str, release: str) -> Draft202012Validator:
    group = re.sub(r"\.[^/]*", "", api_version).replace("/", "-")  # rbac.authorization.k8s.io/v1 is rbac-v1
    schema = schema_contents(f"{_folder(release)}/{kind.lower()}-{group}.json", release)
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(release))


@functools.cache
def _definitions(release: str) -> Registry:
    """What all kinds of one release share: megabytes, so they are read once."""
    return Resource.from_contents(schema_contents(f"{_folder(release)}/_definitions.json", release)) @ Registry()


def _folder(release: str) -> str:
    return f"kubernetes-json-schema/v{release}-local-strict"
