// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A socket filter that keeps DNS: what goes to or comes from port 53, over UDP
 * or TCP, IPv4 or IPv6. Of longer packets it keeps the first `snap_length`
 * bytes, as a capture would.
 *
 * What comes before the network header depends on the socket, so everything is
 * read relative to that header.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DNS_PORT 53
#define DROP 0

#define IP_OFFSET_MASK 0x1fff

const volatile __u32 snap_length = 512;

struct ports {
	__be16 source;
	__be16 destination;
};

struct seen {
	__u64 queries;
	__u64 answers;
};

struct seen seen;

/* Reads from `offset` bytes behind the start of the network header. */
static __always_inline bool read(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, size, BPF_HDR_START_NET) == 0;
}

/* The offset of the transport header of a first fragment, 0 if there is none. */
static __always_inline __u32 transport_offset(struct __sk_buff *skb, __u8 *protocol)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (!read(skb, 0, &ip, sizeof(ip)) || (ip.frag_off & bpf_htons(IP_OFFSET_MASK)))
			return 0;
		*protocol = ip.protocol;
		return ip.ihl * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (!read(skb, 0, &ip, sizeof(ip)))
			return 0;
		*protocol = ip.nexthdr;
		return sizeof(ip);
	}
	return 0;
}

SEC("socket")
int dns(struct __sk_buff *skb)
{
	struct ports ports;
	__u8 protocol = 0;
	__u32 offset = transport_offset(skb, &protocol);

	if (!offset || (protocol != IPPROTO_UDP && protocol != IPPROTO_TCP))
		return DROP;
	if (!read(skb, offset, &ports, sizeof(ports)))
		return DROP;

	if (ports.destination == bpf_htons(DNS_PORT))
		__sync_fetch_and_add(&seen.queries, 1);
	else if (ports.source == bpf_htons(DNS_PORT))
		__sync_fetch_and_add(&seen.answers, 1);
	else
		return DROP;
	return snap_length;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
