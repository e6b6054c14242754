{{/* The pod of a run. Nothing is on disk: it has no volume but for the store's own CA and the spool, if wanted. */}}

{{- define "etcd-backup.pod" -}}
{{- $caConfigMap := (index .Values "etcd-operator").backupOperator.abs.caConfigMap }}
{{- $spool := .Values.backupApp.spool }}
serviceAccountName: {{ include "etcd-backup.fullname" . }}
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
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: etcd-backup
    image: {{ include "etcd-backup.image" . | quote }}
    imagePullPolicy: {{ .Values.backupApp.image.pullPolicy }}
    env:
      {{- include "etcd-backup.env" . | trim | nindent 6 }}
      {{- with .Values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      privileged: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
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
      name: {{ . }}
      items: [{key: ca.crt, path: ca.crt}]
  {{- end }}
  {{- if $spool.enabled }}
  - name: spool
    emptyDir:
      sizeLimit: {{ $spool.sizeLimit }}
  {{- end }}
{{- end }}
{{- end }}
