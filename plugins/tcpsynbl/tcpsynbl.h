/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What crosses from the watch on accept queues to user space. TcpSynBacklogLayout.cs holds the same structs for C#; a test and
 * the start-up compare the two through the object's BTF. All numbers are in host order. */
#ifndef KUBEBPFBOX_TCPSYNBL_H
#define KUBEBPFBOX_TCPSYNBL_H

#include <linux/types.h>
#include <linux/bpf.h>

/* A listening socket; the key is its cookie. The kernel program alone writes it. */
struct tcpsynbl_listener {
	struct bpf_spin_lock lock; /* guards everything from packets on: user space reads with BPF_F_LOCK */
	__u32 closed; /* 1 once its process has closed it */
	__u64 cgroup_id; /* cgroup v2 of the socket's owner */
	__u8 local_address[16]; /* IPv4 as ::ffff:a.b.c.d; zeros for any */
	__u16 local_port;
	__u16 reserved;
	__u32 netns; /* inode of the network namespace */
	__u64 packets; /* that met it */
	__u64 window; /* the time of the last of them, in units of window_ns */
	__u32 highest; /* length of the queue met in that window */
	__u32 highest_before; /* in the window before */
	__u32 limit; /* sk_max_ack_backlog */
	__u32 overflow_length; /* the queue at the last overflow, like the next */
	__u32 overflow_limit;
	__u16 client_port; /* who was refused last, like client_address */
	__u16 padding;
	__u64 overflows; /* as LINUX_MIB_LISTENOVERFLOWS */
	__u64 syn_overflows; /* of them, by a SYN */
	__u64 overflow_ktime_ns; /* CLOCK_MONOTONIC */
	__u8 client_address[16];
};

/* Per CPU. */
struct tcpsynbl_counters {
	__u64 overflows;
	__u64 no_room; /* of them, of listeners that the map had no room for */
	__u64 not_parsed; /* packets for a full queue with headers longer than are followed: overflows or not */
};

#endif
