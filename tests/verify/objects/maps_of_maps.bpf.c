// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Maps of maps: the answer of the outer lookup is a map that may be absent. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} by_name SEC(".maps");

SEC("tc")
int two_steps(struct __sk_buff *skb)
{
	__u32 key = 1, at = skb->ifindex;
	void *map = bpf_map_lookup_elem(&outer, &key);
	__u64 *value;

	if (!map)
		return 0;
	value = bpf_map_lookup_elem(map, &at);
	if (value)
		*value += 1;
	return 0;
}

SEC("tc")
int update_inner(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 value = skb->len;
	void *map = bpf_map_lookup_elem(&by_name, &key);

	return map ? bpf_map_update_elem(map, &key, &value, 0) : 0;
}

SEC("tc")
int bad_inner_may_be_absent(struct __sk_buff *skb)
{
	__u32 key = 1;
	void *map = bpf_map_lookup_elem(&outer, &key);

	return bpf_map_lookup_elem(map, &key) ? 1 : 0;
}

SEC("tc")
int inner_read_as_kernel_memory(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *map = bpf_map_lookup_elem(&by_name, &key);

	return map ? *map : 0;
}

SEC("tc")
int bad_outer_updated(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 value = 0;

	return bpf_map_update_elem(&outer, &key, &value, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
