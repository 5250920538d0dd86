// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A loop that goes on as long as the clock says: every round is looked at, a million of them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int bad_unbounded(struct __sk_buff *skb)
{
	__u64 i, rounds = bpf_ktime_get_ns(), sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < rounds; i++) {
		sum += i;
		asm volatile("" : "+r"(sum));
	}
	return sum & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
