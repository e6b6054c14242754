#!/usr/bin/env bash
# The way to the cluster: reading, changing, and Jobs that are waited for.
#
# Part of restore.sh, whose variables it uses.
# shellcheck disable=SC2154

# kube ARGUMENTS: kubectl, and what it complains of in a form that is safe to show.
kube() {
  local complaint status=0
  { complaint=$(kubectl ${context:+--context "$context"} --namespace "$namespace" "$@" 2>&1 >&4 4>&-) || status=$?; } 4>&1
  [ -z "$complaint" ] || say "$complaint" >&2
  return "$status"
}

# ask ARGUMENTS: kubectl, reading only; a shaky connection gets three tries.
ask() {
  local answer attempt
  for attempt in 1 2 3; do
    if answer=$(kube "$@"); then
      [ -z "$answer" ] || printf '%s\n' "$answer"
      return
    fi
    [ "$attempt" = 3 ] || pause 2
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
    [ "$attempt" = 3 ] || pause 2
  done
  return 1
}

# apply WHY MANIFEST
apply() {
  local why=$1 manifest=$2 attempt
  if [ "$dry_run" = true ]; then
    say "\$ kubectl --namespace $namespace apply --filename -   # $why"$'\n'"$manifest"
    return
  fi
  for attempt in 1 2 3; do
    if kube apply --validate=false --filename - <<<"$manifest" >/dev/null; then return; fi
    [ "$attempt" = 3 ] || pause 2
  done
  return 1
}

# The StatefulSet

scale() {
  change "scale to $1" patch statefulset "$statefulset" --type merge --patch "{\"spec\":{\"replicas\":$1}}"
}

readonly stopped_template='{{define "one"}}{{.kind}}{{if eq .kind "StatefulSet"}} {{.spec.replicas}}{{end}}
{{end}}{{if .items}}{{range .items}}{{template "one" .}}{{end}}{{else}}{{template "one" .}}{{end}}'

# is_stopped: it is scaled to zero and no pod of a member is left, not even one that is ending.
is_stopped() {
  [ "$dry_run" = false ] || return 0
  local i members=() found
  for ((i = 0; i < replicas; i++)); do members+=("pod/$(member_name "$i")"); done
  found=$(ask get "statefulset/$statefulset" "${members[@]}" --ignore-not-found --output "go-template=$stopped_template") &&
    [ "$found" = "StatefulSet 0" ]
}

wait_until_stopped() {
  local deadline=$((SECONDS + timeout))
  until is_stopped; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "after $timeout s StatefulSet $statefulset still has a pod; is its node lost? kubectl --namespace $namespace get pods -o wide"
      return 1
    fi
    pause "$poll"
  done
}

# Jobs

# A list when several were asked for and found, else the one.
readonly jobs_template='{{define "job"}}{{.metadata.name}} {{with .metadata.labels}}{{index . "restore-id"}}{{end}}{{with .status}}{{range .conditions}}{{if eq .status "True"}} {{.type}}{{end}}{{end}}{{end}}
{{end}}{{if .items}}{{range .items}}{{template "job" .}}{{end}}{{else}}{{template "job" .}}{{end}}'

# job_states NAME...: in the array `states`: absent, foreign (of another restore), running, complete or failed.
job_states() {
  local answer name found label condition conditions
  answer=$(ask get jobs "$@" --ignore-not-found --output "go-template=$jobs_template") || return
  for name in "$@"; do
    states[$name]=absent
    while read -r found label conditions; do
      [ "$found" = "$name" ] || continue
      states[$name]=running
      for condition in ${conditions//[^A-Za-z ]/_}; do
        case $condition in
          Complete) states[$name]=complete ;;
          Failed) states[$name]=failed ;;
        esac
      done
      [ "$label" = "$id" ] || states[$name]=foreign
    done <<<"$answer"
  done
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

# stop_jobs NAME...: removes those that run. What failed stays, with its pods, for a look at the cause.
stop_jobs() {
  local name running=()
  local -A states=()
  if [ "$dry_run" = true ]; then return; fi
  job_states "$@" || return
  for name in "$@"; do
    [ "${states[$name]}" != running ] || running+=("$name")
  done
  [ ${#running[@]} = 0 ] || delete_jobs "${running[@]}"
}

# run_jobs NAME...: starts them together and waits for all. What an interrupted call left is gone on with.
run_jobs() {
  local name manifest manifests="" old=()
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
    manifest=$(job_manifest "$name") || return
    manifests+=$manifest$'\n---\n'
  done
  [ ${#old[@]} = 0 ] || delete_jobs "${old[@]}" || return
  [ -z "$manifests" ] || apply "start ${name%-[0-9]*}" "$manifests" || return
  [ "$dry_run" = true ] || wait_for_jobs "$@"
}

# The members have a time of their own to come up in. Both numbers passed the pattern of check_options.
seconds_for() { [ "$1" = "$prefix-members" ] && [ "$((wait + 60))" -gt "$timeout" ] && echo $((wait + 60)) || echo "$timeout"; }

wait_for_jobs() {
  local name deadline begun=$SECONDS known="" trouble open
  local -A states=() told=()
  deadline=$((SECONDS + $(seconds_for "$1")))
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
      [ "$trouble" = "$known" ] || [ -z "$trouble" ] || say "$trouble"
      known=$trouble
    fi
    pause "$poll"
  done
  for name in "$@"; do
    [ "${states[$name]}" = complete ] || explain "$name"
  done
  return 1
}

# shellcheck disable=SC2016 # the variables are the template's
readonly waiting_template='{{range .items}}{{$pod := .metadata.name}}{{range .status.conditions}}{{if and (eq .type "PodScheduled") (eq .status "False")}}  {{$pod}} waits for a node: {{.message}}
{{end}}{{end}}{{range .status.initContainerStatuses}}{{with .state.waiting}}{{if and .reason (ne .reason "PodInitializing") (ne .reason "ContainerCreating")}}  {{$pod}} waits: {{.reason}} {{.message}}
{{end}}{{end}}{{end}}{{range .status.containerStatuses}}{{with .state.waiting}}{{if and .reason (ne .reason "PodInitializing") (ne .reason "ContainerCreating")}}  {{$pod}} waits: {{.reason}} {{.message}}
{{end}}{{end}}{{end}}{{end}}'

# pod_trouble NAME...: why the pods of these Jobs do not run, and what was warned of; empty when all is well.
pod_trouble() {
  local name
  kube get pods --selector "job-name in ($(IFS=,; echo "$*"))" --output "go-template=$waiting_template" 2>/dev/null || true
  for name in "$@"; do warnings_of "$name"; done
}

# latest_pod JOB: in `pod`.
latest_pod() {
  pod=$(ask get pods --selector "job-name=$1" --sort-by .metadata.creationTimestamp --output name | tail -n 1)
  pod=${pod#pod/}
  fits name "$pod"
}

# job_result NAME: in `exit_status` and `message`, how the tool in its latest pod ended; `exit_status` is empty where it did
# not end by itself, or nothing is left of it.
job_result() {
  local pod answer ended=".status.containerStatuses[0].state.terminated"
  exit_status="" message=""
  latest_pod "$1" || return 0
  answer=$(ask get pod "$pod" --ignore-not-found --output "jsonpath={$ended.exitCode} {$ended.message}") || return 0
  fits number "${answer%% *}" || return 0
  # shellcheck disable=SC2034 # both belong to the caller
  exit_status=${answer%% *} message=${answer#* }
}

show_log() {
  local pod words
  latest_pod "$1" || return 0
  words=$(ask logs "$pod") || return 0
  say "$words"
}

readonly containers_template='{{range .status.initContainerStatuses}}{{template "one" .}}{{end}}{{range .status.containerStatuses}}{{template "one" .}}{{end}}'
readonly container_template='{{define "one"}}{{.name}} {{with .state.terminated}}ended {{.exitCode}} {{.reason}}{{end}}{{with .state.running}}runs{{end}}{{with .state.waiting}}waits {{.reason}} {{.message}}{{end}}
{{end}}'

# explain NAME: what a Job that did not succeed, its pods and their containers had to say, each asked by itself.
explain() {
  local condition pods pod name state rest words message
  say "  $1 did not succeed."
  condition=$(kube get job "$1" --output 'go-template={{with .status}}{{range .conditions}}{{if eq .type "Failed"}}{{.reason}}: {{.message}}{{end}}{{end}}{{end}}' 2>/dev/null) || condition=""
  [ -z "$condition" ] || indented "$condition"
  pods=$(kube get pods --selector "job-name=$1" --sort-by .metadata.creationTimestamp --output name 2>/dev/null) || pods=""
  for pod in $(tail -n 2 <<<"${pods//[^-a-z0-9.\/$'\n']/}"); do
    pod=${pod#pod/}
    words=$(kube get pod "$pod" --output 'go-template={{with .status.reason}}{{.}} {{end}}{{with .status.message}}{{.}}{{end}}' 2>/dev/null) || words=""
    [ -z "$words" ] || indented "Pod $pod: $words"
    words=$(kube get pod "$pod" --output "go-template=$container_template$containers_template" 2>/dev/null) || words=""
    while read -r name state rest; do
      case $state in
        waits)
          [ "$rest" = "PodInitializing <no value>" ] || indented "Container $name waits: ${rest/<no value>/}"
          continue
          ;;
        ended)
          [ "${rest%% *}" != 0 ] || continue
          indented "Container $name ended with status $rest:"
          ;;
        runs) indented "Container $name still runs:" ;;
        *) continue ;;
      esac
      fits name "$name" || continue
      words=$(kube logs "$pod" --container "$name" --tail 15 2>&1) || words="its log cannot be read: $words"
      message=$(kube get pod "$pod" --output "go-template={{range .status.initContainerStatuses}}{{if eq .name \"$name\"}}{{with .state.terminated}}{{.message}}{{end}}{{end}}{{end}}{{range .status.containerStatuses}}{{if eq .name \"$name\"}}{{with .state.terminated}}{{.message}}{{end}}{{end}}{{end}}" 2>/dev/null) || message=""
      [ "$message" != "<no value>" ] || message=""
      [ -z "$words" ] || indented "  ${words//$'\n'/$'\n'  }"
      [ -z "$message" ] || [[ $words == *"$message"* ]] || indented "  ${message//$'\n'/$'\n'  }"
      [ -n "$words$message" ] || indented "  it left no words"
    done <<<"$words"
  done
  [ -n "$pods" ] || indented "None of its pods is there any more."
  words=$(warnings_of "$1")
  [ -z "$words" ] || indented "${words//$'\n'  /$'\n'}"
}

indented() { say "    ${1//$'\n'/$'\n'    }"; }

# warnings_of JOB: the events of warning about it and its pods, since it was made, or why they cannot be read.
warnings_of() {
  local made kind name reason time words warned=""
  made=$(kube get job "$1" --ignore-not-found --output 'jsonpath={.metadata.creationTimestamp}' 2>/dev/null) || return 0
  fits time "$made" || return 0
  words=$(kube get events --field-selector type=Warning --output 'go-template={{range .items}}{{.involvedObject.kind}} {{.involvedObject.name}} {{.lastTimestamp}} {{.reason}} {{.message}}
{{end}}' 2>&1) || {
    printf '  %s\n' "$words"
    return 0
  }
  while read -r kind name time reason words; do
    case $kind/$name in "Job/$1" | "Pod/$1-"*) ;; *) continue ;; esac
    if fits time "$time" && [[ $time < $made ]]; then continue; fi
    [[ $warned == *"$reason $words"* ]] || warned+="${warned:+$'\n'}  $kind $name warns: $reason $words"
  done <<<"$words"
  [ -z "$warned" ] || printf '%s\n' "$warned"
}
