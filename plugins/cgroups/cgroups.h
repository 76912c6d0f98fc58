/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What crosses to user space when a cgroup is made or removed. CgroupLayout.cs holds the same struct for C#. */
#ifndef KUBEBPFBOX_CGROUPS_H
#define KUBEBPFBOX_CGROUPS_H

#include <linux/types.h>

/* Room for the kubelet's deepest paths (about 250 bytes) twice over; what is longer comes cut, and user space looks it up. */
#define CGROUPS_PATH_MAX 512

struct cgroups_record {
	__u64 id; /* of the cgroup v2: inode of its directory */
	__u32 removed; /* 0: made just now; 1: removed */
	__u32 path_length; /* 0 when removed */
	char path[CGROUPS_PATH_MAX]; /* from the hierarchy's root; not terminated */
};

#endif
