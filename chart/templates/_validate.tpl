{{/* What the schema cannot say: values that exclude or require each other. */}}

{{/* Fails with the list of everything that is wrong, so that one attempt shows it all. */}}
{{- define "etcd-backup.validate" -}}
{{- $check := ternary "etcd-backup.mistakes" "etcd-backup.mistakesWhileOff" .Values.global.etcdBackup.enabled }}
{{- $mistakes := include $check . | fromJsonArray }}
{{- if $mistakes }}
{{- fail (printf "\n\n  - %s\n" (join "\n  - " $mistakes)) }}
{{- end }}
{{- end }}

{{/* The account, its key and the container belong to a backup: a JSON array of those set for nothing. */}}
{{- define "etcd-backup.mistakesWhileOff" -}}
{{- $abs := (index .Values "etcd-operator").backupOperator.abs }}
{{- $belongings := dict
  "global.etcdBackup.containerName" .Values.global.etcdBackup.containerName
  "etcd-operator.backupOperator.abs.storageAccount" $abs.storageAccount
  "etcd-operator.backupOperator.abs.storageKey" $abs.storageKey }}
{{- $mistakes := list }}
{{- range $name, $value := $belongings }}
{{- if $value }}
{{- $mistakes = append $mistakes (printf
  "%s is set, but backups are off: set global.etcdBackup.enabled to true, or leave %s empty" $name $name) }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* What is wrong with the values of an enabled backup: a JSON array. */}}
{{- define "etcd-backup.mistakes" -}}
{{- $mistakes := list }}
{{- if not (include "etcd-backup.container" .) }}
{{- $mistakes = append $mistakes
  "global.etcdBackup.containerName is empty: set it to the Azure Blob Storage container for the backups" }}
{{- end }}
{{- $mistakes = concat $mistakes (include "etcd-backup.mistakesOfAccount" . | fromJsonArray) }}
{{- $mistakes = concat $mistakes (include "etcd-backup.mistakesOfRun" . | fromJsonArray) }}
{{- range $part := list "Encryption" "Labels" "Grammar" "Neighbours" }}
{{- $mistakes = concat $mistakes (include (printf "etcd-backup.mistakesOf%s" $part) $ | fromJsonArray) }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* The account and its key are given here, or in an existing Secret, never both. The key is never shown. */}}
{{- define "etcd-backup.mistakesOfAccount" -}}
{{- $abs := (index .Values "etcd-operator").backupOperator.abs }}
{{- $existing := .Values.global.etcdBackup.existingSecret }}
{{- $orSecret := "or global.etcdBackup.existingSecret to a Secret that holds it" }}
{{- $mistakes := list }}
{{- $kind := .Values.global.etcdBackup.absAuthentication }}
{{- $keys := get (dict "sas" "storage-account and sas-token" "connection-string" "connection-string"
  "workload-identity" "storage-account" "managed-identity" "storage-account"
  "service-principal" "storage-account, tenant-id, client-id and client-secret") $kind }}
{{- if and $existing (or $abs.storageAccount $abs.storageKey) }}
{{- $mistakes = append $mistakes (printf
  "global.etcdBackup.existingSecret is %q, so account and key come from there: leave %s empty, or existingSecret"
  $existing "etcd-operator.backupOperator.abs.storageAccount and .storageKey") }}
{{- else if and $keys (not $existing) }}
{{- $mistakes = append $mistakes (printf
  "global.etcdBackup.absAuthentication is %q, and global.etcdBackup.existingSecret is empty: set it to a Secret with %s"
  $kind $keys) }}
{{- if or $abs.storageAccount $abs.storageKey }}
{{- $mistakes = append $mistakes (printf
  "global.etcdBackup.absAuthentication is %q: leave %s empty, they are for shared-key"
  $kind "etcd-operator.backupOperator.abs.storageAccount and .storageKey") }}
{{- end }}
{{- else if not $existing }}
{{- if not $abs.storageAccount }}
{{- $mistakes = append $mistakes (printf
  "etcd-operator.backupOperator.abs.storageAccount is empty: set it to the storage account's name, %s" $orSecret) }}
{{- end }}
{{- if not $abs.storageKey }}
{{- $mistakes = append $mistakes (printf
  "etcd-operator.backupOperator.abs.storageKey is empty: set it to a key of the storage account, %s" $orSecret) }}
{{- else if not (regexMatch "^[A-Za-z0-9+/]+={0,2}$" (trim $abs.storageKey)) }}
{{- $mistakes = append $mistakes
  "etcd-operator.backupOperator.abs.storageKey is not base64: copy the key as the Azure portal shows it" }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Whom backups are encrypted for. What stands in the place of a recipient may be a private key, so it is never shown. */}}
{{- define "etcd-backup.mistakesOfEncryption" -}}
{{- $mistakes := list }}
{{- range $index, $recipient := .Values.backupApp.encryption.recipients }}
{{- if not (regexMatch "^age1[02-9ac-hj-np-z]{58}$" $recipient) }}
{{- $mistakes = append $mistakes (printf
  "backupApp.encryption.recipients[%d] is no recipient of age: use age1… with 62 characters, as age-keygen -y prints it"
  $index) }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Labels of the chart that no value may change, since they find the pods. */}}
{{- define "etcd-backup.mistakesOfLabels" -}}
{{- $mistakes := list }}
{{- $fixed := include "etcd-backup.selectorLabels" . | fromYaml }}
{{- range $value, $labels := dict "commonLabels" .Values.commonLabels "podLabels" .Values.podLabels }}
{{- range $label, $_ := $labels }}
{{- if hasKey $fixed $label }}
{{- $mistakes = append $mistakes (printf
  "%s has %s, by which the pods of this release are found: leave it out (nameOverride sets app.kubernetes.io/name)"
  $value $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* The schedule, and variables that are set twice. */}}
{{- define "etcd-backup.mistakesOfRun" -}}
{{- $mistakes := list }}
{{- $schedule := .Values.backupApp.cronJobSchedule }}
{{- if contains "TZ=" $schedule }}
{{- $mistakes = append $mistakes (printf
  "backupApp.cronJobSchedule is %q: Kubernetes takes no time zone there, set backupApp.timeZone instead" $schedule) }}
{{- else if not (or (hasPrefix "@" $schedule) (eq 5 (len (regexSplit "\\s+" (trim $schedule) -1)))) }}
{{- $mistakes = append $mistakes (printf
  "backupApp.cronJobSchedule is %q: cron wants five fields, such as %q" $schedule "*/30 * * * *") }}
{{- end }}
{{- $taken := list }}
{{- $extra := list }}
{{- range include "etcd-backup.env" . | fromYamlArray }}
{{- $taken = append $taken .name }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if has .name $taken }}
{{- $mistakes = append $mistakes (printf
  "extraEnv has %s, which the chart sets already: use the chart's own value for it" .name) }}
{{- else if has .name $extra }}
{{- $mistakes = append $mistakes (printf "extraEnv has %s twice: leave one" .name) }}
{{- end }}
{{- $extra = append $extra .name }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}
