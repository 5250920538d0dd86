// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* cpu: v1 v2 v3 v4
 *
 * The stack: spilled pointers, slots written in part, and its end. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct record {
	__u8 kind;
	__u32 value;
	__u64 time;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct record);
	__type(value, __u64);
} records SEC(".maps");

SEC("tc")
int key_zeroed_first(struct __sk_buff *skb)
{
	struct record key;

	__builtin_memset(&key, 0, sizeof(key));
	key.kind = skb->protocol;
	key.value = skb->len;
	return bpf_map_lookup_elem(&records, &key) ? 1 : 0;
}

SEC("tc")
int padding_of_the_key(struct __sk_buff *skb)
{
	struct record key;

	key.kind = skb->protocol;
	key.value = skb->len;
	key.time = 0;
	asm volatile("" ::"r"(&key) : "memory");
	return bpf_map_update_elem(&records, &key, &key.time, 0);
}

SEC("tc")
int array_by_variable(struct __sk_buff *skb)
{
	__u8 bytes[32] = {};
	__u32 at = skb->len & 31;

	asm volatile("" ::"r"(&bytes) : "memory");
	bytes[at] = 1;
	return bytes[(at + 1) & 31];
}

SEC("tc")
int spilled_over_call(struct __sk_buff *skb)
{
	struct record key = {.kind = 1};
	__u64 *value = bpf_map_lookup_elem(&records, &key);
	__u64 a = skb->len, b = skb->mark, c = skb->priority, d = skb->ifindex, e = skb->hash;

	if (!value)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	*value = now + a + b * 3 + c * 5 + d * 7 + e * 11;
	bpf_get_prandom_u32();
	return (*value + a + b + c + d + e) & 1;
}

SEC("tc")
int bad_array_past_its_end(struct __sk_buff *skb)
{
	__u8 bytes[32] = {};
	__u32 at = skb->len;

	asm volatile("" ::"r"(&bytes) : "memory");
	bytes[at] = 1;
	return bytes[1];
}

SEC("tc")
int bad_above_the_frame(struct __sk_buff *skb)
{
	__u64 value = 0;

	asm volatile("%0 = *(u64 *)(r10 + 0)" : "=r"(value));
	return value & 1;
}

SEC("tc")
int bad_below_the_frame(struct __sk_buff *skb)
{
	asm volatile("*(u64 *)(r10 - 520) = %0" ::"r"(0ull));
	return 0;
}

SEC("tc")
int bad_partial_copy_of_a_pointer(struct __sk_buff *skb)
{
	__u32 low = 0;

	asm volatile("*(u64 *)(r10 - 8) = %1\n\t"
		     "*(u32 *)(r10 - 8) = %0\n\t"
		     "r1 = *(u64 *)(r10 - 8)\n\t"
		     "%0 = *(u32 *)(r1 + 0)"
		     : "+r"(low)
		     : "r"(skb)
		     : "r1", "memory");
	return low & 1;
}

SEC("tc")
int half_of_a_number(struct __sk_buff *skb)
{
	__u64 number = skb->len;

	asm volatile("*(u64 *)(r10 - 8) = %0\n\t"
		     "%0 = *(u32 *)(r10 - 8)"
		     : "+r"(number)
		     :
		     : "memory");
	return number & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
