{{/* Names, labels and other texts with rules of Kubernetes' own, in words: a schema would answer with a pattern. */}}

{{/* A JSON array. */}}
{{- define "etcd-backup.mistakesOfNames" -}}
{{- $mistakes := list }}
{{- $secret := include "etcd-backup.tlsSecret" . }}
{{- if and $secret (not .Values.etcd.tlsSecretName) (not (include "etcd-backup.isObjectName" $secret)) }}
{{- $mistakes = append $mistakes (printf
  "etcd.fullname makes %q the name of etcd's Secret, which is no name or too long: set etcd.tlsSecretName" $secret) }}
{{- end }}
{{- range $name, $value := include "etcd-backup.objectNames" . | fromJson }}
{{- if and $value (not (include "etcd-backup.isObjectName" $value)) }}
{{- $mistakes = append $mistakes (printf "%s is %q, which is no name of a Kubernetes object: use %s" $name $value
  "lower-case letters, digits and hyphens, at most 63 between full stops, and 253 in all") }}
{{- end }}
{{- end }}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
{{- $mistakes = append $mistakes
  "serviceAccount.create is false, and serviceAccount.name is empty: set it to the ServiceAccount of the pod" }}
{{- end }}
{{- if not (regexMatch "^(sha256:[0-9a-f]{64})?$" (default "" .Values.backupApp.image.digest)) }}
{{- $mistakes = append $mistakes (printf "backupApp.image.digest is %q: write it as %s" .Values.backupApp.image.digest
  "sha256: and 64 hexadecimal digits, as docker image inspect prints it") }}
{{- end }}
{{- if not (regexMatch "^(|off|zstd(:[1-6])?)$" .Values.backupApp.compression) }}
{{- $mistakes = append $mistakes (printf "backupApp.compression is %q: use zstd, zstd:1 to zstd:6, off, or leave it empty"
  .Values.backupApp.compression) }}
{{- end }}
{{- if not (regexMatch "^[1-9][0-9]{0,6}(Mi|Gi)$" .Values.backupApp.spool.sizeLimit) }}
{{- $mistakes = append $mistakes (printf "backupApp.spool.sizeLimit is %q: write it like 512Mi or 2Gi"
  .Values.backupApp.spool.sizeLimit) }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Every value that is the name of an object: a JSON object. */}}
{{- define "etcd-backup.objectNames" -}}
{{- $names := dict "etcd.fullname" .Values.etcd.fullname "etcd.tlsSecretName" .Values.etcd.tlsSecretName
  "etcd.credentialsSecretName" .Values.etcd.credentialsSecretName "backupApp.configMapName" .Values.backupApp.configMapName
  "backupApp.encryption.identitySecretName" .Values.backupApp.encryption.identitySecretName
  "nameOverride" .Values.nameOverride "fullnameOverride" .Values.fullnameOverride
  "priorityClassName" .Values.priorityClassName "runtimeClassName" .Values.runtimeClassName
  "serviceAccount.name" .Values.serviceAccount.name "abs.secretName" .Values.abs.secretName }}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- range $name := list "existingSecret" "caConfigMap" }}
{{- $_ := set $names (include "etcd-backup.nameOf" (list $ $name)) (get $store $name) }}
{{- end }}
{{- if and (include "etcd-backup.makesSecret" .) (not .Values.abs.secretName) }}
{{- $_ := set $names "global.etcdBackup.secretName" $store.secretName }}
{{- end }}
{{- range $name, $directory := dict "abs.secretDirectory" .Values.abs.secretDirectory "etcd.tlsDirectory"
  .Values.etcd.tlsDirectory "etcd.credentialsDirectory" .Values.etcd.credentialsDirectory }}
{{- range $source := list "secretName" "secretProviderClass" }}
{{- $_ := set $names (printf "%s.%s" $name $source) (get $directory $source) }}
{{- end }}
{{- end }}
{{- range $index, $secret := .Values.imagePullSecrets }}
{{- $_ := set $names (printf "imagePullSecrets[%d].name" $index) $secret.name }}
{{- end }}
{{- toJson $names }}
{{- end }}

{{- define "etcd-backup.isObjectName" -}}
{{- $part := "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?" }}
{{- if and (le (len .) 253) (regexMatch (printf "^%s(\\.%s)*$" $part $part) .) }}true{{ end }}
{{- end }}

{{/* Labels as Kubernetes accepts them; and those of the chart that no value may change, since they find the pods. */}}
{{- define "etcd-backup.mistakesOfLabels" -}}
{{- $mistakes := list }}
{{- $fixed := include "etcd-backup.selectorLabels" . | fromYaml }}
{{- $word := "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?" }}
{{- $rule := "at most 63 letters, digits, hyphens, underscores and full stops, with a letter or digit at both ends" }}
{{- range $value, $labels := dict "commonLabels" .Values.commonLabels "podLabels" .Values.podLabels
  "prometheusRule.labels" .Values.prometheusRule.labels "grafanaDashboard.labels" .Values.grafanaDashboard.labels }}
{{- range $label, $text := $labels }}
{{- if and (hasKey $fixed $label) (has $value (list "commonLabels" "podLabels")) }}
{{- $mistakes = append $mistakes (printf
  "%s has %s, by which the pods of this release are found: leave it out (nameOverride sets app.kubernetes.io/name)"
  $value $label) }}
{{- end }}
{{- if not (regexMatch (printf "^([-a-z0-9.]{1,253}/)?%s$" $word) $label) }}
{{- $mistakes = append $mistakes (printf "%s has the label %q: a label is %s, behind a prefix such as example.com/ if any"
  $value $label $rule) }}
{{- else if not (regexMatch (printf "^(%s)?$" $word) $text) }}
{{- $mistakes = append $mistakes (printf "%s has %s with the value %q: use %s, or leave it empty"
  $value $label $text $rule) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}
