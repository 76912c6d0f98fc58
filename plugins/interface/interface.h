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

/* Per CPU. packets is the sum of all the others. */
struct interface_counters {
	__u64 packets;
	__u64 passed; /* handed to the socket's ring, which may refuse them */
	__u64 looped; /* the way out of the loopback interface: the same packet comes in again */
	__u64 not_tcp;
	__u64 not_parsed; /* headers longer than the filter follows, or cut off */
	__u64 no_payload; /* nothing but acknowledgements */
	__u64 ignored; /* verdict: not of interest */
	__u64 unwanted; /* inside a body that is not wanted, or (probe) not the start of an answer */
};

#define INTERFACE_SLOTS 65536

#endif
