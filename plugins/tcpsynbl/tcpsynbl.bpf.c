// SPDX-License-Identifier: MIT OR GPL-2.0
/* Watches accept queues. A packet that is not for a connection yet meets the listener as its socket (tcp_filter in tcp_v4_rcv runs
 * with it), just before the kernel looks at the queue; the same look, a moment earlier, tells which packets it will refuse. What
 * counts is what the kernel counts as LINUX_MIB_LISTENOVERFLOWS. It only ever looks: the packet passes unchanged. */
#include "tcp_packet.h"
#include "tcpsynbl.h"

#define TCP_NEW_SYN_RECV 12

/* MAX_SYNCOOKIE_AGE periods of a minute (include/net/tcp.h): the kernel takes no older cookie. */
#define SYN_COOKIE_NS (120ULL * 1000 * 1000 * 1000)

/* Length of the windows over which the highest length is kept. */
const volatile __u64 window_ns = 60ULL * 1000 * 1000 * 1000;

/* Without preallocation: an element is not given to another listener while a program still writes to it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct tcpsynbl_listener);
} listeners SEC(".maps");

/* A handshake that was answered with a SYN cookie: the kernel keeps nothing of it, so its last acknowledgement is told from
 * any stray one by what is kept here. */
struct cookie_key {
	__u8 client_address[16];
	__u16 client_port;
	__u16 local_port;
	__u32 netns;
};

struct cookie_sent {
	__u64 ktime_ns;
	__u32 client_sequence; /* of the SYN */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct cookie_key);
	__type(value, struct cookie_sent);
} cookies_sent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tcpsynbl_counters);
} counters SEC(".maps");

/* The lengths that the kernel compares, both read before anything else. */
struct queue {
	__u32 length;
	__u32 limit;
};

/* sk_acceptq_is_full: a queue of limit 4 takes a fifth. */
static __always_inline bool is_full(const struct queue *queue)
{
	return queue->length > queue->limit;
}

/* Addresses and ports as bpf_skc_lookup_tcp wants them, and the client for the listener's entry. */
struct ends {
	struct bpf_sock_tuple tuple;
	__u32 tuple_size;
	__u8 client_address[16];
	__u16 client_port;
};

static __always_inline bool read_ends(struct __sk_buff *skb, const struct packet *packet, struct ends *ends)
{
	__be16 ports[2];

	if (bpf_skb_load_bytes(skb, packet->tcp_offset, ports, sizeof(ports)))
		return false;
	ends->client_port = bpf_ntohs(ports[0]);
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, __builtin_offsetof(struct ipv4_header, source), &ends->tuple.ipv4.saddr, 8))
			return false;
		ends->tuple.ipv4.sport = ports[0];
		ends->tuple.ipv4.dport = ports[1];
		ends->tuple_size = sizeof(ends->tuple.ipv4);
		map_ipv4(ends->client_address, ends->tuple.ipv4.saddr);
	} else {
		if (bpf_skb_load_bytes(skb, __builtin_offsetof(struct ipv6_header, source), &ends->tuple.ipv6.saddr, 32))
			return false;
		ends->tuple.ipv6.sport = ports[0];
		ends->tuple.ipv6.dport = ports[1];
		ends->tuple_size = sizeof(ends->tuple.ipv6);
		__builtin_memcpy(ends->client_address, ends->tuple.ipv6.saddr, 16);
	}
	return true;
}

static __always_inline __u32 netns_of(struct tcp_sock *listener)
{
	return listener->inet_conn.icsk_inet.sk.__sk_common.skc_net.net->ns.inum;
}

static __always_inline __u32 requests_of(struct tcp_sock *listener)
{
	return listener->inet_conn.icsk_accept_queue.qlen.counter;
}

static __always_inline __u32 syncookies_of(struct tcp_sock *listener)
{
	return listener->inet_conn.icsk_inet.sk.__sk_common.skc_net.net->ipv4.sysctl_tcp_syncookies;
}

/* tcp_conn_request: with syncookies off, a queue of requests that is full refuses first, and that counts as TCPReqQFullDrop
 * (inet_csk_reqsk_queue_is_full; older kernels call it full with one request less). Both are full only after another listen()
 * that asked for less. */
static __always_inline bool syn_overflows(struct tcp_sock *listener, const struct queue *queue)
{
	return syncookies_of(listener) != 0 || requests_of(listener) <= queue->limit;
}

/* tcp_in_window */
static __always_inline bool in_window(__u32 sequence, __u32 end, __u32 window_start, __u32 window_end)
{
	if (sequence == window_start)
		return true;
	if ((__s32)(end - window_start) > 0 && (__s32)(sequence - window_end) < 0)
		return true;
	return sequence == window_end && sequence == end;
}

/* tcp_check_req, up to its call of syn_recv_sock, which counts. Not looked at are time stamps (PAWS). */
static __always_inline bool request_overflows(const struct packet *packet, struct tcp_sock *listener, struct bpf_sock *found)
{
	__u32 end = packet->sequence + packet->payload_length, received, start;
	struct tcp_request_sock *request;
	__u8 flags = packet->tcp_flags;

	/* bpf_skc_to_tcp_request_sock knows no request of a listener that speaks MPTCP (as Go's do) or is in a sockmap: so the
	 * pointer is taken as the number that it is. */
	if (bpf_probe_read_kernel(&request, sizeof(request), &found))
		return false;
	end += !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
	if (!(flags & TCP_ACK) || packet->acknowledgment != BPF_CORE_READ(request, snt_isn) + 1)
		return false;
	start = BPF_CORE_READ(request, rcv_nxt);
	if (!in_window(packet->sequence, end, start, start + BPF_CORE_READ(request, req.req.__req_common.skc_rcv_wnd)))
		return false;
	received = BPF_CORE_READ(request, rcv_isn);
	if (flags & TCP_RST || (flags & TCP_SYN && packet->sequence != received))
		return false;
	/* TCP_DEFER_ACCEPT: a bare acknowledgement is ignored for a while. */
	return end != received + 1 || BPF_CORE_READ_BITFIELD_PROBED(&request->req.req, num_timeout) >=
					      listener->inet_conn.icsk_accept_queue.rskq_defer_accept;
}

static __always_inline void key_of(struct cookie_key *key, struct tcp_sock *listener, const struct ends *ends, __u16 local_port)
{
	__builtin_memcpy(key->client_address, ends->client_address, 16);
	key->client_port = ends->client_port;
	key->local_port = local_port;
	key->netns = netns_of(listener);
}

/* cookie_v4_check: the acknowledgement of a cookie that was sent makes a connection of it, by syn_recv_sock. */
static __always_inline bool cookie_overflows(const struct packet *packet, struct tcp_sock *listener, const struct ends *ends, __u16 local_port)
{
	struct cookie_sent *sent;
	struct cookie_key key;

	if (!syncookies_of(listener))
		return false;
	key_of(&key, listener, ends, local_port);
	sent = bpf_map_lookup_elem(&cookies_sent, &key);
	return sent && sent->client_sequence + 1 == packet->sequence && bpf_ktime_get_ns() - sent->ktime_ns < SYN_COOKIE_NS;
}

/* tcp_conn_request answers with a cookie when it has enough requests already, or always. */
static __always_inline void remember_cookie(struct __sk_buff *skb, struct tcp_sock *listener, __u16 local_port, const struct queue *queue)
{
	__u32 syncookies = syncookies_of(listener);
	struct cookie_sent sent = {};
	struct packet packet;
	struct cookie_key key;
	struct ends ends;

	if (syncookies == 0 || (syncookies != 2 && requests_of(listener) < queue->limit))
		return;
	if (!parse(skb, &packet) || (packet.tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN || !read_ends(skb, &packet, &ends))
		return;
	key_of(&key, listener, &ends, local_port);
	sent.ktime_ns = bpf_ktime_get_ns();
	sent.client_sequence = packet.sequence;
	bpf_map_update_elem(&cookies_sent, &key, &sent, BPF_ANY);
}

/* Whether the kernel is about to count this packet for a full queue. */
static __always_inline bool overflows(struct __sk_buff *skb, const struct packet *packet, struct tcp_sock *listener, struct ends *ends,
				      __u16 local_port, const struct queue *queue)
{
	struct bpf_sock *found;
	bool result = false;

	if (packet->tcp_flags & TCP_RST || !(packet->tcp_flags & (TCP_SYN | TCP_ACK)))
		return false;
	found = bpf_skc_lookup_tcp(skb, &ends->tuple, ends->tuple_size, BPF_F_CURRENT_NETNS, 0);
	if (found && found->state == TCP_NEW_SYN_RECV) {
		result = request_overflows(packet, listener, found);
	} else if (found && found->state != TCP_LISTEN) {
		/* Another CPU has made the connection meanwhile. */
		result = false;
	} else if (packet->tcp_flags & TCP_ACK) {
		result = !(packet->tcp_flags & TCP_SYN) && cookie_overflows(packet, listener, ends, local_port);
	} else {
		result = !(packet->tcp_flags & TCP_FIN) && syn_overflows(listener, queue);
	}
	if (found)
		bpf_sk_release(found);
	return result;
}

static __always_inline struct tcpsynbl_listener *add(struct __sk_buff *skb, struct bpf_sock *sk, struct tcp_sock *listener, __u64 cookie)
{
	struct tcpsynbl_listener fresh = {};

	fresh.cgroup_id = bpf_skb_cgroup_id(skb);
	fresh.netns = netns_of(listener);
	fresh.local_port = sk->src_port;
	if (sk->family == AF_INET) {
		map_ipv4(fresh.local_address, sk->src_ip4);
	} else {
		__u32 *local = (__u32 *)fresh.local_address;

		local[0] = sk->src_ip6[0];
		local[1] = sk->src_ip6[1];
		local[2] = sk->src_ip6[2];
		local[3] = sk->src_ip6[3];
	}
	bpf_map_update_elem(&listeners, &cookie, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&listeners, &cookie);
}

static __always_inline struct tcpsynbl_listener *find_or_add(struct __sk_buff *skb, struct bpf_sock *sk, struct tcp_sock *listener)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct tcpsynbl_listener *entry = bpf_map_lookup_elem(&listeners, &cookie);

	return entry ? entry : add(skb, sk, listener, cookie);
}

/* Under the entry's lock no function may be called: all is known before. */
static __always_inline void note(struct tcpsynbl_listener *entry, const struct queue *queue, __u64 now, const struct ends *refused, bool by_syn)
{
	__u64 window = now / window_ns;

	bpf_spin_lock(&entry->lock);
	entry->packets++;
	if (window != entry->window) {
		entry->highest_before = window == entry->window + 1 ? entry->highest : 0;
		entry->highest = 0;
		entry->window = window;
	}
	if (queue->length > entry->highest)
		entry->highest = queue->length;
	entry->limit = queue->limit;
	if (refused) {
		entry->overflows++;
		entry->syn_overflows += by_syn;
		entry->overflow_ktime_ns = now;
		entry->overflow_length = queue->length;
		entry->overflow_limit = queue->limit;
		__builtin_memcpy(entry->client_address, refused->client_address, 16);
		entry->client_port = refused->client_port;
	}
	bpf_spin_unlock(&entry->lock);
}

/* Atomic although per CPU: one program may be interrupted by another. */
#define ADD(what) __sync_fetch_and_add(&count->what, 1)

SEC("cgroup_skb/ingress")
int tcpsynbl__ingress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct tcpsynbl_counters *count;
	struct tcpsynbl_listener *entry;
	struct tcp_sock *listener;
	struct packet packet = {};
	struct queue queue;
	struct ends ends;
	bool refused = false;
	__u16 local_port;
	__u32 key = 0;

	/* Nearly every packet of the machine ends here. */
	if (!sk || sk->state != TCP_LISTEN)
		return 1;
	listener = bpf_skc_to_tcp_sock(sk);
	count = bpf_map_lookup_elem(&counters, &key);
	if (!listener || !count)
		return 1;
	queue.length = listener->inet_conn.icsk_inet.sk.sk_ack_backlog;
	queue.limit = listener->inet_conn.icsk_inet.sk.sk_max_ack_backlog;
	local_port = sk->src_port;
	if (!is_full(&queue))
		remember_cookie(skb, listener, local_port, &queue);
	else if (!parse(skb, &packet) || !read_ends(skb, &packet, &ends))
		ADD(not_parsed);
	else
		refused = overflows(skb, &packet, listener, &ends, local_port, &queue);
	if (refused)
		ADD(overflows);
	entry = find_or_add(skb, sk, listener);
	if (!entry) {
		if (refused)
			ADD(no_room);
		return 1;
	}
	note(entry, &queue, bpf_ktime_get_ns(), refused ? &ends : 0, packet.tcp_flags & TCP_SYN);
	return 1;
}

/* Otherwise a listener that is gone could not be told from one that is quiet. */
SEC("cgroup/sock_release")
int tcpsynbl__release(struct bpf_sock *sk)
{
	struct tcpsynbl_listener *entry;
	__u64 cookie;

	if (sk->state != TCP_LISTEN)
		return 1;
	cookie = bpf_get_socket_cookie(sk);
	entry = bpf_map_lookup_elem(&listeners, &cookie);
	if (entry)
		entry->closed = 1;
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
