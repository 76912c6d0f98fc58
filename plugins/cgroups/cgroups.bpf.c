// SPDX-License-Identifier: MIT OR GPL-2.0
/* Tells of every cgroup v2 that is made or removed, with its path, before a process can run in it. */
#include "kernel.h"
#include "cgroups.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} refused SEC(".maps");

/* Anchors the record's type in the object's BTF. */
const struct cgroups_record *cgroups_record_layout __attribute__((unused));

/* The hierarchy of version 2 has number 0 (cgroup_init in kernel/cgroup/cgroup.c makes it first). */
static __always_inline struct cgroups_record *begin(struct cgroup *cgroup)
{
	struct cgroups_record *record;
	__u64 *count;
	__u32 key = 0;

	if (BPF_CORE_READ(cgroup, root, hierarchy_id) != 0)
		return NULL;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		count = bpf_map_lookup_elem(&refused, &key);
		if (count)
			__sync_fetch_and_add(count, 1);
		return NULL;
	}
	record->id = BPF_CORE_READ(cgroup, kn, id);
	record->removed = 0;
	record->path_length = 0;
	return record;
}

SEC("raw_tp/cgroup_mkdir")
int cgroups__mkdir(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroups_record *record = begin((struct cgroup *)ctx->args[0]);
	long length;

	if (!record)
		return 0;
	length = bpf_probe_read_kernel_str(record->path, sizeof(record->path), (const void *)ctx->args[1]);
	record->path_length = length > 0 ? length - 1 : 0;
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("raw_tp/cgroup_rmdir")
int cgroups__rmdir(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroups_record *record = begin((struct cgroup *)ctx->args[0]);

	if (!record)
		return 0;
	record->removed = 1;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
