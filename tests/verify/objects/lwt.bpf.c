// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Lightweight tunnels: what each direction may do. */
#include <linux/bpf.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>

SEC("lwt_in")
int in(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + sizeof(struct iphdr) > end)
		return BPF_DROP;
	return ((struct iphdr *)data)->ttl > 1 ? BPF_OK : BPF_DROP;
}

SEC("lwt_out")
int bad_group_without_map(struct __sk_buff *skb)
{
	skb->cb[0] = skb->len;
	return bpf_skb_under_cgroup(skb, (void *)0, 0);
}

SEC("lwt_xmit")
int xmit(struct __sk_buff *skb)
{
	struct iphdr header = {.version = 4, .ihl = 5};

	if (bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, sizeof(header)))
		return BPF_DROP;
	return BPF_LWT_REROUTE;
}

SEC("lwt_xmit")
int room(struct __sk_buff *skb)
{
	if (bpf_skb_change_head(skb, 14, 0))
		return BPF_DROP;
	return bpf_redirect(skb->ifindex, 0);
}

SEC("lwt_seg6local")
int segment(struct __sk_buff *skb)
{
	__u16 value = 1;

	return bpf_lwt_seg6_store_bytes(skb, 8, &value, sizeof(value)) ? BPF_DROP : BPF_OK;
}

SEC("lwt_in")
int bad_writes_in(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 4 > end)
		return BPF_DROP;
	*(__u32 *)data = 0;
	return BPF_OK;
}

SEC("lwt_out")
int bad_redirects_out(struct __sk_buff *skb)
{
	return bpf_redirect(1, 0);
}

SEC("lwt_xmit")
int bad_class(struct __sk_buff *skb)
{
	return skb->tc_classid;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
