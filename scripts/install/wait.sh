# To be sourced: waits for pods, and says why they do not start.
# shellcheck shell=bash

# What a container waits for, one line a container that is not on its way: pod, node, reason, message.
stuck_pods() {
  local statuses='{range .items[*]}{.metadata.name}{"\t"}{.spec.nodeName}{range .status.initContainerStatuses[*]}{"\t"}{.state.waiting.reason}{"\t"}{.state.waiting.message}{end}'
  statuses+='{range .status.containerStatuses[*]}{"\t"}{.state.waiting.reason}{"\t"}{.state.waiting.message}{end}{"\n"}{end}'
  kubectl -n "$namespace" get pods -l "app.kubernetes.io/name=$1" -o "jsonpath=$statuses" |
    grep -E $'\t(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName|CrashLoopBackOff|CreateContainerConfigError|CreateContainerError|RunContainerError)\t' || true
}

# wait_for KIND NAME: until all its pods are ready and of the newest template; ends with the reason when that does not come.
wait_for() {
  local kind=$1 name=$2 state was="" stuck since=$SECONDS waited=$SECONDS
  while :; do
    state=$(ready_state "$kind" "$name")
    [[ $state != "$was" ]] && say "  $name: $state"
    was=$state
    [[ $state != *' ready' ]] || return 0
    # A first "crash" or pull that failed may be followed by one that does not.
    stuck=$(stuck_pods "$name" | head -1)
    [[ -n $stuck ]] || since=$SECONDS
    ((SECONDS - since < 15)) || give_up "$kind" "$name" "$stuck"
    ((SECONDS - waited < $(value global.TIMEOUT))) || give_up "$kind" "$name" ""
    sleep 1
  done
}

# "2 of 3 are there", or "3 of 3 ready" when nothing is missing.
ready_state() {
  local wanted updated ready generation observed paths
  case $1 in
    daemonset) paths='{.status.desiredNumberScheduled}|{.status.updatedNumberScheduled}|{.status.numberReady}' ;;
    *) paths='{.spec.replicas}|{.status.updatedReplicas}|{.status.readyReplicas}' ;;
  esac
  IFS='|' read -r generation observed wanted updated ready < <(kubectl -n "$namespace" get "$1" "$2" -o "jsonpath={.metadata.generation}|{.status.observedGeneration}|$paths{\"\\n\"}")
  if [[ $generation == "$observed" && ${wanted:-0} == "${updated:-0}" && ${wanted:-0} == "${ready:-0}" ]]; then
    printf '%s of %s ready' "${ready:-0}" "${wanted:-0}"
  elif [[ $generation == "$observed" ]]; then
    printf '%s of %s up to date, %s answer' "${updated:-0}" "${wanted:-0}" "${ready:-0}"
  else
    printf 'is looked at'
  fi
}

# give_up KIND NAME STUCK: the pod, its events, the end of its log, and what to do.
give_up() {
  local pod node reason message
  IFS=$'\t' read -r pod node reason message <<<"$3"
  if [[ -z $pod ]]; then
    pod=$(kubectl -n "$namespace" get pods -l "app.kubernetes.io/name=$2" -o 'jsonpath={range .items[*]}{.metadata.name}{"\t"}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' |
      awk -F'\t' '$2 != "True" { print $1; exit }')
    reason="not ready after $(value global.TIMEOUT) s"
  fi
  say "$program: $1 $2 does not start: ${reason:-unknown}${node:+ on $node}${message:+: $message}"
  if [[ -n $pod ]]; then
    say "  events of pod $pod:"
    show_events "$pod"
    case $reason in CrashLoop* | not*)
      say "  its last words:"
      { kubectl -n "$namespace" logs "$pod" --previous --tail=10 2>/dev/null || kubectl -n "$namespace" logs "$pod" --tail=10 2>/dev/null || true; } | sed 's/^/    /' >&2 ;;
    esac
  fi
  fail "$(advice "$2" "$reason" "$pod")"
}

advice() {
  local image="IMAGE and IMAGE_TAG in [global]"
  case $1 in kubebpfbox-influxdb) image="INFLUXDB_IMAGE in [influxdb]" ;; kubebpfbox-grafana) image="GRAFANA_IMAGE in [grafana]" ;; esac
  case $2 in
    *Image*)
      printf 'the image is not on the node and cannot be pulled: look at %s of %s' "$image" "$config"
      [[ $1 != kubebpfbox ]] || printf ', or import artifacts/image/kubebpfbox.tar on each node (deploy/README.md)'
      ;;
    *) printf 'what was installed stays; when the cause is gone, run this again. More: kubectl -n %s describe pod %s' "$namespace" "${3:-}" ;;
  esac
}
