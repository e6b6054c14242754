{{/* What the schema cannot say: values that exclude or require each other. */}}

{{/* Fails with the list of everything that is wrong, so that one attempt shows it all. */}}
{{- define "etcd-backup.validate" -}}
{{- $check := ternary "etcd-backup.mistakes" "etcd-backup.mistakesWhileOff" (eq "true" (include "etcd-backup.enabled" .)) }}
{{- $mistakes := include $check . | fromJsonArray }}
{{- if $mistakes }}
{{- fail (printf "\n\n  - %s\n" (join "\n  - " $mistakes)) }}
{{- end }}
{{- end }}

{{/* The account, its key and the container belong to a backup: a JSON array of those set for nothing. */}}
{{- define "etcd-backup.mistakesWhileOff" -}}
{{- $mistakes := list }}
{{- range $name := list "account" "accountKey" "container" }}
{{- $inherited := get (include "etcd-backup.inherited" $ | fromJson) $name }}
{{- if get $.Values.abs $name }}
{{- $mistakes = append $mistakes (printf "abs.%s is set, but backups are off: %s" $name
  "set enabled to true. To stop the schedule, set backupApp.suspend") }}
{{- end }}
{{- if index $inherited 1 }}
{{- $mistakes = append $mistakes (printf
  "%s is set, but backups are off: set global.etcdBackup.enabled to true, or leave %s empty" (index $inherited 0)
  (index $inherited 0)) }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* What is wrong with the values of an enabled backup: a JSON array. */}}
{{- define "etcd-backup.mistakes" -}}
{{- $mistakes := list }}
{{- range $part := list "Account" "Identity" "Place" "Schedule" "Variables" "Volumes" "Encryption" "Names" "Labels" "Grammar"
  "Neighbours" }}
{{- $mistakes = concat $mistakes (include (printf "etcd-backup.mistakesOf%s" $part) $ | fromJsonArray) }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* The container, its prefix, and which etcd is meant. */}}
{{- define "etcd-backup.mistakesOfPlace" -}}
{{- $mistakes := list }}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- if not (include "etcd-backup.container" .) }}
{{- $mistakes = append $mistakes (printf "%s is empty: set it to the Azure Blob Storage container for the backups"
  (include "etcd-backup.nameOf" (list . "container"))) }}
{{- end }}
{{- if not (include "etcd-backup.trimmed" $store.prefix) }}
{{- $mistakes = append $mistakes (printf "abs.prefix is empty: set it to a name of this cluster's own, such as production; %s"
  "service-catalog was the default of the inherited names") }}
{{- end }}
{{- range $name, $inherited := include "etcd-backup.inherited" . | fromJson }}
{{- $ours := get $.Values.abs $name }}
{{- if and $ours (index $inherited 1) (ne $ours (index $inherited 1)) (not (hasPrefix "global." (index $inherited 0))) }}
{{- $mistakes = append $mistakes (printf "abs.%s and its inherited name %s are both set: leave the second one empty"
  $name (index $inherited 0)) }}
{{- end }}
{{- end }}
{{- if and $store.isNeutral (not .Values.etcd.fullname) }}
{{- if not .Values.etcd.endpoints }}
{{- $mistakes = append $mistakes (printf "etcd.endpoints is empty: set it to the client URLs of etcd, %s"
  "or etcd.fullname to the name of its installation") }}
{{- end }}
{{- if and .Values.etcd.secure (not (include "etcd-backup.tlsSecret" .))
  (not (hasKey (include "etcd-backup.directories" . | fromJson) "etcd.tlsDirectory")) }}
{{- $mistakes = append $mistakes (printf "etcd.tlsSecretName is empty: set it to the Secret with etcd's client certificate, %s"
  "or etcd.tlsDirectory to a folder with it, or etcd.secure to false if etcd speaks plain http") }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Account and credential are given here, in an existing Secret or in a folder, never twice. None is ever shown. */}}
{{- define "etcd-backup.mistakesOfAccount" -}}
{{- $mistakes := list }}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- $kind := $store.authentication }}
{{- $kindName := include "etcd-backup.nameOf" (list . "authentication") }}
{{- $existing := include "etcd-backup.nameOf" (list . "existingSecret") }}
{{- $keys := include "etcd-backup.secretKeys" . | fromJson }}
{{- $parts := include "etcd-backup.partsOf" $kind | fromJsonArray }}
{{- $optional := get (dict "workload-identity" (list "clientId" "tenantId") "managed-identity" (list "clientId")
  "service-principal" (list "clientSecret" "clientCertificate")) $kind | default list }}
{{- $isFolder := hasKey (include "etcd-backup.directories" . | fromJson) "abs.secretDirectory" }}
{{- if and $isFolder $store.existingSecret }}
{{- $mistakes = append $mistakes (printf "abs.secretDirectory and %s are both set: leave one" $existing) }}
{{- end }}
{{- $from := ternary "abs.secretDirectory is set" (printf "%s is %q" $existing $store.existingSecret) $isFolder }}
{{- range $value := keys $keys | sortAlpha }}
{{- $name := include "etcd-backup.nameOf" (list $ $value) }}
{{- $given := include "etcd-backup.trimmed" (get $store $value) }}
{{- if and $given (not (has $value (concat $parts $optional))) }}
{{- $mistakes = append $mistakes (printf "%s is set, but %s is %q, which has no use for it: leave %s empty, or correct the kind"
  $name $kindName $kind $name) }}
{{- else if and $given (or $isFolder $store.existingSecret)
  (not (and (has $value $optional) (include "etcd-backup.isWithoutSecret" $kind))) }}
{{- $mistakes = append $mistakes (printf "%s, so its key %s holds that: leave %s empty" $from (get $keys $value) $name) }}
{{- else if and (has $value $parts) (not $given) (not $isFolder) (not $store.existingSecret) }}
{{- $mistakes = append $mistakes (printf "%s is empty: set it to %s, or %s to a Secret that holds it under the key %s" $name
  (include "etcd-backup.meaningOf" $value) $existing (get $keys $value)) }}
{{- end }}
{{- end }}
{{- if and (eq $kind "service-principal") (not $isFolder) (not $store.existingSecret) }}
{{- if not (or $store.clientSecret $store.clientCertificate) }}
{{- $mistakes = append $mistakes (printf "abs.clientSecret is empty: set it or abs.clientCertificate, or %s to %s" $existing
  "a Secret that holds it under the key client-secret or client-certificate") }}
{{- else if and $store.clientSecret $store.clientCertificate }}
{{- $mistakes = append $mistakes "abs.clientSecret and abs.clientCertificate are both set: leave one" }}
{{- end }}
{{- end }}
{{- if not (regexMatch "^([A-Za-z0-9+/]+={0,2})?$" (trim $store.accountKey)) }}
{{- $mistakes = append $mistakes (printf "%s is not base64: copy the key as the Azure portal shows it"
  (include "etcd-backup.nameOf" (list . "accountKey"))) }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* What a value of the store is. */}}
{{- define "etcd-backup.meaningOf" -}}
{{- get (dict "account" "the storage account's name" "accountKey" "a key of the storage account"
  "sasToken" "a shared access signature with the permissions rwdl" "connectionString" "the connection string of the account"
  "tenantId" "the tenant of the service principal" "clientId" "the client id of the service principal") . }}
{{- end }}

{{/* Workload identity needs to know its client; kinds without a secret need no Secret of the chart. */}}
{{- define "etcd-backup.mistakesOfIdentity" -}}
{{- $mistakes := list }}
{{- $variables := list }}
{{- range .Values.extraEnv }}{{ $variables = append $variables .name }}{{ end }}
{{- if and (eq "workload-identity" (include "etcd-backup.store" . | fromJson).authentication) .Values.serviceAccount.create
  (not .Values.abs.clientId) (not (has "AZURE_CLIENT_ID" $variables)) (not .Values.envFrom)
  (not (hasKey (default dict .Values.serviceAccount.annotations) "azure.workload.identity/client-id")) }}
{{- $mistakes = append $mistakes (printf "abs.clientId is empty: set it to the client id of the managed identity or %s"
  "application that trusts the service account, as az identity show prints it") }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Whom backups are encrypted for. What stands in the place of a recipient may be a private key, so it is never shown. */}}
{{- define "etcd-backup.mistakesOfEncryption" -}}
{{- $mistakes := list }}
{{- range $index, $recipient := .Values.backupApp.encryption.recipients }}
{{- if not (regexMatch "^age1[02-9ac-hj-np-z]{58}$" $recipient) }}
{{- $mistakes = append $mistakes (printf
  "backupApp.encryption.recipients[%d] is no recipient of age: use age1… with 62 characters, as age-keygen -y prints it"
  $index) }}
{{- end }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}

{{/* Variables that are set twice. */}}
{{- define "etcd-backup.mistakesOfVariables" -}}
{{- $mistakes := list }}
{{- $taken := list }}
{{- $extra := list }}
{{- range include "etcd-backup.env" . | fromYamlArray }}
{{- $taken = append $taken .name }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if has .name $taken }}
{{- $mistakes = append $mistakes (printf
  "extraEnv has %s, which the chart sets already: use the chart's own value for it" .name) }}
{{- else if has .name $extra }}
{{- $mistakes = append $mistakes (printf "extraEnv has %s twice: leave one" .name) }}
{{- end }}
{{- $extra = append $extra .name }}
{{- end }}
{{- toJson $mistakes }}
{{- end }}
