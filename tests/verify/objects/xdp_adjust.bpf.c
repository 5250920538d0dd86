// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Helpers that move packets make pointers into them invalid. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int push(struct xdp_md *ctx)
{
	void *data, *end;

	if (bpf_xdp_adjust_head(ctx, -8))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + 8 > end)
		return XDP_ABORTED;
	*(__u64 *)data = 0;
	return XDP_TX;
}

SEC("xdp")
int trim(struct xdp_md *ctx)
{
	if (bpf_xdp_adjust_tail(ctx, -4) < 0)
		return XDP_DROP;
	return XDP_PASS;
}

SEC("xdp")
int metadata(struct xdp_md *ctx)
{
	__u32 *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_PASS;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_PASS;
	*meta = 42;
	return XDP_PASS;
}

SEC("xdp")
int bad_kept_after_head(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (data + sizeof(*eth) > end)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_DROP;
	eth->h_proto = 0;
	return XDP_TX;
}

SEC("xdp")
int bad_check_before_move(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	int fits = data + 34 <= end;

	if (bpf_xdp_adjust_tail(ctx, 10))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	if (fits)
		return *(volatile __u8 *)(data + 33);
	return XDP_PASS;
}

SEC("xdp")
int bad_metadata_against_end(struct xdp_md *ctx)
{
	void *meta = (void *)(long)ctx->data_meta, *end = (void *)(long)ctx->data_end;

	if (meta + 4 > end)
		return XDP_PASS;
	return *(volatile __u32 *)meta;
}

SEC("xdp.frags")
int loads_bytes(struct xdp_md *ctx)
{
	__u8 bytes[16];

	if (bpf_xdp_load_bytes(ctx, 100, bytes, sizeof(bytes)))
		return XDP_PASS;
	return bytes[3] & 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int length_of_all(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx) > 3000 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
