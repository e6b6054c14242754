#!/usr/bin/env bash
# Restores the members of an etcd StatefulSet from a recorded backup; needs bash 4.2 and kubectl. See --help.
#
# The story is told here; manifests.sh renders what runs in the cluster, kubernetes.sh is the way to it.
set -euo pipefail

# mapfile, local -A and the dates of printf are not in older ones; macOS ships 3.2.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 402)); then
  echo "restore.sh: this is bash $BASH_VERSION, but it needs bash 4.2 or newer." \
    "Install one (on macOS: brew install bash) and run: bash $0. Nothing has been changed." >&2
  exit 1
fi

# In other locales [a-z] may be more than these letters.
export LC_ALL=C

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=restore/facts.sh
source "$folder/facts.sh"
# shellcheck source=restore/kubernetes.sh
source "$folder/kubernetes.sh"
# shellcheck source=restore/manifests.sh
source "$folder/manifests.sh"
# shellcheck source=restore/discovery.sh
source "$folder/discovery.sh"
# shellcheck source=restore/missing.sh
source "$folder/missing.sh"
# shellcheck source=restore/options.sh
source "$folder/options.sh"

# What is known of a restore while it is under way lies in the ConfigMap $note, so that any later call can go on or go
# back. Its phase says how far everything has come:
#   proving     nothing has been changed
#   stopping    the StatefulSet is being scaled to zero; the data is untouched
#   restoring   restored data is made beside the old data, which is untouched
#   switching   the old data is being set aside, the restored data put into place
#   starting    the restored data is in place on every member
#   serving     every member serves; the old data is still aside
#   undoing     the old data is being put back
#   finishing   the old data is being removed: there is no way back any more
remember() { # phase
  phase=$1
  change "remember: $phase" patch configmap "$note" --type merge --patch "{\"data\":{\"phase\":\"$phase\"}}"
}

step() { say ""; say "== $*"; }

# Every failure of a step ends here: the way back, then the state of everything and what to run next.
give_up() {
  say ""
  say "FAILED: $*"
  case $phase in
    proving)
      resume_backups && forget_note
      finale 1 "Nothing has been changed. StatefulSet $statefulset was not stopped and its data was not touched." \
        "Put right what failed, then run the same command again."
      ;;
    starting)
      if [ "$some_serve" = true ]; then
        resume_backups || true
        finale 2 "The restored data is in place on every member, and at least one of them may serve it: clients may have" \
          "written, so nothing was taken back. The old data is kept aside on every volume." \
          "Find out why the others do not serve (kubectl -n $namespace logs, describe), then either" \
          "  $again            to wait for them again, or" \
          "  $again --undo     to go back to the old data (what was written since is lost)."
      fi
      ;;
  esac
  if go_back; then
    finale 1 "The old data is back in its place on every member, as it was; nothing of the restore is left on the volumes." \
      "StatefulSet $statefulset is scaled to $replicas_before again." \
      "Put right what failed, then run the same command again. The failed Jobs and their pods are kept for a day:" \
      "  kubectl -n $namespace get jobs -l restore-id=$id"
  fi
  finale 2 "Putting the old data back did not finish. No data has been deleted: on each volume it is either in" \
    "$data_dir or in $data_dir.before-restore-$id. StatefulSet $statefulset may be scaled to zero: leave it so." \
    "Put right what the messages above say, then run: $again --undo"
}

finale() { # status, lines
  local status=$1
  shift
  # To the script's own output: an interruption comes in the middle of a command whose output goes elsewhere.
  local line
  for line in "" "$@"; do say "$line" >&3; done
  trap - EXIT
  exit "$status"
}

interrupted() {
  [ "$phase" != finishing ] ||
    finale 130 "INTERRUPTED while the old data is removed: there is no way back any more. Jobs that run go on." \
      "To remove the rest: $again --finish"
  finale 130 "INTERRUPTED in phase '${phase:-none}'. Nothing was taken back; Jobs that run go on." \
    "Run the same command again to go on where it stopped, or: $again --undo"
}

# Steps

suspend_backups() {
  change "no backup may start now" patch cronjob "$cronjob" --type merge --patch '{"spec":{"suspend":true}}'
}

resume_backups() {
  [ "$was_suspended" = true ] ||
    change "backups may run again" patch cronjob "$cronjob" --type merge --patch '{"spec":{"suspend":false}}'
}

verify_first() {
  step "1. Verify the backup (nothing is changed by this)"
  run_jobs "$prefix-verify" || return
  if [ "$dry_run" = false ]; then
    local exit_status message found verified_path
    job_result "$prefix-verify"
    member_of_json "$message" path && fits text "$found" && verified_path=$found || verified_path=""
    # Older versions store nothing but the snapshot itself, and tell its size alone.
    member_of_json "$message" snapshotBytes || member_of_json "$message" bytes || found=""
    fits number "$found" && [ "$found" != 0 ] || found=""
    # For `latest` and `oldest` the name is what verify found.
    [[ $path =~ ^(latest|oldest)$ ]] && [ -n "$verified_path" ] && path=$verified_path
    if [ "$exit_status" != 0 ] || [ -z "$found" ] || [ "${verified_path##*/}" != "${path##*/}" ]; then
      say "etcd-backup verify did not say that it read $path: it ended with status ${exit_status:-unknown} and $(escaped "$message")"
      return 1
    fi
    path=$verified_path size=$found
    say "Whole: $path, $size bytes"
    change "pin the backup" patch configmap "$note" --type merge \
      --patch "{\"data\":{\"path\":$(json "$path"),\"size\":\"$size\"}}" || return
  fi
  step "2. Check that every volume has room and that the members' image knows the restore command"
  on_members check || return
}

stop_members() {
  step "3. Stop StatefulSet $statefulset"
  remember stopping || return
  scale 0 || return
  wait_until_stopped
}

restore_members() {
  step "4. Restore beside the old data, on every member"
  remember restoring || return
  on_members member
}

switch_members() {
  step "5. Set the old data aside and put the restored data into place"
  is_stopped || {
    say "StatefulSet $statefulset was scaled up by another program or person; its members run on their old data"
    return 1
  }
  remember switching || return
  on_members switch
}

start_members() {
  step "6. Start StatefulSet $statefulset and wait until every member serves"
  remember starting || return
  some_serve=true # from here on, unless it is known that none did
  scale "$replicas" || return
  if run_jobs "$prefix-members"; then
    [ "$dry_run" = true ] || show_log "$prefix-members"
    return 0
  fi
  local exit_status message
  job_result "$prefix-members"
  # The one status with which `etcd-backup members` says that none of them has served at any time.
  [ "$exit_status" != 2 ] || some_serve=false
  return 1
}

# Back to the old data, from any phase.
go_back() {
  step "Going back to the old data"
  local from=$phase
  if [ "$from" != proving ] && [ "$from" != stopping ]; then
    remember undoing || return
    local names
    job_names member switch
    stop_jobs "${names[@]}" "$prefix-members" || return
    scale 0 || return
    wait_until_stopped || return
    on_members put-back || return
  fi
  scale "$replicas_before" && resume_backups && forget_note
}

forget_note() { change "forget the note" delete configmap "$note" --ignore-not-found; }

finish() {
  step "Removing the data that was kept aside"
  if [ "$dry_run" = false ] && is_stopped; then
    say "StatefulSet $statefulset is stopped. Old data is removed only while the members run."
    return 1
  fi
  remember finishing && on_members discard && forget_note
}

# The whole

restore() {
  if [ -n "$phase" ]; then
    say "Going on with restore $id of $path, which stopped in phase '$phase'."
  else
    check_gitops
    choose_history
    show_plan
    confirm "This stops StatefulSet $statefulset and replaces its data."
    begin
  fi
  suspend_backups || give_up "suspending CronJob $cronjob"
  local resumed=$phase
  if comes_before "$resumed" switching; then
    verify_first || give_up "the verification (steps 1 and 2)"
    stop_members || give_up "stopping the members"
    restore_members || give_up "restoring on every member"
  fi
  if comes_before "$resumed" starting; then
    switch_members || give_up "switching every member to the restored data"
  fi
  start_members || give_up "the restored cluster does not serve on all members"
  if ! remember serving || ! resume_backups; then give_up "noting that it is done"; fi
  if [ "$discard_old" = true ]; then
    finish || finale 2 "RESTORED, every member serves. But the old data is still on the volumes: $again --finish"
    finale 0 "RESTORED from $path. Every member serves; the old data is removed."
  fi
  local suspended_note=""
  [ "$was_suspended" = false ] || suspended_note="Backups were suspended before, and still are: CronJob $cronjob."
  finale 0 "RESTORED from $path. Every member serves." \
    "The old data is kept on every volume as $data_dir.before-restore-$id. When all is well:" \
    "  $again --finish   removes it; until then" \
    "  $again --undo     goes back to it." \
    "Restart what watches this etcd (API servers, controllers): its revision went back, their caches did not." \
    ${suspended_note:+"$suspended_note"}
}

# A note made by another program or person since is never overwritten.
begin() {
  phase=proving
  if [ "$dry_run" = true ]; then
    apply "note what is under way" "$(note_manifest)"
    return
  fi
  local attempt there
  for attempt in 1 2 3; do
    if kube create --validate=false --filename - <<<"$(note_manifest)" >/dev/null; then return; fi
    there=$(kube get configmap "$note" --ignore-not-found --output 'jsonpath={.data.id}') || there=""
    [ "$there" != "$id" ] || return 0 # only the response was lost
    [ -z "$there" ] || break
    [ "$attempt" = 3 ] || pause 2
  done
  finale 1 "FAILED: cannot create ConfigMap $note. Nothing has been changed."
}

# comes_before PHASE PHASE
comes_before() {
  local order=" proving stopping restoring switching starting serving "
  [[ ${order%% "$2" *} == *" $1"* ]]
}

main() {
  exec 3>&1
  parse_options "$@"
  find_cluster
  recall_note
  trap interrupted INT TERM
  case $action in
    restore)
      [ "$phase" != undoing ] || refuse "restore $id is being undone" "$again --undo goes on with that"
      [ "$phase" != finishing ] || refuse "the old data from before restore $id is being removed" \
        "$again --finish goes on with that. Where it cannot, delete ConfigMap $note and run this again."
      restore
      ;;
    undo)
      [ -n "$phase" ] || refuse "ConfigMap $note is not there: no restore is under way and none can be undone"
      [ "$phase" != finishing ] || refuse "the old data from before restore $id is already being removed" \
        "There is no way back any more. $again --finish removes the rest."
      confirm "This stops StatefulSet $statefulset and puts back the data from before restore $id."
      go_back || finale 2 "UNDOING STOPPED. No old data has been deleted. Put right what the messages say, then run: $again --undo"
      finale 0 "UNDONE. The data from before restore $id is in place, StatefulSet $statefulset is scaled to $replicas_before."
      ;;
    finish)
      [[ $phase =~ ^(serving|finishing)$ ]] || refuse "no finished restore is noted (phase: ${phase:-none})"
      confirm "This removes the data from before restore $id from every volume. There is no way back then."
      finish || finale 2 "FINISHING STOPPED. The members were not touched. Run again: $again --finish"
      finale 0 "FINISHED. The old data is removed."
      ;;
  esac
}

main "$@"
