// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Values that programs of some types may return, and those that helpers promise. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int anything_from_xdp(struct xdp_md *ctx)
{
	return ctx->rx_queue_index;
}

SEC("cgroup/setsockopt")
int bit(struct bpf_sockopt *ctx)
{
	return ctx->optlen & 1;
}

SEC("cgroup/dev")
int compared(struct bpf_cgroup_dev_ctx *ctx)
{
	return ctx->major > ctx->minor;
}

SEC("cgroup/setsockopt")
int bad_two_bits(struct bpf_sockopt *ctx)
{
	return ctx->optlen & 3;
}

SEC("cgroup/sock_create")
int bad_negative(struct bpf_sock *sk)
{
	return -1;
}

SEC("sk_msg")
int any_message(struct sk_msg_md *msg)
{
	return msg->size;
}

SEC("xdp")
int leaks_as_root(struct xdp_md *ctx)
{
	void *kept = ctx;

	asm volatile("" : "+r"(kept));
	return (long)kept;
}

SEC("cgroup_skb/egress")
int congested(struct __sk_buff *skb)
{
	return skb->len & 3;
}

SEC("flow_dissector")
int continues(struct __sk_buff *skb)
{
	return BPF_FLOW_DISSECTOR_CONTINUE;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
