// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Map definitions of every form, and global data in named sections. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 a;
	__u16 b;
};

struct value {
	__u64 packets;
	__u64 bytes[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 77);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key);
	__type(value, struct value);
} typed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 40);
} sized SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u32);
	__uint(map_extra, 5);
} bloom SEC(".maps");

struct inner_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} inner_one SEC(".maps"), inner_two SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 5);
	__type(key, int);
	__array(values, struct inner_map);
} outer SEC(".maps") = {
	.values = { (void *)&inner_one, 0, 0, (void *)&inner_two },
};

int tail(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} tails SEC(".maps") = {
	.values = { [1] = (void *)&tail },
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile int limit = 10;
int zero;
int nonzero = 3;
static int static_zero;
int custom_zero SEC(".bss.custom");
int custom_data[4] SEC(".data.custom") = { 1, 2, 3, 4 };
const int custom_constant[3] SEC(".rodata.custom") = { 7, 8, 9 };
int private_data SEC(".data.a_rather_long_name") = 5;

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int uses_maps(struct xdp_md *ctx)
{
	struct key key = {};
	__u32 index = ctx->rx_queue_index & 3;
	struct value *value;
	__u64 *count;
	void *map;

	value = bpf_map_lookup_elem(&typed, &key);
	if (value)
		value->packets++;
	if (bpf_map_lookup_elem(&sized, &index))
		zero++;
	count = bpf_map_lookup_elem(&second, &index);
	if (count)
		*count += limit;
	bpf_map_push_elem(&bloom, &index, 0);
	map = bpf_map_lookup_elem(&outer, &index);
	if (map && bpf_map_lookup_elem(map, &index))
		static_zero++;
	bpf_ringbuf_output(&events, &key, sizeof(key), 0);
	custom_zero += custom_data[index] + nonzero + private_data;
	custom_data[2] += custom_constant[1] + static_zero;
	bpf_tail_call(ctx, &tails, 1);
	bpf_printk("index %d", index);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
