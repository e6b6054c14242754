{{/* Names, labels and the values that several objects share. */}}

{{/* The chart's name, or what replaces it. */}}
{{- define "etcd-backup.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | regexFind "^.*[a-z0-9]" }}
{{- end }}

{{/* The name of every object. At most 52 characters: the CronJob appends 11 to name its Jobs. */}}
{{- define "etcd-backup.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | regexFind "^.*[a-z0-9]" }}
{{- end }}

{{- define "etcd-backup.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
Maps of strings as one, each key once: a later map wins. Everything is quoted, so that `12345`, `1e3` and `true` stay
strings. Takes a list of maps.
*/}}
{{- define "etcd-backup.strings" -}}
{{- $all := dict }}
{{- range $map := . }}
{{- range $key, $value := $map }}
{{- $_ := set $all $key $value }}
{{- end }}
{{- end }}
{{- range $key, $value := $all }}
{{ $key | quote }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* What finds the pods of this release, and nothing else. No value can change them. */}}
{{- define "etcd-backup.selectorLabels" -}}
app.kubernetes.io/name: {{ include "etcd-backup.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: backup
{{- end }}

{{/* The labels of an object: the chart's, then commonLabels. */}}
{{- define "etcd-backup.labels" -}}
{{- include "etcd-backup.labelsWith" (dict "root" .) }}
{{- end }}

{{/* The same with `own` labels of the chart below commonLabels, and `more` of the object's own values above them. */}}
{{- define "etcd-backup.labelsWith" -}}
{{- $labels := include "etcd-backup.selectorLabels" .root | fromYaml }}
{{- $_ := set $labels "app.kubernetes.io/version" .root.Chart.AppVersion }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service }}
{{- $_ := set $labels "helm.sh/chart" (include "etcd-backup.chart" .root) }}
{{- include "etcd-backup.strings" (list $labels .own .root.Values.commonLabels .more) | trim }}
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

{{/* The ConfigMap that a run creates when the history of etcd broke; the program makes the same name. */}}
{{- define "etcd-backup.historyBroke" -}}
{{- printf "%s-history-broke" .Values.backupApp.configMapName }}
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
{{- $url := include "etcd-backup.trimmed" . | urlParse }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host)) }}
{{- end }}
