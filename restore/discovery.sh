#!/usr/bin/env bash
# Finds the cluster, its volumes, and the CronJob whose image and credentials are used; refuses on anything odd.
#
# Part of restore.sh, whose variables it uses and sets; the templates of kubectl have variables of their own.
# shellcheck disable=SC2034,SC2154,SC2016

refuse() { # what is odd, what to do
  local line
  say "REFUSED: $1." >&2
  shift
  for line in "$@"; do say "$line" >&2; done
  say "Nothing has been changed." >&2
  trap - EXIT
  exit 1
}

find_cluster() {
  command -v kubectl >/dev/null || refuse "kubectl is not installed"
  reach_cluster
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
    running      number  .spec.replicas                                          0
    first        number  .spec.ordinals.start                                    0
    when_scaled  kind    .spec.persistentVolumeClaimRetentionPolicy.whenScaled   Retain
    owner        text    .metadata.ownerReferences[*].kind
    service      name    .spec.serviceName
    etcd_pull_secrets   json    .spec.template.spec.imagePullSecrets             []
    etcd_node_selector  json    .spec.template.spec.nodeSelector                 {}
    etcd_tolerations    json    .spec.template.spec.tolerations                  []
    etcd_pod_security   json    .spec.template.spec.securityContext              {}
    pod_user            number  .spec.template.spec.securityContext.runAsUser
    pod_group           number  .spec.template.spec.securityContext.runAsGroup'
  wanted+=$gitops_facts
  local status=0
  read_facts statefulset "$statefulset" || status=$?
  if [ "$status" = 3 ] && [ "$action" = restore ]; then
    bring_back
    status=0
    read_facts statefulset "$statefulset" || status=$?
  fi
  [ "$status" = 0 ] || refuse \
    "StatefulSet $statefulset in namespace $namespace is not there or cannot be read" "See --statefulset, --namespace and --context."
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
  [ -z "$container" ] || mounts=$(grep --fixed-strings "$container " <<<"$mounts" | grep "^${container//./\\.} " || true)
  [ "$(grep --count . <<<"$mounts")" = 1 ] || refuse \
    "not exactly one container of the StatefulSet mounts the volume '$volume_claim': ${mounts:-none does}" \
    "See --volume-claim and --container."
  local sub_path
  read -r container mount_path sub_path <<<"$mounts"
  if ! fits name "$container" || ! fits directory "$mount_path" || { [ -n "$sub_path" ] && ! fits subpath "$sub_path"; }; then
    refuse "the StatefulSet mounts the volume '$volume_claim' in an odd way: $(escaped "$mounts")" "Restore by hand."
  fi
  local etcd=".spec.template.spec.containers[?(@.name==\"$container\")]" memory requests wanted
  wanted="
    etcd_image    image     $etcd.image
    etcd_user     number    $etcd.securityContext.runAsUser
    etcd_group    number    $etcd.securityContext.runAsGroup
    requests      json      $etcd.resources.requests   {}
    memory        quantity  $etcd.resources.limits.memory
    etcd_command  json      $etcd.command
    etcd_args     json      $etcd.args
    etcd_env      json      $etcd.env"
  read_facts statefulset "$statefulset" || refuse "StatefulSet $statefulset cannot be read"
  # The memory that a member may use is enough to restore it; its CPU limit would only make that slow.
  etcd_resources="{\"requests\":$requests${memory:+,\"limits\":{\"memory\":\"$memory\"\}}}"
  member_mounts="[{\"name\":\"member\",\"mountPath\":\"$mount_path\"${sub_path:+,\"subPath\":\"$sub_path\"}}]"
}

# Restored data must belong to the user that the member runs as. Official images name none: that is root, unless the
# namespace gives its pods a user, as OpenShift does (--run-as none).
find_user() {
  if [ "$run_as" = none ]; then
    member_security='{"runAsNonRoot":true'
  else
    local user=${run_as:-${etcd_user:-${pod_user:-0}}} group
    group=${etcd_group:-${pod_group:-$user}}
    member_security="{\"runAsUser\":$user,\"runAsGroup\":$group,\"runAsNonRoot\":$([ "$user" = 0 ] && echo false || echo true)"
  fi
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
  fits directory "$data_dir" || refuse "the data directory of the members is odd: $(escaped "$data_dir")" "See --data-dir."
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
    grep --quiet --fixed-strings --line-regexp "$claim Bound <no value>" <<<"$found" || refuse \
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
      "See --cronjob. Its image, environment and service account are used. If it is gone, install the chart again, with" \
      "backupApp.suspend: true; it also brings back the service account and its Role."
    fits name "$cronjob" || refuse "the CronJob has an odd name: $(escaped "$cronjob")" "See --cronjob."
  fi
  local pod=.spec.jobTemplate.spec.template.spec tool_image chart_identity wanted
  wanted="
    tool_image          image  $pod.containers[0].image
    tool_env            json   $pod.containers[0].env              []
    tool_resources      json   $pod.containers[0].resources        {}
    tool_security       json   $pod.containers[0].securityContext  {}
    tool_mounts         json   $pod.containers[0].volumeMounts     []
    tool_volumes        json   $pod.volumes                        []
    tool_pod_security   json   $pod.securityContext                {}
    tool_pull_secrets   json   $pod.imagePullSecrets               []
    tool_node_selector  json   $pod.nodeSelector                   {}
    tool_tolerations    json   $pod.tolerations                    []
    service_account     name   $pod.serviceAccountName             default
    chart_identity      name   .metadata.annotations.etcd-backup/identity-secret
    pod_labels          json   .spec.jobTemplate.spec.template.metadata.labels {}
    was_suspended       bool   .spec.suspend                       false"
  read_facts cronjob "$cronjob" || refuse "CronJob $cronjob in namespace $namespace is not there or cannot be read" "See --cronjob."
  image=${image:-$tool_image}
  identity_secret=${identity_secret:-$chart_identity}
  add_token
}

# The recorded path, unless another was asked for.
find_backup() {
  previous_path=""
  [ "$action" = restore ] || return 0
  if [ -n "$from" ]; then
    path=$from
    return
  fi
  [[ $tool_env =~ \"name\":\"APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING\",\"value\":\"([^\"]+)\" ]] ||
    refuse "CronJob $cronjob does not say which ConfigMap records the last success" "Say --from PATH."
  local record=${BASH_REMATCH[1]} stored_size
  fits name "$record" || refuse "CronJob $cronjob names an odd ConfigMap: $(escaped "$record")" "Say --from PATH."
  local wanted='
    path           text    .data.abs-backup-file-path-from-last-success
    stored_size    number  .data.backup-size-bytes-from-last-success        0
    size           number  .data.backup-snapshot-size-bytes-from-last-success
    revision       number  .data.backup-etcd-revision-from-last-success
    taken          time    .data.backup-time-from-last-success
    broke          time    .data.backup-history-broke-time
    previous_path  text    .data.backup-previous-history-path'
  read_facts configmap "$record" || refuse "ConfigMap $record is not there or cannot be read" "Say --from PATH."
  size=${size:-$stored_size} # older versions store nothing but the snapshot itself
  [ -n "$path" ] || refuse "ConfigMap $record records no backup" "Say --from PATH; etcd-backup list shows what there is."
}

# After a break of the history the recorded backup is of another cluster than the ones before, or of an emptied one: only
# the operator knows which is meant.
choose_history() {
  [ -n "$previous_path" ] || return 0
  refuse "the history of etcd broke${broke:+ at $broke}, so the newest backup may hold much less than the one before the break" \
    "Newest backup:           $path${revision:+, revision $revision}${taken:+, taken $taken}" \
    "Newest before the break: $previous_path" \
    "etcd-backup list shows more of both. Say which one to restore:" \
    "  $again --from $(printf '%q' "$path")" \
    "  $again --from $(printf '%q' "$previous_path")"
}

# node_of MEMBER: where its pod runs; empty where it has none.
node_of() {
  local node
  node=$(ask get pod "$(member_name "$1")" --ignore-not-found --output 'jsonpath={.spec.nodeName}') || return
  [ -z "$node" ] || fits name "$node" || {
    say "  the pod of member $1 names an odd node: $(escaped "$node")" >&2
    return 1
  }
  printf '%s' "$node"
}

# What an earlier call noted, if any: that restore goes on as it began.
recall_note() {
  phase=""
  local noted_id noted_path noted_size noted_replicas noted_before noted_suspended noted_data noted_target noted_token status=0
  local wanted='
    phase            phase      .data.phase
    noted_id         id         .data.id
    noted_path       text       .data.path
    noted_size       number     .data.size             0
    noted_replicas   number     .data.replicas
    noted_before     number     .data.replicas-before
    noted_suspended  bool       .data.was-suspended    false
    noted_data       directory  .data.data-dir
    noted_target     directory  .data.target-dir
    noted_token      text       .data.token'
  read_facts configmap "$note" || status=$?
  [ "$status" != 3 ] || return 0
  [ "$status" = 0 ] || refuse "cannot read ConfigMap $note"
  local fact
  for fact in phase noted_id noted_path noted_replicas noted_before noted_data noted_target noted_token; do
    [ -n "${!fact}" ] || refuse "ConfigMap $note is not a whole note of a restore: it has no ${fact#noted_}" \
      "Find out who changed it. Only when no member's volume has data set aside (before-restore) may it be deleted."
  done
  if [ "$action" = restore ] && [ "$phase" = serving ]; then
    refuse "the restore $noted_id of $noted_path is done, but the old data from before it is still kept aside on every volume" \
      "Decide about that first, then run this again:" \
      "  $again --finish   removes the old data: what was restored is good" \
      "  $again --undo     goes back to the old data: what was restored goes"
  fi
  [ "$action" != restore ] || [ "$phase" = finishing ] || [ -z "$from" ] || [[ $from =~ ^(latest|oldest)$ ]] || [ "$from" = "$noted_path" ] || [ "${noted_path##*/}" = "$from" ] || refuse \
    "a restore of $noted_path is under way (phase $phase), not of $from" "Finish it, or go back first: $again --undo"
  id=$noted_id path=$noted_path size=$noted_size replicas=$noted_replicas replicas_before=$noted_before
  was_suspended=$noted_suspended data_dir=$noted_data target_dir=$noted_target token=$noted_token
}
