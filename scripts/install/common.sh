# To be sourced: what install.sh and uninstall.sh share.
# shellcheck shell=bash

# A KUBECTL of several words, as "k3s kubectl", is a command with its arguments.
IFS=' ' read -r -a kubectl_command <<<"${KUBECTL:-kubectl}"
kubectl() { command "${kubectl_command[@]}" "$@"; }

# fail MESSAGE [CODE]: one line, and the end. 1: it did not work; 2: usage or config.ini.
fail() {
  echo "$program: $1" >&2
  exit "${2:-1}"
}

say() { echo "$*" >&2; }

need_kubectl() {
  command -v "${kubectl_command[0]}" >/dev/null ||
    fail "${kubectl_command[0]} is not installed; see https://kubernetes.io/docs/tasks/tools/, or name another as KUBECTL='k3s kubectl'"
}

# Whether an API server answers; its complaint is in $work/errors.
has_cluster() { kubectl get --raw /version --request-timeout=10s >/dev/null 2>"$work/errors"; }

need_cluster() {
  has_cluster || fail "no cluster answers: $(tail -1 "$work/errors"); look at KUBECONFIG and kubectl config current-context"
}

exists() { kubectl get "$@" -o name >/dev/null 2>&1; }

# need_node KEY NODE
need_node() {
  exists node "$2" || config_fail "$1" "${1#*.}: the cluster has no node '$2'; there are $(kubectl get nodes -o name | sed 's#.*/##' | head -20 | paste -sd, -)"
}

# The node's name is not always the label that volumes are bound by.
hostname_of() {
  local name=""
  [[ $with_cluster != true ]] || name=$(kubectl get node "$1" -o 'jsonpath={.metadata.labels.kubernetes\.io/hostname}' 2>/dev/null || true)
  printf '%s' "${name:-$1}"
}

# on_node NODE PATH COMMAND: runs a shell command in a pod on a node, with a directory of that node, made when it is not there, at /data. Prints its output.
on_node() {
  local pod phase="" reason="" deadline=$((SECONDS + 120))
  pod=kubebpfbox-directory-$(random_hex 4)
  kubectl create -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: $pod
  namespace: $namespace
  labels: {app.kubernetes.io/name: kubebpfbox-directory, app.kubernetes.io/part-of: kubebpfbox}
spec:
  nodeName: $1
  restartPolicy: Never
  automountServiceAccountToken: false
  tolerations: [{operator: Exists}]
  containers:
    - name: directory
      image: $(value global.HELPER_IMAGE)
      imagePullPolicy: IfNotPresent
      command: [sh, -c, "$3"]
      securityContext: {runAsUser: 0}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes:
    - name: data
      hostPath: {path: "$2", type: DirectoryOrCreate}
YAML
  while [[ $phase != Succeeded && $phase != Failed ]]; do
    ((SECONDS < deadline)) || break
    sleep 0.5
    IFS='|' read -r phase reason < <(kubectl -n "$namespace" get pod "$pod" -o 'jsonpath={.status.phase}|{.status.containerStatuses[0].state.waiting.reason}{"\n"}')
    case $reason in ErrImagePull | ImagePullBackOff | ErrImageNeverPull | InvalidImageName) break ;; esac
  done
  if [[ $phase != Succeeded ]]; then
    say "$program: a pod for the directory $2 of the node $1 did not run (${reason:-$phase}):"
    show_events "$pod"
    kubectl -n "$namespace" logs "$pod" 2>/dev/null | tail -5 | sed 's/^/    /' >&2 || true
    kubectl -n "$namespace" delete pod "$pod" --now >/dev/null
    fail "the image $(value global.HELPER_IMAGE) has to run on $1; name another as HELPER_IMAGE in $config"
  fi
  kubectl -n "$namespace" logs "$pod"
  kubectl -n "$namespace" delete pod "$pod" --now >/dev/null
}

# show_events POD
show_events() {
  kubectl -n "$namespace" get events --field-selector "involvedObject.name=$1" --sort-by=.lastTimestamp \
    -o 'custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message' 2>/dev/null | tail -6 | sed 's/^/    /' >&2
}

# random_hex BYTES
random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
