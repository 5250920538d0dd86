// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* cpu: v1 v2 v3 v4
 *
 * Offsets into packets that are computed at run time: options, masks, loops. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int masked_offset(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 off;

	if (data + 1 > end)
		return XDP_DROP;
	off = *(__u8 *)data & 0x3f;
	data += off;
	if (data + 2 > end)
		return XDP_DROP;
	return *(__u8 *)(data + 1) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int walk_options(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *at = data;
	int i, found = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < 10; i++) {
		__u8 len;

		if ((void *)(at + 2) > end)
			break;
		len = at[1];
		if (at[0] == 0)
			break;
		if (at[0] == 4)
			found++;
		if (len < 2)
			break;
		at += len & 0x1f;
	}
	return found ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int sum_of_bytes(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 i, sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < 64; i++) {
		if (data + i + 1 > end)
			break;
		sum += *(__u8 *)(data + i);
	}
	return sum & 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int bad_offset_too_wide(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 off;

	if (data + 4 > end)
		return XDP_DROP;
	off = *(__u32 *)data;
	data += off;
	if (data + 1 > end)
		return XDP_DROP;
	return *(volatile __u8 *)data;
}

SEC("xdp")
int bad_checked_another_offset(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 a, b;

	if (data + 2 > end)
		return XDP_DROP;
	a = *(volatile __u8 *)data;
	b = *(volatile __u8 *)(data + 1);
	if (data + a + 1 > end)
		return XDP_DROP;
	return *(volatile __u8 *)(data + b);
}

SEC("xdp")
int bad_product_of_pointers(struct xdp_md *ctx)
{
	volatile __u64 data = ctx->data, end = ctx->data_end;
	__u64 a = ctx->data;

	asm volatile("%0 *= 3" : "+r"(a));
	return (a + data + end) & 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
