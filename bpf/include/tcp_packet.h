/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What programs of cgroup_skb read of a TCP packet: its data begins with the IP header. */
#ifndef KUBEBPFBOX_TCP_PACKET_H
#define KUBEBPFBOX_TCP_PACKET_H

#include "headers.h"
#include "kernel.h"

#define AF_INET 2
#define TCP_LISTEN 10

struct packet {
	__u32 tcp_offset; /* from the IP header on, like the next */
	__u32 payload_offset;
	__u32 payload_length;
	__u32 sequence;
	__u32 acknowledgment;
	__u8 tcp_flags;
};

/* Offset of the TCP header, or 0. RFC 8200 section 4: each extension header names the next and its own length. */
static __always_inline __u32 skip_ipv6_extensions(struct __sk_buff *skb, __u8 next)
{
	__u32 offset = sizeof(struct ipv6_header);

#pragma unroll
	for (int i = 0; i < 6; i++) {
		__u8 head[2];

		if (next == IPPROTO_TCP)
			return offset;
		/* hop-by-hop, routing, destination options; 51 = AH counts in 4 bytes; others do not lead to TCP */
		if (next != 0 && next != 43 && next != 60 && next != 51)
			return 0;
		if (bpf_skb_load_bytes(skb, offset, head, 2))
			return 0;
		offset += next == 51 ? ((__u32)head[1] + 2) * 4 : ((__u32)head[1] + 1) * 8;
		next = head[0];
	}
	return 0;
}

/* The headers are nearly always in the linear part; where they are not, bpf_skb_load_bytes collects them. */
static __always_inline bool parse(struct __sk_buff *skb, struct packet *packet)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct tcp_header copy, *tcp;
	__u32 offset, header_length;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct ipv4_header *ip = data;

		if ((void *)(ip + 1) > data_end)
			return false;
		offset = (ip->version_ihl & 0xf) * 4;
	} else {
		struct ipv6_header *ip = data;

		if ((void *)(ip + 1) > data_end)
			return false;
		offset = ip->next_header == IPPROTO_TCP ? sizeof(*ip) : skip_ipv6_extensions(skb, ip->next_header);
	}
	if (offset < sizeof(struct ipv4_header) || offset > 2048)
		return false;
	data = (void *)(long)skb->data;
	data_end = (void *)(long)skb->data_end;
	tcp = data + offset;
	if ((void *)(tcp + 1) > data_end) {
		if (bpf_skb_load_bytes(skb, offset, &copy, sizeof(copy)))
			return false;
		tcp = &copy;
	}
	header_length = (tcp->data_offset >> 4) * 4;
	packet->tcp_offset = offset;
	packet->payload_offset = offset + header_length;
	packet->sequence = bpf_ntohl(tcp->sequence);
	packet->acknowledgment = bpf_ntohl(tcp->acknowledgment);
	packet->tcp_flags = tcp->flags;
	if (header_length < sizeof(*tcp) || skb->len < packet->payload_offset)
		return false;
	packet->payload_length = skb->len - packet->payload_offset;
	return true;
}

static __always_inline void map_ipv4(__u8 *address, __be32 ip)
{
	__builtin_memset(address, 0, 10);
	address[10] = address[11] = 0xff;
	__builtin_memcpy(address + 12, &ip, 4);
}

#endif
