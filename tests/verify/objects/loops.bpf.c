// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* cpu: v1 v2 v3 v4
 *
 * Loops that end, and loops that nobody sees the end of. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u32 results[256];

SEC("tc")
int counted(struct __sk_buff *skb)
{
	__u32 i, sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < 100; i++)
		sum += results[i] ^ i;
	return sum & 1;
}

SEC("tc")
int bounded_by_a_variable(struct __sk_buff *skb)
{
	__u32 i, sum = 0, rounds = skb->len & 63;

#pragma clang loop unroll(disable)
	for (i = 0; i < rounds; i++)
		sum += results[i];
	return sum & 1;
}

SEC("tc")
int nested(struct __sk_buff *skb)
{
	__u32 i, j, sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < 8; i++)
#pragma clang loop unroll(disable)
		for (j = 0; j < 8; j++)
			sum += results[i * 8 + j];
	return sum & 1;
}

SEC("tc")
int leaves_early(struct __sk_buff *skb)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 200; i++)
		if (results[i] == skb->len)
			break;
	return i & 1;
}

SEC("tc")
int bad_endless(struct __sk_buff *skb)
{
	volatile int go = 1;

	asm volatile("1: if %0 != 0 goto 1b" ::"r"((__u64)skb->len));
	return go;
}

SEC("tc")
int bad_endless_goto(struct __sk_buff *skb)
{
	asm volatile("1: goto 1b");
	return 0;
}

SEC("tc")
int bad_index_escapes(struct __sk_buff *skb)
{
	__u32 i, sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < 300; i++) {
		asm volatile("" : "+r"(i));
		sum += results[i];
	}
	return sum & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
