// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* cpu: v1 v2 v3 v4
 *
 * Ranges of numbers: masks, shifts, division, signs, narrow copies. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u32 cells[16];

SEC("tc")
int shifted(struct __sk_buff *skb)
{
	return cells[skb->len >> 28] & 1;
}

SEC("tc")
int rest_of_division(struct __sk_buff *skb)
{
	__u32 at = skb->len & 0xff;

	at /= 16;
	asm volatile("" : "+r"(at));
	return at < 16 ? cells[at] & 1 : 0;
}

SEC("tc")
int by_switch(struct __sk_buff *skb)
{
	__u32 at;

	switch (skb->protocol) {
	case 8:
		at = 3;
		break;
	case 9:
		at = 15;
		break;
	default:
		at = 0;
	}
	return cells[at] & 1;
}

SEC("tc")
int checked_on_both_sides(struct __sk_buff *skb)
{
	int at = skb->mark;

	asm volatile("" : "+r"(at));
	if (at < 0 || at > 15)
		return 0;
	return ((volatile __u32 *)cells)[at] & 1;
}

SEC("tc")
int smaller_of(struct __sk_buff *skb)
{
	__u64 at = skb->len;

	if (at > 15)
		at = 15;
	return cells[at] & 1;
}

SEC("tc")
int two_indexes(struct __sk_buff *skb)
{
	__u32 a = skb->len & 7, b = skb->mark & 7;

	return cells[a + b] & 1;
}

SEC("tc")
int bad_sum_too_large(struct __sk_buff *skb)
{
	__u32 a = skb->len & 15, b = skb->mark & 15;

	return cells[a + b] & 1;
}

SEC("tc")
int bad_one_side_only(struct __sk_buff *skb)
{
	long at = (int)skb->mark;

	asm volatile("" : "+r"(at));
	if (at > 15)
		return 0;
	return ((volatile __u32 *)cells)[at] & 1;
}

SEC("tc")
int bad_multiplied(struct __sk_buff *skb)
{
	__u64 at = skb->len & 15;

	at *= 5;
	asm volatile("" : "+r"(at));
	return ((volatile __u32 *)cells)[at] & 1;
}

SEC("tc")
int bad_checked_a_copy(struct __sk_buff *skb)
{
	__u64 at = bpf_ktime_get_ns(), copy = at;

	asm volatile("%0 ^= 1" : "+r"(copy));
	if (copy > 15)
		return 0;
	asm volatile("" : "+r"(at));
	return ((volatile __u32 *)cells)[at] & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
