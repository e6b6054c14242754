#!/usr/bin/env bash
# Runs containers on a node whose Kubernetes is stopped: etcd's own tool out of etcd's own image.
#
# crictl, which every node has, runs a container only in a pod sandbox, with a network and two files of JSON, and does not
# hand on its exit status. So it is what each runtime has of its own: ctr comes with containerd, podman shares CRI-O's images.
#
# Part of control-plane.sh, whose variables it uses and sets.
# shellcheck disable=SC2034,SC2154

# One name for all, so that what an interrupted call left running is found, and two never run side by side.
readonly container_name=etcd-backup-restore

find_runtime() {
  [ -z "$runtime" ] || return 0
  if [ -S /run/containerd/containerd.sock ] && [ ! -S /run/cri-dockerd.sock ]; then
    runtime=ctr
  elif [ -S /run/crio/crio.sock ]; then
    runtime=podman
  elif [ -S /run/cri-dockerd.sock ]; then
    runtime=docker
  else
    refuse "no container runtime of Kubernetes has its socket in its usual place" "Say --runtime ctr, nerdctl, podman or docker."
  fi
  command -v "$runtime" >/dev/null || refuse "$runtime is not installed" "Install it, or say --runtime."
}

# in_image IMAGE COMMAND...: runs it as root with the data directory, the certificates and the file where they are here.
in_image() {
  local image=$1 place mode
  shift
  local options=()
  for place in "$data_dir:rw" "$certificates:ro" ${file:+"$file:ro"}; do
    mode=${place##*:} place=${place%:*}
    [ -e "$place" ] || continue
    case $runtime in
      ctr) options+=(--mount "type=bind,src=$place,dst=$place,options=rbind:$mode") ;;
      *) options+=(--volume "$place:$place:$mode") ;;
    esac
  done
  case $runtime in
    ctr) ctr --namespace k8s.io run --rm --net-host --env ETCDCTL_API=3 "${options[@]}" "$image" "$container_name" "$@" ;;
    *)
      local command=("$runtime") extra=()
      [ "$runtime" != nerdctl ] || command+=(--namespace k8s.io)
      [ "$runtime" != podman ] || extra+=(--security-opt label=disable)
      "${command[@]}" run --rm --pull never --network host --user 0 --entrypoint "$1" --env ETCDCTL_API=3 \
        --name "$container_name" "${extra[@]}" "${options[@]}" "$image" "${@:2}"
      ;;
  esac 9>&-
}

# remove_container: kills what an interrupted call may have left running; only then may its files be touched.
remove_container() {
  [ "$dry_run" = false ] || return 0
  case $runtime in
    ctr)
      ctr --namespace k8s.io tasks kill --signal SIGKILL "$container_name" || true
      ctr --namespace k8s.io tasks delete --force "$container_name" || true
      ctr --namespace k8s.io containers delete "$container_name" || true
      ;;
    nerdctl) nerdctl --namespace k8s.io rm --force "$container_name" || true ;;
    *) "$runtime" rm --force "$container_name" || true ;;
  esac >/dev/null 2>&1 9>&-
}

# etcd_backup ARGUMENTS: the program, or its image; what changes something is only shown in a dry run.
etcd_backup() {
  if [ "$dry_run" = true ] && [ "$1" = volume ] && [ "$2" != check ]; then
    shown_command etcd-backup "$@"
    return
  fi
  if [ -z "$image" ]; then
    "$program" "$@" 9>&-
  elif [ "$runtime" = ctr ]; then
    in_mounted_image "$@"
  else
    in_image "$image" etcd-backup "$@"
  fi
}

# in_mounted_image ARGUMENTS: etcd-backup as root, which ctr before 2.0 cannot do where the image names another user.
in_mounted_image() {
  local root=/run/etcd-backup-restore status=0
  ctr --namespace k8s.io images unmount --rm "$root" >/dev/null 2>&1 || true # of an interrupted call
  mkdir -p "$root"
  ctr --namespace k8s.io images mount --rw "$image" "$root" >/dev/null || return
  # shellcheck disable=SC2016 # the variables are the inner shell's
  unshare --mount bash -euc '
    root=$1 places=$2
    shift 2
    for place in /proc $places; do
      [ -e "$place" ] || continue
      if [ -d "$place" ]; then mkdir -p "$root$place"; else mkdir -p "$root${place%/*}" && : >"$root$place"; fi
      mount --bind "$place" "$root$place"
    done
    exec chroot "$root" /usr/local/bin/etcd-backup "$@"' chroot "$root" "$data_dir $file" "$@" 9>&- || status=$?
  if ctr --namespace k8s.io images unmount --rm "$root" >/dev/null; then rmdir "$root" || true; fi
  return "$status"
}

in_etcd_image() {
  if [ "$dry_run" = true ]; then shown_command "$@"; else in_image "$etcd_image" "$@"; fi
}

# change COMMAND...: on this node; shown instead in a dry run.
change() {
  if [ "$dry_run" = true ]; then shown_command "$@"; else "$@"; fi
}

shown_command() {
  local line
  printf -v line ' %q' "$@"
  say "\$$line"
}

# find_tool: how this etcd restores, and whether it can raise the revision. The exit status says so, never the text.
find_tool() {
  local wanted=$bump_revision
  tool=""
  for tool in etcdutl etcdctl; do
    if in_image "$etcd_image" "$tool" snapshot restore --help >/dev/null 2>&1; then break; fi
    tool=""
  done
  if [ -z "$tool" ]; then
    in_image "$etcd_image" etcdctl snapshot restore --help >/dev/null || true # for its words
    say "Neither etcdutl nor etcdctl of $etcd_image ran with $runtime. Is the image on this node? Otherwise pull it, or say --runtime."
    return 1
  fi
  if [ "$bump_revision" != 0 ] &&
    ! in_image "$etcd_image" "$tool" snapshot restore --bump-revision 1 --mark-compacted --help >/dev/null 2>&1; then
    bump_revision=0
    [ -z "$wanted" ] || {
      say "$tool of $etcd_image does not know --bump-revision: say --bump-revision 0."
      return 1
    }
    say "This etcd cannot raise the revision: restart everything that watches it."
  fi
  bump_revision=${bump_revision:-1000000000}
  say "$tool of $etcd_image knows the restore command"
}

# serves: whether etcd on this node answers a read that more than half of the members have to agree to.
serves() {
  in_image "$etcd_image" etcdctl --endpoints "$client_url" --cacert "$ca_file" --cert "$cert_file" --key "$key_file" \
    endpoint health >/dev/null 2>&1
}
