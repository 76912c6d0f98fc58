#!/usr/bin/env bash
# Installs what is missing to build, and for each section that is named also what that needs: "test" the tests and benchmarks, "demo" the demonstration, "ui" the tests of the page in a browser, "image" the container image,
# "kube" a Kubernetes node for the tests, "kube-build" building that Kubernetes. From the distribution's packages, and npm's as lock files name them.
# Does nothing, quickly, when all is there. Debian and Ubuntu names; elsewhere it says what to install.
set -euo pipefail

# A file each package brings, and the package.
build=(/usr/bin/clang:clang /usr/bin/llvm-strip:llvm /usr/include/bpf/bpf_helpers.h:libbpf-dev /usr/include/libelf.h:libelf-dev
       /usr/include/zlib.h:zlib1g-dev /usr/include/sqlite3.h:libsqlite3-dev)
tests=(/usr/sbin/ip:iproute2 /usr/sbin/bpftool:bpftool /usr/sbin/nginx:nginx-light /usr/bin/wrk:wrk /usr/bin/curl:curl
       /usr/bin/python3:python3 /usr/bin/tcpdump:tcpdump /usr/bin/promtool:prometheus /usr/bin/influxd:influxdb /usr/sbin/iptables:iptables /usr/lib/x86_64-linux-gnu/libc.a:libc6-dev
       /usr/bin/shellcheck:shellcheck /usr/bin/tmux:tmux /usr/bin/script:bsdutils)
demo=(/usr/sbin/ip:iproute2 /usr/sbin/nginx:nginx-light)
ui=(/usr/bin/chromium:chromium /usr/bin/pngquant:pngquant)
image=(/usr/lib/x86_64-linux-gnu/libssl.so.3:libssl3 /etc/ssl/certs/ca-certificates.crt:ca-certificates)
kube=(/usr/bin/etcd:etcd-server /usr/bin/containerd:containerd /usr/sbin/runc:runc /usr/lib/cni/bridge:containernetworking-plugins
      /usr/sbin/iptables:iptables /usr/sbin/conntrack:conntrack /usr/sbin/ipset:ipset /usr/bin/socat:socat /usr/sbin/ip:iproute2 /bin/busybox:busybox-static
      /usr/bin/openssl:openssl /usr/bin/curl:curl /usr/bin/kubectl:kubernetes-client /usr/bin/gcc:gcc /usr/lib/x86_64-linux-gnu/libc.a:libc6-dev
      /usr/sbin/nginx:nginx-light)
kube_build=(/usr/bin/go:golang-go /usr/bin/dpkg-source:dpkg-dev)

# Folders with a package-lock.json.
build_nodes=(web)
ui_nodes=(tests/Ui)
test_nodes=(tests/OtlpReceiver deploy/grafana)

cd "$(dirname "$0")/.."
wanted=("${build[@]}")
nodes=("${build_nodes[@]}")
for section in "$@"; do
  case $section in
    build) ;;
    test) wanted+=("${tests[@]}"); nodes+=("${test_nodes[@]}") ;;
    demo) wanted+=("${demo[@]}") ;;
    ui) wanted+=("${ui[@]}"); nodes+=("${ui_nodes[@]}") ;;
    image) wanted+=("${image[@]}") ;;
    kube) wanted+=("${kube[@]}") ;;
    kube-build) wanted+=("${kube_build[@]}") ;;
    *) echo "setup: $section: no such section; there are build, test, demo, ui, image, kube, kube-build" >&2; exit 2 ;;
  esac
done
missing=()
for entry in "${wanted[@]}"; do
  [[ -e ${entry%%:*} ]] || missing+=("${entry#*:}")
done
# Node.js and npm may come from anywhere.
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ! command -v dotnet >/dev/null; then
  echo "setup: the .NET 10 SDK is missing: install package dotnet-sdk-10.0, or see https://dotnet.microsoft.com/download" >&2
  exit 1
fi
install_missing() {
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install what these Debian packages hold: ${missing[*]}" >&2
    exit 1
  fi
  if [[ $(id -u) != 0 ]]; then
    echo "setup: run as root once, or install: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}" >&2
  # The servers among them are started by the tests with configurations of their own, never as services.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
  fi
  log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "setup: apt-get failed; its output is in $log" >&2
    exit 1
  fi
  rm -f "$log"
}
((${#missing[@]} == 0)) || install_missing
if ! node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; then
  echo "setup: Node.js $(node --version) is too old to build the web page: install 20 or newer, from https://nodejs.org or your distribution's backports" >&2
  exit 1
fi
for folder in "${nodes[@]}"; do
  [[ ! $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]] || continue
  echo "setup: installing the packages of $folder" >&2
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
done
