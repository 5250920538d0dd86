// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spreads the connections to one service over several backends, by rewriting.
 *
 * A packet to the service gets a backend's address, port and MAC address, and
 * leaves through the device it came in on, or through `out_ifindex`. An answer
 * gets the service's address and port back, so that the client never sees who
 * spoke; from there on, the host routes it.
 *
 * A hash of the client's address and port picks the backend: all packets of a
 * connection reach the same one, with no table to fill or to flood.
 *
 * Not balanced, and left to the host: fragments (only the first one has ports)
 * and whatever stands behind VLAN tags or IPv6 extension headers.
 */
#include <stddef.h>
#include <linux/pkt_cls.h>

#include "packet.h"

#define IPV4_ADDRESS(a, b, c, d) { bpf_htonl((a) << 24 | (b) << 16 | (c) << 8 | (d)) }
#define IPV6_ADDRESS(a, b, c, d) { bpf_htonl(a), bpf_htonl(b), bpf_htonl(c), bpf_htonl(d) }

/* An IPv4 address stands in the first word, and the others are zero. */
struct endpoint {
	__be32 address[4];
	__u16 port;
	__u16 zero;
};

struct backend {
	struct endpoint v4;
	struct endpoint v6;
	__u8 mac[ETH_ALEN];
};

/* The service: HTTP, on 192.0.2.80 and 2001:db8:1::80. */
const volatile struct endpoint service_v4 = {
	.address = IPV4_ADDRESS(192, 0, 2, 80),
	.port = 80,
};
const volatile struct endpoint service_v6 = {
	.address = IPV6_ADDRESS(0x20010db8, 0x00010000, 0, 0x80),
	.port = 80,
};

/* Where packets for backends leave; 0 is the device they came in on. */
const volatile __u32 out_ifindex = 0;

/* Both may change while the program runs: the first `backend_count` are used. */
#define BACKENDS_MAX 8
__u32 backend_count = 3;
struct backend backends[BACKENDS_MAX] = {
	{
		.v4 = { IPV4_ADDRESS(10, 0, 0, 1), 8080, 0 },
		.v6 = { IPV6_ADDRESS(0xfd000000, 0, 0, 1), 8080, 0 },
		.mac = { 0x02, 0, 0, 0, 0, 1 },
	},
	{
		.v4 = { IPV4_ADDRESS(10, 0, 0, 2), 8080, 0 },
		.v6 = { IPV6_ADDRESS(0xfd000000, 0, 0, 2), 8080, 0 },
		.mac = { 0x02, 0, 0, 0, 0, 2 },
	},
	{
		.v4 = { IPV4_ADDRESS(10, 0, 0, 3), 8081, 0 },
		.v6 = { IPV6_ADDRESS(0xfd000000, 0, 0, 3), 8081, 0 },
		.mac = { 0x02, 0, 0, 0, 0, 3 },
	},
};

struct traffic {
	__u64 packets;
	__u64 bytes;
	__u64 connections; /* packets that open one */
};

/* What each backend was given, by its place in `backends`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct traffic);
} balanced SEC(".maps");

__u64 answers;
__u64 fragments_left_alone;
__u64 failed_rewrites;

struct packet {
	bool is_v6;
	bool opens_connection;
	__u8 protocol;
	__u8 old_destination_mac[ETH_ALEN];
	__u32 transport; /* offset of the transport header */
	struct endpoint source;
	struct endpoint destination;
};

/* Which end of a packet a rewrite replaces: where its fields are. */
struct side {
	__u32 address; /* offset of the address */
	__u32 port;    /* offset of the port */
	struct endpoint old;
};

static __always_inline bool take_endpoints(struct cursor *cursor, struct packet *packet)
{
	if (packet->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = take(cursor, struct tcphdr);

		if (!tcp)
			return false;
		packet->source.port = bpf_ntohs(tcp->source);
		packet->destination.port = bpf_ntohs(tcp->dest);
		packet->opens_connection = tcp->syn && !tcp->ack;
		return true;
	}
	if (packet->protocol == IPPROTO_UDP) {
		struct udphdr *udp = take(cursor, struct udphdr);

		if (!udp)
			return false;
		packet->source.port = bpf_ntohs(udp->source);
		packet->destination.port = bpf_ntohs(udp->dest);
		return true;
	}
	return false;
}

/* Returns false for what is not balanced. */
static __always_inline bool take_packet(struct cursor *cursor, struct packet *packet)
{
	void *start = cursor->at;
	struct ethhdr *ethernet = take(cursor, struct ethhdr);

	if (!ethernet)
		return false;
	__builtin_memcpy(packet->old_destination_mac, ethernet->h_dest, ETH_ALEN);

	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take_ipv4(cursor);

		if (!ip)
			return false;
		if (ipv4_is_fragment(ip)) {
			__sync_fetch_and_add(&fragments_left_alone, 1);
			return false;
		}
		packet->protocol = ip->protocol;
		packet->source.address[0] = ip->saddr;
		packet->destination.address[0] = ip->daddr;
	} else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take_ipv6(cursor);

		if (!ip)
			return false;
		if (ip->nexthdr == IPPROTO_FRAGMENT) {
			__sync_fetch_and_add(&fragments_left_alone, 1);
			return false;
		}
		packet->is_v6 = true;
		packet->protocol = ip->nexthdr;
		__builtin_memcpy(packet->source.address, &ip->saddr, sizeof(ip->saddr));
		__builtin_memcpy(packet->destination.address, &ip->daddr, sizeof(ip->daddr));
	} else {
		return false;
	}
	packet->transport = cursor->at - start;
	return take_endpoints(cursor, packet);
}

/* Word by word: read-only data is volatile, as a loader may still change it. */
static __always_inline void copy_endpoint(struct endpoint *to, const volatile struct endpoint *from)
{
	for (int word = 0; word < 4; word++)
		to->address[word] = from->address[word];
	to->port = from->port;
	to->zero = 0;
}

static __always_inline bool same_endpoint(const struct endpoint *left,
					  const struct endpoint *right)
{
	return left->address[0] == right->address[0] && left->address[1] == right->address[1] &&
	       left->address[2] == right->address[2] && left->address[3] == right->address[3] &&
	       left->port == right->port;
}

/* Mixes every bit of `value` into every bit of the result. */
static __always_inline __u32 mix(__u32 hash, __u32 value)
{
	hash ^= value;
	hash *= 0x9e3779b1;
	return hash ^ hash >> 15;
}

static __always_inline __u32 hash_endpoint(const struct endpoint *endpoint)
{
	__u32 hash = mix(0, endpoint->port);

	for (int word = 0; word < 4; word++)
		hash = mix(hash, endpoint->address[word]);
	return hash;
}

/*
 * Writes the new address and port, and brings the checksums along: RFC 1624
 * needs the old and the new words only, never the rest of the packet.
 */
static __noinline long rewrite(struct __sk_buff *skb, const struct packet *packet,
			       const struct side *side, const struct endpoint *new)
{
	__u32 address_length = packet->is_v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	__be16 old_port = bpf_htons(side->old.port), new_port = bpf_htons(new->port);
	__u32 checksum = packet->transport;
	__u64 flags = 0;
	__s64 difference;
	long error;

	if (packet->protocol == IPPROTO_TCP) {
		checksum += offsetof(struct tcphdr, check);
	} else {
		checksum += offsetof(struct udphdr, check);
		/* A UDP checksum of 0 is none, and stays none. */
		flags = BPF_F_MARK_MANGLED_0;
	}

	/* Unused words are zero on both sides, so four do for either family. */
	difference = bpf_csum_diff((__be32 *)side->old.address, sizeof(side->old.address),
				   (__be32 *)new->address, sizeof(new->address), 0);
	if (difference < 0)
		return difference;
	error = bpf_l4_csum_replace(skb, checksum, 0, difference, flags | BPF_F_PSEUDO_HDR);
	if (error)
		return error;
	error = bpf_l4_csum_replace(skb, checksum, old_port, new_port, flags | sizeof(new_port));
	if (error)
		return error;
	if (!packet->is_v6) {
		error = bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check),
					    side->old.address[0], new->address[0],
					    sizeof(new->address[0]));
		if (error)
			return error;
	}
	error = bpf_skb_store_bytes(skb, side->address, new->address, address_length, 0);
	if (error)
		return error;
	return bpf_skb_store_bytes(skb, side->port, &new_port, sizeof(new_port), 0);
}

static __always_inline int send_to_backend(struct __sk_buff *skb, const struct packet *packet)
{
	__u32 address = packet->is_v6 ? offsetof(struct ipv6hdr, daddr) :
					offsetof(struct iphdr, daddr);
	struct side side = {
		.address = ETH_HLEN + address,
		.port = packet->transport + offsetof(struct udphdr, dest),
		.old = packet->destination,
	};
	__u32 count = backend_count;
	struct backend *backend;
	struct traffic *traffic;
	struct endpoint target;
	__u8 macs[2 * ETH_ALEN];
	__u32 index;

	if (!count || count > BACKENDS_MAX)
		return TC_ACT_OK;
	index = hash_endpoint(&packet->source) % count;
	/* Below `count` already, but the verifier needs to see a bound. */
	barrier_var(index);
	index &= BACKENDS_MAX - 1;
	backend = &backends[index];
	target = packet->is_v6 ? backend->v6 : backend->v4;
	/* To the backend, from the address that the frame was sent to: ours. */
	__builtin_memcpy(macs, backend->mac, ETH_ALEN);
	__builtin_memcpy(macs + ETH_ALEN, packet->old_destination_mac, ETH_ALEN);

	if (rewrite(skb, packet, &side, &target) ||
	    bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0)) {
		__sync_fetch_and_add(&failed_rewrites, 1);
		return TC_ACT_SHOT;
	}

	traffic = bpf_map_lookup_elem(&balanced, &index);
	if (traffic) {
		__sync_fetch_and_add(&traffic->packets, 1);
		__sync_fetch_and_add(&traffic->bytes, skb->len);
		if (packet->opens_connection)
			__sync_fetch_and_add(&traffic->connections, 1);
	}
	return bpf_redirect(out_ifindex ? out_ifindex : skb->ifindex, 0);
}

static __always_inline bool is_from_backend(const struct packet *packet)
{
	for (__u32 index = 0; index < BACKENDS_MAX && index < backend_count; index++) {
		struct backend *backend = &backends[index];

		if (same_endpoint(&packet->source, packet->is_v6 ? &backend->v6 : &backend->v4))
			return true;
	}
	return false;
}

static __always_inline int send_to_client(struct __sk_buff *skb, const struct packet *packet,
					  const struct endpoint *service)
{
	__u32 address = packet->is_v6 ? offsetof(struct ipv6hdr, saddr) :
					offsetof(struct iphdr, saddr);
	struct side side = {
		.address = ETH_HLEN + address,
		.port = packet->transport + offsetof(struct udphdr, source),
		.old = packet->source,
	};

	if (rewrite(skb, packet, &side, service)) {
		__sync_fetch_and_add(&failed_rewrites, 1);
		return TC_ACT_SHOT;
	}
	__sync_fetch_and_add(&answers, 1);
	return TC_ACT_OK;
}

SEC("tc")
int balancer(struct __sk_buff *skb)
{
	struct cursor cursor = {
		.at = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};
	struct packet packet = {};
	struct endpoint service;

	if (!take_packet(&cursor, &packet))
		return TC_ACT_OK;
	copy_endpoint(&service, packet.is_v6 ? &service_v6 : &service_v4);

	if (same_endpoint(&packet.destination, &service))
		return send_to_backend(skb, &packet);
	if (is_from_backend(&packet))
		return send_to_client(skb, &packet, &service);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
