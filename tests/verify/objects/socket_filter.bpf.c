// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Socket filters: few fields, few helpers, no access to packet memory. */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");

SEC("socket")
int protocol(struct __sk_buff *skb)
{
	__u8 protocol;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1))
		return 0;
	return protocol == 6 ? -1 : 0;
}

SEC("socket")
int legacy_loads(struct __sk_buff *skb)
{
	return load_half(skb, 12) == ETH_P_IP ? load_byte(skb, 23) : 0;
}

SEC("socket")
int relative(struct __sk_buff *skb)
{
	__u32 word;

	return bpf_skb_load_bytes_relative(skb, 0, &word, 4, BPF_HDR_START_NET) ? 0 : word;
}

SEC("socket")
int scratch(struct __sk_buff *skb)
{
	skb->cb[1] = skb->len;
	return skb->cb[1] + skb->cb[4];
}

SEC("socket")
int bad_packet_memory(struct __sk_buff *skb)
{
	return *(volatile __u8 *)(long)skb->data;
}

SEC("socket")
int bad_marks(struct __sk_buff *skb)
{
	skb->mark = 1;
	return 0;
}

SEC("socket")
int bad_redirect(struct __sk_buff *skb)
{
	return bpf_redirect(1, 0);
}

SEC("socket")
int bad_store(struct __sk_buff *skb)
{
	__u8 byte = 0;

	return bpf_skb_store_bytes(skb, 0, &byte, 1, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
