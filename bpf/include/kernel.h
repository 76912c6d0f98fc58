/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What kernel programs need of the kernel's own types: only the members that are read, found by name at load time
 * (CO-RE), so no generated vmlinux.h is needed and one object fits every kernel. */
#ifndef KUBEBPFBOX_KERNEL_H
#define KUBEBPFBOX_KERNEL_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct netns_ipv4 {
	__u8 sysctl_tcp_syncookies; /* an int before 5.13: libbpf fits the load to the kernel's size */
};

struct net {
	struct ns_common ns;
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	int counter;
} atomic_t;

struct sock_common {
	possible_net_t skc_net;
	__u32 skc_rcv_wnd;
};

struct sock {
	struct sock_common __sk_common;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
};

struct inet_sock {
	struct sock sk;
};

struct request_sock_queue {
	__u8 rskq_defer_accept;
	atomic_t qlen;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
};

struct request_sock {
	struct sock_common __req_common;
	__u8 num_timeout : 7;
};

struct inet_request_sock {
	struct request_sock req;
};

struct tcp_request_sock {
	struct inet_request_sock req;
	__u32 rcv_isn;
	__u32 snt_isn;
	__u32 rcv_nxt;
};

struct task_struct {
	int tgid;
	struct task_struct *group_leader;
	char comm[16];
};

#pragma clang attribute pop

#endif
