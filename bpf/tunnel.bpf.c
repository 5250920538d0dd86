// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Spreads the packets to one address over several backends, by tunnelling.
 *
 * Each IPv4 packet to the service's address is put, as it is, behind a second
 * IPv4 header that leads to a backend (IPIP, RFC 2003). The backend unwraps it
 * and answers the client itself, from the service's address: answers, the bulk
 * of most traffic, never come back here.
 *
 * `devices` may say for each backend through which device it is reached; where
 * it says nothing, the packet leaves through the device that it came in on.
 */
#include "packet.h"

#define IPV4_ADDRESS(a, b, c, d) bpf_htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))

#define BACKENDS_MAX 8
#define OUTER_TTL 64

struct backend {
	__be32 address;
	__u8 mac[ETH_ALEN];
};

/* The service, and the address that the tunnel begins at. */
const volatile __be32 service_address = IPV4_ADDRESS(192, 0, 2, 80);
const volatile __be32 tunnel_address = IPV4_ADDRESS(192, 0, 2, 1);

/* Frames that do not fit with a second header are left to the host. */
const volatile __u32 frame_bytes_max = ETH_FRAME_LEN;

__u32 backend_count = 2;
struct backend backends[BACKENDS_MAX] = {
	{ IPV4_ADDRESS(10, 0, 0, 1), { 0x02, 0, 0, 0, 0, 1 } },
	{ IPV4_ADDRESS(10, 0, 0, 2), { 0x02, 0, 0, 0, 0, 2 } },
};

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct traffic {
	__u64 packets;
	__u64 bytes;
};

/* What each backend was sent, by its place in `backends`. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct traffic);
} tunnelled SEC(".maps");

__u64 too_big;

/* Folds the carries of a 32-bit sum into the 16 bits of an Internet checksum. */
static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/*
 * By the addresses alone, so that the fragments of a datagram stay together.
 * The odd factor spreads neighbouring clients; the high bits are the best mixed.
 */
static __always_inline __u32 pick_backend(const struct iphdr *ip, __u32 count)
{
	__u32 hash = (ip->saddr ^ ip->daddr) * 0x9e3779b1;

	return (hash >> 16) % count;
}

/* Puts a second IPv4 header in front of the first one. */
static __always_inline bool wrap(struct xdp_md *ctx, const struct backend *backend)
{
	struct ethhdr *old_ethernet, *ethernet;
	struct iphdr *outer, *inner;
	void *end;
	__u16 inner_bytes;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*outer)))
		return false;
	/* Every pointer into the frame was lost with the old head. */
	ethernet = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	outer = (void *)(ethernet + 1);
	inner = outer + 1;
	old_ethernet = (void *)ethernet + sizeof(*outer);
	if ((void *)(inner + 1) > end)
		return false;

	inner_bytes = bpf_ntohs(inner->tot_len);
	/* From the address that the frame was sent to, which is ours. */
	__builtin_memcpy(ethernet->h_source, old_ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, backend->mac, ETH_ALEN);
	ethernet->h_proto = bpf_htons(ETH_P_IP);

	*outer = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*outer) / 4,
		.tos = inner->tos,
		.tot_len = bpf_htons(inner_bytes + sizeof(*outer)),
		.ttl = OUTER_TTL,
		.protocol = IPPROTO_IPIP,
		.saddr = tunnel_address,
		.daddr = backend->address,
	};
	outer->check = fold(bpf_csum_diff(NULL, 0, (__be32 *)outer, sizeof(*outer), 0));
	return true;
}

SEC("xdp")
int tunnel(struct xdp_md *ctx)
{
	struct cursor cursor = {
		.at = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u32 bytes = cursor.end - cursor.at;
	struct ethhdr *ethernet = take(&cursor, struct ethhdr);
	__u32 count = backend_count;
	struct traffic *traffic;
	struct iphdr *ip;
	__u32 index;

	if (!ethernet || ethernet->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = take_ipv4(&cursor);
	if (!ip || ip->daddr != service_address || !count)
		return XDP_PASS;
	if (bytes + sizeof(*ip) > frame_bytes_max) {
		/* The host's stack answers with "fragmentation needed". */
		__sync_fetch_and_add(&too_big, 1);
		return XDP_PASS;
	}

	index = pick_backend(ip, count);
	/* Only wrong where `backend_count` is; the verifier needs to see the bound. */
	barrier_var(index);
	if (index >= BACKENDS_MAX)
		return XDP_PASS;
	if (!wrap(ctx, &backends[index]))
		return XDP_DROP;

	traffic = bpf_map_lookup_elem(&tunnelled, &index);
	if (traffic) {
		traffic->packets++;
		traffic->bytes += bytes + sizeof(struct iphdr);
	}
	/* XDP_TX is what remains for a backend that has no device. */
	return bpf_redirect_map(&devices, index, XDP_TX);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
