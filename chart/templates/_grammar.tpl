{{/* What the program admits in its variables, checked here too: a wrong value stops helm, not the first run. */}}

{{/* Without blanks and line ends around it, which the program drops. */}}
{{- define "etcd-backup.trimmed" -}}
{{- $blank := "[\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}]" }}
{{- regexReplaceAllLiteral (printf "^%s+|%s+$" $blank $blank) . "" }}
{{- end }}

{{/* A JSON array of the values that the program would refuse. */}}
{{- define "etcd-backup.mistakesOfGrammar" -}}
{{- $mistakes := list }}
{{- range $part := list "Blobs" "Store" "Etcd" "Sizes" }}
{{- $mistakes = concat $mistakes (include (printf "etcd-backup.mistakesOf%s" $part) $ | fromJsonArray) }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Container and prefix. */}}
{{- define "etcd-backup.mistakesOfBlobs" -}}
{{- $mistakes := list }}
{{- $container := include "etcd-backup.container" . }}
{{- if and $container (or (not (regexMatch "^[a-z0-9](-?[a-z0-9])+$" $container)) (lt (len $container) 3)
  (gt (len $container) 63)) }}
{{- $mistakes = append $mistakes (printf "%s is %q: a container's name has %s" (include "etcd-backup.nameOf" (list . "container")) $container
  "3 to 63 lower-case letters, digits and single hyphens, and a letter or digit at both ends") }}
{{- end }}
{{- $prefix := include "etcd-backup.prefix" . }}
{{- $any := "[^/\\\\\\x00-\\x1f\\x7f-\\x9f]" }}
{{- $part := printf "%s*[^./\\\\\\x00-\\x1f\\x7f-\\x9f]" $any }}
{{- $isGiven := include "etcd-backup.trimmed" (include "etcd-backup.store" . | fromJson).prefix }}
{{- if and $isGiven (not (and (regexMatch (printf "^%s(/%s)*$" $part $part) $prefix) (regexMatch "^(?s:.){1,498}$" $prefix))) }}
{{- $mistakes = append $mistakes (printf "%s is %q: a prefix has 1 to 498 characters, %s" (include "etcd-backup.nameOf" (list . "prefix")) $prefix
  "no backslash and no control character, and between slashes no part that is empty or ends in a full stop") }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* A port, and the end of a regular expression of a URL. */}}
{{- define "etcd-backup.portPattern" -}}
(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?
{{- end }}

{{/* The account, its endpoint and the version of its interface. A wrong one is not shown: it may be a secret. */}}
{{- define "etcd-backup.mistakesOfStore" -}}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- $account := include "etcd-backup.trimmed" $store.account }}
{{- $accountName := include "etcd-backup.nameOf" (list . "account") }}
{{- $endpoint := include "etcd-backup.trimmed" $store.endpoint }}
{{- $endpointName := include "etcd-backup.nameOf" (list . "endpoint") }}
{{- $mistakes := list }}
{{- if and $account (not $endpoint) (not (regexMatch "^[a-z0-9]{3,24}$" $account)) }}
{{- $mistakes = append $mistakes (printf "%s is not the name of an account: %s" $accountName
  "3 to 24 lower-case letters and digits, as the Azure portal shows it") }}
{{- else if not (regexMatch "^[A-Za-z0-9-]*$" $account) }}
{{- $mistakes = append $mistakes (printf
  "%s is not the name of an account: letters, digits and hyphens" $accountName) }}
{{- end }}
{{- if $endpoint }}
{{- $port := include "etcd-backup.portPattern" . }}
{{- $host := printf "(\\[[0-9a-fA-F:]+\\]|[A-Za-z0-9._-]+)%s" $port }}
{{- $path := default "[A-Za-z0-9-]+" $account }}
{{- if not (regexMatch (printf "^(?i:https?)://%s(/%s)?/*$" $host $path) $endpoint) }}
{{- $mistakes = append $mistakes (printf "%s is not an endpoint such as https://store.example.com: %s" $endpointName
  "https or http, a host, a port where it is unusual, the account as its only path if any, and nothing else") }}
{{- else if and (regexMatch "^(?i:http)://" $endpoint) (not $store.allowHttp) (not (regexMatch
  "^(?i:http)://(127(\\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}|(?i:localhost)|\\[::1\\])[:/]" (printf "%s/" $endpoint))) }}
{{- $mistakes = append $mistakes (printf "%s is plain http, so backups could be read on their way: %s" $endpointName
  "write https, or set allowHttp beside it to true") }}
{{- end }}
{{- end }}
{{- $version := include "etcd-backup.trimmed" $store.apiVersion }}
{{- if and $version (or (lt $version "2019-02-02") (regexMatch "-(02-3[01]|(04|06|09|11)-31)$" $version)
  (not (regexMatch "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" $version))) }}
{{- $mistakes = append $mistakes (printf
  "%s is %q: it must be a version of the Blob service, a date from 2019-02-02 on"
  (include "etcd-backup.nameOf" (list . "apiVersion")) $version) }}
{{- end }}
{{- if and .Values.abs.authorityHost (not (regexMatch (printf "^(?i:https)://[A-Za-z0-9._-]+%s/?$"
  (include "etcd-backup.portPattern" .)) .Values.abs.authorityHost)) }}
{{- $mistakes = append $mistakes (printf "abs.authorityHost is %q: write it like https://login.microsoftonline.com"
  .Values.abs.authorityHost) }}
{{- end }}
{{- if and (eq "cold" $store.accessTier) $version (lt $version "2021-12-02") }}
{{- $mistakes = append $mistakes (printf
  "abs.accessTier is %q, which %s %q does not know: set that to 2021-12-02 or later" "cold"
  (include "etcd-backup.nameOf" (list . "apiVersion")) $version) }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* etcd's client URLs. */}}
{{- define "etcd-backup.mistakesOfEtcd" -}}
{{- $mistakes := list }}
{{- $port := include "etcd-backup.portPattern" . }}
{{- $host := "(\\[[0-9a-fA-F.]*:[0-9a-fA-F:.]*\\]|[A-Za-z0-9._-]+)" }}
{{- range .Values.etcd.endpoints }}
{{- $url := include "etcd-backup.trimmed" . }}
{{- if not (regexMatch (printf "^(?i:https?)://%s%s/*$" $host $port) $url) }}
{{- $shown := regexReplaceAll "^.*@" $url "…@" }}
{{- $mistakes = append $mistakes (printf
  "etcd.endpoints has %q, which is no client URL of etcd such as https://etcd-0.etcd:2379" $shown) }}
{{- else if and $.Values.etcd.secure (regexMatch "^(?i:http)://" $url) }}
{{- $mistakes = append $mistakes (printf
  "etcd.endpoints has %s, but etcd.secure is true: write https, or set etcd.secure to false" $url) }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Blocks and spool. */}}
{{- define "etcd-backup.mistakesOfSizes" -}}
{{- $mistakes := list }}
{{- $size := include "etcd-backup.trimmed" .Values.backupApp.blockSize }}
{{- $bytes := 4259840 }}
{{- if $size }}
{{- $factor := 1 }}
{{- range $unit, $each := dict "KiB" 1024 "MiB" 1048576 "GiB" 1073741824 }}
{{- if hasSuffix $unit $size }}{{ $factor = $each }}{{ end }}
{{- end }}
{{- /* More digits than 16 MiB has are too much of any unit; zeros in front count for nothing. */ -}}
{{- $digits := regexFind "^[0-9]+" $size }}
{{- $number := regexFind "[1-9][0-9]*$" $digits }}
{{- $bytes = 0 }}
{{- if and (regexMatch "^[0-9]+([KMG]iB)?$" $size) (le (len $number) 8) }}
{{- $bytes = mul (default "0" $number | int64) $factor }}
{{- end }}
{{- if or (lt (int64 $bytes) 1048576) (gt (int64 $bytes) 16777216) }}
{{- $mistakes = append $mistakes (printf
  "backupApp.blockSize is %q: it must be a size such as 8MiB or 8388608, from 1MiB to 16MiB" $size) }}
{{- $bytes = 1048576 }}
{{- end }}
{{- end }}
{{- $most := sub (div 33554432 $bytes) 1 }}
{{- if gt (int64 .Values.backupApp.blocksInFlight) $most }}
{{- $mistakes = append $mistakes (printf
  "backupApp.blocksInFlight is %d: with blocks of this size it must be at most %d, so that all fit into 32MiB"
  (int64 .Values.backupApp.blocksInFlight) $most) }}
{{- end }}
{{- if and .Values.backupApp.spool.enabled (regexMatch "^[0-9]+(Mi|Gi)$" .Values.backupApp.spool.sizeLimit) }}
{{- $limit := include "etcd-backup.spoolLimit" . | int64 }}
{{- if or (lt $limit 1048576) (gt $limit 1099511627776) }}
{{- $mistakes = append $mistakes (printf
  "backupApp.spool.sizeLimit is %q: it must be from 2Mi to 1077Gi" .Values.backupApp.spool.sizeLimit) }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}
