{{/* Go durations (`30m`, `1h30m`, `1.5h`, `250ms`), which helm's own functions cannot parse. */}}

{{/*
The seconds of a Go duration, rounded up; fails when it is none, or zero where that is not `zeroAllowed`. As in the
program, what is less than a nanosecond counts for nothing, and 292 years are too long.
Takes a dict: `value`, `name` of the value for the message, and `zeroAllowed`.
*/}}
{{- define "etcd-backup.seconds" -}}
{{- $units := dict "h" 3600e9 "m" 60e9 "s" 1e9 "ms" 1e6 "us" 1e3 "µs" 1e3 "μs" 1e3 "ns" 1.0 }}
{{- $number := "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)" }}
{{- $given := include "etcd-backup.trimmed" .value }}
{{- $text := regexReplaceAll "^[+-]" $given "" }}
{{- $parts := regexFindAll (printf "%s(ns|us|µs|μs|ms|s|m|h)" $number) $text -1 }}
{{- if eq $text "0" }}
{{- $parts = list "0s" }}
{{- else if or (not $parts) (ne (join "" $parts) $text) }}
{{- fail (printf
  "%s is %q, which is no Go duration: write it like 30m, 1h30m or 90s (units h, m, s, ms; there are no days)"
  .name .value) }}
{{- end }}
{{- $nanoseconds := 0.0 }}
{{- range $parts }}
{{- $unit := regexFind "[^0-9.]+$" . }}
{{- $nanoseconds = addf $nanoseconds (floor (mulf (float64 (trimSuffix $unit .)) (get $units $unit))) }}
{{- end }}
{{- if and (hasPrefix "-" $given) (gt $nanoseconds 0.0) }}
{{- fail (printf "%s is %q: it must not be negative" .name .value) }}
{{- else if and (le $nanoseconds 0.0) (not .zeroAllowed) }}
{{- fail (printf "%s is %q: it must be longer than zero" .name .value) }}
{{- else if ge $nanoseconds 9223372036e9 }}
{{- fail (printf "%s is %q: it must be shorter than 292 years" .name .value) }}
{{- end }}
{{- divf $nanoseconds 1e9 | ceil | int64 }}
{{- end }}

{{/* The age of the last success, in seconds, from which the alerts and the dashboard complain. */}}
{{- define "etcd-backup.maxAge" -}}
{{- include "etcd-backup.seconds" (dict "name" "prometheusRule.maxAge" "value" .Values.prometheusRule.maxAge) }}
{{- end }}
