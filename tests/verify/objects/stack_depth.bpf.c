// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Stacks add up along a chain of calls, to 512 bytes at most. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) int leaf(__u32 seed)
{
	volatile char room[200] = {};

	room[seed & 127] = seed;
	return room[(seed >> 3) & 127];
}

static __attribute__((noinline)) int middle(__u32 seed)
{
	volatile char room[200] = {};

	room[seed & 63] = leaf(seed);
	return room[(seed >> 5) & 63];
}

SEC("tc")
int two_frames(struct __sk_buff *skb)
{
	volatile char room[64] = {};

	room[skb->len & 31] = leaf(skb->len);
	return room[3];
}

SEC("tc")
int three_frames(struct __sk_buff *skb)
{
	return middle(skb->len);
}

SEC("tc")
int bad_three_large_frames(struct __sk_buff *skb)
{
	volatile char room[200] = {};

	room[skb->len & 31] = middle(skb->len);
	return room[3];
}

SEC("tc")
int full_frame(struct __sk_buff *skb)
{
	volatile char room[480] = {};

	room[skb->len & 255] = 1;
	return room[100];
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
