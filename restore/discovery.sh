#!/usr/bin/env bash
# Finds the cluster, its volumes, and the CronJob whose image and credentials are used; refuses on anything odd.
#
# Part of restore.sh, whose variables it uses and sets; the templates of kubectl have variables of their own.
# shellcheck disable=SC2034,SC2154,SC2016

refuse() { # what is odd, what to do
  say "REFUSED: $1." >&2
  shift
  [ $# = 0 ] || printf '%s\n' "$@" >&2
  say "Nothing has been changed." >&2
  trap - EXIT
  exit 1
}

# of_statefulset / of_cronjob JSONPATH [DEFAULT]
of_statefulset() { found "$(ask get statefulset "$statefulset" --output "jsonpath=$1")" "${2:-}"; }
of_cronjob() { found "$(ask get cronjob "$cronjob" --output "jsonpath=$1")" "${2:-}"; }
found() { printf '%s' "${1:-$2}"; }

find_cluster() {
  command -v kubectl >/dev/null || refuse "kubectl is not installed"
  ask get statefulset "$statefulset" --output name >/dev/null || refuse \
    "there is no StatefulSet $statefulset in namespace $namespace, or kubectl may not read it" \
    "See --statefulset, --namespace and --context."
  find_statefulset
  find_data_directory
  find_volumes
  find_cronjob
}

find_statefulset() {
  local pod='.spec.template.spec' running
  running=$(of_statefulset '{.spec.replicas}' 0)
  if [ -z "$replicas" ]; then
    replicas=3
    [ "$running" = 0 ] || [ "$running" = 3 ] ||
      refuse "StatefulSet $statefulset has $running replicas, not three" "If that is how many it should have: --replicas $running"
  elif [ "$running" != 0 ] && [ "$running" != "$replicas" ]; then
    refuse "StatefulSet $statefulset has $running replicas, not $replicas"
  fi
  replicas_before=$running
  [ "$(of_statefulset '{.spec.ordinals.start}' 0)" = 0 ] || refuse "the members are not counted from 0 (spec.ordinals)"
  [ "$(of_statefulset '{.spec.persistentVolumeClaimRetentionPolicy.whenScaled}' Retain)" = Retain ] || refuse \
    "scaling the StatefulSet to zero would delete its volumes (persistentVolumeClaimRetentionPolicy.whenScaled)" \
    "Set it to Retain first: kubectl -n $namespace patch statefulset $statefulset --type merge -p" \
    "  '{\"spec\":{\"persistentVolumeClaimRetentionPolicy\":{\"whenScaled\":\"Retain\"}}}'"
  local owner
  owner=$(of_statefulset '{.metadata.ownerReferences[*].kind}')
  [ -z "$owner" ] || refuse "the StatefulSet belongs to a $owner, which would scale it up again while it is restored"

  service=$(of_statefulset '{.spec.serviceName}')
  [ -n "$service" ] || refuse "the StatefulSet names no Service, so its members have no host names"
  find_container
  local etcd="$pod.containers[?(@.name==\"$container\")]"
  etcd_image=$(of_statefulset "{$etcd.image}")
  etcd_pull_secrets=$(of_statefulset "{$pod.imagePullSecrets}" '[]')
  etcd_node_selector=$(of_statefulset "{$pod.nodeSelector}" '{}')
  etcd_tolerations=$(of_statefulset "{$pod.tolerations}" '[]')
  etcd_pod_security=$(of_statefulset "{$pod.securityContext}" '{}')
  # The memory that a member may use is enough to restore it; its CPU limit would only make that slow.
  local memory
  memory=$(of_statefulset "{$etcd.resources.limits.memory}")
  etcd_resources="{\"requests\":$(of_statefulset "{$etcd.resources.requests}" '{}')${memory:+,\"limits\":{\"memory\":\"$memory\"\}}}"
  find_user "$etcd"
  find_restore_tool
}

# The container that mounts the volume, and where.
find_container() {
  local mounts
  mounts=$(ask get statefulset "$statefulset" --output "go-template={{range .spec.template.spec.containers}}{{\$name := .name}}{{range .volumeMounts}}{{if eq .name \"$volume_claim\"}}{{\$name}} {{.mountPath}} {{if .subPath}}{{.subPath}}{{end}}
{{end}}{{end}}{{end}}")
  [ -z "$container" ] || mounts=$(grep "^$container " <<<"$mounts" || true)
  [ "$(grep --count . <<<"$mounts")" = 1 ] || refuse \
    "not exactly one container of the StatefulSet mounts the volume '$volume_claim': ${mounts:-none does}" \
    "See --volume-claim and --container."
  local sub_path
  read -r container mount_path sub_path <<<"$mounts"
  member_mounts="[{\"name\":\"member\",\"mountPath\":\"$mount_path\"${sub_path:+,\"subPath\":\"$sub_path\"}}]"
}

# Restored data must belong to the user that the member runs as. Official images name none: that is root.
find_user() { # jsonpath of the container
  local user group
  user=$run_as
  [ -n "$user" ] || user=$(of_statefulset "{$1.securityContext.runAsUser}")
  [ -n "$user" ] || user=$(of_statefulset '{.spec.template.spec.securityContext.runAsUser}' 0)
  group=$(of_statefulset "{$1.securityContext.runAsGroup}")
  [ -n "$group" ] || group=$(of_statefulset '{.spec.template.spec.securityContext.runAsGroup}' "$user")
  member_security="{\"runAsUser\":$user,\"runAsGroup\":$group,\"runAsNonRoot\":$([ "$user" = 0 ] && echo false || echo true)"
  member_security+=",\"allowPrivilegeEscalation\":false,\"readOnlyRootFilesystem\":true,\"capabilities\":{\"drop\":[\"ALL\"]}"
  member_security+=",\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}"
}

find_restore_tool() {
  [ -z "$restore_tool" ] || return 0
  [[ $etcd_image =~ :v?([0-9]+)\.([0-9]+) ]] || refuse \
    "the tag of image $etcd_image does not say which etcd it holds" \
    "Say --restore-tool etcdctl (up to etcd 3.5) or --restore-tool etcdutl (from 3.6)."
  restore_tool=etcdctl
  if [ "${BASH_REMATCH[1]}" -gt 3 ] || [ "${BASH_REMATCH[2]}" -ge 6 ]; then restore_tool=etcdutl; fi
}

find_data_directory() {
  local etcd=".spec.template.spec.containers[?(@.name==\"$container\")]" start
  start="$(of_statefulset "{$etcd.command}") $(of_statefulset "{$etcd.args}") $(of_statefulset "{$etcd.env}")"
  if [ -z "$data_dir" ]; then
    data_dir=$mount_path/default.etcd
    if [[ $start =~ --data-dir[=\ \",]+([^\ \\\",]+) ]] ||
      [[ $start =~ \"name\":\"ETCD_DATA_DIR\",\"value\":\"([^\"]+)\" ]]; then
      data_dir=${BASH_REMATCH[1]}
    fi
  fi
  data_dir=${data_dir%/}
  [[ $data_dir == "$mount_path"/* ]] || refuse \
    "the data directory $data_dir is not a directory below the volume's mount point $mount_path, so nothing can be kept aside beside it" \
    "See --data-dir."
  [[ ! $start =~ --wal-dir|ETCD_WAL_DIR ]] || refuse "the members keep their log in a directory of its own (--wal-dir); restore by hand"
  case $into in
    backup)
      target_dir=${data_dir%/*}/backup.etcd
      [[ $start == *"$target_dir"* ]] || refuse \
        "the start-up of the members does not mention $target_dir, so it would not pick restored data up there" \
        "Say --into data to put it straight into $data_dir."
      ;;
    data) target_dir=$data_dir ;;
  esac
  case $scheme in
    https) [[ ! $start =~ \"name\":\"ETCD_TLS\",\"value\":\"false\" ]] || refuse "the members run without TLS (ETCD_TLS)" "Say --scheme http." ;;
  esac
}

find_volumes() {
  local i claim status
  for ((i = 0; i < replicas; i++)); do
    claim=$volume_claim-$(member_name "$i")
    status=$(ask get persistentvolumeclaim "$claim" --ignore-not-found \
      --output 'jsonpath={.status.phase}{.metadata.deletionTimestamp}') || refuse "cannot read PersistentVolumeClaim $claim"
    [ "$status" = Bound ] || refuse \
      "PersistentVolumeClaim $claim is ${status:-not there}, not Bound" \
      "Every member needs its volume. A new, empty one will do: let the StatefulSet start once and make it."
  done
}

find_cronjob() {
  if [ -z "$cronjob" ]; then
    cronjob=$(ask get cronjobs --output 'go-template={{range .items}}{{$name := .metadata.name}}{{range .spec.jobTemplate.spec.template.spec.containers}}{{if eq .name "etcd-backup"}}{{$name}}
{{end}}{{end}}{{end}}') || refuse "cannot list the CronJobs of namespace $namespace"
    [ "$(grep --count . <<<"$cronjob")" = 1 ] || refuse \
      "not exactly one CronJob of etcd-backup in namespace $namespace: ${cronjob:-there is none}" \
      "See --cronjob. Its image, environment and service account are used; install the chart if there is none."
  fi
  local pod='.spec.jobTemplate.spec.template.spec' tool
  tool="$pod.containers[0]"
  [ -n "$image" ] || image=$(of_cronjob "{$tool.image}")
  [ -n "$image" ] || refuse "there is no CronJob $cronjob in namespace $namespace" "See --cronjob."
  service_account=$(of_cronjob "{$pod.serviceAccountName}" default)
  tool_env=$(of_cronjob "{$tool.env}" '[]')
  tool_resources=$(of_cronjob "{$tool.resources}" '{}')
  tool_security=$(of_cronjob "{$tool.securityContext}" '{}')
  tool_mounts=$(of_cronjob "{$tool.volumeMounts}" '[]')
  tool_volumes=$(of_cronjob "{$pod.volumes}" '[]')
  tool_pod_security=$(of_cronjob "{$pod.securityContext}" '{}')
  tool_pull_secrets=$(of_cronjob "{$pod.imagePullSecrets}" '[]')
  tool_node_selector=$(of_cronjob "{$pod.nodeSelector}" '{}')
  tool_tolerations=$(of_cronjob "{$pod.tolerations}" '[]')
  pod_labels=$(of_cronjob '{.spec.jobTemplate.spec.template.metadata.labels}' '{}')
  was_suspended=$(of_cronjob '{.spec.suspend}' false)
  find_backup
}

# The recorded path, unless another was asked for.
find_backup() {
  [ "$action" = restore ] || return 0
  if [ -n "$from" ]; then
    path=$from
    return
  fi
  [[ $tool_env =~ \"name\":\"APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING\",\"value\":\"([^\"]+)\" ]] ||
    refuse "CronJob $cronjob does not say which ConfigMap records the last success" "Say --from PATH."
  local record=${BASH_REMATCH[1]}
  path=$(ask get configmap "$record" --ignore-not-found --output 'jsonpath={.data.abs-backup-file-path-from-last-success}')
  [ -n "$path" ] || refuse "ConfigMap $record records no backup" "Say --from PATH; etcd-backup list shows what there is."
  size=$(ask get configmap "$record" --output 'jsonpath={.data.backup-size-bytes-from-last-success}')
  size=${size:-0}
}

# node_of MEMBER: where its pod runs; empty where it has none.
node_of() { ask get pod "$(member_name "$1")" --ignore-not-found --output 'jsonpath={.spec.nodeName}'; }

# What an earlier call noted, if any: that restore goes on as it began.
recall_note() {
  phase=""
  local noted
  noted=$(ask get configmap "$note" --ignore-not-found --output 'go-template={{range $key, $value := .data}}{{$key}}={{$value}}
{{end}}') || refuse "cannot read ConfigMap $note"
  [ -n "$noted" ] || return 0
  local key value noted_path=""
  while IFS='=' read -r key value; do
    case $key in
      phase) phase=$value ;;
      path) noted_path=$value ;;
    esac
  done <<<"$noted"
  if [ "$action" = restore ] && [ "$phase" = serving ]; then return 0; fi
  [ "$action" != restore ] || [ -z "$from" ] || [ "$from" = "$noted_path" ] || [ "${noted_path##*/}" = "$from" ] || refuse \
    "a restore of $noted_path is under way (phase $phase), not of $from" "Finish it, or go back first: $again --undo"
  while IFS='=' read -r key value; do
    case $key in
      id) id=$value ;;
      path) path=$value ;;
      size) size=$value ;;
      replicas) replicas=$value ;;
      replicas-before) replicas_before=$value ;;
      was-suspended) was_suspended=$value ;;
      data-dir) data_dir=$value ;;
      target-dir) target_dir=$value ;;
      token) token=$value ;;
    esac
  done <<<"$noted"
}
