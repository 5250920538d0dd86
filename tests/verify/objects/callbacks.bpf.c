// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Functions that helpers call: loops, and the elements of maps. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct state {
	__u64 sum;
	__u32 rounds;
};

static long add_round(__u32 round, void *data)
{
	struct state *state = data;

	state->sum += round;
	state->rounds++;
	return 0;
}

static long add_slot(__u32 round, void *data)
{
	__u32 key = round & 15;
	__u64 *value = bpf_map_lookup_elem(&slots, &key);

	if (!value)
		return 1;
	*(__u64 *)data += *value;
	return 0;
}

static long add_element(struct bpf_map *map, __u32 *key, __u64 *value, void *data)
{
	*(__u64 *)data += *value + *key;
	return 0;
}

static long delete_element(struct bpf_map *map, __u32 *key, __u64 *value, void *data)
{
	if (*value == 0)
		bpf_map_delete_elem(map, key);
	return 0;
}

static long bad_return(__u32 round, void *data)
{
	return round;
}

static long bad_write_key(struct bpf_map *map, __u32 *key, __u64 *value, void *data)
{
	*key = 0;
	return 0;
}

static long bad_past_value(struct bpf_map *map, __u32 *key, __u64 *value, void *data)
{
	value[1] = 0;
	return 0;
}

SEC("tc")
int loop_of_rounds(struct __sk_buff *skb)
{
	struct state state = {};

	bpf_loop(skb->len, add_round, &state, 0);
	return state.sum & 1;
}

/* The callback is dead code, and the program one function without it. */
SEC("tc")
int loop_of_no_rounds(struct __sk_buff *skb)
{
	bpf_loop(0, bad_return, 0, 0);
	return 0;
}

SEC("tc")
int loop_over_slots(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_loop(16, add_slot, &sum, 0);
	return sum & 1;
}

SEC("tc")
int each_of_hash(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_for_each_map_elem(&table, add_element, &sum, 0);
	return sum & 1;
}

SEC("tc")
int each_of_array(struct __sk_buff *skb)
{
	__u64 sum = 0;

	return bpf_for_each_map_elem(&slots, add_element, &sum, 0) & 1;
}

SEC("tc")
int sweep(struct __sk_buff *skb)
{
	bpf_for_each_map_elem(&table, delete_element, 0, 0);
	return 0;
}

SEC("tc")
int bad_callback_returns_anything(struct __sk_buff *skb)
{
	return bpf_loop(10, bad_return, 0, 0) & 1;
}

SEC("tc")
int bad_callback_writes_key(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&table, bad_write_key, 0, 0) & 1;
}

SEC("tc")
int bad_callback_past_value(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&table, bad_past_value, 0, 0) & 1;
}

SEC("tc")
int bad_context_of_callback(struct __sk_buff *skb)
{
	return bpf_loop(10, add_round, 0, 0) & 1;
}

SEC("tc")
int bad_index_after_loop(struct __sk_buff *skb)
{
	__u64 values[4] = {}, at = 0;

	bpf_loop(4, add_round, &values, 0);
	at = values[0];
	asm volatile("" : "+r"(at));
	return ((volatile __u64 *)values)[at] & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
