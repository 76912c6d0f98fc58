#!/usr/bin/env bash
# Removes what install.sh, `kubectl apply -k deploy/` or both made. Data in directories of nodes stay, unless --delete-data.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set +o posix
set -euo pipefail
program=uninstall
usage() {
  cat <<'TEXT'
usage: scripts/uninstall.sh [--config FILE] [--delete-data] [--yes] [--help]
  --config FILE   the values that install.sh had (default: config.ini beside this script)
  --delete-data   also what is in the nodes' directories: of InfluxDB, of Grafana, and /var/lib/kubebpfbox of the agents
  --yes           asks nothing
environment: KUBECONFIG; KUBECTL, another command for kubectl, as "k3s kubectl"
exit code: 0 fine, 1 failed, 2 wrong usage or values
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=$here/config.ini delete_data=false yes=false
label=app.kubernetes.io/part-of=kubebpfbox
agent_directory=/var/lib/kubebpfbox
# shellcheck source=scripts/install/common.sh
. "$here/install/common.sh"
# shellcheck source=scripts/install/config.sh
. "$here/install/config.sh"
# shellcheck source=scripts/install/secrets.sh
. "$here/install/secrets.sh"
while (($#)); do
  case $1 in
    --config) (($# > 1)) || fail "--config: a file is expected" 2; config=$2; shift ;;
    --delete-data) delete_data=true ;;
    --yes) yes=true ;;
    -h | --help) usage; exit ;;
    *) fail "$1: no such option; see --help" 2 ;;
  esac
  shift
done

main() {
  config_read "$config"
  namespace=$(value global.NAMESPACE)
  need_kubectl
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  need_cluster
  local volumes ours=false
  volumes=$(kubectl get pv -l $label -o 'jsonpath={range .items[*]}{.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]}{" "}{.spec.local.path}{"\n"}{end}')
  if exists namespace "$namespace"; then
    [[ $(kubectl get namespace "$namespace" -o 'jsonpath={.metadata.labels.app\.kubernetes\.io/part-of}') != kubebpfbox ]] || ours=true
  elif [[ -z $volumes ]] && ! exists clusterrole kubebpfbox; then
    say "nothing of kubebpfbox is in this cluster"
    return
  fi
  ask "$volumes" $ours
  if [[ $delete_data == false ]]; then save_secrets; fi
  delete_pods
  if [[ $delete_data == true ]]; then empty_directories "$volumes"; fi
  delete_objects $ours
  if [[ $delete_data == false ]]; then
    say "data that stay: $agent_directory on each node${volumes:+, }$(tr ' ' ':' <<<"$volumes" | paste -sd, - | sed 's/,/, /g')"
  fi
}

ask() {
  [[ $yes == false ]] || return 0
  say "This removes kubebpfbox from $(kubectl config current-context 2>/dev/null || echo 'this cluster'):"
  if [[ $2 == true ]]; then say "  the namespace $namespace with all that is in it"; else say "  what is labelled $label in the namespace $namespace, which was there before"; fi
  say "  cluster role and binding, priority class and volumes of kubebpfbox"
  [[ $delete_data == false ]] || say "  ALL DATA in $agent_directory on every node${1:+, in $(tr ' ' ':' <<<"$1" | paste -sd, -)}"
  [[ -t 0 ]] || fail "nobody is there to ask; give --yes" 2
  local answer
  read -r -p "Type yes to go on: " answer
  [[ $answer == yes ]] || fail "nothing was changed"
}

# The data of InfluxDB and Grafana open with these only; the next install.sh takes them from there.
save_secrets() {
  local name found="" file
  file=$(saved_secrets)
  for name in kubebpfbox-influxdb kubebpfbox-influxdb-admin kubebpfbox-grafana; do
    ! exists -n "$namespace" secret $name || found+=" $name"
  done
  [[ $found == *-admin* || $found == *-grafana* ]] || return 0
  # shellcheck disable=SC2016,SC2086 # a template of kubectl's; a list of names
  (umask 077 && kubectl -n "$namespace" get secret $found \
    -o 'go-template={{range .items}}---{{"\n"}}apiVersion: v1{{"\n"}}kind: Secret{{"\n"}}metadata: {name: {{.metadata.name}}, namespace: {{.metadata.namespace}}, labels: {app.kubernetes.io/name: {{.metadata.name}}, app.kubernetes.io/part-of: kubebpfbox}}{{"\n"}}type: Opaque{{"\n"}}data:{{"\n"}}{{range $key, $value := .data}}  {{$key}}: {{$value}}{{"\n"}}{{end}}{{end}}' >"$file")
  say "passwords and token of the data that stay are kept in $file, where install.sh finds them"
}

# First what writes, so that nothing is written to directories that are emptied.
delete_pods() {
  exists namespace "$namespace" || return 0
  kubectl -n "$namespace" delete daemonset,statefulset,deployment,ingress -l $label
  kubectl -n "$namespace" delete pod -l $label
}

# empty_directories VOLUMES: one pod a directory.
empty_directories() {
  local node path
  exists namespace "$namespace" || fail "the namespace $namespace is not there, in which pods could empty directories; remove the data by hand"
  while read -r node path; do
    [[ -z $path ]] || empty_directory "$node" "$path"
  done <<<"$1"
  for node in $(kubectl get nodes -l kubernetes.io/os=linux -o 'jsonpath={.items[*].metadata.name}'); do
    empty_directory "$node" $agent_directory
  done
  rm -f "$(saved_secrets)"
}

empty_directory() {
  say "emptying $2 on $1"
  on_node "$1" "$2" "cd /data && rm -rf -- * .[!.]* ..?*"
}

delete_objects() {
  if [[ $1 == true ]]; then
    kubectl delete namespace "$namespace" --ignore-not-found
  elif exists namespace "$namespace"; then
    kubectl -n "$namespace" delete service,configmap,secret,serviceaccount,persistentvolumeclaim -l $label
    ! kubectl get --raw /apis/monitoring.coreos.com/v1 >/dev/null 2>&1 || kubectl -n "$namespace" delete podmonitor,servicemonitor -l $label
  fi
  kubectl delete clusterrolebinding,clusterrole,priorityclass,persistentvolume -l $label
}

main
