// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Legacy loads in functions whose results must be known exactly. The kernel is not asked: where
 * Linux 6.18 walks back over such a load for what it has to know exactly, it may write out of bounds.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");

/* 1 to 256, or 0. */
static __noinline int divisor(struct __sk_buff *skb)
{
	return (load_byte(skb, 1) & 255) + 1;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[300]);
} table SEC(".maps");

SEC("tc")
int within_the_table(struct __sk_buff *skb)
{
	__u32 key = 0;
	char *value = bpf_map_lookup_elem(&table, &key);
	__u64 at = divisor(skb);

	if (!value)
		return 0;
	return value[at];
}

/* On the path of the short packet the value is the number 0, which is too small for -1. */
SEC("tc")
int bad_before_the_table(struct __sk_buff *skb)
{
	__u32 key = 0;
	char *value = bpf_map_lookup_elem(&table, &key);
	__u64 at = divisor(skb);

	if (!value)
		return 0;
	asm volatile("%0 += -1" : "+r"(at));
	value += at;
	return *(volatile char *)value;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
