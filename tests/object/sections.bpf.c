// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Section names that are known and not, and several programs in one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp.frags/devmap")
int third(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("something_else")
int fourth(void *ctx)
{
	return 4;
}

SEC("uprobe.s//usr/bin/bash:readline")
int fifth(void *ctx)
{
	return 0;
}

SEC("version") __u32 kernel_version = 0x060c00;
char _license[] SEC("license") = "Dual MIT/GPL";
