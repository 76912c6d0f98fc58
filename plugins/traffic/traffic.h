/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What crosses from the traffic tap to user space and back. TrafficLayout.cs holds the same structs for C#; a test and the
 * start-up compare the two through the object's BTF. All numbers are in host order. */
#ifndef KUBEBPFBOX_TRAFFIC_H
#define KUBEBPFBOX_TRAFFIC_H

#include <linux/types.h>

/* Flags of traffic_record. */
enum {
	TRAFFIC_INGRESS = 1, /* the packet came in; otherwise the local socket sent it */
	TRAFFIC_FROM_START = 2, /* no payload of this direction went before, on the wire or unseen */
	TRAFFIC_LISTENER = 4, /* the socket is a listener: payload arrived with the handshake */
	TRAFFIC_START_KNOWN = 8, /* start_sequence is the number of the first ingress byte */
	TRAFFIC_RELEASED = 16, /* no packet: the process closed the socket, nobody will read from it any more */
};

/* What user space says about a socket, in its slot. */
enum {
	TRAFFIC_UNKNOWN = 0, /* capture a little until the protocol is known */
	TRAFFIC_CAPTURE = 1, /* capture */
	TRAFFIC_IGNORE = 2, /* nothing of interest, ever */
	TRAFFIC_PROBE = 3, /* joined in the middle: only packets that turn the direction around */
};

/* A socket, as told with each of its packets: a record stands alone, so one lost does not spoil the next. */
struct traffic_socket {
	__u64 cookie; /* identifies the socket while the machine is up */
	__u64 cgroup_id; /* cgroup v2 of the socket's owner */
	__u8 local_address[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 remote_address[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 netns; /* inode of the network namespace, 0 if not known */
	__u32 pid; /* process that called connect(), 0 if not seen */
	__u32 start_sequence; /* see TRAFFIC_START_KNOWN */
	char comm[16];
};

/* One packet. payload[] holds captured_length bytes. */
struct traffic_record {
	__u64 ktime_ns; /* CLOCK_MONOTONIC */
	__u32 sequence; /* of the first byte of payload (or of SYN / FIN) */
	__u32 acknowledgment;
	__u32 payload_length; /* bytes on the wire from sequence on */
	__u16 captured_length;
	__u8 tcp_flags;
	__u8 flags;
	struct traffic_socket socket;
	__u8 payload[];
};

/* Written by user space only, read by the tap: array of TRAFFIC_SLOTS, index = cookie % TRAFFIC_SLOTS. A slot that holds
 * another socket's cookie says nothing. */
struct traffic_slot {
	__u64 cookie;
	/* Bytes before this sequence number are not wanted. Upper half: 1 when set; lower half: the number. */
	__u64 skip_until[2]; /* egress, ingress */
	__u32 verdict;
	__u32 reserved;
};

/* Written by user space before it sleeps for long; the next record then wakes it. */
struct traffic_control {
	__u32 sleeping;
};

/* Per CPU. packets is the sum of all the others. */
struct traffic_counters {
	__u64 packets; /* tails of long packets, and sockets closed, count as packets */
	__u64 submitted; /* became a record */
	__u64 ring_full; /* refused: the ring buffer had no room */
	__u64 no_socket; /* no full socket: time-wait, forwarded, broken */
	__u64 not_tcp;
	__u64 not_parsed; /* headers longer than the tap follows */
	__u64 no_payload; /* nothing but acknowledgements */
	__u64 ignored; /* verdict: not of interest */
	__u64 unwanted; /* inside a body that is not wanted */
	__u64 over_budget; /* protocol not known yet and enough was captured */
	__u64 no_storage; /* no memory for the socket's state */
	__u64 ring_full_bytes; /* payload bytes of ring_full; not part of the sum */
};

#define TRAFFIC_SLOTS 65536

#endif
