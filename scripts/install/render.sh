# To be sourced: makes of deploy/ and the values of config.ini the objects to apply.
# shellcheck shell=bash

# render_all: writes $work/objects.yaml, all objects but the Secrets, whose content nobody is to see. Needs no cluster.
render_all() {
  local base=deploy/base
  [[ $(value global.MODE) == default ]] || base=deploy/overlays/$(value global.MODE)
  # A copy, since kustomize takes no folder outside of its own.
  rm -rf "$work/deploy"
  mkdir "$work/deploy"
  cp -R deploy/base deploy/overlays deploy/influxdb deploy/monitoring "$work/deploy"
  mkdir "$work/deploy/grafana"
  cp -R deploy/grafana/*.yaml deploy/grafana/dashboards deploy/grafana/provisioning "$work/deploy/grafana"
  {
    printf 'namespace: %s\nbases:\n  - %s\n' "$namespace" "$base"
    [[ $(value influxdb.INSTALL) != true ]] || echo "  - deploy/influxdb"
    [[ $(value grafana.INSTALL) != true ]] || echo "  - deploy/grafana"
    [[ $(value global.MONITOR) == none ]] || echo "  - deploy/monitoring/$(value global.MONITOR)monitor"
    printf 'patchesStrategicMerge:\n  - daemonset.yaml\n'
    [[ $(value influxdb.INSTALL) != true ]] || printf '  - influxdb.yaml\n  - influxdb-claim.yaml\n'
    [[ $(value grafana.INSTALL) != true ]] || printf '  - grafana.yaml\n  - grafana-claim.yaml\n'
    [[ -z $(authority) ]] || echo "  - authority.yaml"
    [[ -z $(authority) ]] || render_authority_file
  } >"$work/kustomization.yaml"
  [[ $(value grafana.INSTALL) != true ]] || choose_sources
  render_agent >"$work/daemonset.yaml"
  [[ -z $(authority) ]] || render_authority >"$work/authority.yaml"
  render_influxdb >"$work/influxdb.yaml"
  render_grafana >"$work/grafana.yaml"
  render_claim influxdb INFLUXDB >"$work/influxdb-claim.yaml"
  render_claim grafana GRAFANA >"$work/grafana-claim.yaml"
  kubectl kustomize "$work" >"$work/kustomized.yaml" 2>"$work/errors" || fail "kubectl kustomize: $(tail -1 "$work/errors")"
  {
    # A namespace that was there before is not ours to label. Kustomize of kubectl 1.20 does not give it its name.
    [[ $foreign_namespace == true ]] || sed "s/^  name: kubebpfbox\$/  name: $namespace/" "$work/deploy/base/namespace.yaml"
    echo ---
    without_namespace "$work/kustomized.yaml"
    [[ $(value influxdb.INSTALL) != true ]] || render_volume influxdb INFLUXDB
    if [[ $(value grafana.INSTALL) == true ]]; then
      render_volume grafana GRAFANA
      render_ingress
    fi
  } >"$work/objects.yaml"
}

# Puts the files of Grafana's data sources that there are in the place of those that deploy/grafana names.
choose_sources() {
  local folder=$work/deploy/grafana/provisioning
  if [[ $(value influxdb.INSTALL) != true && -z $(value influxdb.INFLUX_ADDR) ]]; then
    cp "$folder/datasources-none/influxdb.yaml" "$folder/datasources/"
  elif [[ $(value influxdb.INSTALL) != true && -n $(value influxdb.INFLUX_DATABASE) ]]; then
    cp "$folder/datasources-influxdb1/influxdb.yaml" "$folder/datasources/"
  fi
  [[ -n $(value grafana.PROMETHEUS_URL) ]] || cp "$folder/datasources-none/prometheus.yaml" "$folder/datasources/"
}

render_agent() {
  cat <<YAML
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kubebpfbox}
spec:
  template:
$(render_secret_version)
    spec:
      containers:
        - name: kubebpfbox
          image: $(value global.IMAGE):$(value global.IMAGE_TAG)
          imagePullPolicy: $(value global.IMAGE_PULL_POLICY)
YAML
  [[ $(value global.MODE) != interface ]] || cat <<YAML
          env:
            - name: KUBEBPFBOX_CLUSTER_NETINTERFACE
              value: "$(value global.INTERFACE)"
YAML
}

# Variables of a Secret are read when a container starts. Its version in the template makes new pods of a new Secret, and says nothing of the content.
render_secret_version() {
  [[ -z $secret_version ]] || printf '    metadata: {annotations: {kubebpfbox/influxdb-secret-version: "%s"}}' "$secret_version"
}

# The file of certificates for an InfluxDB of one's own, if any.
authority() { [[ $(value influxdb.INSTALL) == true || -z $(value influxdb.INFLUX_ADDR) ]] || value influxdb.INFLUX_CA_FILE; }

render_authority_file() {
  cp "$(authority)" "$work/ca.crt"
  cat <<YAML
generatorOptions:
  labels: {app.kubernetes.io/name: kubebpfbox, app.kubernetes.io/part-of: kubebpfbox}
configMapGenerator:
  - {name: kubebpfbox-influxdb-ca, files: [ca.crt]}
YAML
}

render_authority() {
  cat <<YAML
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kubebpfbox}
spec:
  template:
    spec:
      containers:
        - name: kubebpfbox
          env: [{name: KUBEBPFBOX_SINKS_INFLUXDB_CA_FILE, value: /etc/kubebpfbox-influxdb/ca.crt}]
          volumeMounts: [{name: influxdb-ca, mountPath: /etc/kubebpfbox-influxdb, readOnly: true}]
      volumes:
        - {name: influxdb-ca, configMap: {name: kubebpfbox-influxdb-ca}}
YAML
}

render_influxdb() {
  cat <<YAML
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kubebpfbox-influxdb}
spec:
  template:
    spec:
      containers:
        - name: influxdb
          image: $(value influxdb.INFLUXDB_IMAGE)
          env: [{name: DOCKER_INFLUXDB_INIT_RETENTION, value: "$(value influxdb.INFLUXDB_RETENTION)"}]
YAML
}

render_grafana() {
  cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: kubebpfbox-grafana}
spec:
  template:
$(render_secret_version)
    spec:
      containers:
        - name: grafana
          image: $(value grafana.GRAFANA_IMAGE)
          env: [{name: PROMETHEUS_URL, value: "$(value grafana.PROMETHEUS_URL)"}]
YAML
}

# render_claim influxdb INFLUXDB: binds the claim to the volume on the named node, or asks a storage class for one.
render_claim() {
  cat <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kubebpfbox-$1}
spec:
  resources: {requests: {storage: $(value "$1.$2_SIZE")}}
  storageClassName: "$(value "$1.$2_STORAGE_CLASS")"
YAML
  [[ -n $(value "$1.$2_STORAGE_CLASS") ]] || echo "  volumeName: kubebpfbox-$1"
}

# render_volume influxdb INFLUXDB
render_volume() {
  [[ -z $(value "$1.$2_STORAGE_CLASS") ]] || return 0
  cat <<YAML
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: kubebpfbox-$1
  labels:
    app.kubernetes.io/name: kubebpfbox-$1
    app.kubernetes.io/part-of: kubebpfbox
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: $(value "$1.$2_SIZE")}
  # What is in the directory is never deleted by Kubernetes.
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: $namespace, name: kubebpfbox-$1}
  local: {path: "$(value "$1.$2_PV_PATH")"}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions:
            - {key: kubernetes.io/hostname, operator: In, values: ["$(hostname_of "$(value "$1.$2_HOST")")"]}
YAML
}

# Of networking.k8s.io/v1; up to Kubernetes 1.18 there is v1beta1 only.
render_ingress() {
  [[ -n $(value grafana.INGRESS_HOST) ]] || return 0
  local backend='{service: {name: kubebpfbox-grafana, port: {name: http}}}'
  [[ $ingress_version == v1 ]] || backend='{serviceName: kubebpfbox-grafana, servicePort: http}'
  cat <<YAML
---
apiVersion: networking.k8s.io/$ingress_version
kind: Ingress
metadata:
  name: kubebpfbox-grafana
  namespace: $namespace
  labels:
    app.kubernetes.io/name: kubebpfbox-grafana
    app.kubernetes.io/part-of: kubebpfbox
$([[ $ingress_version == v1 || -z $(value grafana.INGRESS_CLASS) ]] || echo "  annotations: {kubernetes.io/ingress.class: $(value grafana.INGRESS_CLASS)}")
spec:
$([[ $ingress_version != v1 || -z $(value grafana.INGRESS_CLASS) ]] || echo "  ingressClassName: $(value grafana.INGRESS_CLASS)")
  rules:
    - host: $(value grafana.INGRESS_HOST)
      http:
        paths:
          - path: /
$([[ $ingress_version != v1 ]] || echo "            pathType: Prefix")
            backend: $backend
YAML
}

# The documents of a YAML stream but those of a Namespace, and only those.
without_namespace() { select_documents '!' "$1"; }
only_namespace() { select_documents '' "$1"; }
select_documents() {
  awk -v wanted="$1" '
    function flush() { if (document != "" && (wanted == "!") != namespace) printf "%s", document; document = ""; namespace = 0 }
    /^---$/ { flush() }
    { document = document $0 "\n" }
    /^kind: Namespace$/ { namespace = 1 }
    END { flush() }' "$2"
}
