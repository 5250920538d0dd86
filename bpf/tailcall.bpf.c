// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * One program for each network protocol, chosen by a tail call.
 *
 * `dispatch` looks at the type of the frame and jumps through the program array
 * `protocols`. A program there can be replaced while packets flow, without the
 * others noticing; where an entry is empty, the jump fails and `dispatch` goes on.
 */
#include "packet.h"

enum slot {
	SLOT_ARP,
	SLOT_IPV4,
	SLOT_IPV6,
	SLOT_EMPTY,
	SLOTS,
};

struct seen {
	__u64 arp;
	__u64 ipv4;
	__u64 ipv6;
	__u64 expired; /* IP packets that may not travel any further, dropped */
	__u64 without_program;
};

struct seen seen;

int on_arp(struct xdp_md *ctx);
int on_ipv4(struct xdp_md *ctx);
int on_ipv6(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SLOTS);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} protocols SEC(".maps") = {
	.values = {
		[SLOT_ARP] = (void *)&on_arp,
		[SLOT_IPV4] = (void *)&on_ipv4,
		[SLOT_IPV6] = (void *)&on_ipv6,
	},
};

static __always_inline struct cursor cursor_of(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	return cursor;
}

SEC("xdp")
int on_arp(struct xdp_md *ctx)
{
	(void)ctx;
	__sync_fetch_and_add(&seen.arp, 1);
	return XDP_PASS;
}

SEC("xdp")
int on_ipv4(struct xdp_md *ctx)
{
	struct cursor cursor = cursor_of(ctx);
	struct iphdr *ip;

	take_ethernet(&cursor);
	ip = take_ipv4(&cursor);
	if (!ip)
		return XDP_DROP;
	__sync_fetch_and_add(&seen.ipv4, 1);
	if (ip->ttl == 0) {
		__sync_fetch_and_add(&seen.expired, 1);
		return XDP_DROP;
	}
	return XDP_PASS;
}

SEC("xdp")
int on_ipv6(struct xdp_md *ctx)
{
	struct cursor cursor = cursor_of(ctx);
	struct ipv6hdr *ip;

	take_ethernet(&cursor);
	ip = take_ipv6(&cursor);
	if (!ip)
		return XDP_DROP;
	__sync_fetch_and_add(&seen.ipv6, 1);
	if (ip->hop_limit == 0) {
		__sync_fetch_and_add(&seen.expired, 1);
		return XDP_DROP;
	}
	return XDP_PASS;
}

static __always_inline enum slot slot_of(struct xdp_md *ctx)
{
	struct cursor cursor = cursor_of(ctx);

	switch (take_ethernet(&cursor)) {
	case bpf_htons(ETH_P_ARP):
		return SLOT_ARP;
	case bpf_htons(ETH_P_IP):
		return SLOT_IPV4;
	case bpf_htons(ETH_P_IPV6):
		return SLOT_IPV6;
	default:
		return SLOT_EMPTY;
	}
}

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &protocols, slot_of(ctx));
	/* Only a failed tail call comes here: a good one never returns. */
	__sync_fetch_and_add(&seen.without_program, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
