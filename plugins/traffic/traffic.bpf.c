// SPDX-License-Identifier: MIT OR GPL-2.0
/* The tap: copies the payload of TCP packets of local sockets into a ring buffer. It knows no protocol; user space looks at
 * the first bytes and tells each socket's verdict through a slot. It only ever looks: the packet passes unchanged. */
#include "kernel.h"
#include "headers.h"
#include "traffic.h"

#define AF_INET 2
#define TCP_LISTEN 10

/* Payload that a socket may cost before user space has said what it speaks: enough for any protocol's greeting, also when
 * user space is late. */
#define UNKNOWN_BYTES_MAX (64 * 1024)
#define UNKNOWN_BYTES_PER_PACKET 4096

/* Of a packet longer than what is copied, its last bytes are a record of their own: they tell whether a chunked body ends
 * with it (RFC 9112 section 7.1). */
#define TAIL_BYTES 64

const volatile __u32 bytes_per_packet = 16384;

/* Payload copied of one direction in some milliseconds (5 ticks: 5 to 50 ms), until it turns or user space says what to skip. A
 * download would fill the ring buffer before user space has read its head, at the cost of everyone else; beyond this only the
 * ends of packets are copied. */
#define RUN_BYTES_MAX (128 * 1024)
#define RUN_TICKS 5

struct socket_state {
	struct traffic_socket socket;
	__u64 run_ticks;
	__u32 unknown_bytes;
	__u32 run_bytes;
	__u8 verdict;
	__u8 flags[2]; /* egress, ingress: TRAFFIC_FROM_START, TRAFFIC_START_KNOWN; cleared by the first payload */
	__u8 last_direction; /* of the last payload; 2 = none yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TRAFFIC_SLOTS);
	__type(key, __u32);
	__type(value, struct traffic_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct traffic_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct traffic_counters);
} counters SEC(".maps");

/* Anchors the record's type in the object's BTF: it is only ever reached through casts. */
const struct traffic_record *traffic_record_layout __attribute__((unused));

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

/* The socket's own addresses, not the packet's: a packet to a Service's address is rewritten on its way. */
static __always_inline void describe(struct __sk_buff *skb, struct bpf_sock *sk, struct traffic_socket *socket)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	socket->cookie = bpf_get_socket_cookie(skb);
	socket->cgroup_id = bpf_skb_cgroup_id(skb);
	if (sk->family == AF_INET) {
		map_ipv4(socket->local_address, sk->src_ip4);
		map_ipv4(socket->remote_address, sk->dst_ip4);
	} else {
		__u32 *local = (__u32 *)socket->local_address, *remote = (__u32 *)socket->remote_address;

		local[0] = sk->src_ip6[0];
		local[1] = sk->src_ip6[1];
		local[2] = sk->src_ip6[2];
		local[3] = sk->src_ip6[3];
		remote[0] = sk->dst_ip6[0];
		remote[1] = sk->dst_ip6[1];
		remote[2] = sk->dst_ip6[2];
		remote[3] = sk->dst_ip6[3];
	}
	socket->local_port = sk->src_port;
	socket->remote_port = bpf_ntohs((__be16)sk->dst_port);
	if (tcp)
		socket->netns = tcp->inet_conn.icsk_inet.sk.__sk_common.skc_net.net->ns.inum;
}

static __always_inline void init_state(struct __sk_buff *skb, struct bpf_sock *sk, struct socket_state *state,
				       const struct packet *packet, bool ingress)
{
	bool connecting = !ingress && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);

	describe(skb, sk, &state->socket);
	state->last_direction = 2;
	if (connecting) {
		/* The first SYN leaves inside connect(): here, and nowhere later, the current task is the owner. */
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		state->flags[0] = state->flags[1] = TRAFFIC_FROM_START;
		state->socket.pid = BPF_CORE_READ(task, tgid);
		/* The process's name, not that of the thread. */
		BPF_CORE_READ_STR_INTO(&state->socket.comm, task, group_leader, comm);
	} else if (tcp && tcp->bytes_received == 0 && tcp->bytes_acked <= 1) {
		/* A child of a listener (bytes_acked counts the SYN of an active open). */
		state->flags[0] = TRAFFIC_FROM_START;
		state->flags[1] = TRAFFIC_FROM_START | TRAFFIC_START_KNOWN;
		state->socket.start_sequence = tcp->rcv_nxt;
	}
}

static __always_inline void submit(struct __sk_buff *skb, struct traffic_record *record, const struct packet *packet,
				   const struct traffic_socket *socket, __u8 flags)
{
	struct traffic_control *user;
	__u32 key = 0;

	record->ktime_ns = bpf_ktime_get_ns();
	record->sequence = packet->sequence;
	record->acknowledgment = packet->acknowledgment;
	record->payload_length = packet->payload_length;
	record->tcp_flags = packet->tcp_flags;
	record->flags = flags;
	record->socket = *socket;
	/* While there is traffic user space comes by on its own every few milliseconds: a wake-up for each record would cost
	 * more than all the rest. It is woken only from the long sleep of a quiet machine. */
	user = bpf_map_lookup_elem(&control, &key);
	bpf_ringbuf_submit(record, user && user->sleeping ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* bpf_ringbuf_reserve wants a constant size, so there is one branch for each of a few sizes (powers of two). The mask tells
 * the verifier of every kernel that 1 <= length <= size, which its own tracking of the comparisons before does not. */
#define CAPTURE_INTO(size)                                                                                             \
	do {                                                                                                           \
		struct traffic_record *record = bpf_ringbuf_reserve(&records, sizeof(*record) + (size), 0);            \
		__u64 bounded = length;                                                                                \
		if (!record)                                                                                           \
			return false;                                                                                  \
		asm volatile("" : "+r"(bounded));                                                                      \
		bounded = ((bounded - 1) & ((size) - 1)) + 1;                                                          \
		record->captured_length = length;                                                                      \
		if (bpf_skb_load_bytes(skb, packet->payload_offset, record->payload, bounded))                         \
			record->captured_length = 0;                                                                   \
		submit(skb, record, packet, socket, flags);                                                            \
		return true;                                                                                           \
	} while (0)

static __always_inline bool capture(struct __sk_buff *skb, const struct packet *packet,
				    const struct traffic_socket *socket, __u8 flags, __u32 limit)
{
	__u32 length = packet->payload_length;

	if (length > limit)
		length = limit;
	if (length > 16384)
		length = 16384;
	if (length == 0) {
		struct traffic_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

		if (!record)
			return false;
		record->captured_length = 0;
		submit(skb, record, packet, socket, flags);
		return true;
	}
	if (length <= 128)
		CAPTURE_INTO(128);
	if (length <= 256)
		CAPTURE_INTO(256);
	if (length <= 512)
		CAPTURE_INTO(512);
	if (length <= 1024)
		CAPTURE_INTO(1024);
	if (length <= 2048)
		CAPTURE_INTO(2048);
	if (length <= 4096)
		CAPTURE_INTO(4096);
	CAPTURE_INTO(16384);
}

static __always_inline bool capture_tail(struct __sk_buff *skb, const struct packet *packet,
					 const struct traffic_socket *socket, __u8 flags)
{
	__u32 length = TAIL_BYTES;

	CAPTURE_INTO(TAIL_BYTES);
}

/* Payload that came with the handshake meets the listener: there is no socket of its own yet (RFC 7413, or an
 * acknowledgement that carries data). User space matches it by its addresses, so they are the packet's. */
static __always_inline bool capture_at_listener(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *packet)
{
	struct traffic_socket socket = {};
	__be16 port;

	describe(skb, sk, &socket);
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__be32 addresses[2];

		if (bpf_skb_load_bytes(skb, __builtin_offsetof(struct ipv4_header, source), addresses, sizeof(addresses)))
			return false;
		map_ipv4(socket.remote_address, addresses[0]);
		map_ipv4(socket.local_address, addresses[1]);
	} else {
		if (bpf_skb_load_bytes(skb, __builtin_offsetof(struct ipv6_header, source), socket.remote_address, 16) ||
		    bpf_skb_load_bytes(skb, __builtin_offsetof(struct ipv6_header, destination), socket.local_address, 16))
			return false;
	}
	if (bpf_skb_load_bytes(skb, packet->tcp_offset, &port, sizeof(port)))
		return false;
	socket.remote_port = bpf_ntohs(port);
	return capture(skb, packet, &socket, TRAFFIC_INGRESS | TRAFFIC_LISTENER, UNKNOWN_BYTES_PER_PACKET);
}

/* Atomic although per CPU: a packet that leaves in process context can be interrupted by one that arrives. */
#define ADD(what, number) __sync_fetch_and_add(&count->what, number)
#define COUNT(what)                                                                                                    \
	do {                                                                                                           \
		ADD(what, 1);                                                                                          \
		return 1;                                                                                              \
	} while (0)

static __always_inline int tap(struct __sk_buff *skb, bool ingress)
{
	struct packet packet;
	struct traffic_counters *count;
	struct socket_state *state;
	struct traffic_slot *slot;
	struct bpf_sock *sk;
	__u32 key = 0, verdict = TRAFFIC_UNKNOWN, limit, tail;
	__u8 flags, tcp_flags;
	__u64 skip = 0;
	bool captured;

	count = bpf_map_lookup_elem(&counters, &key);
	if (!count)
		return 1;
	ADD(packets, 1);
	sk = skb->sk;
	if (!sk)
		COUNT(no_socket);
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		COUNT(no_socket);
	if (sk->protocol != IPPROTO_TCP)
		COUNT(not_tcp);
	if (!parse(skb, &packet))
		COUNT(not_parsed);
	if (packet.payload_length == 0 && !(packet.tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		COUNT(no_payload);
	if (sk->state == TCP_LISTEN) {
		if (packet.payload_length == 0)
			COUNT(no_payload);
		if (capture_at_listener(skb, sk, &packet))
			COUNT(submitted);
		ADD(ring_full_bytes, packet.payload_length);
		COUNT(ring_full);
	}

	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state) {
		state = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!state)
			COUNT(no_storage);
		init_state(skb, sk, state, &packet, ingress);
	}
	if (state->verdict == TRAFFIC_IGNORE)
		COUNT(ignored);

	key = (__u32)state->socket.cookie & (TRAFFIC_SLOTS - 1);
	slot = bpf_map_lookup_elem(&slots, &key);
	if (slot && slot->cookie == state->socket.cookie) {
		verdict = slot->verdict;
		skip = slot->skip_until[ingress];
	}
	/* The two that hold for good are kept with the socket: its slot may go to another one. */
	if (verdict == TRAFFIC_IGNORE || verdict == TRAFFIC_CAPTURE)
		state->verdict = verdict;
	verdict = verdict == TRAFFIC_UNKNOWN ? state->verdict : verdict;
	if (verdict == TRAFFIC_IGNORE)
		COUNT(ignored);

	limit = bytes_per_packet;
	if (packet.payload_length > 0) {
		bool turned = state->last_direction != ingress;

		state->last_direction = ingress;
		if (verdict == TRAFFIC_PROBE && !turned)
			COUNT(unwanted);
		if (turned || state->run_bytes >= RUN_BYTES_MAX) {
			__u64 ticks = bpf_jiffies64();

			if (turned || ticks - state->run_ticks >= RUN_TICKS) {
				state->run_bytes = 0;
				state->run_ticks = ticks;
			}
		}
		if (verdict == TRAFFIC_UNKNOWN) {
			if (state->unknown_bytes >= UNKNOWN_BYTES_MAX && !turned)
				COUNT(over_budget);
			if (limit > UNKNOWN_BYTES_PER_PACKET)
				limit = UNKNOWN_BYTES_PER_PACKET;
			state->unknown_bytes += packet.payload_length < limit ? packet.payload_length : limit;
		}
		if (skip >> 32) {
			/* Signed distance: sequence numbers wrap (RFC 9293 section 3.4). */
			__s32 unwanted = (__s32)((__u32)skip - packet.sequence);

			if (unwanted > 0) {
				state->run_bytes = 0;
				if ((__u32)unwanted >= packet.payload_length) {
					if (!(packet.tcp_flags & (TCP_FIN | TCP_RST)))
						COUNT(unwanted);
					unwanted = packet.payload_length;
				}
				packet.sequence += unwanted;
				packet.payload_offset += unwanted;
				packet.payload_length -= unwanted;
			}
		}
	}
	if (state->run_bytes >= RUN_BYTES_MAX && limit > TAIL_BYTES)
		limit = TAIL_BYTES;
	state->run_bytes += packet.payload_length < limit ? packet.payload_length : limit;
	flags = state->flags[ingress] | (ingress ? TRAFFIC_INGRESS : 0);
	tail = packet.payload_length > limit && limit >= TAIL_BYTES ? TAIL_BYTES : 0;
	tcp_flags = packet.tcp_flags;
	if (tail) {
		packet.payload_length -= tail;
		packet.tcp_flags &= ~TCP_FIN;
	}
	captured = capture(skb, &packet, &state->socket, flags, limit);
	if (tail && captured) {
		packet.tcp_flags = tcp_flags & ~TCP_SYN;
		packet.sequence += packet.payload_length;
		packet.payload_offset += packet.payload_length;
		packet.payload_length = tail;
		ADD(packets, 1);
		captured = capture_tail(skb, &packet, &state->socket, flags);
		ADD(submitted, 1);
	}
	if (packet.payload_length > 0)
		state->flags[ingress] = 0;
	if (captured)
		COUNT(submitted);
	ADD(ring_full_bytes, packet.payload_length);
	COUNT(ring_full);
}

/* The peer's FIN for a socket that was closed first meets no socket any more (time-wait has none): without this such a connection
 * would be remembered until it counts as idle. Runs before the last FIN leaves. */
SEC("cgroup/sock_release")
int traffic__release(struct bpf_sock *sk)
{
	struct traffic_counters *count;
	struct traffic_record *record;
	struct traffic_control *user;
	struct socket_state *state;
	__u32 key = 0;

	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state || state->verdict == TRAFFIC_IGNORE)
		return 1;
	count = bpf_map_lookup_elem(&counters, &key);
	if (!count)
		return 1;
	ADD(packets, 1);
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record)
		COUNT(ring_full);
	__builtin_memset(record, 0, sizeof(*record));
	record->ktime_ns = bpf_ktime_get_ns();
	record->flags = TRAFFIC_RELEASED;
	record->socket = state->socket;
	user = bpf_map_lookup_elem(&control, &key);
	bpf_ringbuf_submit(record, user && user->sleeping ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	COUNT(submitted);
}

SEC("cgroup_skb/egress")
int traffic__egress(struct __sk_buff *skb)
{
	return tap(skb, false);
}

SEC("cgroup_skb/ingress")
int traffic__ingress(struct __sk_buff *skb)
{
	return tap(skb, true);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
