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

# read_facts KIND NAME: asks once for everything named in `wanted` (name, jsonpath, default; one to a line) and sets
# those variables. JSON comes on one line, so one line is one answer.
read_facts() {
  local fact expression default template="" answer answers names=() defaults=() i
  while read -r fact expression default; do
    [ -n "$fact" ] || continue
    names+=("$fact") defaults+=("$default")
    template+="{$expression}{\"\\n\"}"
  done <<<"$wanted"
  answer=$(ask get "$1" "$2" --output "jsonpath=$template") || return
  mapfile -t answers <<<"$answer"
  for ((i = 0; i < ${#names[@]}; i++)); do
    printf -v "${names[i]}" '%s' "${answers[i]:-${defaults[i]}}"
  done
}

find_cluster() {
  command -v kubectl >/dev/null || refuse "kubectl is not installed"
  find_statefulset
  find_container
  find_user
  find_restore_tool
  find_data_directory
  find_volumes
  find_cronjob
  find_backup
}

find_statefulset() {
  local running first when_scaled owner wanted='
    running      .spec.replicas                                          0
    first        .spec.ordinals.start                                    0
    when_scaled  .spec.persistentVolumeClaimRetentionPolicy.whenScaled   Retain
    owner        .metadata.ownerReferences[*].kind
    service      .spec.serviceName
    etcd_pull_secrets   .spec.template.spec.imagePullSecrets             []
    etcd_node_selector  .spec.template.spec.nodeSelector                 {}
    etcd_tolerations    .spec.template.spec.tolerations                  []
    etcd_pod_security   .spec.template.spec.securityContext              {}
    pod_user            .spec.template.spec.securityContext.runAsUser
    pod_group           .spec.template.spec.securityContext.runAsGroup'
  read_facts statefulset "$statefulset" || refuse \
    "StatefulSet $statefulset in namespace $namespace cannot be read" "See --statefulset, --namespace and --context."
  if [ -z "$replicas" ]; then
    replicas=3
    [ "$running" = 0 ] || [ "$running" = 3 ] ||
      refuse "StatefulSet $statefulset has $running replicas, not three" "If that is how many it should have: --replicas $running"
  elif [ "$running" != 0 ] && [ "$running" != "$replicas" ]; then
    refuse "StatefulSet $statefulset has $running replicas, not $replicas"
  fi
  replicas_before=$running
  [ "$first" = 0 ] || refuse "the members are not counted from 0 (spec.ordinals)"
  [ "$when_scaled" = Retain ] || refuse \
    "scaling the StatefulSet to zero would delete its volumes (persistentVolumeClaimRetentionPolicy.whenScaled)" \
    "Set it to Retain first: kubectl -n $namespace patch statefulset $statefulset --type merge -p" \
    "  '{\"spec\":{\"persistentVolumeClaimRetentionPolicy\":{\"whenScaled\":\"Retain\"}}}'"
  [ -z "$owner" ] || refuse "the StatefulSet belongs to a $owner, which would scale it up again while it is restored"
  [ -n "$service" ] || refuse "the StatefulSet names no Service, so its members have no host names"
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
  local etcd=".spec.template.spec.containers[?(@.name==\"$container\")]" memory requests wanted
  wanted="
    etcd_image    $etcd.image
    etcd_user     $etcd.securityContext.runAsUser
    etcd_group    $etcd.securityContext.runAsGroup
    requests      $etcd.resources.requests   {}
    memory        $etcd.resources.limits.memory
    etcd_command  $etcd.command
    etcd_args     $etcd.args
    etcd_env      $etcd.env"
  read_facts statefulset "$statefulset" || refuse "StatefulSet $statefulset cannot be read"
  # The memory that a member may use is enough to restore it; its CPU limit would only make that slow.
  etcd_resources="{\"requests\":$requests${memory:+,\"limits\":{\"memory\":\"$memory\"\}}}"
  member_mounts="[{\"name\":\"member\",\"mountPath\":\"$mount_path\"${sub_path:+,\"subPath\":\"$sub_path\"}}]"
}

# Restored data must belong to the user that the member runs as. Official images name none: that is root.
find_user() {
  local user=${run_as:-${etcd_user:-${pod_user:-0}}} group
  group=${etcd_group:-${pod_group:-$user}}
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
  local start="$etcd_command $etcd_args $etcd_env"
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
  local i claim claims=() found
  for ((i = 0; i < replicas; i++)); do claims+=("$volume_claim-$(member_name "$i")"); done
  found=$(ask get persistentvolumeclaim "${claims[@]}" --ignore-not-found \
    --output 'go-template={{define "claim"}}{{.metadata.name}} {{.status.phase}} {{.metadata.deletionTimestamp}}
{{end}}{{if .items}}{{range .items}}{{template "claim" .}}{{end}}{{else}}{{template "claim" .}}{{end}}') ||
    refuse "the PersistentVolumeClaims of namespace $namespace cannot be read"
  for claim in "${claims[@]}"; do
    grep --quiet "^$claim Bound <no value>$" <<<"$found" || refuse \
      "PersistentVolumeClaim $claim is not there, not bound, or about to be deleted" \
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
  local pod=.spec.jobTemplate.spec.template.spec tool_image wanted
  wanted="
    tool_image          $pod.containers[0].image
    tool_env            $pod.containers[0].env              []
    tool_resources      $pod.containers[0].resources        {}
    tool_security       $pod.containers[0].securityContext  {}
    tool_mounts         $pod.containers[0].volumeMounts     []
    tool_volumes        $pod.volumes                        []
    tool_pod_security   $pod.securityContext                {}
    tool_pull_secrets   $pod.imagePullSecrets               []
    tool_node_selector  $pod.nodeSelector                   {}
    tool_tolerations    $pod.tolerations                    []
    service_account     $pod.serviceAccountName             default
    pod_labels          .spec.jobTemplate.spec.template.metadata.labels {}
    was_suspended       .spec.suspend                       false"
  read_facts cronjob "$cronjob" || refuse "CronJob $cronjob in namespace $namespace cannot be read" "See --cronjob."
  image=${image:-$tool_image}
  add_token
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
  local wanted='
    path  .data.abs-backup-file-path-from-last-success
    size  .data.backup-size-bytes-from-last-success     0'
  read_facts configmap "$record" || refuse "ConfigMap $record cannot be read" "Say --from PATH."
  [ -n "$path" ] || refuse "ConfigMap $record records no backup" "Say --from PATH; etcd-backup list shows what there is."
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
  [ "$action" != restore ] || [ "$phase" = finishing ] || [ -z "$from" ] || [ "$from" = "$noted_path" ] || [ "${noted_path##*/}" = "$from" ] || refuse \
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
