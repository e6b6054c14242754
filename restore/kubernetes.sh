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

# apply WHY MANIFEST
apply() {
  local why=$1 manifest=$2 attempt
  if [ "$dry_run" = true ]; then
    printf '$ kubectl --namespace %s apply --filename -   # %s\n%s\n' "$namespace" "$why" "$manifest"
    return
  fi
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
  local wanted i members=() pods
  wanted=$(ask get statefulset "$statefulset" --output 'jsonpath={.spec.replicas}') && [ "$wanted" = 0 ] || return
  for ((i = 0; i < replicas; i++)); do members+=("$(member_name "$i")"); done
  pods=$(ask get pods "${members[@]}" --ignore-not-found --output name) && [ -z "$pods" ]
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

# A list when several were asked for and found, else the one.
readonly jobs_template='{{define "job"}}{{.metadata.name}} {{with .metadata.labels}}{{index . "restore-id"}}{{end}}{{with .status}}{{range .conditions}}{{if eq .status "True"}} {{.type}}{{end}}{{end}}{{end}}
{{end}}{{if .items}}{{range .items}}{{template "job" .}}{{end}}{{else}}{{template "job" .}}{{end}}'

# job_states NAME...: in the array `states`: absent, foreign (of another restore), running, complete or failed.
job_states() {
  local found name rest
  found=$(ask get jobs "$@" --ignore-not-found --output "go-template=$jobs_template") || return
  for name in "$@"; do states[$name]=absent; done
  while read -r name rest; do
    case "$rest " in
      " ") ;;
      "$id "*Complete*) states[$name]=complete ;;
      "$id "*Failed*) states[$name]=failed ;;
      "$id "*) states[$name]=running ;;
      *) states[$name]=foreign ;;
    esac
  done <<<"$found"
}

# on_members KIND: a Job of that kind for each member.
on_members() {
  local names
  job_names "$1"
  run_jobs "${names[@]}"
}

# job_names KIND...: the names of these kinds of Jobs for all members, in the array `names`.
job_names() {
  local kind i
  names=()
  for kind in "$@"; do
    for ((i = 0; i < replicas; i++)); do names+=("$prefix-$kind-$i"); done
  done
}

delete_jobs() {
  change "remove Jobs, and wait until their pods are gone" delete job "$@" --ignore-not-found \
    --cascade=foreground --timeout "${timeout}s"
}

# run_jobs NAME...: starts them together and waits for all. What an interrupted call left is gone on with.
run_jobs() {
  local name manifests="" old=()
  local -A states=()
  job_states "$@" || return
  for name in "$@"; do
    case ${states[$name]} in
      complete | running)
        say "  $name is there already: ${states[$name]}"
        continue
        ;;
      foreign | failed) old+=("$name") ;;
    esac
    manifests+="$(job_manifest "$name")"$'\n---\n'
  done
  [ ${#old[@]} = 0 ] || delete_jobs "${old[@]}" || return
  [ -z "$manifests" ] || apply "start ${name%-[0-9]*}" "$manifests" || return
  [ "$dry_run" = true ] || wait_for_jobs "$@"
}

wait_for_jobs() {
  local name deadline=$((SECONDS + timeout + 60)) begun=$SECONDS known="" trouble open
  local -A states=() told=()
  while true; do
    job_states "$@" || return
    open=""
    for name in "$@"; do
      case ${states[$name]} in
        complete) [ -n "${told[$name]:-}" ] || say "  $name: complete after $((SECONDS - begun)) s" ;;
        running) open=yes ;;
        *) break 2 ;;
      esac
      told[$name]=${states[$name]/running/}
    done
    [ -n "$open" ] || return 0
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "  not complete after $((SECONDS - begun)) s"
      break
    fi
    if [ $((SECONDS - begun)) -ge 10 ]; then
      trouble=$(pod_trouble "$@")
      [ "$trouble" = "$known" ] || say "$trouble"
      known=$trouble
    fi
    sleep "$poll"
  done
  for name in "$@"; do
    [ "${states[$name]}" = complete ] || explain "$name"
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

# explain NAME: what the pods of a failed Job had to say.
explain() {
  local words
  words=$(kube logs --selector "job-name=$1" --all-containers --prefix --tail 15 2>&1 | grep --invert-match 'waiting to start') || true
  say "  $1 did not succeed. Its last words:"
  words=${words:-none; see kubectl --namespace $namespace describe job $1}
  say "    ${words//$'\n'/$'\n'    }"
}
