// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Parses what passes a device and counts it by flow. Every packet continues.
 *
 * Understood are up to two VLAN tags, in the frame or taken off by the device;
 * IPv4 with options; IPv6 with extension headers; and fragments: the first one
 * carries the ports, `fragmented` remembers them for those that follow.
 *
 * The outer headers are read in place; what stands behind headers of variable
 * length is copied with bpf_skb_load_bytes, which also reaches data that the
 * kernel keeps in pages of their own.
 */
#include <linux/pkt_cls.h>

#include "packet.h"

enum family {
	IPV4 = 4,
	IPV6 = 6,
};

struct flow {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u16 outer_vlan; /* 0 where the frame has no tag */
	__u16 inner_vlan;
	__u8 family;
	__u8 protocol;
	__u16 zero;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
	__u64 fragments;
	__u8 tcp_flags; /* all that were seen, as bits */
	__u8 zero[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow);
	__type(value, struct traffic);
} flows SEC(".maps");

/* What all fragments of one datagram have in common. */
struct datagram {
	__u8 source[16];
	__u8 destination[16];
	__u32 id;
	__u8 protocol;
	__u8 zero[3];
};

struct port_pair {
	__u16 source;
	__u16 destination;
};

/* Least recently used ones go first: datagrams that never complete do not stay. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct datagram);
	__type(value, struct port_pair);
} fragmented SEC(".maps");

/* Why a packet is in no flow. */
enum outcome {
	PARSED,
	NOT_IP,
	TRUNCATED,
	MALFORMED,
	TOO_MANY_EXTENSIONS,
	OUTCOMES,
};

/* By enum outcome; the kernel wants a plain integer as the key of an array. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} outcomes SEC(".maps");

/* A packet on its way through the parser. */
struct packet {
	struct flow flow;
	__u32 offset; /* of the next header, from the start of the frame */
	__u32 fragment_id;
	bool is_fragment;
	bool is_later_fragment;
	__u8 tcp_flags;
};

/* The headers that are read in place: Ethernet, two tags, fixed IPv6. */
#define DIRECT_BYTES (sizeof(struct ethhdr) + 2 * sizeof(struct vlan_header) + sizeof(struct ipv6hdr))

/* Byte 13 of a TCP header. */
#define TCP_FLAGS_OFFSET 13

static __always_inline void note_vlan(struct flow *flow, __u16 tci)
{
	if (!flow->outer_vlan)
		flow->outer_vlan = tci & VLAN_ID_MASK;
	else
		flow->inner_vlan = tci & VLAN_ID_MASK;
}

/* Like take_ethernet, and remembers the tags. */
static __always_inline __be16 parse_ethernet(struct __sk_buff *skb, struct cursor *cursor,
					     struct flow *flow)
{
	struct ethhdr *ethernet = take(cursor, struct ethhdr);
	__be16 ethertype;

	if (!ethernet)
		return 0;
	ethertype = ethernet->h_proto;

	if (skb->vlan_present)
		note_vlan(flow, skb->vlan_tci);
	for (int tag = 0; tag < VLAN_TAGS_MAX && is_vlan(ethertype); tag++) {
		struct vlan_header *vlan = take(cursor, struct vlan_header);

		if (!vlan)
			return 0;
		note_vlan(flow, bpf_ntohs(vlan->tci));
		ethertype = vlan->next_protocol;
	}
	return ethertype;
}

static __noinline enum outcome parse_ipv4(const struct iphdr *ip, struct packet *packet)
{
	struct flow *flow = &packet->flow;
	__u32 length = ip->ihl * 4;

	if (ip->version != 4 || length < sizeof(*ip))
		return MALFORMED;
	flow->family = IPV4;
	flow->protocol = ip->protocol;
	__builtin_memcpy(flow->source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(flow->destination, &ip->daddr, sizeof(ip->daddr));
	packet->offset += length;
	packet->fragment_id = bpf_ntohs(ip->id);
	packet->is_fragment = ipv4_is_fragment(ip);
	packet->is_later_fragment = ipv4_is_later_fragment(ip);
	return PARSED;
}

/* Walks the chain of extension headers up to the transport header. */
static __noinline enum outcome parse_ipv6_extensions(struct __sk_buff *skb, struct packet *packet,
						     __u8 next_header)
{
	for (int count = 0; count <= IPV6_EXTENSIONS_MAX; count++) {
		struct ipv6_extension extension;
		struct ipv6_fragment_header fragment;

		switch (next_header) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (bpf_skb_load_bytes(skb, packet->offset, &extension, sizeof(extension)))
				return TRUNCATED;
			next_header = extension.next_header;
			packet->offset += sizeof(extension) + extension.length * 8;
			break;
		case IPPROTO_FRAGMENT:
			if (bpf_skb_load_bytes(skb, packet->offset, &fragment, sizeof(fragment)))
				return TRUNCATED;
			packet->is_fragment = true;
			packet->fragment_id = bpf_ntohl(fragment.id);
			packet->offset += sizeof(fragment);
			next_header = fragment.next_header;
			if (fragment.offset_and_more & bpf_htons(IPV6_OFFSET_MASK)) {
				/* What follows is data, whatever the header calls it. */
				packet->is_later_fragment = true;
				packet->flow.protocol = next_header;
				return PARSED;
			}
			break;
		default:
			packet->flow.protocol = next_header;
			return PARSED;
		}
	}
	return TOO_MANY_EXTENSIONS;
}

static __always_inline enum outcome parse_ipv6(struct __sk_buff *skb, const struct ipv6hdr *ip,
					       struct packet *packet)
{
	struct flow *flow = &packet->flow;

	if (ip->version != 6)
		return MALFORMED;
	flow->family = IPV6;
	__builtin_memcpy(flow->source, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(flow->destination, &ip->daddr, sizeof(ip->daddr));
	packet->offset += sizeof(*ip);
	return parse_ipv6_extensions(skb, packet, ip->nexthdr);
}

/*
 * Reads ports and TCP flags at the packet's offset. A global function: the
 * verifier proves it once, for any argument, and not at each call. Returns 0,
 * or a negative value where the frame ends first.
 */
__noinline int parse_transport(struct __sk_buff *skb, struct packet *packet)
{
	struct {
		__be16 source;
		__be16 destination;
	} ports;
	long error;

	if (!packet)
		return -1;
	switch (packet->flow.protocol) {
	case IPPROTO_TCP:
		error = bpf_skb_load_bytes(skb, packet->offset + TCP_FLAGS_OFFSET,
					   &packet->tcp_flags, sizeof(packet->tcp_flags));
		if (error)
			return -1;
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
		break;
	default:
		return 0;
	}
	if (bpf_skb_load_bytes(skb, packet->offset, &ports, sizeof(ports)))
		return -1;
	packet->flow.source_port = bpf_ntohs(ports.source);
	packet->flow.destination_port = bpf_ntohs(ports.destination);
	return 0;
}

/* Gives a later fragment the ports of its first one, and keeps those of a first. */
static __noinline void join_fragments(struct packet *packet)
{
	struct datagram datagram = {
		.id = packet->fragment_id,
		.protocol = packet->flow.protocol,
	};
	struct port_pair *ports;

	__builtin_memcpy(datagram.source, packet->flow.source, sizeof(datagram.source));
	__builtin_memcpy(datagram.destination, packet->flow.destination,
			 sizeof(datagram.destination));

	if (!packet->is_later_fragment) {
		struct port_pair first = {
			.source = packet->flow.source_port,
			.destination = packet->flow.destination_port,
		};

		bpf_map_update_elem(&fragmented, &datagram, &first, BPF_ANY);
		return;
	}
	ports = bpf_map_lookup_elem(&fragmented, &datagram);
	if (ports) {
		packet->flow.source_port = ports->source;
		packet->flow.destination_port = ports->destination;
	}
}

static __always_inline enum outcome parse(struct __sk_buff *skb, struct packet *packet)
{
	struct cursor cursor;
	enum outcome outcome;
	void *start;

	/* Headers in pages of their own are copied to where they can be read. */
	if (skb->data_end - skb->data < DIRECT_BYTES)
		bpf_skb_pull_data(skb, skb->len < DIRECT_BYTES ? skb->len : DIRECT_BYTES);
	start = (void *)(long)skb->data;
	cursor.at = start;
	cursor.end = (void *)(long)skb->data_end;

	switch (parse_ethernet(skb, &cursor, &packet->flow)) {
	case 0:
		return TRUNCATED;
	case bpf_htons(ETH_P_IP): {
		struct iphdr *ip = take(&cursor, struct iphdr);

		if (!ip)
			return TRUNCATED;
		packet->offset = (void *)ip - start;
		outcome = parse_ipv4(ip, packet);
		break;
	}
	case bpf_htons(ETH_P_IPV6): {
		struct ipv6hdr *ip = take(&cursor, struct ipv6hdr);

		if (!ip)
			return TRUNCATED;
		packet->offset = (void *)ip - start;
		outcome = parse_ipv6(skb, ip, packet);
		break;
	}
	default:
		return NOT_IP;
	}
	if (outcome != PARSED)
		return outcome;
	if (!packet->is_later_fragment && parse_transport(skb, packet))
		return TRUNCATED;
	if (packet->is_fragment)
		join_fragments(packet);
	return PARSED;
}

static __always_inline void count_flow(const struct packet *packet, __u32 bytes)
{
	struct traffic none = {}, *traffic = bpf_map_lookup_elem(&flows, &packet->flow);

	if (!traffic) {
		/* Another CPU may be first; then its entry is found below. */
		bpf_map_update_elem(&flows, &packet->flow, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&flows, &packet->flow);
		if (!traffic)
			return;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, bytes);
	if (packet->is_fragment)
		__sync_fetch_and_add(&traffic->fragments, 1);
	traffic->tcp_flags |= packet->tcp_flags;
}

SEC("tc")
int parser(struct __sk_buff *skb)
{
	struct packet packet = {};
	__u32 outcome = parse(skb, &packet);
	__u64 *count = bpf_map_lookup_elem(&outcomes, &outcome);

	if (count)
		__sync_fetch_and_add(count, 1);
	if (outcome == PARSED)
		count_flow(&packet, skb->len);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
