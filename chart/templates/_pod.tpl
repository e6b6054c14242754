{{/* The pod of a run. Nothing is on disk: it has no volume but for the store's own CA and the spool, if wanted. */}}

{{- define "etcd-backup.pod" -}}
{{- $caConfigMap := (index .Values "etcd-operator").backupOperator.abs.caConfigMap }}
{{- $spool := .Values.backupApp.spool }}
serviceAccountName: {{ include "etcd-backup.fullname" . | quote }}
automountServiceAccountToken: true
enableServiceLinks: false
restartPolicy: Never
# A run that is stopped during its commit finishes it and records it; otherwise it stops within a second.
terminationGracePeriodSeconds: 150
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- include "etcd-backup.strings" (list .) | trim | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
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
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    # The program writes its result there, one line of JSON; a crash leaves the end of its log.
    terminationMessagePolicy: FallbackToLogsOnError
    {{- if or $caConfigMap $spool.enabled }}
    volumeMounts:
      {{- if $caConfigMap }}
      - name: abs-ca
        mountPath: /etc/etcd-backup/abs-ca
        readOnly: true
      {{- end }}
      {{- if $spool.enabled }}
      - name: spool
        mountPath: /var/spool/etcd-backup
      {{- end }}
    {{- end }}
{{- if or $caConfigMap $spool.enabled }}
volumes:
  {{- with $caConfigMap }}
  - name: abs-ca
    configMap:
      name: {{ . | quote }}
      items: [{key: ca.crt, path: ca.crt}]
  {{- end }}
  {{- if $spool.enabled }}
  - name: spool
    emptyDir:
      sizeLimit: {{ $spool.sizeLimit | quote }}
  {{- end }}
{{- end }}
{{- end }}
