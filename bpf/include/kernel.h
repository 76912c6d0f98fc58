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

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
};

typedef struct {
	long counter;
} atomic_long_t;

/* In memory cgroups: pages. */
struct page_counter {
	atomic_long_t usage;
	unsigned long max;
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *parent;
	__u64 id;
};

/* Since 6.15. */
struct kernfs_node___parent {
	struct kernfs_node *__parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

/* Numbered by what the kernel was built with. */
enum cgroup_subsys_id {
	memory_cgrp_id,
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	bool oom_lock; /* only with CONFIG_MEMCG_V1, since 6.11 */
};

struct oom_control {
	struct mem_cgroup *memcg;
	struct task_struct *chosen;
};

/* Of rss_stat, include/linux/mm_types_task.h. */
enum {
	MM_FILEPAGES,
	MM_ANONPAGES,
	MM_SWAPENTS,
	MM_SHMEMPAGES,
	NR_MM_COUNTERS,
};

struct percpu_counter {
	__s64 count;
};

struct mm_struct {
	atomic_long_t pgtables_bytes;
	struct percpu_counter rss_stat[NR_MM_COUNTERS];
};

/* Until 6.1. */
struct mm_rss_stat {
	atomic_long_t count[NR_MM_COUNTERS];
};

struct mm_struct___rss_stat {
	struct mm_rss_stat rss_stat;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct core_state;

struct signal_struct {
	unsigned int flags;
	int group_exit_code;
	struct core_state *core_state;
	short oom_score_adj;
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
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_time;
	const struct cred *real_cred;
	char comm[16];
	struct signal_struct *signal;
	struct css_set *cgroups;
	struct mm_struct *mm;
};

#pragma clang attribute pop

#endif
