// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Lookups in hash tables of all kinds, and what is done with the answer. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	__u64 packets;
	__u64 bytes;
	__u32 last[4];
};

#define TABLE(name, kind) \
struct { \
	__uint(type, kind); \
	__uint(max_entries, 64); \
	__type(key, __u32); \
	__type(value, struct value); \
} name SEC(".maps")

TABLE(plain, BPF_MAP_TYPE_HASH);
TABLE(lru, BPF_MAP_TYPE_LRU_HASH);
TABLE(percpu, BPF_MAP_TYPE_PERCPU_HASH);
TABLE(lru_percpu, BPF_MAP_TYPE_LRU_PERCPU_HASH);

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	struct value *value = bpf_map_lookup_elem(&plain, &key), fresh = {};

	if (value) {
		__sync_fetch_and_add(&value->packets, 1);
		return XDP_PASS;
	}
	bpf_map_update_elem(&plain, &key, &fresh, BPF_NOEXIST);
	return XDP_PASS;
}

SEC("xdp")
int count_in_all(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	struct value *a = bpf_map_lookup_elem(&lru, &key);
	struct value *b = bpf_map_lookup_elem(&percpu, &key);
	struct value *c = bpf_map_lookup_elem(&lru_percpu, &key);

	if (!a || !b || !c)
		return XDP_PASS;
	a->bytes += b->bytes + c->bytes;
	return XDP_PASS;
}

SEC("xdp")
int other_cpu(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	struct value *value = bpf_map_lookup_percpu_elem(&percpu, &key, 1);

	return value && value->packets ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int forget(struct xdp_md *ctx)
{
	__u32 key = 7;

	return bpf_map_delete_elem(&plain, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int index_in_value(struct xdp_md *ctx)
{
	__u32 key = 1, at = ctx->rx_queue_index;
	struct value *value = bpf_map_lookup_elem(&plain, &key);

	if (!value || at >= 4)
		return XDP_PASS;
	value->last[at] = 1;
	return XDP_PASS;
}

SEC("xdp")
int bad_no_null_check(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct value *value = bpf_map_lookup_elem(&plain, &key);

	value->packets++;
	return XDP_PASS;
}

SEC("xdp")
int bad_null_check_of_another(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct value *a = bpf_map_lookup_elem(&plain, &key);
	struct value *b = bpf_map_lookup_elem(&lru, &key);

	if (!a)
		return XDP_PASS;
	b->packets++;
	return XDP_PASS;
}

SEC("xdp")
int bad_index_not_checked(struct xdp_md *ctx)
{
	__u32 key = 1, at = ctx->rx_queue_index;
	struct value *value = bpf_map_lookup_elem(&plain, &key);

	if (!value)
		return XDP_PASS;
	value->last[at] = 1;
	return XDP_PASS;
}

SEC("xdp")
int bad_index_one_too_far(struct xdp_md *ctx)
{
	__u32 key = 1, at = ctx->rx_queue_index;
	struct value *value = bpf_map_lookup_elem(&plain, &key);

	if (!value || at > 4)
		return XDP_PASS;
	value->last[at] = 1;
	return XDP_PASS;
}

SEC("xdp")
int bad_past_the_value(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct value *value = bpf_map_lookup_elem(&plain, &key);

	if (!value)
		return XDP_PASS;
	return *(volatile __u32 *)(value + 1);
}

SEC("xdp")
int bad_before_the_value(struct xdp_md *ctx)
{
	__u32 key = 1, back = ctx->rx_queue_index & 7;
	struct value *value = bpf_map_lookup_elem(&plain, &key);
	char *at = (char *)value;

	if (!value)
		return XDP_PASS;
	return *(volatile char *)(at - back);
}

SEC("xdp")
int bad_percpu_lookup_of_plain(struct xdp_md *ctx)
{
	__u32 key = 1;

	return bpf_map_lookup_percpu_elem(&plain, &key, 0) ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
