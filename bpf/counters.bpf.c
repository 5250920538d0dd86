// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Counts packets and bytes by protocol, and packets by size. Every frame passes.
 *
 * `protocols` answers "what is on this wire", `sizes` answers "how big are its
 * frames". Both are per-CPU maps: no two CPUs ever write to the same line, and
 * a reader adds the CPUs up.
 */
#include "packet.h"

enum protocol {
	OTHER,
	MALFORMED,
	ARP,
	IPV4_ICMP,
	IPV4_TCP,
	IPV4_UDP,
	IPV4_FRAGMENT,
	IPV4_OTHER,
	IPV6_ICMP,
	IPV6_TCP,
	IPV6_UDP,
	IPV6_FRAGMENT,
	IPV6_OTHER,
	PROTOCOLS,
};

struct traffic {
	__u64 packets;
	__u64 bytes;
	__u32 smallest;
	__u32 largest;
};

/* Only the protocols that were seen take an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, PROTOCOLS);
	__type(key, enum protocol);
	__type(value, struct traffic);
} protocols SEC(".maps");

/* Element n counts the frames of 2^n to 2^(n+1) - 1 bytes. */
#define SIZE_CLASSES 16

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SIZE_CLASSES);
	__type(key, __u32);
	__type(value, __u64);
} sizes SEC(".maps");

static __always_inline enum protocol classify_ipv4(struct cursor *cursor)
{
	struct iphdr *ip = take_ipv4(cursor);

	if (!ip)
		return MALFORMED;
	if (ipv4_is_fragment(ip))
		return IPV4_FRAGMENT;
	switch (ip->protocol) {
	case IPPROTO_ICMP:
		return IPV4_ICMP;
	case IPPROTO_TCP:
		return IPV4_TCP;
	case IPPROTO_UDP:
		return IPV4_UDP;
	default:
		return IPV4_OTHER;
	}
}

/* By the first header after the fixed one; parser.bpf.c walks the whole chain. */
static __always_inline enum protocol classify_ipv6(struct cursor *cursor)
{
	struct ipv6hdr *ip = take_ipv6(cursor);

	if (!ip)
		return MALFORMED;
	switch (ip->nexthdr) {
	case IPPROTO_ICMPV6:
		return IPV6_ICMP;
	case IPPROTO_TCP:
		return IPV6_TCP;
	case IPPROTO_UDP:
		return IPV6_UDP;
	case IPPROTO_FRAGMENT:
		return IPV6_FRAGMENT;
	default:
		return IPV6_OTHER;
	}
}

static __always_inline enum protocol classify(struct cursor *cursor)
{
	switch (take_ethernet(cursor)) {
	case 0:
		return MALFORMED;
	case bpf_htons(ETH_P_ARP):
		return ARP;
	case bpf_htons(ETH_P_IP):
		return classify_ipv4(cursor);
	case bpf_htons(ETH_P_IPV6):
		return classify_ipv6(cursor);
	default:
		return OTHER;
	}
}

/* The position of the highest set bit, by halving: BPF has no instruction for it. */
static __always_inline __u32 log2_of(__u32 value)
{
	__u32 result = 0;

	if (value >> 16) {
		value >>= 16;
		result += 16;
	}
	if (value >> 8) {
		value >>= 8;
		result += 8;
	}
	if (value >> 4) {
		value >>= 4;
		result += 4;
	}
	if (value >> 2) {
		value >>= 2;
		result += 2;
	}
	return result + (value >> 1);
}

static __always_inline void count_protocol(enum protocol protocol, __u32 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(&protocols, &protocol);

	if (!traffic) {
		struct traffic first = {
			.packets = 1,
			.bytes = bytes,
			.smallest = bytes,
			.largest = bytes,
		};

		bpf_map_update_elem(&protocols, &protocol, &first, BPF_ANY);
		return;
	}
	traffic->packets++;
	traffic->bytes += bytes;
	/* A CPU that meets the protocol after another one did starts from zero. */
	if (!traffic->smallest || bytes < traffic->smallest)
		traffic->smallest = bytes;
	if (bytes > traffic->largest)
		traffic->largest = bytes;
}

static __always_inline void count_size(__u32 bytes)
{
	__u32 class = log2_of(bytes);
	__u64 *count;

	if (class >= SIZE_CLASSES)
		class = SIZE_CLASSES - 1;
	count = bpf_map_lookup_elem(&sizes, &class);
	if (count)
		(*count)++;
}

SEC("xdp")
int counters(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u32 bytes = cursor.end - cursor.at;

	count_protocol(classify(&cursor), bytes);
	count_size(bytes);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
