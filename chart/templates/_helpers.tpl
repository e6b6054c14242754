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

{{/*
The annotations of an object with their key, if there are any: the chart's `own`, then commonAnnotations, then `more`
of the object's own values.
*/}}
{{- define "etcd-backup.annotationsWith" -}}
{{- with include "etcd-backup.strings" (list .own .root.Values.commonAnnotations .more) | trim }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every object begins with. Takes a dict: root, name, and what labels and annotations take. */}}
{{- define "etcd-backup.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "etcd-backup.labelsWith" (dict "root" .root "more" .labels) | nindent 2 }}
{{- include "etcd-backup.annotationsWith" (dict "root" .root "own" .own "more" .annotations) }}
{{- end }}

{{/* The image: by digest when one is given, else by tag; of the parent chart's registry, if it has one. */}}
{{- define "etcd-backup.image" -}}
{{- $image := .Values.backupApp.image }}
{{- $repository := $image.repository }}
{{- with .Values.global.imageRegistry }}
{{- $registry := regexFind "^(localhost|[^/]*[.:][^/]*)/" $repository }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (trimPrefix $registry $repository) }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{/* The Secrets for pulling it, the parent chart's first: a JSON array. */}}
{{- define "etcd-backup.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat (default list .Values.global.imagePullSecrets) (default list .Values.imagePullSecrets) }}
{{- $secrets = append $secrets (dict "name" (ternary . (get (ternary dict . (kindIs "string" .)) "name") (kindIs "string" .))) }}
{{- end }}
{{- uniq $secrets | toJson }}
{{- end }}

{{- define "etcd-backup.serviceAccount" -}}
{{- default (include "etcd-backup.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{/* The ConfigMap that records the last success. */}}
{{- define "etcd-backup.record" -}}
{{- $isNeutral := (include "etcd-backup.store" . | fromJson).isNeutral }}
{{- default (ternary (printf "%s-record" (include "etcd-backup.fullname" .)) "sc-recorded-etcd-backup-data" $isNeutral)
  .Values.backupApp.configMapName }}
{{- end }}

{{/* The ConfigMap that a run creates when the history of etcd broke; the program makes the same name. */}}
{{- define "etcd-backup.historyBroke" -}}
{{- printf "%s-history-broke" (include "etcd-backup.record" .) }}
{{- end }}

{{/* The name of etcd's installation; empty where none is meant. */}}
{{- define "etcd-backup.etcdFullname" -}}
{{- $isNeutral := (include "etcd-backup.store" . | fromJson).isNeutral }}
{{- default (ternary "" "service-catalog-etcd-stateful" $isNeutral) .Values.etcd.fullname }}
{{- end }}

{{/* The Secret with etcd's client certificate; empty without TLS, and where a folder takes its place. */}}
{{- define "etcd-backup.tlsSecret" -}}
{{- $fullname := include "etcd-backup.etcdFullname" . }}
{{- if and .Values.etcd.secure (not (hasKey (include "etcd-backup.directories" . | fromJson) "etcd.tlsDirectory")) }}
{{- default (ternary "" (printf "%s-etcd-client-tls" $fullname) (empty $fullname)) .Values.etcd.tlsSecretName }}
{{- end }}
{{- end }}

{{/* etcd's client URLs, separated by commas. */}}
{{- define "etcd-backup.etcdEndpoints" -}}
{{- $scheme := ternary "https" "http" .Values.etcd.secure }}
{{- $service := printf
  "%s://%s-client.%s.svc.cluster.local:2379" $scheme (include "etcd-backup.etcdFullname" .) .Release.Namespace }}
{{- default (list $service) .Values.etcd.endpoints | join "," }}
{{- end }}

{{/* The port of a URL. */}}
{{- define "etcd-backup.port" -}}
{{- $url := include "etcd-backup.trimmed" . | urlParse }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host)) }}
{{- end }}
