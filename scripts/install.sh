#!/usr/bin/env bash
# Installs kubebpfbox, and as scripts/config.ini says also InfluxDB and Grafana, into the cluster that kubectl talks to. A second run changes nothing,
# or only what changed in config.ini.
# `sh install.sh` is how it was called before; it goes on as bash.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set +o posix
set -euo pipefail
program=install
usage() {
  cat <<'TEXT'
usage: scripts/install.sh [--config FILE] [--dry-run] [--help]
  --config FILE   the values (default: config.ini beside this script); docs/install.md has every key
  --dry-run       prints the objects and changes nothing; needs no cluster
environment: KUBECONFIG; KUBECTL, another command for kubectl, as "k3s kubectl"; INFLUX_TOKEN, INFLUX_PASSWORD instead of those in FILE
exit code: 0 fine, 1 failed, 2 wrong usage or values
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=$here/config.ini dry_run=false
# shellcheck source=scripts/install/common.sh
. "$here/install/common.sh"
# shellcheck source=scripts/install/config.sh
. "$here/install/config.sh"
# shellcheck source=scripts/install/render.sh
. "$here/install/render.sh"
# shellcheck source=scripts/install/secrets.sh
. "$here/install/secrets.sh"
# shellcheck source=scripts/install/wait.sh
. "$here/install/wait.sh"
while (($#)); do
  case $1 in
    --config) (($# > 1)) || fail "--config: a file is expected" 2; config=$2; shift ;;
    --dry-run) dry_run=true ;;
    -h | --help) usage; exit ;;
    *) fail "$1: no such option; see --help" 2 ;;
  esac
  shift
done

main() {
  config_read "$config"
  cd "$here/.."
  namespace=$(value global.NAMESPACE) secret_version="" new_password=false foreign_namespace=false ingress_version=v1 with_cluster=false
  need_kubectl
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  if [[ $dry_run == false ]]; then need_cluster; fi
  if has_cluster; then look_around; fi
  if [[ $dry_run == true ]]; then print_all; return; fi

  if [[ $foreign_namespace == false ]]; then
    render_all
    only_namespace "$work/objects.yaml" | kubectl apply -f -
  fi
  make_directories
  apply_secrets
  render_all
  kubectl apply -f "$work/objects.yaml"
  say "waiting until all is ready, $(value global.TIMEOUT) s at most for each part"
  [[ $(value influxdb.INSTALL) != true ]] || wait_for statefulset kubebpfbox-influxdb
  wait_for daemonset kubebpfbox
  [[ $(value grafana.INSTALL) != true ]] || wait_for deployment kubebpfbox-grafana
  report
}

# What the cluster is like, and whether it fits the values.
look_around() {
  with_cluster=true
  if exists namespace "$namespace" && [[ $(kubectl get namespace "$namespace" -o 'jsonpath={.metadata.labels.app\.kubernetes\.io/part-of}') != kubebpfbox ]]; then
    foreign_namespace=true
    say "the namespace $namespace was there before and is used as it is; pods that use paths of the node have to be allowed in it"
  fi
  kubectl get --raw /apis/networking.k8s.io/v1 2>/dev/null | grep -q '"ingresses"' || ingress_version=v1beta1
  if [[ $(value global.MONITOR) != none ]]; then
    kubectl get --raw /apis/monitoring.coreos.com/v1 >/dev/null 2>&1 ||
      config_fail global.MONITOR "MONITOR=$(value global.MONITOR) needs the Prometheus operator, which this cluster does not have"
  fi
  read_secret_version
  look_at_volume influxdb INFLUXDB
  look_at_volume grafana GRAFANA
}

# look_at_volume influxdb INFLUXDB: the node has to be there, and data do not move by themselves.
look_at_volume() {
  local is
  [[ $(value "$1.INSTALL") == true && -z $(value "$1.$2_STORAGE_CLASS") ]] || return 0
  need_node "$1.$2_HOST" "$(value "$1.$2_HOST")"
  is=$(volume_place "$1")
  [[ -z $is || $is == "$(hostname_of "$(value "$1.$2_HOST")"):$(value "$1.$2_PV_PATH")" ]] ||
    config_fail "$1.$2_PV_PATH" "the data are in $is now; give that node and directory, or uninstall, move them, and install again"
}

# Where a volume is, as node:directory; nothing when there is none.
volume_place() {
  kubectl get pv "kubebpfbox-$1" -o 'jsonpath={.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]}:{.spec.local.path}' 2>/dev/null || true
}

print_all() {
  render_all
  cat "$work/objects.yaml"
  [[ $with_cluster == true ]] || say "install: no cluster answers, so whether it has the nodes was not looked at"
  [[ $(value influxdb.INSTALL) == true || $(value grafana.INSTALL) == true || -n $(value influxdb.INFLUX_ADDR) ]] || return 0
  say "install: the Secrets kubebpfbox-influxdb, kubebpfbox-influxdb-admin and kubebpfbox-grafana, as far as they are needed and not there, are not shown"
}

make_directories() {
  make_directory influxdb INFLUXDB kubebpfbox-influxdb-admin
  make_directory grafana GRAFANA kubebpfbox-grafana
}

# make_directory influxdb INFLUXDB SECRET: before the first start. What an earlier installation left there opens only with the Secret of then.
make_directory() {
  local host path found
  [[ $(value "$1.INSTALL") == true && -z $(value "$1.$2_STORAGE_CLASS") && -z $(volume_place "$1") ]] || return 0
  host=$(value "$1.$2_HOST") path=$(value "$1.$2_PV_PATH")
  say "looking at $path on $host"
  found=$(on_node "$host" "$path" "ls -A /data | grep -v -x lost+found | head -3 | tr '\\\\n' ' '")
  [[ -z $found ]] || exists -n "$namespace" secret "$3" || [[ -f $(saved_secrets) ]] ||
    config_fail "$1.$2_PV_PATH" "$path on $host is not empty (${found% }), and the Secret $3 that opens it is not in the cluster; bring that back, or name another directory"
}

report() {
  local host get='-o go-template='\''{{index .data "admin-password" | base64decode}}'\'
  host=$(value grafana.INGRESS_HOST)
  echo
  echo "kubebpfbox runs. Requests as they happen:"
  echo "  kubectl -n $namespace exec ds/kubebpfbox -- kubebpfbox observe"
  if [[ $(value influxdb.INSTALL) == true ]]; then
    echo "InfluxDB: $(influxdb_address), organisation and bucket kubebpfbox; user admin, password:"
    echo "  kubectl -n $namespace get secret kubebpfbox-influxdb-admin $get"
  elif [[ -n $(value influxdb.INFLUX_ADDR) ]]; then
    echo "InfluxDB: $(value influxdb.INFLUX_ADDR)"
  fi
  [[ $(value grafana.INSTALL) == true ]] || return 0
  echo "Grafana:${host:+ http://$host/ (the name has to lead to your Ingress controller), or} http://127.0.0.1:3000/ after"
  echo "  kubectl -n $namespace port-forward service/kubebpfbox-grafana 3000:http"
  if [[ $new_password == true ]]; then
    echo "  user admin, password $(secret_value kubebpfbox-grafana admin-password)   (made now, shown this once; again with the next line)"
  else
    echo "  user admin, password:"
  fi
  echo "  kubectl -n $namespace get secret kubebpfbox-grafana $get"
}

main
