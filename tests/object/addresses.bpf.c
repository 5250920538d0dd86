// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Addresses in global data, which nobody fills in; programs that stay away from them are fine. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int target = 4;
int *pointer = &target;
const char *names[] = { "one", "two" };
int plain SEC(".data.plain") = 6;

SEC("xdp")
int follows_pointer(struct xdp_md *ctx)
{
	return *pointer;
}

SEC("xdp")
int stays_away(struct xdp_md *ctx)
{
	return plain;
}

SEC("xdp")
int reads_names(struct xdp_md *ctx)
{
	return names[ctx->rx_queue_index & 1][0];
}

char _license[] SEC("license") = "GPL";
