// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Which flow a packet belongs to. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("flow_dissector")
int dissects(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_flow_keys *keys = skb->flow_keys;
	struct iphdr *ip = data;

	if (keys->n_proto != bpf_htons(ETH_P_IP))
		return BPF_DROP;
	if ((void *)(ip + 1) > end)
		return BPF_DROP;
	keys->addr_proto = ETH_P_IP;
	keys->ipv4_src = ip->saddr;
	keys->ipv4_dst = ip->daddr;
	keys->ip_proto = ip->protocol;
	keys->thoff = keys->nhoff + (ip->ihl << 2);
	return BPF_OK;
}

SEC("flow_dissector")
int bad_past_the_keys(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	*(volatile __u32 *)(keys + 1) = 0;
	return BPF_OK;
}

SEC("flow_dissector")
int bad_field(struct __sk_buff *skb)
{
	return skb->mark ? BPF_OK : BPF_DROP;
}

SEC("flow_dissector")
int bad_helper_for_packets(struct __sk_buff *skb)
{
	return bpf_redirect(1, 0);
}

SEC("flow_dissector")
int bad_keys_with_variable(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u8 *keys = (void *)skb->flow_keys;

	if (data + 1 > end)
		return BPF_DROP;
	keys[*(__u8 *)data & 7] = 1;
	return BPF_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
