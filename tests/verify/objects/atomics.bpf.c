// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* cpu: v3 v4
 *
 * Atomic operations, on what they may be used and what they return. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

__u64 wide;
__u32 narrow;
__u32 cells[8];

SEC("tc")
int all_of_them(struct __sk_buff *skb)
{
	__u64 old = __sync_fetch_and_add(&wide, 1);

	__sync_fetch_and_or(&narrow, 3);
	__sync_fetch_and_and(&wide, ~1ull);
	__sync_fetch_and_xor(&narrow, (__u32)old);
	return __sync_val_compare_and_swap(&narrow, 1, 2) & 1;
}

SEC("tc")
int fetched_as_index(struct __sk_buff *skb)
{
	__u32 at = __sync_fetch_and_add(&narrow, 1);

	return cells[at & 7] & 1;
}

SEC("tc")
int on_the_stack(struct __sk_buff *skb)
{
	__u64 value = 1;

	__sync_fetch_and_add(&value, 2);
	return value & 1;
}

SEC("tc")
int bad_fetched_unchecked(struct __sk_buff *skb)
{
	__u32 at = __sync_fetch_and_add(&narrow, 1);

	return cells[at] & 1;
}

SEC("tc")
int bad_on_the_context(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&skb->mark, 1);
	return 0;
}

SEC("tc")
int bad_on_the_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 8 > end)
		return 0;
	__sync_fetch_and_add((__u32 *)data, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
