{{/* The store and what opens it: each value under `abs`, or under the name that the predecessor gave it. */}}

{{- define "etcd-backup.enabled" -}}
{{- if or .Values.enabled .Values.global.etcdBackup.enabled }}true{{ end }}
{{- end }}

{{/* By name under `abs`: the inherited name, and its value. A JSON object. */}}
{{- define "etcd-backup.inherited" -}}
{{- $abs := (index .Values "etcd-operator").backupOperator.abs }}
{{- $names := dict }}
{{- range $name, $inherited := dict "account" "storageAccount" "accountKey" "storageKey" "endpoint" "endpoint"
  "caConfigMap" "caConfigMap" "apiVersion" "apiVersion" }}
{{- $_ := set $names $name (list (printf "etcd-operator.backupOperator.abs.%s" $inherited) (get $abs $inherited)) }}
{{- end }}
{{- range $name, $inherited := dict "container" "containerName" "existingSecret" "existingSecret"
  "authentication" "absAuthentication" }}
{{- $_ := set $names $name (list (printf "global.etcdBackup.%s" $inherited) (get $.Values.global.etcdBackup $inherited)) }}
{{- end }}
{{- set $names "prefix" (list "backupApp.blobPrefix" .Values.backupApp.blobPrefix) | toJson }}
{{- end }}

{{/*
The values of `abs` as they hold: a JSON object. `isNeutral` says that the container has its new name. Then nothing has
a default of the predecessor's: neither prefix nor record, Secret and etcd. Many templates ask, so it is made once.
*/}}
{{- define "etcd-backup.store" -}}
{{- if not (hasKey .Values "madeStore") }}
{{- $_ := set .Values "madeStore" (include "etcd-backup.makeStore" .) }}
{{- end }}
{{- .Values.madeStore }}
{{- end }}

{{- define "etcd-backup.makeStore" -}}
{{- $store := deepCopy .Values.abs }}
{{- range $name, $inherited := include "etcd-backup.inherited" . | fromJson }}
{{- if not (include "etcd-backup.trimmed" (get $store $name)) }}
{{- $_ := set $store $name (index $inherited 1) }}
{{- end }}
{{- end }}
{{- $isNeutral := or .Values.abs.container (and .Values.enabled (not .Values.global.etcdBackup.containerName)) }}
{{- $_ := set $store "isNeutral" (not (not $isNeutral)) }}
{{- if not (or $isNeutral (include "etcd-backup.trimmed" $store.prefix)) }}
{{- $_ := set $store "prefix" "service-catalog" }}
{{- end }}
{{- $_ := set $store "allowHttp" (or $store.allowHttp (index .Values "etcd-operator").backupOperator.abs.allowHttp) }}
{{- if not $store.secretName }}
{{- $_ := set $store "secretName"
  (ternary (printf "%s-abs" (include "etcd-backup.fullname" .)) .Values.global.etcdBackup.secretName $store.isNeutral) }}
{{- end }}
{{- toJson $store }}
{{- end }}

{{/* How the user calls a value of the store: by the inherited name if that one is in use. Takes a list: root, name. */}}
{{- define "etcd-backup.nameOf" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
{{- $inherited := include "etcd-backup.inherited" $root | fromJson }}
{{- $store := include "etcd-backup.store" $root | fromJson }}
{{- if or (get $root.Values.abs $name) (not (hasKey $inherited $name)) (and $store.isNeutral (not (index (get $inherited $name) 1))) }}
{{- printf "abs.%s" $name }}
{{- else }}
{{- index (get $inherited $name) 0 }}
{{- end }}
{{- end }}

{{/* The container and the prefix as the store gets them: one slash at the end is dropped. */}}
{{- define "etcd-backup.container" -}}
{{- include "etcd-backup.trimmed" (include "etcd-backup.store" . | fromJson).container | trimSuffix "/" }}
{{- end }}
{{- define "etcd-backup.prefix" -}}
{{- include "etcd-backup.trimmed" (include "etcd-backup.store" . | fromJson).prefix | trimSuffix "/" }}
{{- end }}

{{/* The keys of the Secret, by the values that they come from: a JSON object. */}}
{{- define "etcd-backup.secretKeys" -}}
{{- dict "account" "storage-account" "accountKey" "storage-key" "sasToken" "sas-token" "connectionString" "connection-string"
  "tenantId" "tenant-id" "clientId" "client-id" "clientSecret" "client-secret" "clientCertificate" "client-certificate"
  | toJson }}
{{- end }}

{{/* What a kind of credential is made of: a JSON array of values of `abs`. Takes the kind. */}}
{{- define "etcd-backup.partsOf" -}}
{{- get (dict "shared-key" (list "account" "accountKey") "sas" (list "account" "sasToken")
  "connection-string" (list "connectionString") "workload-identity" (list "account") "managed-identity" (list "account")
  "service-principal" (list "account" "tenantId" "clientId")) . | toJson }}
{{- end }}

{{/* Identities that need no Secret: all that is to be known is no secret. Takes the kind. */}}
{{- define "etcd-backup.isWithoutSecret" -}}
{{- if has . (list "workload-identity" "managed-identity") }}true{{ end }}
{{- end }}

{{/* The Secret that the program reads: the chart's own or an existing one; empty if there is none. */}}
{{- define "etcd-backup.absSecret" -}}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- if $store.existingSecret }}
{{- $store.existingSecret }}
{{- else if include "etcd-backup.makesSecret" . }}
{{- $store.secretName }}
{{- end }}
{{- end }}

{{- define "etcd-backup.makesSecret" -}}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- $directories := include "etcd-backup.directories" . | fromJson }}
{{- if not (or $store.existingSecret (hasKey $directories "abs.secretDirectory")
  (include "etcd-backup.isWithoutSecret" $store.authentication)) }}true{{ end }}
{{- end }}
