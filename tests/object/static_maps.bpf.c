// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Static maps: relocations name the section, and instructions say where in it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

static struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} second SEC(".maps");

SEC("xdp")
int uses_both(struct xdp_md *ctx)
{
	__u32 key = 0, value = 1;

	bpf_map_update_elem(&second, &key, &value, BPF_ANY);
	return bpf_map_lookup_elem(&first, &key) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
