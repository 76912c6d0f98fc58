// SPDX-License-Identifier: MIT OR GPL-2.0
/* The filter of a packet socket on one interface: says how many bytes of a packet the socket's ring gets, 0 for what nobody wants.
 * It knows no protocol; user space looks at the first bytes and tells each flow's verdict through slots. */
#include "kernel.h"
#include "headers.h"
#include "interface.h"

#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88A8
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH 51
#define PACKET_OUTGOING 4
#define LOOPBACK_IFINDEX 1

/* Where an IPv4 fragment's offset and its flag "more" are. */
#define IP_FRAGMENT_MASK 0x3FFF

#define WHOLE_PACKET 0xFFFFFFFF
#define ETHERNET_LENGTH 14
#define TAG_LENGTH 4

/* No link layer's header is longer. */
#define LINK_SLACK 64

/* Payload bytes of a packet that are taken, at most: of flows without a slot, of others. */
const volatile __u32 bytes_per_packet = 16384;
const volatile __u32 bytes_per_wanted_packet = WHOLE_PACKET;

/* Payload taken of one direction in some milliseconds (5 ticks: 5 to 50 ms), until it answers something new or user space says what to
 * skip. A download would fill the ring before user space has read its head, at the cost of everyone else; beyond this only the first
 * bytes of packets are taken. */
#define RUN_BYTES_MAX (256 * 1024)
#define RUN_TICKS 5
#define BEYOND_RUN_BYTES 64

/* Random for each run: whoever sends packets cannot choose which flows share a slot. */
const volatile __u64 flow_seed = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, INTERFACE_SLOTS);
	__type(key, __u32);
	__type(value, struct interface_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, INTERFACE_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct packet {
	__u32 start; /* BPF_HDR_START_*: what offset counts from */
	__u32 offset; /* of the IP header */
	__u32 headers; /* length of IP and TCP header */
	__u32 payload_length; /* at least as long, when the header does not tell (offloads, RFC 2675) */
	__u64 source[2];
	__u64 destination[2];
	__u16 source_port;
	__u16 destination_port;
	__u32 sequence;
	__u32 acknowledgment;
	__u8 tcp_flags;
};

enum parsed {
	PARSED_TCP,
	PARSED_FRAGMENT,
	PARSED_OTHER,
	PARSED_SHORT,
};

static __always_inline bool load(struct __sk_buff *skb, const struct packet *packet, __u32 offset, void *to, __u32 length)
{
	return bpf_skb_load_bytes_relative(skb, packet->offset + offset, to, length, packet->start) == 0;
}

/* The EtherType behind the tags that are still in the packet; the outermost one mostly is not (it is in the metadata). */
static __always_inline __be16 skip_tags(struct __sk_buff *skb, struct packet *packet)
{
	__be16 type = skb->protocol;

	packet->start = BPF_HDR_START_NET;
	packet->offset = 0;
	if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
		return type;
	/* Where the network header starts then depends on the way the packet took; the link layer's is where it always is. */
	packet->start = BPF_HDR_START_MAC;
	packet->offset = ETHERNET_LENGTH;
	if (!load(skb, packet, -2, &type, sizeof(type)))
		return 0;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if (!load(skb, packet, 2, &type, sizeof(type)))
			return 0;
		packet->offset += TAG_LENGTH;
	}
	return type;
}

static __always_inline enum parsed parse_ipv4(struct __sk_buff *skb, struct packet *packet, __u32 *total)
{
	struct ipv4_header ip;

	if (!load(skb, packet, 0, &ip, sizeof(ip)))
		return PARSED_SHORT;
	packet->headers = (ip.version_ihl & 0xf) * 4;
	if (ip.version_ihl >> 4 != 4 || packet->headers < sizeof(ip))
		return PARSED_SHORT;
	if (ip.protocol != IPPROTO_TCP)
		return PARSED_OTHER;
	if (ip.fragment & bpf_htons(IP_FRAGMENT_MASK))
		return PARSED_FRAGMENT;
	*total = bpf_ntohs(ip.total_length);
	packet->source[1] = 0xFFFF00000000ULL | bpf_ntohl(ip.source);
	packet->destination[1] = 0xFFFF00000000ULL | bpf_ntohl(ip.destination);
	return PARSED_TCP;
}

/* RFC 8200 section 4: each extension header names the next and its own length. */
static __always_inline enum parsed parse_ipv6(struct __sk_buff *skb, struct packet *packet, __u32 *total)
{
	struct ipv6_header ip;
	__u64 address[2];
	__u8 next;

	if (!load(skb, packet, 0, &ip, sizeof(ip)))
		return PARSED_SHORT;
	if (bpf_ntohl(ip.version_class_flow) >> 28 != 6)
		return PARSED_SHORT;
	packet->headers = sizeof(ip);
	next = ip.next_header;
#pragma unroll
	for (int i = 0; i < 6; i++) {
		__u8 head[2];

		if (next == IPPROTO_TCP)
			break;
		if (next != 0 && next != 43 && next != 60 && next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			return PARSED_OTHER;
		if (!load(skb, packet, packet->headers, head, 2))
			return PARSED_SHORT;
		if (next == IPPROTO_FRAGMENT)
			return head[0] == IPPROTO_TCP ? PARSED_FRAGMENT : PARSED_OTHER;
		packet->headers += next == IPPROTO_AH ? ((__u32)head[1] + 2) * 4 : ((__u32)head[1] + 1) * 8;
		next = head[0];
	}
	if (next != IPPROTO_TCP)
		return PARSED_SHORT;
	*total = ip.payload_length ? bpf_ntohs(ip.payload_length) + sizeof(ip) : 0;
	__builtin_memcpy(address, ip.source, sizeof(address));
	packet->source[0] = bpf_be64_to_cpu(address[0]);
	packet->source[1] = bpf_be64_to_cpu(address[1]);
	__builtin_memcpy(address, ip.destination, sizeof(address));
	packet->destination[0] = bpf_be64_to_cpu(address[0]);
	packet->destination[1] = bpf_be64_to_cpu(address[1]);
	return PARSED_TCP;
}

static __always_inline enum parsed parse(struct __sk_buff *skb, struct packet *packet)
{
	struct tcp_header tcp;
	enum parsed ip;
	__u32 total = 0;
	__be16 type;

	type = skip_tags(skb, packet);
	if (type == bpf_htons(ETH_P_IP))
		ip = parse_ipv4(skb, packet, &total);
	else if (type == bpf_htons(ETH_P_IPV6))
		ip = parse_ipv6(skb, packet, &total);
	else
		return PARSED_OTHER;
	if (ip != PARSED_TCP)
		return ip;
	if (!load(skb, packet, packet->headers, &tcp, sizeof(tcp)) || (tcp.data_offset >> 4) * 4 < sizeof(tcp))
		return PARSED_SHORT;
	packet->headers += (tcp.data_offset >> 4) * 4;
	packet->source_port = bpf_ntohs(tcp.source);
	packet->destination_port = bpf_ntohs(tcp.destination);
	packet->sequence = bpf_ntohl(tcp.sequence);
	packet->acknowledgment = bpf_ntohl(tcp.acknowledgment);
	packet->tcp_flags = tcp.flags;
	if (total == 0)
		total = skb->len;
	if (total < packet->headers)
		return PARSED_SHORT;
	packet->payload_length = total - packet->headers;
	return PARSED_TCP;
}

static __always_inline __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 32);
}

/* The same as FlowSlots.FlowOf of user space. */
static __always_inline __u64 flow_of(const __u64 *source, const __u64 *destination, __u16 source_port, __u16 destination_port)
{
	__u64 hash = flow_seed;

	hash = mix(hash, source[0]);
	hash = mix(hash, source[1]);
	hash = mix(hash, destination[0]);
	hash = mix(hash, destination[1]);
	hash = mix(hash, ((__u64)source_port << 16) | destination_port);
	return hash | 1; /* 0 is an empty slot */
}

static __always_inline struct interface_slot *find(__u64 flow)
{
	__u32 key = (flow >> 32) & (INTERFACE_SLOTS - 1);
	struct interface_slot *slot = bpf_map_lookup_elem(&slots, &key);

	return slot && slot->flow == flow ? slot : NULL;
}

static __always_inline __u64 flow_back(const struct packet *packet)
{
	return flow_of(packet->destination, packet->source, packet->destination_port, packet->source_port);
}

static __always_inline __u64 flow_forth(const struct packet *packet)
{
	return flow_of(packet->source, packet->destination, packet->source_port, packet->destination_port);
}

/* What was said of an earlier connection with these addresses and ports does not hold for a new one. */
static __always_inline void start_anew(__u64 flow)
{
	__u32 key = (flow >> 32) & (INTERFACE_SLOTS - 1);
	struct interface_slot *slot = bpf_map_lookup_elem(&slots, &key);

	if (!slot)
		return;
	slot->skip_until = 0;
	slot->verdict = INTERFACE_UNKNOWN;
	slot->run_bytes = 0;
	slot->flow = flow;
}

/* True when the sender has received something since its last run: what it says now is an answer. */
static __always_inline bool is_answer(const struct interface_slot *slot, const struct packet *packet)
{
	return slot->run_acknowledgment != packet->acknowledgment;
}

/* How much of a packet is taken of a flow that is, or may be, of interest. */
static __always_inline __u32 run_limit(struct interface_slot *slot, const struct packet *packet)
{
	__u32 ticks = bpf_jiffies64(), limit;

	if (is_answer(slot, packet) || ticks - slot->run_ticks >= RUN_TICKS) {
		slot->run_acknowledgment = packet->acknowledgment;
		slot->run_bytes = 0;
		slot->run_ticks = ticks;
	}
	limit = slot->run_bytes < RUN_BYTES_MAX ? bytes_per_wanted_packet : BEYOND_RUN_BYTES;
	slot->run_bytes += packet->payload_length < limit ? packet->payload_length : limit;
	return limit;
}

/* Atomic although per CPU: a packet that leaves in process context can be interrupted by one that arrives. By key, not as members of one
 * value: the compiler would join the additions into one with a varying offset, which the verifier refuses without CAP_PERFMON. */
static __always_inline void count(enum interface_count as)
{
	__u32 key = as;
	__u64 *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

#define RESULT(what, bytes)                                                                                            \
	do {                                                                                                           \
		*as = INTERFACE_##what;                                                                                \
		return bytes;                                                                                          \
	} while (0)

/* How many bytes from the IP header on are taken of a packet with payload, whose flow user space may have said something about. */
static __always_inline __u32 take(struct interface_slot *slot, const struct packet *packet, enum interface_count *as)
{
	__u32 limit = bytes_per_packet, behind = 0;
	__u64 skip = slot->skip_until;

	if (slot->verdict == INTERFACE_IGNORE)
		RESULT(IGNORED, 0);
	if (slot->verdict == INTERFACE_PROBE) {
		if (!is_answer(slot, packet))
			RESULT(NOT_WANTED, 0);
		slot->run_acknowledgment = packet->acknowledgment;
	}
	if (skip >> 32) {
		/* Signed distance: sequence numbers wrap (RFC 9293 section 3.4). */
		__s32 unwanted = (__s32)((__u32)skip - packet->sequence);

		if (unwanted > 0 && (__u32)unwanted >= packet->payload_length) {
			slot->run_bytes = 0;
			if (!(packet->tcp_flags & (TCP_FIN | TCP_RST)))
				RESULT(NOT_WANTED, 0);
			RESULT(PASSED, packet->headers);
		}
		if (unwanted > 0)
			behind = unwanted;
	}
	if (slot->verdict != INTERFACE_PROBE)
		limit = run_limit(slot, packet);
	if (limit < WHOLE_PACKET - behind)
		limit += behind;
	RESULT(PASSED, packet->headers + (limit < packet->payload_length ? limit : packet->payload_length));
}

static __always_inline __u32 filter(struct __sk_buff *skb, struct packet *packet, enum interface_count *as)
{
	struct interface_slot *slot;

	if (skb->ifindex == LOOPBACK_IFINDEX && skb->pkt_type == PACKET_OUTGOING)
		RESULT(LOOPED, 0);
	switch (parse(skb, packet)) {
	case PARSED_TCP:
		break;
	case PARSED_FRAGMENT:
		RESULT(PASSED, skb->len);
	case PARSED_OTHER:
		RESULT(NOT_TCP, 0);
	default:
		RESULT(NOT_PARSED, 0);
	}
	if (packet->tcp_flags & TCP_SYN) {
		start_anew(flow_forth(packet));
		/* The answer may have another address. */
		if (!(packet->tcp_flags & TCP_ACK))
			start_anew(flow_back(packet));
	}
	if (packet->payload_length == 0) {
		if (!(packet->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)))
			RESULT(NO_PAYLOAD, 0);
		RESULT(PASSED, packet->headers);
	}
	slot = find(flow_forth(packet));
	if (slot)
		return take(slot, packet, as);
	RESULT(PASSED, packet->headers + (bytes_per_packet < packet->payload_length ? bytes_per_packet : packet->payload_length));
}

SEC("socket")
int interface__packet(struct __sk_buff *skb)
{
	enum interface_count as = INTERFACE_PACKETS;
	struct packet packet = {};
	__u32 taken;

	count(INTERFACE_PACKETS);
	taken = filter(skb, &packet, &as);
	count(as);
	/* What the socket gets starts with the link layer's header. */
	return taken ? LINK_SLACK + packet.offset + taken : 0;
}

/* Anchors the enumeration in the object's BTF. */
const enum interface_count *interface_count_layout __attribute__((unused));

char LICENSE[] SEC("license") = "Dual MIT/GPL";
