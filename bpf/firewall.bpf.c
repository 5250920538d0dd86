// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A firewall by source prefix and by destination port.
 *
 * A packet meets the rules in this order, and the first that matches decides:
 *
 *   1. `prefixes_v4`, `prefixes_v6`: the longest prefix of its source address;
 *   2. `default_prefixes`, in their order;
 *   3. `ports`: its protocol and destination port;
 *   4. `default_ports`, in their order;
 *   5. `default_action`.
 *
 * The maps are filled at run time. The defaults and `default_action` are
 * read-only data that a loader may change before it loads the program.
 *
 * `hits` counts by rule, and each dropped packet sends a `struct drop` through
 * the ring buffer `drops`; where a full ring loses some, `lost_events` counts.
 */
#include "packet.h"

enum action {
	PASS,
	DROP,
};

enum family {
	ANY_FAMILY = 0,
	IPV4 = 4,
	IPV6 = 6,
};

struct rule {
	__u32 id;
	enum action action;
};

struct prefix_v4 {
	__u32 bits;
	__u8 address[4];
};

struct prefix_v6 {
	__u32 bits;
	__u8 address[16];
};

struct port {
	__u16 number;
	__u8 protocol;
	__u8 zero;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct drop {
	__u32 rule;
	__u32 bytes;
	enum family family;
	__u8 source[16];
	struct port port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_v4);
	__type(value, struct rule);
} prefixes_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_v6);
	__type(value, struct rule);
} prefixes_v6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct port);
	__type(value, struct rule);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct traffic);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} drops SEC(".maps");

/* The identity under which `hits` counts packets that no rule matched. */
#define NO_RULE 0

const volatile enum action default_action = PASS;

struct default_prefix {
	struct rule rule;
	enum family family;
	__u32 bits;
	__u8 address[16];
};

/* An entry without a family is unused. */
#define DEFAULT_PREFIXES 4
const volatile struct default_prefix default_prefixes[DEFAULT_PREFIXES] = {
	/* 203.0.113.0/24 */
	{ { 1, DROP }, IPV4, 24, { 203, 0, 113 } },
	/* 2001:db8:bad::/48 */
	{ { 2, DROP }, IPV6, 48, { 0x20, 0x01, 0x0d, 0xb8, 0x0b, 0xad } },
};

/* An entry without a protocol is unused. */
#define DEFAULT_PORTS 4
const volatile struct {
	struct rule rule;
	struct port port;
} default_ports[DEFAULT_PORTS] = {
	/* telnet */
	{ { 23, DROP }, { 23, IPPROTO_TCP, 0 } },
	/* Discard and chargen: what reflects floods. */
	{ { 9, DROP }, { 9, IPPROTO_UDP, 0 } },
	{ { 19, DROP }, { 19, IPPROTO_UDP, 0 } },
};

__u64 lost_events;

/* What the rules look at. */
struct packet {
	enum family family;
	__u8 source[16];
	struct port port;
};

/* Reads the destination port where the protocol has one and the frame holds it. */
static __always_inline void take_port(struct cursor *cursor, __u8 protocol, struct packet *packet)
{
	struct udphdr *ports;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	/* TCP and UDP begin alike: source port, destination port. */
	ports = take(cursor, struct udphdr);
	if (!ports)
		return;
	packet->port.number = bpf_ntohs(ports->dest);
	packet->port.protocol = protocol;
}

/* Returns false for what the rules cannot speak about. */
static __always_inline bool take_packet(struct cursor *cursor, struct packet *packet)
{
	__be16 ethertype = take_ethernet(cursor);

	if (ethertype == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take_ipv4(cursor);

		if (!ip)
			return false;
		packet->family = IPV4;
		__builtin_memcpy(packet->source, &ip->saddr, sizeof(ip->saddr));
		if (!ipv4_is_later_fragment(ip))
			take_port(cursor, ip->protocol, packet);
		return true;
	}
	if (ethertype == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take_ipv6(cursor);

		if (!ip)
			return false;
		packet->family = IPV6;
		__builtin_memcpy(packet->source, &ip->saddr, sizeof(ip->saddr));
		/* Past the extension headers, or a rule could be dodged with one. */
		take_port(cursor, take_ipv6_extensions(cursor, ip->nexthdr), packet);
		return true;
	}
	return false;
}

static __always_inline struct rule *match_prefix(const struct packet *packet)
{
	if (packet->family == IPV4) {
		struct prefix_v4 key = { .bits = 32 };

		__builtin_memcpy(key.address, packet->source, sizeof(key.address));
		return bpf_map_lookup_elem(&prefixes_v4, &key);
	} else {
		struct prefix_v6 key = { .bits = 128 };

		__builtin_memcpy(key.address, packet->source, sizeof(key.address));
		return bpf_map_lookup_elem(&prefixes_v6, &key);
	}
}

/* A walk over `default_prefixes`: what is looked for, and what was found. */
struct search {
	const struct packet *packet;
	struct rule found;
	bool matched;
};

static __always_inline bool same_prefix(const volatile __u8 *left, const __u8 *right, __u32 bits)
{
	for (int byte = 0; byte < 16 && bits; byte++) {
		__u8 differing = left[byte] ^ right[byte];

		if (bits < 8)
			return !(differing >> (8 - bits));
		if (differing)
			return false;
		bits -= 8;
	}
	return true;
}

/* A callback of bpf_loop: 1 ends the walk. */
static long try_default_prefix(__u32 index, struct search *search)
{
	const volatile struct default_prefix *candidate;

	if (index >= DEFAULT_PREFIXES)
		return 1;
	candidate = &default_prefixes[index];
	if (candidate->family != search->packet->family)
		return 0;
	if (!same_prefix(candidate->address, search->packet->source, candidate->bits))
		return 0;
	search->found.id = candidate->rule.id;
	search->found.action = candidate->rule.action;
	search->matched = true;
	return 1;
}

/* Finds the rule that decides; `rule` keeps the default action where none does. */
static __always_inline void decide(const struct packet *packet, struct rule *rule)
{
	struct search search = { .packet = packet };
	struct rule *matched = match_prefix(packet);

	if (matched) {
		*rule = *matched;
		return;
	}
	bpf_loop(DEFAULT_PREFIXES, try_default_prefix, &search, 0);
	if (search.matched) {
		*rule = search.found;
		return;
	}

	if (!packet->port.protocol)
		return;
	matched = bpf_map_lookup_elem(&ports, &packet->port);
	if (matched) {
		*rule = *matched;
		return;
	}
	for (int index = 0; index < DEFAULT_PORTS; index++) {
		if (default_ports[index].port.protocol == packet->port.protocol &&
		    default_ports[index].port.number == packet->port.number) {
			rule->id = default_ports[index].rule.id;
			rule->action = default_ports[index].rule.action;
			return;
		}
	}
}

static __always_inline void count_hit(__u32 rule, __u32 bytes)
{
	struct traffic none = {}, *traffic = bpf_map_lookup_elem(&hits, &rule);

	if (!traffic) {
		/* Another CPU may be first; then its entry is found below. */
		bpf_map_update_elem(&hits, &rule, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&hits, &rule);
		if (!traffic)
			return;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, bytes);
}

static __always_inline void report_drop(const struct packet *packet, __u32 rule, __u32 bytes)
{
	struct drop *drop = bpf_ringbuf_reserve(&drops, sizeof(*drop), 0);

	if (!drop) {
		__sync_fetch_and_add(&lost_events, 1);
		return;
	}
	drop->rule = rule;
	drop->bytes = bytes;
	drop->family = packet->family;
	__builtin_memcpy(drop->source, packet->source, sizeof(drop->source));
	drop->port = packet->port;
	bpf_ringbuf_submit(drop, 0);
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct rule rule = { .id = NO_RULE, .action = default_action };
	__u32 bytes = cursor.end - cursor.at;
	struct packet packet = {};

	/* ARP and everything else that is not IP passes: without it, no IP either. */
	if (!take_packet(&cursor, &packet))
		return XDP_PASS;

	decide(&packet, &rule);
	count_hit(rule.id, bytes);
	if (rule.action == PASS)
		return XDP_PASS;
	report_drop(&packet, rule.id, bytes);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
