// SPDX-License-Identifier: MIT
// Each run of the program puts one record into the ring: what the test chose, so that every byte can be checked.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_RECORD 4096

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} ring SEC(".maps");

struct next {
	__u64 sequence;
	__u32 state; // of the pseudo-random numbers; 0: every record has fixed_size bytes
	__u32 fixed_size;
	__u32 discard_every; // 0: never
	__u32 padding;
	__u64 refused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct next);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[MAX_RECORD]);
} scratch SEC(".maps");

static __always_inline __u32 xorshift(__u32 x)
{
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

// Bytes of the record are those of the packet, so the test knows them; the sequence goes first.
SEC("socket")
int ring__random(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct next *n = bpf_map_lookup_elem(&control, &zero);
	__u8 *bytes = bpf_map_lookup_elem(&scratch, &zero);
	__u32 size;

	if (!n || !bytes)
		return 0;
	n->state = xorshift(n->state);
	size = 8 + (n->state & 2047);
	bpf_skb_load_bytes(skb, 0, bytes, 2056);
	*(__u64 *)bytes = n->sequence;
	if (bpf_ringbuf_output(&ring, bytes, size, BPF_RB_NO_WAKEUP)) {
		n->refused++;
		return 0;
	}
	n->sequence++;
	return 1;
}

// Reserved records can be discarded: they must take space, and not be handed out.
SEC("socket")
int ring__some_discarded(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct next *n = bpf_map_lookup_elem(&control, &zero);
	__u64 *record;

	if (!n)
		return 0;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		n->refused++;
		return 0;
	}
	*record = n->sequence;
	if (n->discard_every && n->sequence % n->discard_every == 0)
		bpf_ringbuf_discard(record, BPF_RB_FORCE_WAKEUP);
	else
		bpf_ringbuf_submit(record, 0);
	n->sequence++;
	return 1;
}

SEC("socket")
int ring__64(struct __sk_buff *skb)
{
	void *record = bpf_ringbuf_reserve(&ring, 64, 0);

	if (!record)
		return 0;
	*(__u64 *)record = skb->len;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 1;
}

SEC("socket")
int ring__512(struct __sk_buff *skb)
{
	void *record = bpf_ringbuf_reserve(&ring, 512, 0);

	if (!record)
		return 0;
	*(__u64 *)record = skb->len;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
