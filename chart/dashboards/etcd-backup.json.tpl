{
  "title": "etcd backup {{ include "etcd-backup.fullname" . }} in {{ .Release.Namespace }}",
  "uid": "etcd-backup-{{ printf "%s/%s" .Release.Namespace (include "etcd-backup.fullname" .) | sha256sum | trunc 12 }}",
  "tags": ["etcd", "backup"],
  "schemaVersion": 39,
  "time": {"from": "now-7d", "to": "now"},
  "refresh": "5m",
  "timezone": "browser",
  "templating": {
    "list": [
      {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    ]
  },
  "panels": [
    {
      "id": 1,
      "title": "Age of the last success",
      "description": "Time since a run last stored, verified and recorded a backup.",
      "type": "stat",
      "datasource": {"type": "prometheus", "uid": "${datasource}"},
      "gridPos": {"x": 0, "y": 0, "w": 8, "h": 5},
      "targets": [
        {
          "refId": "A",
          "expr": "time() - max(kube_cronjob_status_last_successful_time{namespace=\"{{ .Release.Namespace }}\",cronjob=\"{{ include "etcd-backup.fullname" . }}\"})"
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "s",
          "noValue": "never",
          "thresholds": {
            "mode": "absolute",
            "steps": [{"color": "green", "value": null}, {"color": "red", "value": {{ include "etcd-backup.maxAge" . }}}]
          }
        },
        "overrides": []
      },
      "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background"}
    },
    {
      "id": 2,
      "title": "Next run",
      "type": "stat",
      "datasource": {"type": "prometheus", "uid": "${datasource}"},
      "gridPos": {"x": 8, "y": 0, "w": 8, "h": 5},
      "targets": [
        {
          "refId": "A",
          "expr": "(max(kube_cronjob_next_schedule_time{namespace=\"{{ .Release.Namespace }}\",cronjob=\"{{ include "etcd-backup.fullname" . }}\"}) * 1000) unless on () max(kube_cronjob_spec_suspend{namespace=\"{{ .Release.Namespace }}\",cronjob=\"{{ include "etcd-backup.fullname" . }}\"}) == 1"
        }
      ],
      "fieldConfig": {"defaults": {"unit": "dateTimeFromNow", "noValue": "none: suspended or missing"}, "overrides": []},
      "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "none"}
    },
    {
      "id": 3,
      "title": "Failed Jobs kept",
      "description": "Failed Jobs that Kubernetes still keeps; their logs say why they failed.",
      "type": "stat",
      "datasource": {"type": "prometheus", "uid": "${datasource}"},
      "gridPos": {"x": 16, "y": 0, "w": 8, "h": 5},
      "targets": [
        {
          "refId": "A",
          "expr": "sum(max by (job_name) (kube_job_failed{namespace=\"{{ .Release.Namespace }}\",condition=\"true\"}) and on (job_name) kube_job_owner{namespace=\"{{ .Release.Namespace }}\",owner_kind=\"CronJob\",owner_name=\"{{ include "etcd-backup.fullname" . }}\"}) or vector(0)"
        }
      ],
      "fieldConfig": {
        "defaults": {
          "thresholds": {
            "mode": "absolute",
            "steps": [{"color": "green", "value": null}, {"color": "orange", "value": 1}]
          }
        },
        "overrides": []
      },
      "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background"}
    },
    {
      "id": 4,
      "title": "Age of the last success over time",
      "description": "A saw-tooth: it falls to zero with every success.",
      "type": "timeseries",
      "datasource": {"type": "prometheus", "uid": "${datasource}"},
      "gridPos": {"x": 0, "y": 5, "w": 12, "h": 8},
      "targets": [
        {
          "refId": "A",
          "legendFormat": "age",
          "expr": "time() - max(kube_cronjob_status_last_successful_time{namespace=\"{{ .Release.Namespace }}\",cronjob=\"{{ include "etcd-backup.fullname" . }}\"})"
        }
      ],
      "fieldConfig": {
        "defaults": {
          "unit": "s",
          "min": 0,
          "custom": {"thresholdsStyle": {"mode": "line"}},
          "thresholds": {
            "mode": "absolute",
            "steps": [{"color": "green", "value": null}, {"color": "red", "value": {{ include "etcd-backup.maxAge" . }}}]
          }
        },
        "overrides": []
      }
    },
    {
      "id": 5,
      "title": "Duration of successful runs",
      "type": "timeseries",
      "datasource": {"type": "prometheus", "uid": "${datasource}"},
      "gridPos": {"x": 12, "y": 5, "w": 12, "h": 8},
      "targets": [
        {
          "refId": "A",
          "legendFormat": "duration",
          "expr": "max(max by (job_name) (kube_job_status_completion_time{namespace=\"{{ .Release.Namespace }}\"}) - max by (job_name) (kube_job_status_start_time{namespace=\"{{ .Release.Namespace }}\"}) and on (job_name) kube_job_owner{namespace=\"{{ .Release.Namespace }}\",owner_kind=\"CronJob\",owner_name=\"{{ include "etcd-backup.fullname" . }}\"})"
        }
      ],
      "fieldConfig": {"defaults": {"unit": "s", "min": 0, "custom": {"drawStyle": "points"}}, "overrides": []}
    }
  ]
}
