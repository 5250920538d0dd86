// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Legacy loads in functions: where the packet ends early, the function returns 0 at once. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");

static __noinline int first(struct __sk_buff *skb)
{
	return load_byte(skb, 0) + 1;
}

static __noinline int filled(struct __sk_buff *skb, int *value)
{
	*value = 1;
	return load_byte(skb, 14) + *value;
}

SEC("socket")
int called(struct __sk_buff *skb)
{
	return first(skb);
}

SEC("socket")
int written_before(struct __sk_buff *skb)
{
	int value;

	return filled(skb, &value) + value;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
