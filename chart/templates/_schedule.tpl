{{/* The schedule and its time zone, checked as Kubernetes does. */}}

{{/*
The schedule for Kubernetes: `H` in the minute becomes a minute of this release, and `H/15` every 15 minutes from one
on. It depends on namespace and name alone, so that no upgrade changes it.
*/}}
{{- define "etcd-backup.schedule" -}}
{{- $schedule := trim .Values.backupApp.cronJobSchedule }}
{{- $step := include "etcd-backup.hashedStep" $schedule | int64 }}
{{- if gt $step 0 }}
{{- $hash := sha256sum (printf "%s/%s" .Release.Namespace (include "etcd-backup.fullname" .)) }}
{{- $digits := regexReplaceAll "[a-f]" $hash "" }}
{{- /* The one in front keeps zeros from meaning octal. */ -}}
{{- $minute := mod (int64 (printf "1%s" (trunc 9 $digits))) $step }}
{{- $minutes := ternary (printf "%d" $minute) (printf "%d-59/%d" $minute $step) (eq $step 60) }}
{{- regexReplaceAllLiteral "^H(/[0-9]+)?" $schedule $minutes }}
{{- else }}
{{- .Values.backupApp.cronJobSchedule }}
{{- end }}
{{- end }}

{{/* How many minutes lie between two starts by `H` (60) or `H/n`; 0 without an `H`. Takes the schedule. */}}
{{- define "etcd-backup.hashedStep" -}}
{{- $field := first (regexSplit "\\s+" . 2) }}
{{- if eq $field "H" }}60
{{- else if regexMatch "^H/([1-9]|[1-5][0-9])$" $field }}{{ trimPrefix "H/" $field }}
{{- else }}0
{{- end }}
{{- end }}

{{/* What Kubernetes would refuse: a JSON array. */}}
{{- define "etcd-backup.mistakesOfSchedule" -}}
{{- $mistakes := list }}
{{- $given := .Values.backupApp.cronJobSchedule }}
{{- $schedule := include "etcd-backup.schedule" . }}
{{- $fields := regexSplit "\\s+" (trim $schedule) -1 }}
{{- $macros := list "@yearly" "@annually" "@monthly" "@weekly" "@daily" "@midnight" "@hourly" }}
{{- $name := printf "backupApp.cronJobSchedule is %q" $given }}
{{- if contains "TZ=" $schedule }}
{{- $mistakes = append $mistakes (printf "%s: Kubernetes takes no time zone there, set backupApp.timeZone instead" $name) }}
{{- else if hasPrefix "@" $schedule }}
{{- if not (or (has $schedule $macros) (regexMatch "^@every [0-9.hms]+$" $schedule)) }}
{{- $mistakes = append $mistakes (printf "%s: use cron's five fields, or one of %s" $name (join ", " $macros)) }}
{{- end }}
{{- else if ne 5 (len $fields) }}
{{- $mistakes = append $mistakes (printf "%s: cron wants five fields, such as %q" $name "*/30 * * * *") }}
{{- else }}
{{- $kinds := list (list "minute" 0 59) (list "hour" 0 23) (list "day of the month" 1 31) (list "month" 1 12)
  (list "day of the week" 0 6) }}
{{- range $index, $field := $fields }}
{{- $kind := index $kinds $index }}
{{- range $part := splitList "," $field }}
{{- if not (include "etcd-backup.isPartOfCron" (list $part $kind)) }}
{{- $hint := ternary ", or H or H/n with n from 1 to 59" "" (eq $index 0) }}
{{- $mistakes = append $mistakes (printf "%s: %q is no %s: use numbers from %d to %d, a range, * or */n%s" $name $part
  (index $kind 0) (index $kind 1) (index $kind 2) $hint) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson (concat $mistakes (include "etcd-backup.mistakesOfTimeZone" . | fromJsonArray)) }}
{{- end }}

{{/* `*`, a number or a range, and a step, if any. Takes a list: the text, and of its field name, least and most. */}}
{{- define "etcd-backup.isPartOfCron" -}}
{{- $kind := index . 1 }}
{{- $names := get (dict "month" (splitList " " "jan feb mar apr may jun jul aug sep oct nov dec")
  "day of the week" (splitList " " "sun mon tue wed thu fri sat")) (index $kind 0) }}
{{- $text := lower (index . 0) }}
{{- range $number, $word := default list $names }}
{{- $text = regexReplaceAll (printf "\\b%s\\b" $word) $text (printf "%d" (add $number (index $kind 1))) }}
{{- end }}
{{- if regexMatch "^([*?]|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{0,3}[1-9][0-9]{0,3})?$" $text }}
{{- $ends := regexFindAll "[0-9]+" (first (splitList "/" $text)) -1 }}
{{- $isRight := true }}
{{- $before := index $kind 1 }}
{{- range $ends }}
{{- /* Leading zeros are no octal here. */ -}}
{{- $number := default "0" (regexFind "[1-9][0-9]*$" .) | int }}
{{- if or (lt $number (int $before)) (gt $number (int (index $kind 2))) }}{{ $isRight = false }}{{ end }}
{{- $before = $number }}
{{- end }}
{{- if $isRight }}true{{ end }}
{{- end }}
{{- end }}

{{/* A zone that is not known to helm's machine is read as UTC, which shows if that machine knows any. */}}
{{- define "etcd-backup.mistakesOfTimeZone" -}}
{{- $zone := .Values.backupApp.timeZone }}
{{- $winter := toDate "2006-01-02" "2026-01-15" }}
{{- $isUTC := has $zone (list "UTC" "UCT" "Universal" "Zulu" "Etc/UTC" "Etc/UCT" "Etc/Universal" "Etc/Zulu") }}
{{- $isUnknown := and (not $isUTC) (eq "UTC" (dateInZone "MST" $winter $zone)) (ne "UTC" (dateInZone "MST" $winter "Europe/London")) }}
{{- if or $isUnknown (eq "local" (lower $zone)) (not (regexMatch "^[A-Za-z0-9_+/-]+$" $zone)) }}
{{- list (printf "backupApp.timeZone is %q, which is no time zone: write it like Europe/Warsaw or Etc/UTC" $zone) | toJson }}
{{- else }}
{{- list | toJson }}
{{- end }}
{{- end }}
