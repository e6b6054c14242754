{{/* Other releases in the namespace. Only helm can look; where manifests are applied otherwise, a run notices. */}}

{{/* One record for each release, one prefix for each cluster: a JSON array of the CronJobs that write to ours. */}}
{{- define "etcd-backup.mistakesOfNeighbours" -}}
{{- $mistakes := list }}
{{- $record := include "etcd-backup.record" . }}
{{- $place := printf "%s/%s" (include "etcd-backup.container" .) (include "etcd-backup.prefix" .) }}
{{- range $cronJob := (lookup "batch/v1" "CronJob" .Release.Namespace "").items }}
{{- $name := $cronJob.metadata.name }}
{{- $owner := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $cronJob }}
{{- $chart := dig "metadata" "labels" "helm.sh/chart" "" $cronJob }}
{{- /* Within one release, a chart of another name is another alias of this one. */ -}}
{{- $isOurs := and (eq $owner $.Release.Name) (hasPrefix (printf "%s-" $.Chart.Name) $chart) }}
{{- if not (or $isOurs (eq $name (include "etcd-backup.fullname" $)) $cronJob.spec.suspend) }}
{{- $variables := dict }}
{{- range $cronJob.spec.jobTemplate.spec.template.spec.containers }}
{{- range .env }}
{{- $_ := set $variables .name (default "" .value) }}
{{- end }}
{{- end }}
{{- $remedy := printf "or remove or suspend CronJob %s" $name }}
{{- if eq $record (include "etcd-backup.variable" (list $variables "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING")) }}
{{- $mistakes = append $mistakes (printf
  "backupApp.configMapName is %q, where CronJob %s records its backups: set a name of this release's own, %s"
  $record $name $remedy) }}
{{- end }}
{{- $theirs := printf "%s/%s"
  (include "etcd-backup.variable" (list $variables "APP_ABS_CONTAINER_NAME") | trimSuffix "/")
  (include "etcd-backup.variable" (list $variables "APP_BLOB_PREFIX") | trimSuffix "/") }}
{{- if eq $place $theirs }}
{{- $store := include "etcd-backup.store" $ | fromJson }}
{{- $ours := default (include "etcd-backup.accountOf" (list $ $store.existingSecret)) (trim $store.account) }}
{{- $their := default (include "etcd-backup.accountOf" (list $ (get $variables "APP_ABS_SECRET_NAME")))
  (get $variables "AZURE_STORAGE_ACCOUNT") }}
{{- if or (not $ours) (not $their) (eq $ours $their) }}
{{- $mistakes = append $mistakes (printf
  "%s makes %q, where CronJob %s stores its backups: set a prefix of this cluster's own, %s"
  (include "etcd-backup.nameOf" (list $ "prefix")) $place $name $remedy) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* The value of a variable, as the program reads it; empty where it is not set. Takes a list: variables, name. */}}
{{- define "etcd-backup.variable" -}}
{{- include "etcd-backup.trimmed" (get (index . 0) (index . 1)) }}
{{- end }}

{{/* The account that a Secret names; empty where that cannot be known. Takes a list: root, name of the Secret. */}}
{{- define "etcd-backup.accountOf" -}}
{{- with index . 1 }}
{{- dig "data" "storage-account" "" (lookup "v1" "Secret" (index $ 0).Release.Namespace .) | b64dec | trim }}
{{- end }}
{{- end }}
