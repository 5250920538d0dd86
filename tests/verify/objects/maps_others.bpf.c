// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Queues, stacks, tries, bloom filters, and which helpers work on which map. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 16);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 16);
	__type(value, __u64);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, __u32);
} bloom SEC(".maps");

struct prefix {
	__u32 bits;
	__u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

SEC("tc")
int queue_works(struct __sk_buff *skb)
{
	__u64 value = skb->len, out = 0;

	if (bpf_map_push_elem(&queue, &value, BPF_EXIST))
		return 0;
	if (bpf_map_peek_elem(&queue, &out))
		return 0;
	return bpf_map_pop_elem(&queue, &value) ? 0 : (out & 1);
}

SEC("tc")
int stack_fills_what_was_empty(struct __sk_buff *skb)
{
	__u64 out;

	if (bpf_map_pop_elem(&stack, &out))
		return 0;
	return out & 3;
}

SEC("tc")
int bloom_asks(struct __sk_buff *skb)
{
	__u32 value = skb->mark;

	if (!bpf_map_peek_elem(&bloom, &value))
		return 2;
	return bpf_map_push_elem(&bloom, &value, 0) ? 0 : 1;
}

SEC("tc")
int longest_prefix(struct __sk_buff *skb)
{
	struct prefix key = {.bits = 32, .address = skb->mark};
	__u32 *found = bpf_map_lookup_elem(&routes, &key);

	return found ? *found & 1 : 0;
}

SEC("tc")
int bad_lookup_in_queue(struct __sk_buff *skb)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&queue, &key) ? 1 : 0;
}

SEC("tc")
int bad_push_to_trie(struct __sk_buff *skb)
{
	__u64 value = 0;

	return bpf_map_push_elem(&routes, &value, 0);
}

SEC("tc")
int key_half_written(struct __sk_buff *skb)
{
	struct prefix key;
	__u32 *found;

	key.bits = 32;
	found = bpf_map_lookup_elem(&routes, &key);
	return found ? *found & 1 : 0;
}

SEC("tc")
int bad_pop_into_context(struct __sk_buff *skb)
{
	return bpf_map_pop_elem(&stack, skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
