#!/usr/bin/env bash
# A control plane node of kubeadm: what etcd's manifest says, the static pods, and the note of a restore under way.
#
# Part of control-plane.sh, whose variables it uses and sets.
# shellcheck disable=SC2034,SC2154

# What runs from a manifest and is stopped, etcd last. Other static pods, such as a virtual address, stay.
readonly stopped_pods="kube-apiserver kube-controller-manager kube-scheduler etcd"

find_node() {
  [ "$(id -u)" = 0 ] || refuse "this user is not root" "Run it with sudo, on the node itself."
  local name
  for name in crictl flock; do command -v "$name" >/dev/null || refuse "$name is not installed"; done
  local manifest=$manifests/etcd.yaml
  [ -f "$manifest" ] || manifest=$state/manifests/etcd.yaml
  [ -f "$manifest" ] || refuse "there is no $manifests/etcd.yaml, so no etcd of kubeadm runs on this node" \
    "See --manifests. An etcd outside the cluster (external) is restored where it runs; for k3s and RKE2 see docs/restore.md."
  find_member "$manifest"
  find_runtime
  find_program
  place_state
}

# flag_of MANIFEST NAME: the value of that flag of etcd, which kubeadm writes on a line of its own.
flag_of() {
  sed -n -E "s/^ *- [\"']?--$2=([^\"']*)[\"']?\$/\1/p" "$1"
}

# read_flag VARIABLE PATTERN MANIFEST FLAG
read_flag() {
  local value
  value=$(flag_of "$3" "$4")
  fits "$2" "$value" || refuse "$3 has an odd --$4: $(escaped "${value:-none}")" "Restore by hand."
  printf -v "$1" '%s' "$value"
}

find_member() {
  local manifest=$1 listed urls
  read_flag member word "$manifest" name
  read_flag data_dir directory "$manifest" data-dir
  read_flag peer_url url "$manifest" initial-advertise-peer-urls
  read_flag urls urls "$manifest" listen-client-urls
  read_flag listed members "$manifest" initial-cluster
  read_flag ca_file directory "$manifest" trusted-ca-file
  read_flag cert_file directory "$manifest" cert-file
  read_flag key_file directory "$manifest" key-file
  [ -z "$(flag_of "$manifest" wal-dir)" ] || refuse "etcd keeps its log in a directory of its own (--wal-dir)" "Restore by hand."
  grep --quiet --extended-regexp "^ *path: [\"']?$data_dir/?[\"']?\$" "$manifest" ||
    refuse "$manifest does not mount the node's folder $data_dir" "Restore by hand."
  client_url=${urls%%,*} certificates=${cert_file%/*} data_dir=${data_dir%/}
  [ "${key_file%/*} ${ca_file%/*}" = "$certificates $certificates" ] ||
    refuse "the certificates of $manifest are not in one folder" "Restore by hand."
  # kubeadm's client for such questions, where it is there: etcd's own may be for servers alone.
  if [ -f "$certificates/healthcheck-client.crt" ] && [ -f "$certificates/healthcheck-client.key" ]; then
    cert_file=$certificates/healthcheck-client.crt key_file=$certificates/healthcheck-client.key
  fi
  etcd_image=$(sed -n -E "s/^ *image: [\"']?([^\"']*)[\"']?\$/\1/p" "$manifest")
  fits image "$etcd_image" || refuse "$manifest has an odd image: $(escaped "$etcd_image")" "Restore by hand."
  members_given=$members
  members=${members:-$listed}
  [[ ,$members, == *",$member=$peer_url,"* ]] || refuse \
    "the members do not have this node's: $member=$peer_url" "They are: $members"
  [ -d "$data_dir" ] || refuse "there is no folder $data_dir" "Mount etcd's disk, or make the folder, as root with mode 700."
  # Both inside the data directory, as that may be a mount point: then only what is below can be renamed.
  data=$data_dir/member
}

find_program() {
  [ -z "$image" ] || return 0
  program=${program:-$(command -v etcd-backup || true)}
  [ -x "$program" ] || refuse "etcd-backup is not in PATH on this node" \
    "Say --image with the image of etcd-backup, pulled on this node, or --program with the program's path."
}

# One call at a time, and the note beside the manifests, where it survives what happens to etcd's disk.
place_state() {
  [ "$dry_run" = false ] || return 0
  mkdir -p "$state/manifests"
  [ "$(stat --format %d "$state/manifests")" = "$(stat --format %d "$manifests")" ] ||
    refuse "$state is on another file system than $manifests, so a manifest cannot be moved at once"
  exec 9>"$state/lock"
  flock --nonblock 9 || refuse "another control-plane.sh runs on this node"
}

set_places() {
  staging=$data_dir/restore-$id
  places=(--data "$data" --target "$data" --restore "$id")
}

# The note. Its phase says how far everything has come:
#   stopping, restoring   the old data is untouched, in its place
#   switching             the old data is being set aside, the restored data put into place
#   starting, serving     the restored data is in place; the old data is aside
#   undoing, finishing    the old data is being put back, or removed
remember() { # phase
  phase=$1
  [ "$dry_run" = false ] || return 0
  local fact
  for fact in phase id file fingerprint members members_given token bump_revision tool; do
    printf '%s=%s\n' "$fact" "${!fact}"
  done >"$state/note.new" && sync "$state/note.new" && mv "$state/note.new" "$state/note" && sync "$state"
}

forget_note() { change rm -f "$state/note" && { [ "$dry_run" = true ] || sync "$state"; }; }

# What an earlier call noted, if any: that restore goes on as it began.
recall_note() {
  local fact value given=$file given_print
  fingerprint=""
  if [ -n "$file" ] && [ -r "$file" ]; then fingerprint=$(fingerprint_of "$file"); fi
  given_print=$fingerprint
  if [ -f "$state/note" ]; then
    while IFS='=' read -r fact value; do
      case $fact in
        phase) fits phase "$value" ;;
        id) fits id "$value" ;;
        file) fits directory "$value" ;;
        fingerprint) fits word "$value" ;;
        members) fits members "$value" ;;
        members_given) fits members "$value" || [ -z "$value" ] ;;
        token) fits word "$value" ;;
        bump_revision) fits number "$value" ;;
        tool) fits tool "$value" ;;
        *) false ;;
      esac || refuse "$state/note has an odd line: $(escaped "$fact=$value")" \
        "Find out who changed it. Only when $data_dir has nothing set aside (before-restore) may it be removed."
      printf -v "$fact" '%s' "$value"
    done <"$state/note"
    [ -n "${phase:+$tool}" ] || refuse "$state/note is not a whole note of a restore"
    if [ "$action" = restore ] && [ -n "$given" ] && [[ $phase =~ ^(stopping|restoring)$ ]] && [ "$given_print" != "$fingerprint" ]; then
      refuse "a restore of another file is under way (phase $phase): $file" "Finish it, or go back first: $again --undo"
    fi
    [ -z "$given" ] || file=$given
  fi
  set_places
}

# Its size and the SHA-256 that etcd wrote behind it.
fingerprint_of() {
  printf '%s-%s' "$(stat --format %s -- "$1")" "$(tail --bytes 32 -- "$1" | od -A n -v -t x1 | tr -d ' \n')"
}

# The static pods

pods_to_stop() {
  local pod list=""
  for pod in $stopped_pods; do
    if [ -f "$manifests/$pod.yaml" ] || [ -f "$state/manifests/$pod.yaml" ]; then list+="${list:+, }$pod"; fi
  done
  printf '%s' "$list"
}

move_manifests_away() {
  local pod
  for pod in $stopped_pods; do
    [ ! -f "$manifests/$pod.yaml" ] || change mv --no-target-directory "$manifests/$pod.yaml" "$state/manifests/$pod.yaml"
  done
  [ "$dry_run" = true ] || sync "$manifests" "$state/manifests"
}

move_manifest_back() { # pod
  if [ -f "$state/manifests/$1.yaml" ] || { [ "$dry_run" = true ] && [ -f "$manifests/$1.yaml" ]; }; then
    change mv --no-target-directory "$state/manifests/$1.yaml" "$manifests/$1.yaml"
  fi
}

# etcd first.
move_manifests_back() {
  local pod
  for pod in etcd $stopped_pods; do move_manifest_back "$pod" || return; done
  [ "$dry_run" = true ] || sync "$manifests" "$state/manifests"
}

# is_stopped: the kubelet has ended the pods, so it starts them no more, and no process holds etcd's database.
is_stopped() {
  [ "$dry_run" = false ] || return 0
  local pod running
  for pod in $stopped_pods; do
    [ ! -f "$manifests/$pod.yaml" ] || return 1
    running=$(crictl pods --state ready --namespace kube-system --label "component=$pod" --quiet) || return 1
    [ -z "$running" ] || return 1
  done
  # bbolt holds this lock as long as it has the file open.
  [ ! -f "$data/snap/db" ] || flock --nonblock "$data/snap/db" true
}

wait_until_stopped() {
  local deadline=$((SECONDS + timeout))
  until is_stopped; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "after $timeout s a static pod still runs: crictl pods --state ready --namespace kube-system"
      return 1
    fi
    pause "$poll"
  done
}

wait_until_serving() {
  [ "$dry_run" = false ] || return 0
  local deadline=$((SECONDS + wait))
  say "Waiting for etcd at $client_url; it serves once more than half of the members are restored and started"
  until serves; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "after $wait s etcd at $client_url does not serve"
      return 1
    fi
    pause "$poll"
  done
  say "etcd at $client_url serves"
}
