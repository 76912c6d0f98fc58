#!/bin/sh
# Runs in the machine. Each finding is a line "ok WHAT", "FAIL WHAT" or "skip WHAT". Waits are for events; the machine's own time limit ends them.
ok() { echo "ok $1"; }
fail() { echo "FAIL $1"; }
expect() { what=$1; shift; if "$@"; then ok "$what"; else fail "$what"; fi; }
wait_for() { n=0; until "$@" >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 60 ] || return 1; sleep 1; done; }
get() { wget -q -O - "$1"; }
ours() { bpftool prog list | grep -c ' name traffic__' || true; }
loaded() { for kind in prog link map; do echo $kind; bpftool $kind list; done; }

loaded >/tmp/before

kubebpfbox check -o json >/tmp/check
expect "check says ready" grep -q '"ready":true' /tmp/check
for feature in kprobe fentry cgroup_skb ring_buffer sk_storage raw_tracepoint btf; do
  expect "check: $feature" grep -q "\"name\":\"$feature\",\"supported\":true" /tmp/check
done

echo hello >/www/four; echo hello >/www/six
httpd -p '[::]:8080' -h /www
kubebpfbox run --quiet --set sinks.sqlite.path=/tmp/kubebpfbox.db >/tmp/agent.log 2>&1 &
agent=$!
expect "run becomes ready" wait_for get http://127.0.0.1:9500/readyz
kubebpfbox observe -o json >/tmp/seen 2>/tmp/observe.log &
observer=$!
# The stream of observe has no first line to wait for: ask until the first request shows.
see() { get http://127.0.0.1:8080/four; grep -q /four /tmp/seen; }
expect "a request is seen" wait_for see

get http://127.0.0.1:8080/four?last >/dev/null
get 'http://[::1]:8080/six' >/dev/null
get http://127.0.0.1:8080/missing >/dev/null 2>&1
seen() { [ "$(grep "\"target\":\"$1\"" /tmp/seen | grep "\"role\":\"$2\"" | grep -c "\"status\":$3,")" = 1 ]; }
for role in client server; do
  expect "IPv4 $role 200" wait_for seen '/four?last' $role 200
  expect "IPv6 $role 200" wait_for seen /six $role 200
  expect "IPv4 $role 404" wait_for seen /missing $role 404
done

get http://127.0.0.1:9500/api/ledger >/tmp/ledger
expect "the ledger has stages" grep -q '"unaccounted":0' /tmp/ledger
balanced() { get http://127.0.0.1:9500/api/ledger >/tmp/ledger && ! grep -oE '"unaccounted":[^,}]*' /tmp/ledger | grep -qv ':0$'; }
expect "ledger: unaccounted is 0 everywhere" wait_for balanced
balanced || cat /tmp/ledger

expect "programs of ours are loaded" [ "$(ours)" -gt 0 ]
kill -9 $agent $observer
gone() { loaded >/tmp/after; cmp -s /tmp/before /tmp/after; }
expect "kill -9 leaves no program, link or map" wait_for gone
cmp -s /tmp/before /tmp/after || cat /tmp/after
expect "requests pass afterwards" [ "$(get http://127.0.0.1:8080/four)" = hello ]

if [ -d /kernel-tests ]; then
  DOTNET_ROOT=/dotnet DOTNET_gcServer=0 COMPlus_EnableDiagnostics=0 KUBEBPFBOX_TEST_MAY_EXHAUST_NODE=1 /dotnet/dotnet /kernel-tests/KubeBpfBox.Kernel.dll -noColor \
    -namespace KubeBpfBox.Kernel.Bpf -namespace KubeBpfBox.Kernel.Traffic -namespace KubeBpfBox.Kernel.Oomkill -namespace KubeBpfBox.Kernel.Tcpsynbl -namespace KubeBpfBox.Kernel.Cgroups >/tmp/kernel.log 2>&1
  grep -E '\[(FAIL|SKIP)\]' /tmp/kernel.log
  grep -A4 '\[FAIL\]' /tmp/kernel.log | head -60
  grep -E 'Total: [0-9]+, Errors:' /tmp/kernel.log || tail -20 /tmp/kernel.log
else
  echo "skip kernel tests: not built"
fi
if grep -q '^ *at \|Unhandled' /tmp/agent.log; then fail "the agent's log is clean"; cat /tmp/agent.log; fi
