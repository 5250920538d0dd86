// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Messages and streams between sockets. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} peers SEC(".maps");

SEC("sk_msg")
int to_peer(struct sk_msg_md *msg)
{
	return bpf_msg_redirect_map(msg, &peers, 0, BPF_F_INGRESS);
}

SEC("sk_msg")
int looks(struct sk_msg_md *msg)
{
	__u8 *data, *end;

	if (bpf_msg_pull_data(msg, 0, 8, 0))
		return SK_DROP;
	data = msg->data;
	end = msg->data_end;
	if (data + 8 > end)
		return SK_DROP;
	data[0] = 'x';
	return data[7] ? SK_PASS : SK_DROP;
}

SEC("sk_msg")
int bad_looks_after_pull(struct sk_msg_md *msg)
{
	__u8 *data = msg->data, *end = msg->data_end;

	if (data + 8 > end)
		return SK_DROP;
	bpf_msg_pull_data(msg, 0, 8, 0);
	return *(volatile __u8 *)data ? SK_PASS : SK_DROP;
}

SEC("sk_msg")
int bad_size_written(struct sk_msg_md *msg)
{
	*(volatile __u32 *)&msg->size = 1;
	return SK_PASS;
}

SEC("sk_skb/stream_parser")
int parser(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	__u32 port = skb->remote_port, local = skb->local_port;

	return bpf_sk_redirect_map(skb, &peers, (port ^ local) & 3, 0);
}

SEC("sk_skb/stream_verdict")
int rewrites(struct __sk_buff *skb)
{
	void *data, *end;

	if (bpf_skb_pull_data(skb, 4))
		return SK_DROP;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (data + 4 > end)
		return SK_DROP;
	*(__u32 *)data = 0;
	skb->priority = 3;
	return SK_PASS;
}

SEC("sk_skb/stream_verdict")
int bad_marks(struct __sk_buff *skb)
{
	skb->mark = 3;
	return SK_PASS;
}

SEC("sk_skb/stream_verdict")
int bad_packet_unchecked(struct __sk_buff *skb)
{
	return *(volatile __u8 *)(long)skb->data ? SK_PASS : SK_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
