/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What crosses from the OOM kill program to user space. OomKillLayout.cs holds the same structs for C#; a test and the start-up
 * compare the two through the object's BTF. All numbers are in host order; -1 where the kernel did not tell. */
#ifndef KUBEBPFBOX_OOMKILL_H
#define KUBEBPFBOX_OOMKILL_H

#include <linux/types.h>

/* Whose memory had run out. */
enum {
	OOMKILL_SCOPE_UNKNOWN = 0,
	OOMKILL_SCOPE_CGROUP = 1,
	OOMKILL_SCOPE_NODE = 2,
};

/* kubelet.slice/kubelet-kubepods.slice/…-burstable.slice/…-pod<uid>.slice/cri-containerd-<id>.scope: pod and container are always
 * among the innermost, and the longest of these names has 86 bytes. */
#define OOMKILL_LEVELS 5
#define OOMKILL_NAME_BYTES 128

/* Names of a cgroup and of those around it, innermost first; empty beyond the outermost, which is below the root. */
struct oomkill_cgroup {
	char names[OOMKILL_LEVELS][OOMKILL_NAME_BYTES];
};

struct oomkill_process {
	__u64 cgroup_id; /* cgroup v2 */
	__u32 tgid;
	char comm[16]; /* of the process: that of its first thread */
	__u32 reserved;
	struct oomkill_cgroup cgroup; /* of the memory controller, or v2 where that one has none */
};

struct oomkill_record {
	__u64 ktime_ns; /* CLOCK_MONOTONIC */
	__u64 start_time_ns; /* of the victim: with tgid it names a process for good */
	struct oomkill_process victim;
	struct oomkill_process trigger; /* the current task: it asked for memory */
	struct oomkill_cgroup limit_cgroup; /* whose limit it was; empty for the node's memory */
	__s64 limit_pages;
	__s64 usage_pages; /* of that cgroup */
	__s64 anon_pages; /* of the victim, like all that follows */
	__s64 file_pages;
	__s64 shmem_pages;
	__s64 swap_pages;
	__s64 page_table_bytes;
	__s64 uid; /* in the root namespace */
	__u32 container_tgid; /* in its innermost pid namespace; 0 = not known */
	__s32 oom_score_adj;
	__u32 scope;
	__u32 reserved;
	char message[64]; /* empty when the way in does not tell */
};

/* seen is the sum of all the others. */
struct oomkill_counters {
	__u64 seen;
	__u64 submitted; /* became a record */
	__u64 ring_full;
	__u64 already_exiting; /* the process was ending anyway; the kernel only let it have the memory for that */
};

#endif
