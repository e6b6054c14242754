#!/usr/bin/env bash
# What comes from the cluster or the command line is text until it has matched a pattern here. bash would run code that
# is hidden in a number, and YAML would take a name for a number.
#
# Part of restore.sh and control-plane.sh, whose variables it uses and sets.
# shellcheck disable=SC2034,SC2154

# Each pattern matches a whole value. No pattern admits a control character, so every value is one line.
readonly pattern_number='0|[1-9][0-9]{0,17}'
readonly pattern_bool='true|false'
readonly pattern_name='[a-z0-9]([-a-z0-9.]*[a-z0-9])?'
readonly pattern_kind='[A-Za-z][A-Za-z0-9]*'
readonly pattern_image='[A-Za-z0-9][-A-Za-z0-9._:/@]*'
readonly pattern_directory='/[-A-Za-z0-9._/]*'
readonly pattern_subpath='[-A-Za-z0-9._][-A-Za-z0-9._/]*'
readonly pattern_quantity='[0-9.]+([A-Za-z]{1,2}|e[0-9]{1,2})?'
readonly pattern_id='[0-9]{8}-[0-9]{6}'
readonly pattern_phase='proving|stopping|restoring|switching|starting|serving|undoing|finishing'
readonly pattern_time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z'
readonly pattern_text='[^[:cntrl:]]+'
readonly pattern_json='[^[:cntrl:]]+' # and see is_json
# What etcd's tool takes: a name of a member or a token, one URL, several, and members with theirs.
readonly pattern_word='[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?'
readonly pattern_url='https?://[]A-Za-z0-9.:[-]+'
readonly pattern_urls="$pattern_url(,$pattern_url)*"
readonly pattern_members="$pattern_word=$pattern_url(,$pattern_word=$pattern_url)*"
readonly pattern_tool='etcdctl|etcdutl'

# fits PATTERN VALUE
fits() {
  local pattern=pattern_$1
  [[ $2 =~ ^(${!pattern})$ ]] || return
  case $1 in
    json) is_json "$2" ;;
    directory | subpath) [[ /$2/ != */../* ]] ;;
  esac
}

say() {
  visible "$*"
  printf '%s\n' "$shown"
}

# pause SECONDS: bash forgets an interruption that comes while a command ends, unless it waits for one in the background.
pause() {
  sleep "$1" &
  wait $! || true
}

# escaped TEXT: as one word of ASCII, so that the terminal shows what a program would have read.
escaped() { printf '%q' "${1:0:200}"; }

# is_json TEXT: one whole JSON value, so that nothing can follow it in a manifest.
is_json() {
  local rest before=""
  rest=$(sed -E 's/"([^"\\]|\\.)*"/""/g' <<<"$1") || return
  [[ $rest != *[@#]* ]] || return # what stands for strings and other values below
  rest=$(sed -E 's/""/@/g; s/(true|false|null|-?[0-9][0-9.eE+-]*)/#/g; s/[[:blank:]]//g' <<<"$rest") || return
  while [ "$rest" != "$before" ]; do
    before=$rest
    rest=$(sed -E 's/\{(@:[@#](,@:[@#])*)?\}/#/g; s/\[([@#](,[@#])*)?\]/#/g' <<<"$rest") || return
  done
  [[ $rest == [@#] ]]
}

# json TEXT: as a JSON string, which is YAML as well.
json() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# read_facts KIND NAME: asks once for everything named in `wanted` (name, pattern, jsonpath, default; one to a line) and
# sets those variables; refuses what does not fit. Status 3: there is no such object.
read_facts() {
  local fact pattern expression default template="" answer answers names=() patterns=() expressions=() defaults=() i value
  while read -r fact pattern expression default; do
    [ -n "$fact" ] || continue
    names+=("$fact") patterns+=("$pattern") expressions+=("$expression") defaults+=("$default")
    template+="{$expression}{\"\\n\"}"
  done <<<"$wanted"
  answer=$(ask get "$1" "$2" --ignore-not-found --output "jsonpath=$template{\"end\"}") || return 1
  [ -n "$answer" ] || return 3
  mapfile -t answers <<<"$answer"
  if [ "${#answers[@]}" != $((${#names[@]} + 1)) ] || [ "${answers[${#names[@]}]}" != end ]; then
    refuse "a value in $1 $2 has several lines: $(escaped "$answer")"
  fi
  for ((i = 0; i < ${#names[@]}; i++)); do
    value=${answers[i]}
    if [ -z "$value" ]; then
      value=${defaults[i]}
    elif ! fits "${patterns[i]}" "$value"; then
      refuse "$1 $2 has an odd ${expressions[i]}: $(escaped "$value")" \
        "restore.sh takes no such value for a ${patterns[i]}. Correct it, or restore by hand."
    fi
    printf -v "${names[i]}" '%s' "$value"
  done
}

# member_of_json JSON NAME: in `found`, the text of that string or number; fails where there is none or it is escaped.
member_of_json() {
  found=""
  is_json "$1" || return
  # Within a string of JSON a quotation mark is escaped, so this can only be a name.
  if [[ $1 =~ [{,]\"$2\":\"(([^\"\\]|\\/)*)\" ]]; then
    found=${BASH_REMATCH[1]//\\\//\/}
  elif [[ $1 =~ [{,]\"$2\":([0-9]+)[,}] ]]; then
    found=${BASH_REMATCH[1]}
  fi
  [ -n "$found" ]
}

# visible TEXT: in `shown`, without what a terminal would act on.
visible() {
  shown=${1//[$'\001'-$'\010'$'\013'-$'\037'$'\177']/?}
  shown=${shown//$'\302'[$'\200'-$'\237']/?}
}
