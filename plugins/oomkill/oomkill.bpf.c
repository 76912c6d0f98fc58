// SPDX-License-Identifier: MIT OR GPL-2.0
/* OOM kills, seen while the victim still exists: its memory, its cgroups and their names are read in the kernel, since
 * a moment later process and container may be gone. One of the ways in is taken, see README.md. Kernel source:
 * mm/oom_kill.c. */
#include <linux/ptrace.h>
#include "kernel.h"
#include <bpf/bpf_tracing.h>
#include "oomkill.h"

#define SIGKILL 9
#define SIGNAL_GROUP_EXIT 4 /* include/linux/sched/signal.h */

/* Memory cgroups that are looked at from the victim's towards the root. */
#define WALK_LEVELS 8

/* A limit that is none, in pages: PAGE_COUNTER_MAX. */
const volatile __u64 no_limit_pages = 0;

/* How far below its limit a cgroup may be and yet be the one that ran into it. */
const volatile __u64 margin_pages = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} records SEC(".maps");

struct oomkill_counters counters = {};

/* What oom_kill_process() was called with, for the other members of a group that dies as one: __oom_kill_process() is
 * called for each of them inside of it. The kernel's oom_lock lets one at a time in. */
struct {
	__u64 memcg;
	__u64 leader;
} call = {};

/* Anchors the record's type in the object's BTF: it is only ever reached through casts. */
const struct oomkill_record *oomkill_record_layout __attribute__((unused));

#define COUNT(what) __sync_fetch_and_add(&counters.what, 1)

static __always_inline struct cgroup_subsys_state *memory_css(struct task_struct *task)
{
	void *subsys = (void *)BPF_CORE_READ(task, cgroups) + bpf_core_field_offset(struct css_set, subsys);
	struct cgroup_subsys_state *css = NULL;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	subsys += bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) * sizeof(css);
	bpf_probe_read_kernel(&css, sizeof(css), subsys);
	return css;
}

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___parent *newer = (void *)node;

	return bpf_core_field_exists(newer->__parent) ? BPF_CORE_READ(newer, __parent) : BPF_CORE_READ(node, parent);
}

/* The root has no parent and its name says nothing. */
static __always_inline void read_names(struct oomkill_cgroup *cgroup, struct kernfs_node *node)
{
#pragma unroll
	for (int i = 0; i < OOMKILL_LEVELS; i++) {
		struct kernfs_node *parent = node ? parent_of(node) : NULL;

		cgroup->names[i][0] = 0;
		if (parent)
			bpf_probe_read_kernel_str(cgroup->names[i], OOMKILL_NAME_BYTES, BPF_CORE_READ(node, name));
		node = parent;
	}
}

static __always_inline void read_process(struct oomkill_process *process, struct task_struct *task)
{
	struct kernfs_node *v2 = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn), *node;
	struct cgroup_subsys_state *css = memory_css(task);

	process->cgroup_id = BPF_CORE_READ(v2, id);
	process->tgid = BPF_CORE_READ(task, tgid);
	process->reserved = 0;
	BPF_CORE_READ_STR_INTO(&process->comm, task, group_leader, comm);
	node = css ? BPF_CORE_READ(css, cgroup, kn) : NULL;
	read_names(&process->cgroup, node && parent_of(node) ? node : v2);
}

/* As approximate as the kernel's own log: what the CPUs have not added to the sum yet is missing (get_mm_counter). */
static __always_inline __s64 resident(struct mm_struct *mm, int kind)
{
	struct mm_struct___rss_stat *older = (void *)mm;
	__s64 pages = 0;

	if (bpf_core_field_exists(older->rss_stat.count)) {
		void *count = (void *)mm + bpf_core_field_offset(older->rss_stat.count);

		bpf_probe_read_kernel(&pages, sizeof(pages), count + kind * sizeof(atomic_long_t));
	} else if (bpf_core_type_exists(struct percpu_counter)) {
		void *counter = (void *)mm + bpf_core_field_offset(mm->rss_stat);

		counter += kind * bpf_core_type_size(struct percpu_counter);
		bpf_probe_read_kernel(&pages, sizeof(pages),
				      counter + bpf_core_field_offset(struct percpu_counter, count));
	} else {
		return -1;
	}
	return pages < 0 ? 0 : pages;
}

static __always_inline void read_memory(struct oomkill_record *record, struct task_struct *victim)
{
	struct mm_struct *mm = BPF_CORE_READ(victim, mm);

	/* A first thread that has ended has none, though others of its process run on. */
	record->anon_pages = mm ? resident(mm, MM_ANONPAGES) : -1;
	record->file_pages = mm ? resident(mm, MM_FILEPAGES) : -1;
	record->shmem_pages = mm ? resident(mm, MM_SHMEMPAGES) : -1;
	record->swap_pages = mm ? resident(mm, MM_SWAPENTS) : -1;
	record->page_table_bytes = -1;
	if (mm && bpf_core_field_exists(mm->pgtables_bytes))
		record->page_table_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
}

static __always_inline __u32 container_tgid(struct task_struct *victim)
{
	struct pid *pid = BPF_CORE_READ(victim, group_leader, thread_pid);
	void *number = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	__u32 nr = 0;

	number += BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&nr, sizeof(nr), number + bpf_core_field_offset(struct upid, nr));
	return nr;
}

static __always_inline void read_limit(struct oomkill_record *record, struct mem_cgroup *memcg)
{
	__u64 limit = BPF_CORE_READ(memcg, memory.max);

	record->limit_pages = limit >= no_limit_pages ? -1 : limit;
	record->usage_pages = BPF_CORE_READ(memcg, memory.usage.counter);
	read_names(&record->limit_cgroup, BPF_CORE_READ(memcg, css.cgroup, kn));
}

static __always_inline struct mem_cgroup *memcg_of(struct cgroup_subsys_state *css)
{
	return (void *)css - bpf_core_field_offset(struct mem_cgroup, css);
}

/* 1 when the two are the same, else 0; without a branch, so that the verifier has one path to follow and not 2^64. */
static __always_inline __u64 same(__u64 a, __u64 b)
{
	__u64 difference = a ^ b;

	return ~(difference | -difference) >> 63;
}

/* The cgroup whose limit the kill is for, when the way in does not tell; NULL for the node's memory. README.md says how
 * sure it is. */
static __always_inline struct mem_cgroup *find_limit(struct task_struct *victim, struct task_struct *trigger)
{
	struct cgroup_subsys_state *css = memory_css(trigger), *locked = NULL, *full = NULL;
	__u64 around_trigger[WALK_LEVELS];

#pragma unroll
	for (int i = 0; i < WALK_LEVELS; i++) {
		around_trigger[i] = (__u64)css;
		css = css ? BPF_CORE_READ(css, parent) : NULL;
	}
	css = memory_css(victim);
#pragma unroll
	for (int i = 0; i < WALK_LEVELS; i++) {
		struct mem_cgroup *memcg = memcg_of(css);
		__u64 usage, limit, margin = margin_pages, holds_trigger = 0;

		if (!css)
			break;
		/* mem_cgroup_oom() locks the cgroup whose limit it is, with all below it: the outermost is that one. */
		if (bpf_core_field_exists(memcg->oom_lock) && BPF_CORE_READ(memcg, oom_lock))
			locked = css;
		usage = BPF_CORE_READ(memcg, memory.usage.counter);
		limit = BPF_CORE_READ(memcg, memory.max);
		for (int j = 0; j < WALK_LEVELS; j++)
			holds_trigger |= same(around_trigger[j], (__u64)css);
		/* A large margin must not make a small cgroup full. */
		if (margin > limit / 8)
			margin = limit / 8;
		/* Beyond it: the limit was lowered, and who lowered it triggers. Else whoever could not get more is
		 * inside. */
		if (!full && limit < no_limit_pages && (usage > limit || (holds_trigger && usage + margin >= limit)))
			full = css;
		css = BPF_CORE_READ(css, parent);
	}
	css = locked ? locked : full;
	return css ? memcg_of(css) : NULL;
}

static __always_inline void report(struct task_struct *victim, struct task_struct *trigger, struct mem_cgroup *memcg,
				   const char *message)
{
	struct oomkill_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record) {
		COUNT(ring_full);
		return;
	}
	record->ktime_ns = bpf_ktime_get_ns();
	record->start_time_ns = BPF_CORE_READ(victim, group_leader, start_time);
	read_process(&record->victim, victim);
	read_process(&record->trigger, trigger);
	record->limit_cgroup = (struct oomkill_cgroup){};
	record->limit_pages = record->usage_pages = -1;
	record->scope = OOMKILL_SCOPE_NODE;
	if (memcg) {
		record->scope = OOMKILL_SCOPE_CGROUP;
		read_limit(record, memcg);
	}
	read_memory(record, victim);
	record->uid = BPF_CORE_READ(victim, real_cred, uid.val);
	record->container_tgid = container_tgid(victim);
	record->oom_score_adj = BPF_CORE_READ(victim, signal, oom_score_adj);
	record->reserved = 0;
	record->message[0] = 0;
	if (message)
		bpf_probe_read_kernel_str(record->message, sizeof(record->message), message);
	bpf_ringbuf_submit(record, 0);
	COUNT(submitted);
}

/* While a core is dumped, the flags say that the process exits; the kernel kills it all the same. */
static __always_inline bool dumps_core(struct signal_struct *signal)
{
	return bpf_core_field_exists(signal->core_state) && BPF_CORE_READ(signal, core_state);
}

/* Where the argument is a process id, as in older kernels, this is not loaded. */
SEC("raw_tp/mark_victim")
int oomkill__mark_victim(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *victim = (struct task_struct *)ctx->args[0],
			   *trigger = (struct task_struct *)bpf_get_current_task();
	struct signal_struct *signal = BPF_CORE_READ(victim, signal);

	COUNT(seen);
	/* A process that was ending when it asked for memory is marked, too (task_will_free_mem), but not killed: one
	 * that is has got its SIGKILL just before. */
	if (!dumps_core(signal) && (!(BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT) ||
				    BPF_CORE_READ(signal, group_exit_code) != SIGKILL)) {
		COUNT(already_exiting);
		return 0;
	}
	report(victim, trigger, find_limit(victim, trigger), NULL);
	return 0;
}

/* oom_kill_process() has not sent SIGKILL yet: who is ending already will not be killed (task_will_free_mem). */
static __always_inline int kill(struct task_struct *victim, struct mem_cgroup *memcg, const char *message)
{
	struct signal_struct *signal = BPF_CORE_READ(victim, signal);

	COUNT(seen);
	if (!dumps_core(signal) && (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)) {
		COUNT(already_exiting);
		return 0;
	}
	report(victim, (struct task_struct *)bpf_get_current_task(), memcg, message);
	return 0;
}

static __always_inline int kill_process(struct oom_control *oc, const char *message)
{
	struct task_struct *victim = BPF_CORE_READ(oc, chosen);

	call.memcg = (__u64)BPF_CORE_READ(oc, memcg);
	call.leader = (__u64)BPF_CORE_READ(victim, group_leader);
	return kill(victim, (struct mem_cgroup *)call.memcg, message);
}

static __always_inline int kill_member(struct task_struct *victim, const char *message)
{
	if ((__u64)BPF_CORE_READ(victim, group_leader) == call.leader)
		return 0; /* kill_process() has reported it */
	return kill(victim, (struct mem_cgroup *)call.memcg, message);
}

SEC("fentry/oom_kill_process")
int oomkill__kill_fentry(__u64 *ctx)
{
	return kill_process((struct oom_control *)ctx[0], (const char *)ctx[1]);
}

SEC("fentry/__oom_kill_process")
int oomkill__member_fentry(__u64 *ctx)
{
	return kill_member((struct task_struct *)ctx[0], (const char *)ctx[1]);
}

SEC("kprobe/oom_kill_process")
int oomkill__kill_kprobe(struct pt_regs *ctx)
{
	return kill_process((struct oom_control *)PT_REGS_PARM1(ctx), (const char *)PT_REGS_PARM2(ctx));
}

SEC("kprobe/__oom_kill_process")
int oomkill__member_kprobe(struct pt_regs *ctx)
{
	return kill_member((struct task_struct *)PT_REGS_PARM1(ctx), (const char *)PT_REGS_PARM2(ctx));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
