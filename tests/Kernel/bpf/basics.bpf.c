// SPDX-License-Identifier: MIT
// Maps, global variables, and one program for each hook that needs nothing of the kernel's types.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 first;
	__u16 second;
	__u8 letters[6];
};

struct counters {
	__u64 calls;
	__u64 bytes;
};

const volatile __u32 chosen = 7;
const volatile __u64 threshold;
__u64 seen_packets;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct pair);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct pair);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1000);
	__type(key, __u32);
	__type(value, struct pair);
} shared_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct counters);
} per_cpu SEC(".maps");

static __always_inline void count(__u32 bytes)
{
	__u32 slot = 1;
	struct counters *c = bpf_map_lookup_elem(&per_cpu, &slot);

	if (c) {
		c->calls++;
		c->bytes += bytes;
	}
	__sync_fetch_and_add(&seen_packets, 1);
}

SEC("cgroup_skb/egress")
int basics__egress(struct __sk_buff *skb)
{
	__u32 slot = 999;
	struct pair *p = bpf_map_lookup_elem(&shared_slots, &slot);

	if (p && threshold > 100)
		p->first = chosen;
	count(skb->len);
	return 1;
}

SEC("socket")
int basics__socket(struct __sk_buff *skb)
{
	count(skb->len);
	return skb->len;
}

SEC("raw_tp/sys_enter")
int basics__raw_tracepoint(void *ctx)
{
	count(1);
	return 0;
}

SEC("tp_btf/sys_enter")
int basics__btf_tracepoint(void *ctx)
{
	count(1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpriority")
int basics__tracepoint(void *ctx)
{
	count(1);
	return 0;
}

SEC("uprobe")
int basics__uprobe(void *ctx)
{
	count(1);
	return 0;
}

SEC("kprobe")
int basics__kprobe(void *ctx)
{
	count(1);
	return 0;
}

SEC("fentry/bpf_prog_get_info_by_fd")
int basics__fentry(void *ctx)
{
	count(1);
	return 0;
}

SEC("fexit/bpf_prog_get_info_by_fd")
int basics__fexit(void *ctx)
{
	count(1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
