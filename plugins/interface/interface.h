/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What crosses between the filter of the interface's socket and user space. InterfaceLayout.cs holds the same structs for C#; the
 * start-up compares the two through the object's BTF. Packets themselves cross in the socket's ring (packet(7), TPACKET_V3). */
#ifndef KUBEBPFBOX_INTERFACE_H
#define KUBEBPFBOX_INTERFACE_H

#include <linux/types.h>

/* What user space says about one direction of a flow, in its slot. */
enum {
	INTERFACE_UNKNOWN = 0, /* no protocol recognised yet */
	INTERFACE_CAPTURE = 1, /* take packets whole */
	INTERFACE_IGNORE = 2, /* nothing of interest until the next SYN */
	INTERFACE_PROBE = 3, /* joined in the middle: only packets that answer something new */
};

/* Array of INTERFACE_SLOTS. A flow that starts takes its slot from whichever had it; what user space says then goes there. A slot that
 * holds another flow says nothing. */
struct interface_slot {
	__u64 flow; /* hash of the addresses and ports of one direction, see flow_of() */
	/* Bytes before this sequence number are not wanted. Upper half: 1 when set; lower half: the number. */
	__u64 skip_until;
	__u32 verdict;
	/* The filter's own: payload that passed since run_ticks, and the acknowledgement number then. */
	__u32 run_acknowledgment;
	__u32 run_bytes;
	__u32 run_ticks;
};

/* Index into the array of counters, per CPU. The first is the sum of all the others. */
enum interface_count {
	INTERFACE_PACKETS = 0,
	INTERFACE_PASSED = 1, /* handed to the socket's ring, which may refuse them */
	INTERFACE_LOOPED = 2, /* the way out of the loopback interface: the same packet comes in again */
	INTERFACE_NOT_TCP = 3,
	INTERFACE_NOT_PARSED = 4, /* headers longer than the filter follows, or cut off */
	INTERFACE_NO_PAYLOAD = 5, /* nothing but acknowledgements */
	INTERFACE_IGNORED = 6, /* verdict: not of interest */
	INTERFACE_NOT_WANTED = 7, /* inside a body that is not wanted, or (probe) not the start of an answer */
};

#define INTERFACE_COUNTERS 8
#define INTERFACE_SLOTS 65536

#endif
