// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Limits how many packets a second each source may send.
 *
 * Each source owns a token bucket, kept as time: a packet costs as much credit
 * as one packet's share of a second, credit grows with the clock, and at most
 * `burst` packets' worth of it is saved. So no division is left per packet, and
 * with `packets_per_second` = 0 nothing grows back: `burst` packets, and no more.
 *
 * The buckets stand in an LRU hash: a flood of made-up sources pushes out the
 * oldest ones and never fills the map.
 */
#include "packet.h"

#define NSEC_PER_SEC 1000000000ULL

const volatile __u32 packets_per_second = 100;
const volatile __u32 burst = 200;

/* An IPv4 address stands here as ::ffff:a.b.c.d. */
struct source {
	__u8 address[16];
};

struct bucket {
	__u64 refilled_ns; /* when credit was last added */
	__u64 credit_ns;
	__u64 passed;
	__u64 dropped;
	__u32 limited;	     /* 1 where the last packet was dropped */
	__u32 times_limited; /* how often the source went over its rate */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct source);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct totals {
	__u64 passed;
	__u64 dropped;
	__u64 unlimited; /* no IP packet, so there is no source to limit */
};

struct totals totals;

static __always_inline bool take_source(struct cursor *cursor, struct source *source)
{
	__be16 ethertype = take_ethernet(cursor);

	if (ethertype == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take_ipv4(cursor);

		if (!ip)
			return false;
		source->address[10] = 0xff;
		source->address[11] = 0xff;
		__builtin_memcpy(&source->address[12], &ip->saddr, sizeof(ip->saddr));
		return true;
	}
	if (ethertype == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take_ipv6(cursor);

		if (!ip)
			return false;
		__builtin_memcpy(source->address, &ip->saddr, sizeof(ip->saddr));
		return true;
	}
	return false;
}

/*
 * Takes one packet's cost from the bucket; false where it holds too little.
 * Two CPUs that serve one source at once may lose or gain a packet's credit:
 * cheaper than a lock, and a limit does not need to be that exact.
 */
static __always_inline bool spend(struct bucket *bucket, __u64 now_ns, __u64 cost_ns)
{
	__u64 limit_ns = burst * cost_ns;
	__u64 credit_ns = bucket->credit_ns;

	if (packets_per_second) {
		__u64 elapsed_ns = now_ns - bucket->refilled_ns;

		if (elapsed_ns > limit_ns - credit_ns)
			credit_ns = limit_ns;
		else
			credit_ns += elapsed_ns;
		bucket->refilled_ns = now_ns;
	}
	if (credit_ns < cost_ns) {
		bucket->credit_ns = credit_ns;
		return false;
	}
	bucket->credit_ns = credit_ns - cost_ns;
	return true;
}

/* Says it for the first packet over the rate, and counts how often it came to that. */
static __always_inline void note_limited(struct bucket *bucket, const struct source *source)
{
	if (bucket->limited)
		return;
	bucket->limited = 1;
	if (!bucket->times_limited++)
		bpf_printk("ratelimit: %pI6 sends more than %u packets/s", source,
			   packets_per_second);
}

SEC("xdp")
int ratelimit(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u64 cost_ns = packets_per_second ? NSEC_PER_SEC / packets_per_second : NSEC_PER_SEC;
	__u64 now_ns = bpf_ktime_get_ns();
	struct source source = {};
	struct bucket *bucket;

	if (!take_source(&cursor, &source)) {
		__sync_fetch_and_add(&totals.unlimited, 1);
		return XDP_PASS;
	}

	bucket = bpf_map_lookup_elem(&buckets, &source);
	if (!bucket) {
		struct bucket full = {
			.refilled_ns = now_ns,
			.credit_ns = burst * cost_ns,
		};

		bpf_map_update_elem(&buckets, &source, &full, BPF_NOEXIST);
		bucket = bpf_map_lookup_elem(&buckets, &source);
		/* Without memory for a bucket, let the packet pass. */
		if (!bucket)
			return XDP_PASS;
	}

	if (!spend(bucket, now_ns, cost_ns)) {
		note_limited(bucket, &source);
		__sync_fetch_and_add(&bucket->dropped, 1);
		__sync_fetch_and_add(&totals.dropped, 1);
		return XDP_DROP;
	}
	bucket->limited = 0;
	__sync_fetch_and_add(&bucket->passed, 1);
	__sync_fetch_and_add(&totals.passed, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
