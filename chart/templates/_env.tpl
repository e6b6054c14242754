{{/* The program's environment: every variable the chart's values decide. */}}

{{- define "etcd-backup.env" -}}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- with .Values.backupApp }}
- name: APP_LOGGER_LEVEL
  value: {{ .logger.level | quote }}
- name: APP_LOGGER_FORMAT
  value: {{ .logger.format | quote }}
- name: APP_WORKING_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: APP_ABS_CONTAINER_NAME
  value: {{ $store.container | quote }}
- name: APP_ABS_AUTHENTICATION
  value: {{ $store.authentication | quote }}
{{- with include "etcd-backup.absSecret" $ }}
- name: APP_ABS_SECRET_NAME
  value: {{ . | quote }}
{{- end }}
{{- include "etcd-backup.identityEnv" $ }}
{{- with $store.endpoint }}
- name: APP_ABS_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if $store.allowHttp }}
- name: APP_ABS_ALLOW_HTTP
  value: "on"
{{- end }}
{{- with $store.apiVersion }}
- name: APP_ABS_API_VERSION
  value: {{ . | quote }}
{{- end }}
{{- with $store.accessTier }}
- name: APP_ABS_ACCESS_TIER
  value: {{ . | quote }}
{{- end }}
{{- with $store.immutability }}
- name: APP_ABS_IMMUTABILITY
  value: {{ . | quote }}
{{- end }}
{{- if $store.caConfigMap }}
- name: APP_ABS_CA_FILE
  value: /var/run/etcd-backup/abs-ca/ca.crt
{{- end }}
- name: APP_BLOB_PREFIX
  value: {{ $store.prefix | quote }}
- name: APP_BACKUP_ETCD_ENDPOINTS
  value: {{ include "etcd-backup.etcdEndpoints" $ | quote }}
{{- with include "etcd-backup.tlsSecret" $ }}
- name: APP_BACKUP_CLIENT_TLS_SECRET
  value: {{ . | quote }}
{{- end }}
{{- with $.Values.etcd.credentialsSecretName }}
- name: APP_BACKUP_ETCD_CREDENTIALS_SECRET
  value: {{ . | quote }}
{{- end }}
{{- range include "etcd-backup.directories" $ | fromJson }}
- name: {{ .variable }}
  value: {{ .path | quote }}
{{- end }}
- name: APP_BACKUP_ETCD_TRANSPORT
  value: {{ $.Values.etcd.transport | quote }}
- name: APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING
  value: {{ include "etcd-backup.record" $ | quote }}
- name: APP_BACKUP_TIMEOUT
  value: {{ .timeout | quote }}
{{- with .blockSize }}
- name: APP_BACKUP_BLOCK_SIZE
  value: {{ . | quote }}
{{- end }}
{{- with .blocksInFlight }}
- name: APP_BACKUP_BLOCKS_IN_FLIGHT
  value: {{ int64 . | quote }}
{{- end }}
{{- if .skipUnchanged }}
- name: APP_BACKUP_SKIP_UNCHANGED
  value: "on"
{{- end }}
- name: APP_BACKUP_PAGE_CHECK
  value: {{ ternary "on" "off" .pageCheck | quote }}
{{- with .compression }}
- name: APP_BACKUP_COMPRESSION
  value: {{ . | quote }}
{{- end }}
{{- with .encryption.recipients }}
- name: APP_BACKUP_ENCRYPTION_RECIPIENTS
  value: {{ join "," . | quote }}
{{- end }}
{{- if .spool.enabled }}
- name: APP_BACKUP_SPOOL_DIRECTORY
  value: /var/spool/etcd-backup
- name: APP_BACKUP_SPOOL_LIMIT
  value: {{ include "etcd-backup.spoolLimit" $ | quote }}
{{- end }}
- name: APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS
  value: {{ int64 .cleaner.leaveMinNewestBackupBlobs | quote }}
- name: APP_CLEANER_EXPIRATION_BLOB_TIME
  value: {{ .cleaner.expirationBlobTime | quote }}
{{- range $period := list "Daily" "Weekly" "Monthly" }}
{{- with index $.Values.backupApp.cleaner (printf "keep%s" $period) }}
- name: {{ printf "APP_CLEANER_KEEP_%s" (upper $period) }}
  value: {{ int64 . | quote }}
{{- end }}
{{- end }}
- name: APP_CLEANER_HISTORY_EXPIRATION
  value: {{ .cleaner.historyExpiration | quote }}
{{- end }}
{{- end }}

{{/* The identity, where no Secret holds it. The webhook of workload identity sets the rest. */}}
{{- define "etcd-backup.identityEnv" -}}
{{- $store := include "etcd-backup.store" . | fromJson }}
{{- $kind := $store.authentication }}
{{- $isFolder := hasKey (include "etcd-backup.directories" . | fromJson) "abs.secretDirectory" }}
{{- if and (include "etcd-backup.isWithoutSecret" $kind) (not $store.existingSecret) (not $isFolder) }}
- name: AZURE_STORAGE_ACCOUNT
  value: {{ $store.account | quote }}
{{- end }}
{{- if and $store.clientId (or (eq $kind "managed-identity")
  (and (eq $kind "workload-identity") (not .Values.serviceAccount.create))) }}
- name: AZURE_CLIENT_ID
  value: {{ $store.clientId | quote }}
{{- end }}
{{- if and $store.tenantId (eq $kind "workload-identity") (not .Values.serviceAccount.create) }}
- name: AZURE_TENANT_ID
  value: {{ $store.tenantId | quote }}
{{- end }}
{{- with $store.authorityHost }}
- name: AZURE_AUTHORITY_HOST
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The spool's limit in bytes: 95 % of the volume's, beyond which Kubernetes would evict the pod. */}}
{{- define "etcd-backup.spoolLimit" -}}
{{- $size := .Values.backupApp.spool.sizeLimit }}
{{- $mebibytes := trimSuffix "Mi" $size | int64 }}
{{- if hasSuffix "Gi" $size }}{{ $mebibytes = trimSuffix "Gi" $size | int64 | mul 1024 }}{{ end }}
{{- div (mul $mebibytes 1048576 95) 100 }}
{{- end }}
