// SPDX-License-Identifier: MIT
// A program that the verifier refuses: it reads the packet with no check of its end.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int refused__unchecked(struct __sk_buff *skb) { return *(__u8 *)(long)skb->data; }

char LICENSE[] SEC("license") = "Dual MIT/GPL";
