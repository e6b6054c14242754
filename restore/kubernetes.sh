#!/usr/bin/env bash
# The way to the cluster: reading, changing, and Jobs that are waited for.
#
# Part of restore.sh, whose variables it uses.
# shellcheck disable=SC2154

say() { printf '%s\n' "$*"; }

kube() { kubectl ${context:+--context "$context"} --namespace "$namespace" "$@"; }

# ask ARGUMENTS: kubectl, reading only; a shaky connection gets three tries.
ask() {
  local answer attempt
  for attempt in 1 2 3; do
    if answer=$(kube "$@"); then
      [ -z "$answer" ] || printf '%s\n' "$answer"
      return
    fi
    [ "$attempt" = 3 ] || sleep 2
  done
  return 1
}

# change WHY ARGUMENTS: kubectl, for what may be done twice; printed instead in a dry run.
change() {
  local why=$1 attempt
  shift
  if [ "$dry_run" = true ]; then
    printf '$ kubectl --namespace %s' "$namespace"
    printf ' %q' "$@"
    printf '   # %s\n' "$why"
    return
  fi
  for attempt in 1 2 3; do
    if kube "$@" >/dev/null; then return; fi
    [ "$attempt" = 3 ] || sleep 2
  done
  return 1
}

# apply WHY FUNCTION ARGUMENTS: the manifest that the function prints.
apply() {
  local why=$1 manifest
  shift
  manifest=$("$@")
  if [ "$dry_run" = true ]; then
    printf '$ kubectl --namespace %s apply --filename -   # %s\n%s\n---\n' "$namespace" "$why" "$manifest"
    return
  fi
  local attempt
  for attempt in 1 2 3; do
    if kube apply --validate=false --filename - <<<"$manifest" >/dev/null; then return; fi
    [ "$attempt" = 3 ] || sleep 2
  done
  return 1
}

# The StatefulSet

scale() {
  change "scale to $1" patch statefulset "$statefulset" --type merge --patch "{\"spec\":{\"replicas\":$1}}"
}

# is_stopped: it is scaled to zero and no pod of a member is left, not even one that is ending.
is_stopped() {
  [ "$dry_run" = false ] || return 0
  local wanted i pod
  wanted=$(ask get statefulset "$statefulset" --output 'jsonpath={.spec.replicas}') && [ "$wanted" = 0 ] || return
  for ((i = 0; i < replicas; i++)); do
    pod=$(ask get pod "$(member_name "$i")" --ignore-not-found --output name) && [ -z "$pod" ] || return
  done
}

wait_until_stopped() {
  local deadline=$((SECONDS + timeout))
  until is_stopped; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "after $timeout s StatefulSet $statefulset still has a pod; is its node lost? kubectl --namespace $namespace get pods -o wide"
      return 1
    fi
    sleep "$poll"
  done
}

# Jobs

# job_state NAME: absent, foreign (of another restore), running, complete or failed.
job_state() {
  local found
  found=$(ask get job "$1" --ignore-not-found \
    --output 'jsonpath={.metadata.labels.restore-id} {.status.conditions[?(@.status=="True")].type}') || return
  case $found in
    "") echo absent ;;
    "$id "*Complete*) echo complete ;;
    "$id "*Failed*) echo failed ;;
    "$id "*) echo running ;;
    *) echo foreign ;;
  esac
}

delete_jobs() {
  change "remove Jobs, and wait until their pods are gone" delete job "$@" --ignore-not-found \
    --cascade=foreground --timeout "${timeout}s"
}

# run_jobs NAME...: starts them together and waits for all. What an interrupted call left is gone on with.
run_jobs() {
  local name state
  for name in "$@"; do
    state=$(job_state "$name") || return
    case $state in
      complete | running)
        say "Job $name is there already: $state"
        continue
        ;;
      foreign | failed) delete_jobs "$name" || return ;;
    esac
    apply "start it" job_manifest "$name" || return
  done
  [ "$dry_run" = true ] || wait_for_jobs "$@"
}

wait_for_jobs() {
  local name state open trouble known="" deadline=$((SECONDS + timeout + 60)) failed=""
  local -A seen=()
  while true; do
    open=0
    for name in "$@"; do
      [ "${seen[$name]:-}" != complete ] || continue
      state=$(job_state "$name") || return
      case $state in
        complete) say "  $name: complete ($SECONDS s)" ;;
        running) open=1 ;;
        *) failed=$name ;;
      esac
      seen[$name]=$state
    done
    [ -z "$failed" ] || break
    [ "$open" = 1 ] || return 0
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "  not complete after $timeout s"
      break
    fi
    trouble=$(pod_trouble "$@")
    [ "$trouble" = "$known" ] || [ -z "$trouble" ] || say "$trouble"
    known=$trouble
    sleep "$poll"
  done
  for name in "$@"; do
    [ "${seen[$name]}" = complete ] || explain "$name"
  done
  return 1
}

# shellcheck disable=SC2016 # the variables are the template's
readonly waiting_template='{{range .items}}{{$pod := .metadata.name}}{{range .status.conditions}}{{if and (eq .type "PodScheduled") (eq .status "False")}}  {{$pod}} waits for a node: {{.message}}
{{end}}{{end}}{{range .status.initContainerStatuses}}{{with .state.waiting}}{{if and .reason (ne .reason "PodInitializing")}}  {{$pod}} waits: {{.reason}} {{.message}}
{{end}}{{end}}{{end}}{{range .status.containerStatuses}}{{with .state.waiting}}{{if and .reason (ne .reason "PodInitializing")}}  {{$pod}} waits: {{.reason}} {{.message}}
{{end}}{{end}}{{end}}{{end}}'

# pod_trouble NAME...: why the pods of these Jobs do not run; empty when they do.
pod_trouble() {
  kube get pods --selector "job-name in ($(IFS=,; echo "$*"))" --output "go-template=$waiting_template" 2>/dev/null |
    grep --invert-match ContainerCreating || true
}

latest_pod() {
  ask get pods --selector "job-name=$1" --sort-by .metadata.creationTimestamp --output name | tail -n 1
}

job_log() {
  local pod
  pod=$(latest_pod "$1") && [ -n "$pod" ] || return
  ask logs "$pod" --all-containers
}

# explain NAME: what the last pod of a failed Job had to say.
explain() {
  local pod
  say "  $1 did not succeed. Its last words:"
  pod=$(latest_pod "$1") || pod=""
  if [ -z "$pod" ]; then
    say "    it has no pod: kubectl --namespace $namespace describe job $1"
    return
  fi
  kube logs "$pod" --all-containers --prefix --tail 15 2>&1 | grep --invert-match 'waiting to start' | sed 's/^/    /' || true
}
