// SPDX-License-Identifier: MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct packet {
	__u64 cgroup_id;
	__u32 length;
	__u32 protocol_be;
};

// clang leaves out of the BTF what no map and no global names; this keeps the struct for user space to compare with.
const struct packet *export_packet __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} packets SEC(".maps");

SEC("cgroup_skb/egress")
int hello__egress(struct __sk_buff *skb)
{
	struct packet *p = bpf_ringbuf_reserve(&packets, sizeof(*p), 0);

	if (!p)
		return 1;
	p->cgroup_id = bpf_skb_cgroup_id(skb);
	p->length = skb->len;
	p->protocol_be = skb->protocol;
	bpf_ringbuf_submit(p, 0);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
