#!/usr/bin/env bash
# What runs in the cluster: the note of a restore under way, and one Job for each thing to do.
#
# Whatever is read from the cluster (environment, security context, …) is JSON, which is YAML as it stands.
#
# Part of restore.sh, whose variables it uses.
# shellcheck disable=SC2154

# A member, and the URLs by which the others and the clients know it.
member_name() { printf '%s-%s' "$statefulset" "$1"; }
host_name() { printf '%s.%s.%s.svc.%s' "$(member_name "$1")" "$service" "$namespace" "$cluster_domain"; }
peer_url() { printf '%s://%s:%s' "$scheme" "$(host_name "$1")" "$peer_port"; }
client_url() { printf '%s://%s:%s' "$scheme" "$(host_name "$1")" "$client_port"; }

# joined FUNCTION: what it gives for every member, with commas between.
joined() {
  local i list=""
  for ((i = 0; i < replicas; i++)); do list+="${list:+,}$("$1" "$i")"; done
  printf '%s' "$list"
}

named_peer_url() { printf '%s=%s' "$(member_name "$1")" "$(peer_url "$1")"; }

# quoted WORD...: a JSON list of strings.
quoted() {
  local word list=""
  for word in "$@"; do list+="${list:+, }$(json "$word")"; done
  printf '[%s]' "$list"
}

# concatenated LIST LIST: of two JSON lists, either of which may be missing.
concatenated() {
  local one=${1#\[} other=${2#\[}
  one=${one%\]} other=${other%\]}
  printf '[%s%s%s]' "$one" "${one:+${other:+,}}" "$other"
}

note_manifest() {
  cat <<EOF
apiVersion: v1
kind: ConfigMap
metadata:
  name: "$note"
  namespace: "$namespace"
  labels: {restore-id: "$id"}
data:
  phase: "$phase"
  id: "$id"
  path: $(json "$path")
  size: "$size"
  replicas: "$replicas"
  replicas-before: "$replicas_before"
  was-suspended: "$was_suspended"
  data-dir: "$data_dir"
  target-dir: "$target_dir"
  token: $(json "$token")
EOF
}

# job_manifest NAME: by the end of the name, verify, members, or one of the things done on a member's volume.
job_manifest() {
  local name=$1 kind member="" pod
  kind=${name#"$prefix-"}
  case $kind in
    *-[0-9]*)
      member=${kind##*-}
      kind=${kind%-*}
      ;;
  esac
  case $kind in
    verify) pod=$(tool_pod verify "$path" --output json) ;;
    members) pod=$(tool_pod members --endpoints "$(joined client_url)" --wait "$wait") ;;
    *) pod=$(volume_pod "$kind" "$member") || return ;;
  esac
  cat <<EOF
apiVersion: batch/v1
kind: Job
metadata:
  name: "$name"
  namespace: "$namespace"
  labels: {restore-id: "$id"}
spec:
  backoffLimit: 0
  # Later than restore.sh gives up: a Job past its deadline loses its pods, and with them the cause.
  activeDeadlineSeconds: $(($(seconds_for "$name") + 600))
  ttlSecondsAfterFinished: 86400
  podFailurePolicy:
    rules:
      - {action: Ignore, onPodConditions: [{type: DisruptionTarget, status: "True"}]}
  template:
    metadata:
      labels: $pod_labels
      annotations: {"sidecar.istio.io/inject": "false"}
    spec:
      restartPolicy: Never
      enableServiceLinks: false
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 5
$pod
EOF
}

# The service account's token, as Kubernetes itself would mount it, but for the containers of etcd-backup alone: etcd's
# own image has no use for it. The chart's ServiceAccount mounts it nowhere by itself.
readonly token_path=/var/run/secrets/kubernetes.io/serviceaccount
readonly token_volume='[{"name":"etcd-backup-token","projected":{"sources":[
          {"serviceAccountToken":{"path":"token","expirationSeconds":3600}},
          {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},
          {"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"fieldPath":"metadata.namespace"}}]}}]}}]'
readonly token_mount='[{"name":"etcd-backup-token","mountPath":"'$token_path'","readOnly":true}]'

# add_token: to what etcd-backup's containers mount, unless the CronJob's pod has a volume of its own there.
add_token() {
  [[ $tool_mounts != *"\"mountPath\":\"$token_path\""* ]] || return 0
  tool_mounts=$(concatenated "$tool_mounts" "$token_mount")
  tool_volumes=$(concatenated "$tool_volumes" "$token_volume")
}

# The identity that decrypts the backup: for the containers that read it, and for no other.
readonly identity_path=/var/run/etcd-backup-identity
readonly identity_env='[{"name":"APP_BACKUP_IDENTITY_DIRECTORY","value":"'$identity_path'"}]'
readonly identity_mount='[{"name":"etcd-backup-identity","mountPath":"'$identity_path'","readOnly":true}]'

# with_identity KIND LIST LIST: the first list, and the second as well where this kind of container reads the backup.
with_identity() {
  case ${identity_secret:+$1} in
    verify | download | member) concatenated "$2" "$3" ;;
    *) printf '%s' "$2" ;;
  esac
}

identity_volume() {
  printf '[{"name":"etcd-backup-identity","secret":{"secretName":"%s"}}]' "$identity_secret"
}

# The CronJob's own pod with other arguments: the same credentials, nothing to keep.
tool_pod() {
  cat <<EOF
      serviceAccountName: "$service_account"
      imagePullSecrets: $tool_pull_secrets
      nodeSelector: $tool_node_selector
      tolerations: $tool_tolerations
      securityContext: $tool_pod_security
      containers:
        - name: etcd-backup
          image: "$image"
          args: $(quoted "$@")
          env: $(with_identity "$1" "$tool_env" "$identity_env")
          resources: $tool_resources
          securityContext: $tool_security
          volumeMounts: $(with_identity "$1" "$tool_mounts" "$identity_mount")
          terminationMessagePolicy: FallbackToLogsOnError
      volumes: $(with_identity "$1" "$tool_volumes" "$(identity_volume)")
EOF
}

# A pod with a member's volume where the member has it, as the user that the member runs as.
volume_pod() { # kind, member
  local kind=$1 member=$2 places=(--data "$data_dir" --target "$target_dir" --restore "$id")
  local staging=${data_dir%/*}/restore-$id
  volume_pod_head "$kind" "$member" || return
  case $kind in
    check)
      cat <<EOF
      initContainers:
$(etcd_container "$member" "$staging" --help)
      containers:
$(volume_container check volume check "${places[@]}" --need "$(needed_bytes)")
EOF
      ;;
    member)
      cat <<EOF
      initContainers:
$(volume_container prepare volume prepare "${places[@]}" --need "$(needed_bytes)")
$(volume_container download download "$path" --file "$staging/backup.db" --force)
      containers:
$(etcd_container "$member" "$staging")
EOF
      ;;
    *)
      cat <<EOF
      containers:
$(volume_container "$kind" volume "$kind" "${places[@]}")
EOF
      ;;
  esac
}

volume_pod_head() { # kind, member
  local node=""
  # A running member holds its volume: the pod must go to the same node.
  case $1 in check | discard) node=$(node_of "$2") || return ;; esac
  cat <<EOF
      serviceAccountName: "$service_account"
      imagePullSecrets: $(concatenated "$tool_pull_secrets" "$etcd_pull_secrets")
      nodeSelector: $etcd_node_selector
      tolerations: $etcd_tolerations
      securityContext: $etcd_pod_security
EOF
  [ -z "$node" ] || printf '      nodeName: "%s"\n' "$node"
  cat <<EOF
      volumes: $(concatenated "$(with_identity "$1" "$tool_volumes" "$(identity_volume)")" "[{\"name\":\"member\",\"persistentVolumeClaim\":{\"claimName\":\"$volume_claim-$(member_name "$2")\"}}]")
EOF
}

volume_container() { # name, arguments of etcd-backup
  local name=$1
  shift
  cat <<EOF
        - name: $name
          image: "$image"
          args: $(quoted "$@")
          env: $(with_identity "$name" "$tool_env" "$identity_env")
          resources: $tool_resources
          securityContext: $member_security
          volumeMounts: $(concatenated "$(with_identity "$name" "$tool_mounts" "$identity_mount")" "$member_mounts")
          terminationMessagePolicy: FallbackToLogsOnError
EOF
}

# The cluster's own image restores with its own tool: no other knows its files as well. It need not hash the file again:
# the container before it, in the same pod, gave the file its name only once it was verified.
etcd_container() { # member, staging, options
  local member=$1 staging=$2
  shift 2
  local command=("$restore_tool" snapshot restore "$staging/backup.db"
    --name "$(member_name "$member")"
    --initial-cluster "$(joined named_peer_url)"
    --initial-cluster-token "$token"
    --initial-advertise-peer-urls "$(peer_url "$member")"
    --data-dir "$staging/restored.etcd" --skip-hash-check)
  [ -z "$bump_revision" ] || command+=(--bump-revision "$bump_revision" --mark-compacted)
  cat <<EOF
        - name: etcd
          image: "$etcd_image"
          command: $(quoted "${command[@]}" "$@")
          env: [{name: ETCDCTL_API, value: "3"}]
          resources: $etcd_resources
          securityContext: $member_security
          volumeMounts: $member_mounts
          terminationMessagePolicy: FallbackToLogsOnError
EOF
}

# The downloaded file and the database made of it, both as large as the backup, and etcd's log files beside.
needed_bytes() { echo $((2 * size + (256 << 20))); }
