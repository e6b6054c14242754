{{/* Volumes and mounts of the pod; folders that take the place of Secrets. */}}

{{/*
The folders that are in use, by the name of their value: a JSON object of objects with `sources` (the kinds that were
given), `volume` (of Kubernetes; absent if another value brings it), `path` and `variable`.
*/}}
{{- define "etcd-backup.directories" -}}
{{- $all := dict
  "abs.secretDirectory" (list .Values.abs.secretDirectory "abs" "APP_ABS_SECRET_DIRECTORY")
  "etcd.tlsDirectory" (list .Values.etcd.tlsDirectory "etcd-tls" "APP_BACKUP_CLIENT_TLS_DIRECTORY")
  "etcd.credentialsDirectory" (list .Values.etcd.credentialsDirectory "etcd-credentials"
    "APP_BACKUP_ETCD_CREDENTIALS_DIRECTORY") }}
{{- $used := dict }}
{{- range $value, $each := $all }}
{{- $given := index $each 0 }}
{{- $sources := list }}
{{- $volume := $given.volume }}
{{- range $source := list "secretName" "secretProviderClass" "volume" "path" }}
{{- if get $given $source }}{{ $sources = append $sources $source }}{{ end }}
{{- end }}
{{- if $sources }}
{{- if $given.secretName }}
{{- $volume = dict "secret" (dict "secretName" $given.secretName) }}
{{- else if $given.secretProviderClass }}
{{- $volume = dict "csi" (dict "driver" "secrets-store.csi.k8s.io" "readOnly" true
  "volumeAttributes" (dict "secretProviderClass" $given.secretProviderClass)) }}
{{- end }}
{{- $_ := set $used $value (dict "name" (index $each 1) "variable" (index $each 2) "sources" $sources
  "volume" $volume "path" (default (printf "/var/run/etcd-backup/%s" (index $each 1)) $given.path)) }}
{{- end }}
{{- end }}
{{- toJson $used }}
{{- end }}

{{/* The chart's own volumes: a JSON array. */}}
{{- define "etcd-backup.ownVolumes" -}}
{{- $volumes := list }}
{{- with (include "etcd-backup.store" . | fromJson).caConfigMap }}
{{- $volumes = append $volumes (dict "name" "abs-ca" "configMap" (dict "name" .
  "items" (list (dict "key" "ca.crt" "path" "ca.crt")))) }}
{{- end }}
{{- range include "etcd-backup.directories" . | fromJson }}
{{- if .volume }}
{{- $volumes = append $volumes (merge (dict "name" .name) .volume) }}
{{- end }}
{{- end }}
{{- if .Values.backupApp.spool.enabled }}
{{- $volumes = append $volumes (dict "name" "spool" "emptyDir" (dict "sizeLimit" .Values.backupApp.spool.sizeLimit)) }}
{{- end }}
{{- toJson $volumes }}
{{- end }}

{{/* Where they are in the container: a JSON array. */}}
{{- define "etcd-backup.ownMounts" -}}
{{- $mounts := list }}
{{- if (include "etcd-backup.store" . | fromJson).caConfigMap }}
{{- $mounts = append $mounts (dict "name" "abs-ca" "mountPath" "/var/run/etcd-backup/abs-ca" "readOnly" true) }}
{{- end }}
{{- range include "etcd-backup.directories" . | fromJson }}
{{- if .volume }}
{{- $mounts = append $mounts (dict "name" .name "mountPath" .path "readOnly" true) }}
{{- end }}
{{- end }}
{{- if .Values.backupApp.spool.enabled }}
{{- $mounts = append $mounts (dict "name" "spool" "mountPath" "/var/spool/etcd-backup") }}
{{- end }}
{{- toJson $mounts }}
{{- end }}

{{/* What is wrong with them: a JSON array. */}}
{{- define "etcd-backup.mistakesOfVolumes" -}}
{{- $mistakes := list }}
{{- range $value, $each := include "etcd-backup.directories" . | fromJson }}
{{- if gt (len $each.sources) 1 }}
{{- $mistakes = append $mistakes (printf "%s has %s: leave one" $value (join " and " $each.sources)) }}
{{- else if and (has "path" $each.sources) (not (hasPrefix "/" $each.path)) }}
{{- $mistakes = append $mistakes (printf "%s.path is %q: write the whole path of a folder in the container, from / on"
  $value $each.path) }}
{{- else if and (has "volume" $each.sources) (ne 1 (len $each.volume)) }}
{{- $mistakes = append $mistakes (printf "%s.volume has %s: leave one kind of volume, such as hostPath, without a name"
  $value (keys $each.volume | sortAlpha | join " and ")) }}
{{- end }}
{{- end }}
{{- $directories := include "etcd-backup.directories" . | fromJson }}
{{- $secrets := dict "etcd.tlsDirectory" (list "etcd.tlsSecretName" .Values.etcd.tlsSecretName)
  "etcd.credentialsDirectory" (list "etcd.credentialsSecretName" .Values.etcd.credentialsSecretName) }}
{{- range $value, $secret := $secrets }}
{{- if and (hasKey $directories $value) (index $secret 1) }}
{{- $mistakes = append $mistakes (printf "%s and %s are both set: leave one" $value (index $secret 0)) }}
{{- end }}
{{- end }}
{{- if and (hasKey $directories "etcd.tlsDirectory") (not .Values.etcd.secure) }}
{{- $mistakes = append $mistakes "etcd.tlsDirectory is set, but etcd.secure is false: set it to true, or leave etcd.tlsDirectory empty" }}
{{- end }}
{{- $names := list }}
{{- range concat (include "etcd-backup.ownVolumes" . | fromJsonArray) (default list .Values.extraVolumes) }}
{{- if has .name $names }}
{{- $mistakes = append $mistakes (printf "extraVolumes has %q, which is taken: give the volume another name" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- $paths := list }}
{{- range concat (include "etcd-backup.ownMounts" . | fromJsonArray) (default list .Values.extraVolumeMounts) }}
{{- if has .mountPath $paths }}
{{- $mistakes = append $mistakes (printf "extraVolumeMounts has %q, which is taken: mount it elsewhere" .mountPath) }}
{{- end }}
{{- $paths = append $paths .mountPath }}
{{- end }}
{{- range .Values.initContainers }}
{{- if eq .name "etcd-backup" }}
{{- $mistakes = append $mistakes "initContainers has etcd-backup, the name of the container itself: give it another one" }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}
