/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What all programs here need to walk over the headers of a frame.
 *
 * A `struct cursor` is the part of the frame that was not read yet. Each
 * `take_*` function hands out the header at the cursor and moves behind it, or
 * returns NULL where the frame ends too early. All are inlined: the verifier
 * then sees each bounds check beside the access that it guards.
 */
#ifndef SKEP_PACKET_H
#define SKEP_PACKET_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Q-in-Q has two tags; more than that is nothing that we meet. */
#define VLAN_TAGS_MAX 2
#define VLAN_ID_MASK 0x0fff

/* IPv4 fragment field: the "more fragments" bit and the offset, in 8 bytes. */
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK 0x1fff

struct vlan_header {
	__be16 tci;
	__be16 next_protocol;
};

/* RFC 8200 section 4.5; the UAPI has no struct for it. */
struct ipv6_fragment_header {
	__u8 next_header;
	__u8 reserved;
	__be16 offset_and_more;
	__be32 id;
};

#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_OFFSET_MASK 0xfff8

struct cursor {
	void *at;
	void *end;
};

#define take(cursor, type)                                      \
	({                                                      \
		type *header = (cursor)->at;                    \
		if ((void *)(header + 1) > (cursor)->end)       \
			header = NULL;                          \
		else                                            \
			(cursor)->at = header + 1;              \
		header;                                         \
	})

#ifndef NULL
#define NULL ((void *)0)
#endif

static __always_inline bool is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/*
 * Reads the Ethernet header and up to two VLAN tags. Returns the type of what
 * follows in network order, or 0 where the frame is too short.
 */
static __always_inline __be16 take_ethernet(struct cursor *cursor)
{
	struct ethhdr *ethernet = take(cursor, struct ethhdr);
	__be16 ethertype;

	if (!ethernet)
		return 0;
	ethertype = ethernet->h_proto;

	for (int tag = 0; tag < VLAN_TAGS_MAX && is_vlan(ethertype); tag++) {
		struct vlan_header *vlan = take(cursor, struct vlan_header);

		if (!vlan)
			return 0;
		ethertype = vlan->next_protocol;
	}
	return ethertype;
}

/* Reads an IPv4 header with its options. NULL where it is cut or malformed. */
static __always_inline struct iphdr *take_ipv4(struct cursor *cursor)
{
	struct iphdr *ip = cursor->at;
	__u32 length;

	if ((void *)(ip + 1) > cursor->end || ip->version != 4)
		return NULL;
	length = ip->ihl * 4;
	if (length < sizeof(*ip) || cursor->at + length > cursor->end)
		return NULL;
	cursor->at += length;
	return ip;
}

static __always_inline struct ipv6hdr *take_ipv6(struct cursor *cursor)
{
	struct ipv6hdr *ip = take(cursor, struct ipv6hdr);

	return ip && ip->version == 6 ? ip : NULL;
}

/* The start that all extension headers but the fragment header share. */
struct ipv6_extension {
	__u8 next_header;
	__u8 length; /* in 8 bytes, the first 8 not counted */
	__u8 data[6];
};

/* A longer chain than this is no honest packet. */
#define IPV6_EXTENSIONS_MAX 4

/*
 * Moves behind the extension headers. Returns the protocol that follows them,
 * or IPPROTO_NONE where no header of one follows: the chain is cut or too
 * long, or the packet begins in the middle of a datagram.
 */
static __always_inline __u8 take_ipv6_extensions(struct cursor *cursor, __u8 next_header)
{
	for (int count = 0; count <= IPV6_EXTENSIONS_MAX; count++) {
		struct ipv6_extension *extension;
		struct ipv6_fragment_header *fragment;

		switch (next_header) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			extension = take(cursor, struct ipv6_extension);
			if (!extension)
				return IPPROTO_NONE;
			next_header = extension->next_header;
			cursor->at += extension->length * 8;
			break;
		case IPPROTO_FRAGMENT:
			fragment = take(cursor, struct ipv6_fragment_header);
			if (!fragment || fragment->offset_and_more & bpf_htons(IPV6_OFFSET_MASK))
				return IPPROTO_NONE;
			next_header = fragment->next_header;
			break;
		default:
			return next_header;
		}
	}
	return IPPROTO_NONE;
}

/* Whether the packet is a fragment, the first one included. */
static __always_inline bool ipv4_is_fragment(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK);
}

/* Whether the packet begins in the middle of a datagram, so has no ports. */
static __always_inline bool ipv4_is_later_fragment(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(IPV4_OFFSET_MASK);
}

#endif
