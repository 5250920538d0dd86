// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Sockets that programs look up have to be given back. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int looked_up_and_released(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	__u32 mark = 0;

	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		mark = sk->mark;
		bpf_sk_release(sk);
	}
	return mark ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int assigns(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	long result;

	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TC_ACT_OK;
	result = bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	return result ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int socket_of_packet(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tcp;

	if (!sk)
		return TC_ACT_OK;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return TC_ACT_OK;
	tcp = bpf_tcp_sock(sk);
	return tcp && tcp->snd_cwnd > 10 ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int bad_never_released(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};

	bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	return TC_ACT_OK;
}

SEC("tc")
int bad_released_unchecked(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};

	bpf_sk_release(bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0));
	return TC_ACT_OK;
}

SEC("tc")
int bad_used_after_release(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TC_ACT_OK;
	bpf_sk_release(sk);
	return *(volatile __u32 *)&sk->mark;
}

SEC("tc")
int bad_releases_packets_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		bpf_sk_release(sk);
	return TC_ACT_OK;
}

SEC("tc")
int bad_field_of_half_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? sk->priority & 1 : 0;
}

SEC("tc")
int bad_tail_call_with_socket(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TC_ACT_OK;
	if (skb->len > 100)
		return TC_ACT_SHOT;
	bpf_sk_release(sk);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
