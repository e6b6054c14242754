{{/* Names, labels and the values that several objects share. */}}

{{/* The chart's name, or what replaces it. */}}
{{- define "etcd-backup.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* The name of every object. At most 52 characters: the CronJob appends 11 to name its Jobs. */}}
{{- define "etcd-backup.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "etcd-backup.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* What finds the pods of this release, and nothing else. */}}
{{- define "etcd-backup.selectorLabels" -}}
app.kubernetes.io/name: {{ include "etcd-backup.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: backup
{{- end }}

{{- define "etcd-backup.labels" -}}
{{ include "etcd-backup.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "etcd-backup.chart" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The image: by digest when one is given, else by tag. */}}
{{- define "etcd-backup.image" -}}
{{- $image := .Values.backupApp.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{/* The Secret with the storage account's key: the chart's own, or an existing one. */}}
{{- define "etcd-backup.absSecret" -}}
{{- default .Values.global.etcdBackup.secretName .Values.global.etcdBackup.existingSecret }}
{{- end }}

{{/* The Secret with etcd's client certificate; empty without TLS. */}}
{{- define "etcd-backup.tlsSecret" -}}
{{- if .Values.etcd.secure }}
{{- default (printf "%s-etcd-client-tls" .Values.etcd.fullname) .Values.etcd.tlsSecretName }}
{{- end }}
{{- end }}

{{/* etcd's client URLs, separated by commas. */}}
{{- define "etcd-backup.etcdEndpoints" -}}
{{- $scheme := ternary "https" "http" .Values.etcd.secure }}
{{- $service := printf
  "%s://%s-client.%s.svc.cluster.local:2379" $scheme .Values.etcd.fullname .Release.Namespace }}
{{- default (list $service) .Values.etcd.endpoints | join "," }}
{{- end }}

{{/* The port of a URL. */}}
{{- define "etcd-backup.port" -}}
{{- $url := urlParse . }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host)) }}
{{- end }}
