{{/* Go durations (`30m`, `1h30m`, `1.5h`, `250ms`), which helm's own functions cannot parse. */}}

{{/*
The seconds of a Go duration, rounded up; fails when it is none, or zero where that is not `zeroAllowed`.
Takes a dict: `value`, `name` of the value for the message, and `zeroAllowed`.
*/}}
{{- define "etcd-backup.seconds" -}}
{{- $units := dict "h" 3600.0 "m" 60.0 "s" 1.0 "ms" 1e-3 "us" 1e-6 "µs" 1e-6 "μs" 1e-6 "ns" 1e-9 }}
{{- $number := "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)" }}
{{- $text := trimPrefix "+" .value }}
{{- $parts := regexFindAll (printf "%s(ns|us|µs|μs|ms|s|m|h)" $number) $text -1 }}
{{- if eq $text "0" }}
{{- $parts = list "0s" }}
{{- else if or (not $parts) (ne (join "" $parts) $text) }}
{{- fail (printf
  "%s is %q, which is no Go duration: write it like 30m, 1h30m or 90s (units h, m, s, ms; there are no days)"
  .name .value) }}
{{- end }}
{{- $seconds := 0.0 }}
{{- range $parts }}
{{- $unit := regexFind "[^0-9.]+$" . }}
{{- $seconds = addf $seconds (mulf (float64 (trimSuffix $unit .)) (get $units $unit)) }}
{{- end }}
{{- if and (le $seconds 0.0) (not .zeroAllowed) }}
{{- fail (printf "%s is %q: it must be longer than zero" .name .value) }}
{{- end }}
{{- ceil $seconds | int64 }}
{{- end }}

{{/* The age of the last success, in seconds, from which the alerts and the dashboard complain. */}}
{{- define "etcd-backup.maxAge" -}}
{{- include "etcd-backup.seconds" (dict "name" "prometheusRule.maxAge" "value" .Values.prometheusRule.maxAge) }}
{{- end }}
