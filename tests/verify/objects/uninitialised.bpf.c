// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Registers and stack that nobody has written. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int written_on_both_ways(struct __sk_buff *skb)
{
	int value;

	if (skb->len > 100)
		value = 1;
	else
		value = 2;
	return value;
}

SEC("tc")
int bad_register(struct __sk_buff *skb)
{
	long value;

	asm volatile("%0 = r7" : "=r"(value)::);
	return value & 1;
}

SEC("tc")
int bad_after_a_call(struct __sk_buff *skb)
{
	long value;

	bpf_ktime_get_ns();
	asm volatile("call 5\n\t"
		     "%0 = r3"
		     : "=r"(value)::"r0", "r1", "r2", "r3", "r4", "r5");
	return value & 1;
}

SEC("tc")
int stack_read_as_unknown(struct __sk_buff *skb)
{
	long value;

	asm volatile("%0 = *(u64 *)(r10 - 16)" : "=r"(value));
	return value & 1;
}

SEC("tc")
int argument_of_a_helper(struct __sk_buff *skb)
{
	char bytes[16];

	return bpf_skb_store_bytes(skb, 0, bytes, sizeof(bytes), 0);
}

SEC("tc")
__attribute__((naked)) int bad_no_return_value(struct __sk_buff *skb)
{
	asm volatile("exit");
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
