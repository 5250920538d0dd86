// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Netfilter: the context holds two objects of the kernel, which are read. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net_device *in;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned int len;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

SEC("netfilter")
int long_packets(struct bpf_nf_ctx *ctx)
{
	return ctx->skb->len > 100 && ctx->state->pf == 2;
}

SEC("netfilter")
int bad_packet_written(struct bpf_nf_ctx *ctx)
{
	ctx->skb->len = 1;
	return 1;
}

SEC("netfilter")
int bad_half_of_a_pointer(struct bpf_nf_ctx *ctx)
{
	return *(volatile __u32 *)ctx & 1;
}

SEC("netfilter")
int bad_returns_a_length(struct bpf_nf_ctx *ctx)
{
	return ctx->skb->len;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
