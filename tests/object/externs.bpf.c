// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Kernel settings, kernel variables and kernel functions that programs cannot do without. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern const void init_task __ksym;
extern void bpf_rcu_read_lock(void) __ksym;

int result;

SEC("raw_tp/sys_enter")
int needs_nothing(void *ctx)
{
	result = 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int needs_setting(void *ctx)
{
	result = LINUX_KERNEL_VERSION;
	return 0;
}

SEC("raw_tp/sys_enter")
int needs_variable(void *ctx)
{
	result = (long)&init_task;
	return 0;
}

SEC("raw_tp/sys_enter")
int needs_function(void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

char _license[] SEC("license") = "GPL";
