// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Arrays, global variables, constants, and what may be written of them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[512]);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, __u32);
	__type(value, __u64);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_WRONLY_PROG);
	__type(key, __u32);
	__type(value, __u64);
} sink SEC(".maps");

const volatile __u32 limit = 100;
const volatile __u32 table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__u64 seen;
__u32 history[16];

SEC("socket")
int constant_key(struct __sk_buff *skb)
{
	__u32 key = 3;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		*value += skb->len;
	return 0;
}

SEC("socket")
int globals(struct __sk_buff *skb)
{
	seen++;
	history[seen & 15] = skb->len;
	return skb->len > limit ? limit : 0;
}

SEC("socket")
int constants(struct __sk_buff *skb)
{
	return table[skb->len & 7];
}

SEC("socket")
int scratch_space(struct __sk_buff *skb)
{
	__u32 key = 0;
	char *bytes = bpf_map_lookup_elem(&scratch, &key);

	if (!bytes)
		return 0;
	if (bpf_skb_load_bytes(skb, 0, bytes, 64))
		return 0;
	return bytes[10];
}

SEC("socket")
int reads_settings(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&settings, &key);

	return value ? *value : 0;
}

SEC("socket")
int writes_sink(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 value = skb->len;

	return bpf_map_update_elem(&sink, &key, &value, BPF_ANY);
}

SEC("socket")
int bad_write_settings(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&settings, &key);

	if (value)
		*value = 1;
	return 0;
}

SEC("socket")
int bad_update_settings(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 value = 1;

	return bpf_map_update_elem(&settings, &key, &value, BPF_ANY);
}

SEC("socket")
int bad_read_sink(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&sink, &key);

	return value ? *value : 0;
}

SEC("socket")
int bad_write_constant(struct __sk_buff *skb)
{
	*(volatile __u32 *)&limit = skb->len;
	return 0;
}

SEC("socket")
int bad_table_overrun(struct __sk_buff *skb)
{
	return table[skb->len & 15];
}

SEC("socket")
int bad_history_overrun(struct __sk_buff *skb)
{
	history[skb->len] = 1;
	return 0;
}

SEC("socket")
int bad_key_on_no_stack(struct __sk_buff *skb)
{
	return bpf_map_lookup_elem(&counters, (void *)4096) ? 1 : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
