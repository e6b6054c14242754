{{- if (include "etcd-backup.enabled" .) }}
{{- $name := "sc-recorded-etcd-backup-data" }}
{{- $present := lookup "v1" "ConfigMap" .Release.Namespace $name }}
{{- $owner := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $present }}
{{- /* A record that the predecessor or another release left is used as it is, where it is. */ -}}
{{- if or (not $present) (eq $owner .Release.Name) }}
# The record of the last success. It has no `data` here on purpose: helm then never touches what a run wrote.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "etcd-backup.labels" . | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
{{- end }}
{{- end }}
