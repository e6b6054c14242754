#!/usr/bin/env bash
# The command line, and what it leaves to its defaults.
#
# Part of restore.sh, whose variables it sets.
# shellcheck disable=SC2034,SC2154

usage() {
  cat <<'EOF'
Usage: restore.sh [OPTION...]           restore every member of an etcd StatefulSet from a backup
       restore.sh --undo [OPTION...]    go back to the data from before the restore
       restore.sh --finish [OPTION...]  remove the data that was kept aside

Needs bash 4.2 and kubectl. Verifies first that the backup is whole and that every volume has room; then stops the
members, restores on each volume beside the old data, switches all of them or none, and starts them. Old data is kept
until --finish. May be run again after any interruption: it goes on where it stopped. Credentials stay in the cluster.

Which backup
  --from NAME|PATH       the backup, also latest or oldest (default, and recorded: the one of the last success)
  --identity-secret NAME the Secret with the identity of age that decrypts it (default: what the chart says); mounted into
                         the Jobs that verify and download, and nowhere else
  --bump-revision N      raise the revision by N, so that clients notice; with --mark-compacted, from etcd 3.4.27/3.5.10 on
  --mark-compacted       and let every watch from before the restore fail

Which cluster
  --namespace NAME       (default: kyma-system)
  --statefulset NAME     (default: service-catalog-etcd-stateful)
  --replicas N           members (default: 3)
  --scheme https|http    of the members' URLs (default: https)
  --peer-port N          (default: 2380)
  --client-port N        (default: 2379)
  --cluster-domain NAME  (default: cluster.local)
  --container NAME       the one that runs etcd (default: the one that mounts the volume)
  --volume-claim NAME    the volume claim template (default: data)
  --data-dir PATH        (default: what the StatefulSet says, else default.etcd on the volume)
  --into backup|data     put restored data into backup.etcd, where the members' start-up picks it up, or straight
                         into the data directory (default: backup)
  --restore-tool NAME    etcdctl or etcdutl (default: by the image's tag, etcdutl from 3.6 on)
  --token TEXT           of the new cluster (default: one of its own, so that no member with old data can join)
  --run-as UID|none      user of the members (default: what the StatefulSet says, else root as in etcd's images); none leaves
                         it to the namespace, as OpenShift does
  --manifest FILE        if the StatefulSet is gone: create it from this manifest, with empty members, and restore into them
  --gitops-paused        Argo CD or Flux owns the StatefulSet, and is paused

Which etcd-backup
  --cronjob NAME         whose image, environment and service account are used (default: the only one there is)
  --image IMAGE          another image

How
  --yes                  do not ask
  --dry-run              print every manifest and command; only read from the cluster
  --discard-old          remove the old data as soon as every member serves
  --timeout SECONDS      for each step (default: 1800)
  --wait SECONDS         for the members to serve (default: 300)
  --context NAME         of kubectl
  --help

Exit status: 0 done; 1 refused or failed, everything is as it was; 2 failed, and the message says what to do;
64 wrong usage; 130 interrupted.
EOF
}

wrong_usage() {
  say "restore.sh: $*" "(restore.sh --help shows all options)" >&2
  exit 64
}

parse_options() {
  namespace=kyma-system statefulset=service-catalog-etcd-stateful replicas="" scheme=https peer_port=2380
  client_port=2379 cluster_domain=cluster.local container="" volume_claim=data data_dir="" into=backup restore_tool=""
  run_as="" cronjob="" image="" from="" bump_revision="" mark_compacted=false yes=false dry_run=false
  discard_old=false gitops_paused=false manifest="" identity_secret="" timeout=1800 wait=300 context="" action=restore path="" size=0 some_serve=false
  poll=${RESTORE_POLL_SECONDS:-2}
  TZ=UTC0 printf -v id '%(%Y%m%d-%H%M%S)T' -1
  token=restored-$id
  again="$0 $(remaining "$@")"
  while [ $# -gt 0 ]; do
    case $1 in
      --from | --namespace | --statefulset | --replicas | --scheme | --peer-port | --client-port | --cluster-domain | \
        --container | --volume-claim | --data-dir | --into | --restore-tool | --token | --run-as | --cronjob | --image | \
        --bump-revision | --identity-secret | --timeout | --wait | --context | --manifest)
        [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
        local name=${1#--}
        printf -v "${name//-/_}" '%s' "$2"
        shift
        ;;
      --yes) yes=true ;;
      --dry-run) dry_run=true ;;
      --discard-old) discard_old=true ;;
      --mark-compacted) mark_compacted=true ;;
      --gitops-paused) gitops_paused=true ;;
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
  check_options
  # Without a name, so that a break of the history is asked about.
  [ "$from" != recorded ] || from=""
  prefix=$statefulset-restore
  note=$prefix
}

check_options() {
  local name pattern
  for name in replicas peer_port client_port bump_revision timeout wait; do
    [[ ${!name} =~ ^[0-9]{0,18}$ ]] || wrong_usage "--${name//_/-} is a number, not $(escaped "${!name}")"
    # 08 is eight, not a wrong octal number.
    [ -z "${!name}" ] || printf -v "$name" '%d' "$((10#${!name}))"
  done
  [[ $run_as =~ ^([0-9]{0,18}|none)$ ]] || wrong_usage "--run-as is a number or none, not $(escaped "$run_as")"
  [ -z "${run_as/none/}" ] || printf -v run_as '%d' "$((10#$run_as))"
  while read -r pattern name; do
    [ -z "${!name}" ] || fits "$pattern" "${!name}" || wrong_usage "--${name//_/-} takes no such value: $(escaped "${!name}")"
  done <<'EOF'
name namespace
name statefulset
name cronjob
name container
name volume_claim
name cluster_domain
name identity_secret
directory data_dir
image image
text token
text from
text context
text manifest
EOF
  [[ $scheme =~ ^https?$ ]] || wrong_usage "--scheme is https or http, not '$scheme'"
  [[ $into =~ ^(backup|data)$ ]] || wrong_usage "--into is backup or data, not '$into'"
  [[ -z $restore_tool || $restore_tool =~ ^etcd(ct|ut)l$ ]] || wrong_usage "--restore-tool is etcdctl or etcdutl"
  [ -z "$replicas" ] || [ "$replicas" -ge 1 ] || wrong_usage "--replicas is at least 1"
  # etcd's tool wants both or neither.
  [ "${bump_revision:+true}" = "${mark_compacted/false/}" ] ||
    wrong_usage "--bump-revision and --mark-compacted go together"
}

# remaining ARGUMENT...: this call's options as they are to be repeated with --undo or --finish.
remaining() {
  local list=""
  while [ $# -gt 0 ]; do
    case $1 in
      --undo | --finish | --yes | --dry-run | --discard-old) ;;
      *) list+=" $(printf '%q' "$1")" ;;
    esac
    shift
  done
  printf '%s' "${list# }"
}

show_plan() {
  say "$(cat <<EOF
Backup       $path
StatefulSet  $statefulset in $namespace, $replicas members, image $etcd_image
Restored by  $restore_tool snapshot restore, into $target_dir${bump_revision:+, revision raised by $bump_revision}
Old data     kept as $data_dir.before-restore-$id$([ "$discard_old" = false ] || echo " until every member serves")
Tool         $image, configured as CronJob $cronjob
Identity     $([ -n "$identity_secret" ] && echo "Secret $identity_secret" || echo "none: the backup must not be encrypted")
Noted in     ConfigMap $note
EOF
)"
}

confirm() {
  [ "$yes" = false ] && [ "$dry_run" = false ] || return 0
  [ -t 0 ] || wrong_usage "standard input is no terminal, so no question can be asked; pass --yes"
  local answer
  say "$1"
  read -r -p "Type the StatefulSet's name to go on: " answer
  [ "$answer" = "$statefulset" ] || refuse "the answer was '$answer'"
}
