// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A function that calls itself, and chains of calls that are too deep. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NOINLINE static __attribute__((noinline))

NOINLINE __u32 again(__u32 number)
{
	if (number == 0)
		return 1;
	return bpf_get_prandom_u32() + again(number - 1) * 3;
}

NOINLINE __u32 f8(__u32 n) { return bpf_get_prandom_u32() ^ n; }
NOINLINE __u32 f7(__u32 n) { return f8(n) ^ bpf_get_prandom_u32(); }
NOINLINE __u32 f6(__u32 n) { return f7(n) ^ bpf_get_prandom_u32(); }
NOINLINE __u32 f5(__u32 n) { return f6(n) ^ bpf_get_prandom_u32(); }
NOINLINE __u32 f4(__u32 n) { return f5(n) ^ bpf_get_prandom_u32(); }
NOINLINE __u32 f3(__u32 n) { return f4(n) ^ bpf_get_prandom_u32(); }
NOINLINE __u32 f2(__u32 n) { return f3(n) ^ bpf_get_prandom_u32(); }
NOINLINE __u32 f1(__u32 n) { return f2(n) ^ bpf_get_prandom_u32(); }

SEC("tc")
int eight_frames(struct __sk_buff *skb)
{
	return f2(skb->len) & 1;
}

SEC("tc")
int bad_nine_frames(struct __sk_buff *skb)
{
	return f1(skb->len) & 1;
}

SEC("tc")
int bad_recursion(struct __sk_buff *skb)
{
	return again(skb->len) & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
