// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tail calls, from programs and from functions. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

static __attribute__((noinline)) int go_on(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &next, 1);
	return 7;
}

SEC("tc")
int constant_index(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &next, 2);
	return 0;
}

SEC("tc")
int variable_index(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &next, skb->len);
	return 1;
}

SEC("tc")
int from_function(struct __sk_buff *skb)
{
	return go_on(skb);
}

SEC("tc")
int bad_array_of_numbers(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &numbers, 0);
	return 0;
}

SEC("tc")
int bad_lookup_of_programs(struct __sk_buff *skb)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&next, &key) ? 1 : 0;
}

SEC("tc")
int bad_context_moved(struct __sk_buff *skb)
{
	void *ctx = skb;

	asm volatile("%0 += 8" : "+r"(ctx));
	bpf_tail_call(ctx, &next, 0);
	return 0;
}

SEC("tc")
int bad_packet_after_function(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 4 > end)
		return 0;
	go_on(skb);
	return *(volatile __u8 *)data;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
