# To be sourced: the Secrets. Their values go through pipes and files of our own only, never on a command line.
# shellcheck shell=bash

# Where uninstall.sh keeps the Secrets of a database whose data stay on their node.
saved_secrets() { printf '%s/kubebpfbox-secrets-%s.yaml' "$(dirname "$config")" "$namespace"; }

# secret NAME KEY VALUE [KEY VALUE]...
secret() {
  local name=$1
  shift
  cat <<YAML
---
apiVersion: v1
kind: Secret
metadata:
  name: $name
  namespace: $namespace
  labels:
    app.kubernetes.io/name: $name
    app.kubernetes.io/part-of: kubebpfbox
type: Opaque
data:
YAML
  while (($#)); do
    printf '  %s: ' "$1"
    printf '%s' "$2" | base64 | tr -d '\n'
    echo
    shift 2
  done
}

# The value of a key of a Secret, empty when there is none.
secret_value() { kubectl -n "$namespace" get secret "$1" -o "go-template={{with .data}}{{with index . \"$2\"}}{{. | base64decode}}{{end}}{{end}}" 2>/dev/null || true; }

influxdb_address() { printf 'http://kubebpfbox-influxdb.%s.svc:8086' "$namespace"; }

# The Secret of an InfluxDB that is there already.
own_influxdb_secret() {
  local words
  words=(INFLUX_ADDR "$(value influxdb.INFLUX_ADDR)")
  if [[ -n $(value influxdb.INFLUX_DATABASE) ]]; then
    words+=(INFLUX_DATABASE "$(value influxdb.INFLUX_DATABASE)")
    [[ -z $(value influxdb.INFLUX_USERNAME) ]] || words+=(INFLUX_USERNAME "$(value influxdb.INFLUX_USERNAME)" INFLUX_PASSWORD "$(value influxdb.INFLUX_PASSWORD)")
  else
    words+=(INFLUX_ORG "$(value influxdb.INFLUX_ORG)" INFLUX_BUCKET "$(value influxdb.INFLUX_BUCKET)" INFLUX_TOKEN "$(value influxdb.INFLUX_TOKEN)")
  fi
  secret kubebpfbox-influxdb "${words[@]}"
}

# The Secrets that are missing, with values made at random; what is there is kept.
new_secrets() {
  if [[ $(value influxdb.INSTALL) == true ]]; then
    [[ $(secret_value kubebpfbox-influxdb INFLUX_ADDR) == "$(influxdb_address)" ]] ||
      secret kubebpfbox-influxdb INFLUX_ADDR "$(influxdb_address)" INFLUX_ORG kubebpfbox INFLUX_BUCKET kubebpfbox INFLUX_TOKEN "$(random_hex 32)"
    exists -n "$namespace" secret kubebpfbox-influxdb-admin ||
      secret kubebpfbox-influxdb-admin admin-user admin admin-password "$(random_hex 16)"
  elif [[ -n $(value influxdb.INFLUX_ADDR) ]]; then
    own_influxdb_secret
  fi
  if [[ $(value grafana.INSTALL) == true ]] && ! exists -n "$namespace" secret kubebpfbox-grafana; then
    secret kubebpfbox-grafana admin-user admin admin-password "$(random_hex 16)"
  fi
}

apply_secrets() {
  local saved
  saved=$(saved_secrets)
  if [[ -f $saved ]] && [[ $(value influxdb.INSTALL) == true || $(value grafana.INSTALL) == true ]] &&
    ! exists -n "$namespace" secret kubebpfbox-influxdb-admin && ! exists -n "$namespace" secret kubebpfbox-grafana; then
    kubectl apply -f "$saved" | sed "s#\$# (of $saved)#"
  fi
  (umask 077 && new_secrets >"$work/secrets.yaml")
  [[ ! -s $work/secrets.yaml ]] || kubectl apply -f "$work/secrets.yaml"
  ! grep -q '^  name: kubebpfbox-grafana$' "$work/secrets.yaml" || new_password=true
  rm -f "$work/secrets.yaml"
  read_secret_version
}

# Only a Secret that there is has a version.
read_secret_version() {
  secret_version=$(kubectl -n "$namespace" get secret kubebpfbox-influxdb -o 'jsonpath={.metadata.resourceVersion}' 2>/dev/null || true)
}
