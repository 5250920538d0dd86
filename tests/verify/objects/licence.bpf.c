// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Helpers that only programs under the GPL may call: the object says it is not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int free_helper(struct __sk_buff *skb)
{
	return bpf_get_prandom_u32() & 1;
}

SEC("tc")
int bad_prints(struct __sk_buff *skb)
{
	bpf_printk("%d", skb->len);
	return 0;
}

SEC("raw_tp/sched_switch")
int bad_reads_kernel(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx->args[1]);
	return value & 1;
}

char LICENSE[] SEC("license") = "Proprietary";
