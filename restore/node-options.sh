#!/usr/bin/env bash
# The command line of control-plane.sh, what it leaves to its defaults, and what the operator confirms.
#
# Part of control-plane.sh, whose variables it uses and sets.
# shellcheck disable=SC2034,SC2154

usage() {
  cat <<'TEXT'
Usage: control-plane.sh --file FILE [OPTION...]  restore this node's etcd from a snapshot file
       control-plane.sh --undo [OPTION...]       go back to the data from before the restore
       control-plane.sh --finish [OPTION...]     remove the data that was kept aside

Run it as root on every control plane node of kubeadm, with the same file and the same options. It verifies the file; stops
etcd and the API server by moving their manifests; lets the tool of etcd's own image restore beside the old data; swaps
both by rename; starts etcd, waits until it serves, and starts the others. Old data is kept until --finish. May be run
again after any interruption: it goes on where it stopped. `etcd-backup download` writes the file.

  --file FILE          the snapshot
  --members LIST       NAME=PEER-URL of every member, with commas between (default: what etcd's manifest says)
  --token TEXT         of the new cluster: the same on every node, another one for every restore (needed with several members)
  --bump-revision N    raise the revision by N, so that every watch from before fails and clients read again; 0 leaves it
                       (default: 1000000000 where etcd's tool can do that: from 3.4.27, 3.5.10)
  --program FILE       etcd-backup (default: the one in PATH)
  --image IMAGE        run etcd-backup from this image instead
  --runtime NAME       what runs containers: ctr, nerdctl, podman or docker (default: by the runtime's socket)
  --manifests FOLDER   of the static pods (default: /etc/kubernetes/manifests)
  --timeout SECONDS    for the static pods to stop (default: 300)
  --wait SECONDS       for etcd to serve; it needs more than half of the members (default: 600)
  --yes                do not ask
  --dry-run            only look: verify the file, and print everything that would be changed
  --help

Exit status: 0 done; 1 refused or failed, everything is as it was; 2 failed, and the message says what to do;
64 wrong usage; 130 interrupted.
TEXT
}

wrong_usage() {
  say "control-plane.sh: $*" "(control-plane.sh --help shows all options)" >&2
  exit 64
}

parse_options() {
  file="" members="" token="" bump_revision="" program="" image="" runtime="" manifests=/etc/kubernetes/manifests
  timeout=300 wait=600 yes=false dry_run=false action=restore phase="" data="" poll=${RESTORE_POLL_SECONDS:-2}
  TZ=UTC0 printf -v id '%(%Y%m%d-%H%M%S)T' -1
  local given=("$@") word
  while [ $# -gt 0 ]; do
    case $1 in
      --file | --members | --token | --bump-revision | --program | --image | --runtime | --manifests | --timeout | --wait)
        [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
        local name=${1#--}
        printf -v "${name//-/_}" '%s' "$2"
        shift
        ;;
      --yes) yes=true ;;
      --dry-run) dry_run=true ;;
      --undo) action=undo ;;
      --finish) action=finish ;;
      --help)
        usage
        exit 0
        ;;
      *) wrong_usage "unknown option: $1" ;;
    esac
    shift
  done
  again=$0
  for word in "${given[@]}"; do
    case $word in --undo | --finish | --yes | --dry-run) ;; *) again+=" $(printf '%q' "$word")" ;; esac
  done
  check_options
  state=${manifests%/*}/etcd-restore
}

check_options() {
  local name pattern
  for name in timeout wait bump_revision; do
    [[ ${!name} =~ ^[0-9]{0,18}$ ]] || wrong_usage "--${name//_/-} is a number, not $(escaped "${!name}")"
    [ -z "${!name}" ] || printf -v "$name" '%d' "$((10#${!name}))"
  done
  [ -z "$file" ] || file=$(realpath --canonicalize-missing -- "$file")
  while read -r pattern name; do
    [ -z "${!name}" ] || fits "$pattern" "${!name}" || wrong_usage "--$name takes no such value: $(escaped "${!name}")"
  done <<'TEXT'
members members
word token
image image
directory program
directory file
directory manifests
TEXT
  [[ -z $runtime || $runtime =~ ^(ctr|nerdctl|podman|docker)$ ]] || wrong_usage "--runtime is ctr, nerdctl, podman or docker"
  [ -z "$program" ] || [ -z "$image" ] || wrong_usage "--program and --image exclude each other"
}

show_plan() {
  say ""
  say "$(cat <<TEXT
Snapshot     $file
Member       $member of $members
Token        $token
Restored by  $tool of $etcd_image, in $runtime$([ "$bump_revision" = 0 ] || echo ", revision raised by $bump_revision")
Stopped      $(pods_to_stop)
Old data     kept as $data.before-restore-$id
Noted in     $state
TEXT
)"
}

confirm() {
  [ "$yes" = false ] && [ "$dry_run" = false ] || return 0
  [ -t 0 ] || wrong_usage "standard input is no terminal, so no question can be asked; pass --yes"
  local answer
  say "$1"
  read -r -p "Type the member's name, $member, to go on: " answer
  [ "$answer" = "$member" ] || refuse "the answer was '$answer'"
}
