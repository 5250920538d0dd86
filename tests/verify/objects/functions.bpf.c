// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Static functions are verified where they are called, global ones by their types. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 a, b;
};

static __attribute__((noinline)) __u32 sum_of(struct pair *pair)
{
	return pair->a + pair->b;
}

static __attribute__((noinline)) void *end_of(struct __sk_buff *skb)
{
	return (void *)(long)skb->data_end;
}

__attribute__((noinline)) int global_number(int number)
{
	volatile int kept = number;

	return kept * 3;
}

__attribute__((noinline)) int global_context(struct __sk_buff *skb)
{
	return skb->len > 100;
}

__attribute__((noinline)) int global_pointer(struct pair *pair)
{
	if (!pair)
		return 0;
	return pair->a ^ pair->b;
}

__attribute__((noinline)) int global_careless(struct pair *pair)
{
	return pair->a;
}

__attribute__((noinline)) int global_index(int at)
{
	char bytes[8] = {};

	asm volatile("" ::"r"(&bytes) : "memory");
	return bytes[at];
}

SEC("tc")
int calls_static(struct __sk_buff *skb)
{
	struct pair pair = {skb->len, skb->mark};

	return sum_of(&pair) & 1;
}

SEC("tc")
int packet_end_from_static(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;

	if (data + 4 > end_of(skb))
		return 0;
	return *(__u8 *)(data + 3) & 1;
}

SEC("tc")
int calls_global(struct __sk_buff *skb)
{
	struct pair pair = {skb->len, 1};

	return (global_number(skb->len) + global_context(skb) + global_pointer(&pair)) & 1;
}

SEC("tc")
int absent_pointer(struct __sk_buff *skb)
{
	return global_pointer(0) & 1;
}

SEC("tc")
int bad_calls_careless(struct __sk_buff *skb)
{
	struct pair pair = {skb->len, 1};

	return global_careless(&pair) & 1;
}

SEC("tc")
int bad_index_in_global(struct __sk_buff *skb)
{
	return global_index(1);
}

SEC("tc")
int bad_number_for_context(struct __sk_buff *skb)
{
	return global_context((void *)1);
}

SEC("tc")
int bad_too_small_for_pointer(struct __sk_buff *skb)
{
	__u32 half = skb->len;

	return global_pointer((void *)&half) & 1;
}

SEC("tc")
int bad_global_result_as_index(struct __sk_buff *skb)
{
	char bytes[8] = {};
	int at = global_number(1);

	asm volatile("" ::"r"(&bytes) : "memory");
	return ((volatile char *)bytes)[at];
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
