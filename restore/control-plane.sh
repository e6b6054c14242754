#!/usr/bin/env bash
# Restores etcd on a control plane node of kubeadm from a snapshot file; runs as root on each such node. See --help.
#
# The story is told here; node.sh knows the node, runtime.sh runs containers, node-options.sh reads the command line.
set -euo pipefail

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 402)); then
  echo "control-plane.sh: this is bash $BASH_VERSION, but it needs bash 4.2 or newer. Nothing has been changed." >&2
  exit 1
fi

# In other locales [a-z] may be more than these letters.
export LC_ALL=C

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=restore/facts.sh
source "$folder/facts.sh"
# shellcheck source=restore/runtime.sh
source "$folder/runtime.sh"
# shellcheck source=restore/node.sh
source "$folder/node.sh"
# shellcheck source=restore/node-options.sh
source "$folder/node-options.sh"

refuse() { # what is odd, what to do
  local line
  say "REFUSED: $1." >&2
  shift
  for line in "$@"; do say "$line" >&2; done
  say "Nothing has been changed." >&2
  exit 1
}

step() { say ""; say "== $*"; }

finale() { # status, lines
  local status=$1 line
  shift
  for line in "" "$@"; do say "$line" >&3; done
  exit "$status"
}

interrupted() {
  [ "$phase" != finishing ] || finale 130 "INTERRUPTED while the old data is removed. To remove the rest: $again --finish"
  [ "$phase" != undoing ] || finale 130 "INTERRUPTED while the old data is put back. To go on: $again --undo"
  finale 130 "INTERRUPTED in phase '${phase:-none}'. Nothing was taken back." \
    "Run the same command again to go on where it stopped, or: $again --undo"
}

# Every failure of a step ends here: the way back, then the state of everything and what to run next.
give_up() {
  say ""
  say "FAILED: $*"
  case $phase in
    "") finale 1 "Nothing has been changed." ;;
    starting) finale 2 "The restored data is in place on this node, the old data is kept aside." \
      "etcd serves once more than half of the members run on restored data: run the same command on the other nodes." \
      "If it does not serve then, read etcd's log (crictl logs), and either" \
      "  $again            to wait again, or" \
      "  $again --undo     on every node, to go back to the old data." ;;
  esac
  if go_back; then
    finale 1 "The old data is in its place, as it was, and the static pods are started again." \
      "Put right what failed, then run the same command again."
  fi
  finale 2 "Putting the old data back did not finish. No data has been deleted: it is in $data or in $data.before-restore-$id." \
    "The manifests of what is stopped are in $state/manifests. Put right what the messages above say, then run: $again --undo"
}

# Steps

verify_first() {
  step "1. Verify the file (nothing is changed by this)"
  local report
  report=$(etcd_backup inspect "$file" --output json) || return
  if ! is_json "$report" || [[ $report != *'"sha256":"right"'* ]]; then
    say "$file does not end in the SHA-256 that etcd writes behind a snapshot: it is no whole snapshot."
    return 1
  fi
  say "Whole: $file, $(stat --format %s -- "$file") bytes"
  count_members "$report"
}

# How many members the backup knows must be how many are restored, or the operator must have said so.
count_members() {
  local known listed=${members//[^,]/}
  [[ $1 =~ \"members\":\[([^]]*)\] ]] || return
  known=$(grep --only-matching '"id":' <<<"${BASH_REMATCH[1]}" | grep --count .) || known=0
  [ -n "$members_given" ] || [ "$known" = $((${#listed} + 1)) ] || {
    say "The backup is of a cluster of $known members, but etcd's manifest lists $((${#listed} + 1)): $members"
    say "Say --members NAME=PEER-URL,NAME=PEER-URL,… with every member that is to be restored, the same on every node."
    return 1
  }
}

check_first() {
  step "2. Check that there is room and that etcd's image knows the restore command"
  remove_container
  find_tool || return
  etcd_backup volume check "${places[@]}" --need "$need"
}

stop_pods() {
  step "3. Stop etcd and what uses it, by moving the manifests"
  remember stopping || return
  move_manifests_away || return
  wait_until_stopped
}

restore_beside() {
  step "4. Restore beside the old data"
  remember restoring || return
  remove_container
  etcd_backup volume prepare "${places[@]}" --need "$need" || return
  local command=("$tool" snapshot restore "$file" --name "$member" --initial-cluster "$members"
    --initial-cluster-token "$token" --initial-advertise-peer-urls "$peer_url" --data-dir "$staging/made.etcd")
  [ "$bump_revision" = 0 ] || command+=(--bump-revision "$bump_revision" --mark-compacted)
  in_etcd_image "${command[@]}" || return
  change chown --recursive --reference "$data_dir" "$staging/made.etcd" || return
  # Under this name it is whole.
  change mv --no-target-directory "$staging/made.etcd/member" "$staging/restored.etcd"
}

switch() {
  step "5. Set the old data aside and put the restored data into place"
  is_stopped || {
    say "etcd runs again on its old data: another program or person started it"
    return 1
  }
  remember switching || return
  etcd_backup volume switch "${places[@]}"
}

start_pods() {
  step "6. Start etcd, wait until it serves, and start what uses it"
  remember starting || return
  move_manifest_back etcd || return
  wait_until_serving || return
  move_manifests_back
}

# Back to the old data, from any phase.
go_back() {
  step "Going back to the old data"
  remember undoing || return
  move_manifests_away || return
  wait_until_stopped || return
  remove_container
  etcd_backup volume put-back "${places[@]}" || return
  move_manifests_back || return
  forget_note
}

# The whole

restore() {
  if [ -n "$phase" ]; then
    say "Going on with restore $id of $file, which stopped in phase '$phase'."
  else
    [ -n "$file" ] || wrong_usage "--file is missing"
  fi
  case $phase in
    "" | stopping | restoring)
      if [ ! -f "$file" ] || [ ! -r "$file" ]; then missing; fi
      need=$(($(stat --format %s -- "$file") + (256 << 20)))
      verify_first || give_up "the file is not verified"
      [ -n "$phase" ] || require_token
      check_first || give_up "the check of this node"
      [ -n "$phase" ] || show_plan
      [ -n "$phase" ] || confirm "This stops the control plane of this node and replaces etcd's data."
      stop_pods || give_up "stopping the static pods"
      restore_beside || give_up "restoring"
      ;;
  esac
  case $phase in restoring | switching) switch || give_up "putting the restored data into place" ;; esac
  start_pods || give_up "etcd does not serve yet"
  [ "$dry_run" = false ] || finale 0 "This was a dry run: nothing has been changed. Now run on every node:" \
    "  ${again% --token *} --token $token"
  remember serving || give_up "noting that it is done"
  finale 0 "RESTORED from $file. etcd serves on this node, and the static pods are started." \
    "The old data is kept as $data.before-restore-$id. When all nodes are restored and all is well, on each of them:" \
    "  $again --finish   removes it; until then, on every node" \
    "  $again --undo     goes back to it." \
    "Restart the kubelets and the controllers that watch the API, on all nodes: what they know may be newer than the data."
}

missing() {
  [ -n "$phase" ] || refuse "$file is no readable file"
  finale 2 "FAILED: $file is no readable file. The control plane of this node is stopped, its data untouched." \
    "Bring the file back and run the same command again, or: $again --undo"
}

require_token() {
  [[ $members == *,* && $dry_run = false ]] || token=${token:-restored-$id}
  [ -n "$token" ] || finale 1 "REFUSED: the cluster has several members, which need one token. Nothing has been changed." \
    "Run this on every node:" "  $again --token restored-$id"
}

main() {
  exec 3>&1
  parse_options "$@"
  find_node
  recall_note
  trap interrupted INT TERM
  case $action in
    restore)
      [ "$phase" != undoing ] || refuse "restore $id is being undone" "$again --undo goes on with that"
      [[ ! $phase =~ ^(serving|finishing)$ ]] || refuse "the restore $id is done, but the old data from before it is still kept aside" \
        "Decide about that first: $again --finish removes it, $again --undo goes back to it"
      restore
      ;;
    undo)
      [ -n "$phase" ] || refuse "no restore is noted in $state, so none can be undone"
      [ "$phase" != finishing ] || refuse "the old data is already being removed" "$again --finish removes the rest"
      confirm "This stops the control plane of this node and puts back the data from before restore $id."
      go_back || finale 2 "UNDOING STOPPED. No old data has been deleted. Put right what the messages say, then run: $again --undo"
      [ "$dry_run" = false ] || finale 0 "This was a dry run: nothing has been changed."
      finale 0 "UNDONE on this node. The old cluster serves once more than half of its members are undone."
      ;;
    finish)
      [[ $phase =~ ^(serving|finishing)$ ]] || refuse "no finished restore is noted in $state (phase: ${phase:-none})"
      confirm "This removes the data from before restore $id. There is no way back then."
      [ "$dry_run" = false ] || finale 0 "It would remove $data.before-restore-$id."
      remember finishing
      step "Removing the data that was kept aside"
      etcd_backup volume discard "${places[@]}" || finale 2 "FINISHING STOPPED. etcd was not touched. Run again: $again --finish"
      forget_note
      finale 0 "FINISHED. The old data is removed."
      ;;
  esac
}

main "$@"
