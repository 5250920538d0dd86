// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Traffic control: fields of the context, and helpers that change packets. */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int fields(struct __sk_buff *skb)
{
	skb->mark = skb->priority ^ skb->vlan_tci ^ skb->hash;
	skb->tc_index = skb->queue_mapping;
	skb->cb[0] = skb->napi_id;
	skb->tstamp = skb->tstamp + 1;
	return skb->tc_classid ? TC_ACT_OK : TC_ACT_UNSPEC;
}

SEC("tc")
int rewrites_address(struct __sk_buff *skb)
{
	__be32 old, fresh = bpf_htonl(0x0a000001);
	int off = ETH_HLEN + offsetof(struct iphdr, daddr);

	if (bpf_skb_load_bytes(skb, off, &old, 4) < 0)
		return TC_ACT_SHOT;
	bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), old, fresh, 4);
	return bpf_skb_store_bytes(skb, off, &fresh, 4, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int pulls_then_reads(struct __sk_buff *skb)
{
	void *data, *end;

	if (bpf_skb_pull_data(skb, 64))
		return TC_ACT_OK;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (data + 64 > end)
		return TC_ACT_OK;
	return *(__u8 *)(data + 63) ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tc")
int room_and_vlan(struct __sk_buff *skb)
{
	if (bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_MAC, 0))
		return TC_ACT_SHOT;
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5);
}

SEC("tc")
int clones(struct __sk_buff *skb)
{
	bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	return bpf_redirect(skb->ifindex, 0);
}

SEC("tc")
int tunnel_key(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {.tunnel_id = 2, .remote_ipv4 = 0x0a000001};

	if (bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX))
		return TC_ACT_SHOT;
	return bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int bad_kept_after_store(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 zero = 0;

	if (data + 20 > end)
		return TC_ACT_OK;
	bpf_skb_store_bytes(skb, 0, &zero, 4, 0);
	return *(volatile __u8 *)data;
}

SEC("tc")
int bad_write_length(struct __sk_buff *skb)
{
	*(volatile __u32 *)&skb->len = 1;
	return TC_ACT_OK;
}

SEC("tc")
int bad_field_of_another_type(struct __sk_buff *skb)
{
	return skb->remote_ip4 ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tc")
int bad_past_the_context(struct __sk_buff *skb)
{
	return *(volatile __u32 *)((void *)skb + sizeof(*skb));
}

SEC("tc")
int bad_variable_context_field(struct __sk_buff *skb)
{
	__u32 at = skb->mark & 3;
	__u32 *cb = skb->cb;

	asm volatile("" : "+r"(at));
	return cb[at];
}

SEC("tc")
int bad_size_of_bytes_unknown(struct __sk_buff *skb)
{
	__u8 bytes[64];

	if (bpf_skb_load_bytes(skb, 0, bytes, skb->len))
		return TC_ACT_OK;
	return bytes[0];
}

SEC("tc")
int bad_size_signed(struct __sk_buff *skb)
{
	__u8 bytes[64];
	int len = skb->mark;

	if (len > 64)
		return TC_ACT_OK;
	if (bpf_skb_load_bytes(skb, 0, bytes, len))
		return TC_ACT_OK;
	return bytes[0];
}

SEC("tc")
int size_bounded(struct __sk_buff *skb)
{
	__u8 bytes[64] = {};
	__u32 len = skb->len;

	if (len == 0 || len > 64)
		return TC_ACT_OK;
	asm volatile("" : "+r"(len));
	if (len == 0 || len > 64)
		return TC_ACT_OK;
	if (bpf_skb_load_bytes(skb, 0, bytes, len))
		return TC_ACT_OK;
	return bytes[0];
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
