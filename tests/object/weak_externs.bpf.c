// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Kernel settings, variables and functions that programs can do without. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern bool CONFIG_NO_SUCH_SETTING __kconfig __weak;
extern const int no_such_variable __ksym __weak;
extern void no_such_function(int x) __ksym __weak;

int result;

SEC("raw_tp/sys_enter")
int needs_nothing(void *ctx)
{
	result = 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int variable(void *ctx)
{
	if (&no_such_variable)
		result = 2;
	return 0;
}

SEC("raw_tp/sys_enter")
int function(void *ctx)
{
	if (no_such_function)
		no_such_function(3);
	return 0;
}

SEC("raw_tp/sys_enter")
int setting(void *ctx)
{
	return CONFIG_NO_SUCH_SETTING;
}

char _license[] SEC("license") = "GPL";
