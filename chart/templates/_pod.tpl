{{/* The pod of a run. Nothing is on disk: it has no volume but those that values ask for. */}}

{{- define "etcd-backup.pod" -}}
serviceAccountName: {{ include "etcd-backup.serviceAccount" . | quote }}
automountServiceAccountToken: true
enableServiceLinks: false
restartPolicy: Never
# A run that is stopped during its commit finishes it and records it; otherwise it stops within a second.
terminationGracePeriodSeconds: 150
{{- with include "etcd-backup.imagePullSecrets" . | fromJsonArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.hostNetwork }}
hostNetwork: true
{{- end }}
{{- with default (ternary "ClusterFirstWithHostNet" "" .Values.hostNetwork) .Values.dnsPolicy }}
dnsPolicy: {{ . | quote }}
{{- end }}
{{- range $field := list "priorityClassName" "runtimeClassName" }}
{{- with get $.Values $field }}
{{ $field }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- include "etcd-backup.strings" (list .) | trim | nindent 2 }}
{{- end }}
{{- range $field, $value := pick .Values "affinity" "dnsConfig" "hostAliases" "tolerations" "topologySpreadConstraints" }}
{{- with $value }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: etcd-backup
    image: {{ include "etcd-backup.image" . | quote }}
    imagePullPolicy: {{ .Values.backupApp.image.pullPolicy | quote }}
    env:
      {{- include "etcd-backup.env" . | trim | nindent 6 }}
      {{- with .Values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with .Values.envFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    # The program writes its result there, one line of JSON; a crash leaves the end of its log.
    terminationMessagePolicy: FallbackToLogsOnError
    {{- with concat (include "etcd-backup.ownMounts" . | fromJsonArray) (default list .Values.extraVolumeMounts) }}
    volumeMounts:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- with concat (include "etcd-backup.ownVolumes" . | fromJsonArray) (default list .Values.extraVolumes) }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
