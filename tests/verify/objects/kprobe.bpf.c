// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Functions of the kernel and of processes, by registers. */
#define __TARGET_ARCH_x86
#include <linux/ptrace.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} started SEC(".maps");

char path[256];

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(enters, int dfd, void *name)
{
	__u32 pid = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&started, &pid, &now, BPF_ANY);
	bpf_printk("unlink %d %p", dfd, name);
	return 0;
}

SEC("kretprobe/do_unlinkat")
int BPF_KRETPROBE(leaves, long result)
{
	__u32 pid = bpf_get_current_pid_tgid();
	__u64 *start = bpf_map_lookup_elem(&started, &pid);

	if (!start)
		return 0;
	bpf_printk("unlink: %ld after %llu ns", result, bpf_ktime_get_ns() - *start);
	bpf_map_delete_elem(&started, &pid);
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(of_process, const char *text)
{
	return bpf_probe_read_user_str(path, sizeof(path), text) > 0;
}

SEC("uprobe.s")
int BPF_KPROBE(may_sleep, const char *text)
{
	return bpf_copy_from_user(path, 8, text) == 0;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(part_of_path, int dfd, const char *name)
{
	long len = bpf_probe_read_kernel_str(path, 128, name);

	if (len <= 0 || len > 128)
		return 0;
	path[len] = 0;
	return 0;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(bad_kernel_memory, int dfd, const char *name)
{
	return *(volatile const char *)name;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(bad_copy_too_long, int dfd, const char *name)
{
	char local[16];

	bpf_probe_read_kernel(local, 32, name);
	return local[0];
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(bad_length_unchecked, int dfd, const char *name)
{
	long len = bpf_probe_read_kernel_str(path, sizeof(path), name);

	path[len] = 0;
	return 0;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(bad_copy_by_argument, long count, const char *name)
{
	return bpf_probe_read_kernel(path, count, name);
}

SEC("kprobe/do_unlinkat")
int bad_registers_written(struct pt_regs *ctx)
{
	*(volatile long *)&ctx->rax = 0;
	return 0;
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(bad_sleeps, const char *text)
{
	return bpf_copy_from_user(path, 8, text) == 0;
}

SEC("kprobe/do_unlinkat")
int bad_past_the_registers(struct pt_regs *ctx)
{
	return *(volatile long *)(ctx + 1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
