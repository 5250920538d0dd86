// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Sockets of control groups: made, bound, released. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup/sock_create")
int created(struct bpf_sock *sk)
{
	if (sk->type == 3)
		return 0;
	sk->mark = 7;
	sk->priority = 2;
	return 1;
}

SEC("cgroup/sock_release")
int released(struct bpf_sock *sk)
{
	return sk->protocol == 6 || bpf_get_socket_cookie(sk) != 0;
}

SEC("cgroup/post_bind4")
int bound4(struct bpf_sock *sk)
{
	return sk->src_port != 22 && sk->src_ip4 != 0;
}

SEC("cgroup/post_bind6")
int bound6(struct bpf_sock *sk)
{
	return sk->src_ip6[0] != 0 || sk->src_port > 1024;
}

SEC("cgroup/sock_create")
int bad_port_before_bind(struct bpf_sock *sk)
{
	return sk->src_port != 0;
}

SEC("cgroup/post_bind4")
int bad_marks_after_bind(struct bpf_sock *sk)
{
	sk->mark = 1;
	return 1;
}

SEC("cgroup/post_bind4")
int bad_address_of_other_family(struct bpf_sock *sk)
{
	return sk->src_ip6[0] != 0;
}

SEC("cgroup/sock_create")
int bad_result(struct bpf_sock *sk)
{
	return 2;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
