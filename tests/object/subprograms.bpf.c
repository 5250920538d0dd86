// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Functions that are shared, nested, static, global, and passed as callbacks. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int counter;
static int hidden_counter;

static __attribute__((noinline)) int leaf(int x)
{
	hidden_counter += x;
	return x * 3;
}

__attribute__((noinline)) int global_leaf(int x)
{
	counter += x;
	return leaf(x) + 1;
}

static __attribute__((noinline)) int middle(int x)
{
	return leaf(x) + global_leaf(x + 1);
}

__attribute__((noinline)) __hidden int hidden_middle(int x)
{
	return middle(x) ^ leaf(x + 2);
}

static int first_callback(__u32 index, void *ctx)
{
	*(int *)ctx += leaf(index);
	return 0;
}

static int second_callback(__u32 index, void *ctx)
{
	*(int *)ctx += middle(index);
	return index > 3;
}

SEC("xdp")
int uses_leaf(struct xdp_md *ctx)
{
	return leaf(ctx->rx_queue_index) & 3;
}

SEC("xdp")
int uses_everything(struct xdp_md *ctx)
{
	int sum = hidden_middle(ctx->ingress_ifindex);

	bpf_loop(5, first_callback, &sum, 0);
	bpf_loop(9, second_callback, &sum, 0);
	bpf_loop(2, first_callback, &sum, 0);
	return (sum + global_leaf(1)) & 3;
}

SEC("?tc")
int optional(struct __sk_buff *skb)
{
	return middle(skb->len) > 7;
}

char _license[] SEC("license") = "GPL";
