{{/* What the schema cannot say: values that exclude or require each other. */}}

{{/*
Fails with the list of everything that is wrong, so that one attempt shows it all.
The account, its key and the container belong to an enabled backup, and it needs all three.
*/}}
{{- define "etcd-backup.validate" -}}
{{- $backup := .Values.global.etcdBackup }}
{{- $abs := (index .Values "etcd-operator").backupOperator.abs }}
{{- $wrong := list }}
{{- if $backup.enabled }}
{{- if not $backup.containerName }}
{{- $wrong = append $wrong "global.etcdBackup.containerName is empty: set it to the Azure Blob Storage container for the backups" }}
{{- end }}
{{- if $backup.existingSecret }}
{{- if or $abs.storageAccount $abs.storageKey }}
{{- $wrong = append $wrong (printf "global.etcdBackup.existingSecret is %q, so the account and its key come from there: leave etcd-operator.backupOperator.abs.storageAccount and .storageKey empty, or existingSecret" $backup.existingSecret) }}
{{- end }}
{{- else }}
{{- if not $abs.storageAccount }}
{{- $wrong = append $wrong "etcd-operator.backupOperator.abs.storageAccount is empty: set it to the storage account's name, or global.etcdBackup.existingSecret to a Secret that holds it" }}
{{- end }}
{{- if not $abs.storageKey }}
{{- $wrong = append $wrong "etcd-operator.backupOperator.abs.storageKey is empty: set it to a key of the storage account, or global.etcdBackup.existingSecret to a Secret that holds it" }}
{{- else if not (regexMatch "^[A-Za-z0-9+/]+={0,2}$" (trim $abs.storageKey)) }}
{{- $wrong = append $wrong "etcd-operator.backupOperator.abs.storageKey is not base64: copy the key as the Azure portal shows it" }}
{{- end }}
{{- end }}
{{- $wrong = concat $wrong (include "etcd-backup.invalidRun" . | fromJsonArray) }}
{{- else }}
{{- range $name, $value := dict "global.etcdBackup.containerName" $backup.containerName "etcd-operator.backupOperator.abs.storageAccount" $abs.storageAccount "etcd-operator.backupOperator.abs.storageKey" $abs.storageKey }}
{{- if $value }}
{{- $wrong = append $wrong (printf "%s is set, but backups are off: set global.etcdBackup.enabled to true, or leave %s empty" $name $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "\n\n  - %s\n" (join "\n  - " $wrong)) }}
{{- end }}
{{- end }}

{{/* What is wrong with the values of the run itself, as a JSON array of messages. */}}
{{- define "etcd-backup.invalidRun" -}}
{{- $wrong := list }}
{{- $schedule := .Values.backupApp.cronJobSchedule }}
{{- if contains "TZ=" $schedule }}
{{- $wrong = append $wrong (printf "backupApp.cronJobSchedule is %q: Kubernetes takes no time zone there, set backupApp.timeZone instead" $schedule) }}
{{- else if not (or (hasPrefix "@" $schedule) (eq 5 (len (regexSplit "\\s+" (trim $schedule) -1)))) }}
{{- $wrong = append $wrong (printf "backupApp.cronJobSchedule is %q: cron wants five fields, such as %q" $schedule "*/30 * * * *") }}
{{- end }}
{{- range .Values.etcd.endpoints }}
{{- if and $.Values.etcd.secure (hasPrefix "http://" .) }}
{{- $wrong = append $wrong (printf "etcd.endpoints has %s, but etcd.secure is true: write https, or set etcd.secure to false" .) }}
{{- end }}
{{- end }}
{{- $taken := list }}
{{- range include "etcd-backup.env" . | fromYamlArray }}
{{- $taken = append $taken .name }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if has .name $taken }}
{{- $wrong = append $wrong (printf "extraEnv has %s, which the chart sets already: use the chart's own value for it" .name) }}
{{- end }}
{{- end }}
{{- toJson $wrong }}
{{- end }}
