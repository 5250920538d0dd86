// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Functions to be called, in sections other than .text, and next to programs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int calls;

static __attribute__((noinline)) SEC("my_functions") int far_away(int x)
{
	calls += x;
	return x + 1;
}

static __attribute__((noinline)) SEC("xdp") int next_door(int x)
{
	return far_away(x) * 2;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return next_door(ctx->rx_queue_index);
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return far_away(next_door(2));
}

char _license[] SEC("license") = "GPL";
