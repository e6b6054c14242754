#!/usr/bin/env bash
# What to do when the cluster is not as it was: the API does not answer, objects are gone, another program owns them.
#
# Part of restore.sh, whose variables it uses and sets.
# shellcheck disable=SC2154

# An API that does not answer is told as that, not as an object that is missing.
reach_cluster() {
  local words attempt
  for attempt in 1 2; do
    words=$(kubectl ${context:+--context "$context"} --request-timeout 20s get --raw /version 2>&1 >/dev/null) && return
    [ "$attempt" = 2 ] || pause 2
  done
  refuse "the API server of kubectl's context ${context:-$(kubectl config current-context 2>/dev/null || echo '(none)')} does not answer" \
    "kubectl says: ${words##*$'\n'}" "Check the network and the context, then run this again. See --context."
}

# The StatefulSet is gone: says what else is, and how to bring it back; with --manifest it does that.
bring_back() {
  local answer
  if answer=$(kube get namespace "$namespace" --ignore-not-found --output name 2>/dev/null) && [ -z "$answer" ]; then
    refuse "namespace $namespace is gone, and the StatefulSet with it" "Bring back, in this order:" \
      "  1. the namespace:  kubectl create namespace $namespace" \
      "  2. the Secrets of the members and of the storage account, and the members' Service" \
      "  3. the chart of etcd-backup, with backupApp.suspend: true" \
      "  4. the members, restored:  $again --manifest FILE --from latest" \
      "     FILE is the manifest of the StatefulSet. The ConfigMap with the record is gone as well, hence --from."
  fi
  find_cronjob
  [ -n "$manifest" ] || refuse "StatefulSet $statefulset in namespace $namespace is not there" \
    "If it has another name or place, see --statefulset, --namespace and --context. If it is gone:" \
    "  $again --manifest FILE" \
    "FILE is its manifest. restore.sh creates it; its members start empty, and are restored then."
  [ "$was_suspended" = true ] || refuse "CronJob $cronjob is not suspended, so a run might back up the empty members" \
    "Suspend it: kubectl -n $namespace patch cronjob $cronjob --type merge -p '{\"spec\":{\"suspend\":true}}'"
  answer=$(kube create --dry-run=client --validate=false --filename "$manifest" --output name) ||
    refuse "the manifest $manifest cannot be read"
  grep --quiet --fixed-strings --line-regexp "statefulset.apps/$statefulset" <<<"$answer" ||
    refuse "there is no StatefulSet $statefulset in $manifest" "See --statefulset."
  create_members
}

create_members() {
  step "0. Create StatefulSet $statefulset from $manifest, with empty members"
  change "create what is gone" apply --validate=false --filename "$manifest" || finale 1 \
    "FAILED: $manifest was not applied. Put right what kubectl says, then run the same command again."
  [ "$dry_run" = false ] || finale 0 "This was a dry run: nothing has been changed. The other steps can only be shown once there are members."
  local deadline=$((SECONDS + timeout)) bound count
  count=${replicas:-3}
  until bound=$(bound_claims) && [ "$bound" -ge "$count" ]; do
    [ "$SECONDS" -lt "$deadline" ] || finale 1 \
      "FAILED: StatefulSet $statefulset is created, but after $timeout s only ${bound:-0} of its $count volumes are there." \
      "Find out why: kubectl -n $namespace describe pods,persistentvolumeclaims. Then run the same command again."
    pause "$poll"
  done
}

bound_claims() {
  local i claims=() found
  for ((i = 0; i < ${replicas:-3}; i++)); do claims+=("$volume_claim-$(member_name "$i")"); done
  found=$(ask get persistentvolumeclaim "${claims[@]}" --ignore-not-found --output 'go-template={{define "claim"}}{{.status.phase}}
{{end}}{{if .items}}{{range .items}}{{template "claim" .}}{{end}}{{else}}{{template "claim" .}}{{end}}') || return
  grep --count --line-regexp Bound <<<"$found" || true
}

# shellcheck disable=SC2034 # find_statefulset reads it with its own
readonly gitops_facts='
    argo_id         text  .metadata.annotations.argocd\.argoproj\.io/tracking-id
    argo_name       text  .metadata.labels.argocd\.argoproj\.io/instance
    flux_name       name  .metadata.labels.kustomize\.toolkit\.fluxcd\.io/name
    flux_namespace  name  .metadata.labels.kustomize\.toolkit\.fluxcd\.io/namespace
    helm_name       name  .metadata.labels.helm\.toolkit\.fluxcd\.io/name
    helm_namespace  name  .metadata.labels.helm\.toolkit\.fluxcd\.io/namespace'

# A controller that owns the StatefulSet would scale it up again while its data is replaced.
check_gitops() {
  local owner="" pause=""
  if [ -n "$argo_id$argo_name" ]; then
    owner=${argo_id%%:*}
    owner=$(escaped "${owner:-$argo_name}")
    pause="argocd app set $owner --sync-policy none"
    owner="the application $owner of Argo CD"
  elif [ -n "$helm_name" ]; then
    owner="the HelmRelease $helm_name of Flux"
    pause="flux suspend helmrelease $helm_name --namespace ${helm_namespace:-flux-system}"
  elif [ -n "$flux_name" ]; then
    owner="the Kustomization $flux_name of Flux"
    pause="flux suspend kustomization $flux_name --namespace ${flux_namespace:-flux-system}"
  fi
  if [ -z "$owner" ] || [ "$gitops_paused" = true ]; then return; fi
  if [ "$dry_run" = true ]; then
    say "Before the restore, pause $owner, which owns the StatefulSet: $pause"
    return
  fi
  refuse "$owner owns the StatefulSet and would scale it up while it is restored" \
    "Pause it, and what owns it in turn:" "  $pause" "Then run:" "  $again --gitops-paused"
}
