//! The current task and other tasks: identity, cgroup, storage, signals.
use super::Proto;
use super::arg::Callback;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(GetCurrentPidTgid, &[], Integer, BASE),
    row(GetNsCurrentPidTgid, &[ANY, ANY, OUT, SIZE], Integer, BASE),
    row(GetCurrentUidGid, &[], Integer, BASE),
    row(GetCurrentComm, &[OUT, SIZE], Integer, BASE).perfmon(),
    row(GetCurrentTask, &[], Integer, BASE).perfmon().gpl(),
    row(
        GetCurrentTaskBtf,
        &[],
        Kernel { type_name: "task_struct", nullable: false, trusted: true },
        BASE,
    )
    .perfmon()
    .gpl(),
    row(GetCurrentCgroupId, &[], Integer, BASE).bpf(),
    row(GetCurrentAncestorCgroupId, &[ANY], Integer, BASE).bpf(),
    row(CurrentTaskUnderCgroup, &[MAP, ANY], Integer, BASE).bpf(),
    row(GetCgroupClassid, &[], Integer, BASE.without(TC_LWT)).bpf(),
    row(
        TaskStorageGet,
        &[MAP, kernel_or_null("task_struct"), VALUE_OR_NULL, ANY],
        MapValueOrNull,
        BASE,
    )
    .bpf(),
    row(TaskStorageDelete, &[MAP, kernel_or_null("task_struct")], Integer, BASE).bpf(),
    row(CgrpStorageGet, &[MAP, kernel_or_null("cgroup"), VALUE_OR_NULL, ANY], MapValueOrNull, BASE)
        .bpf(),
    row(CgrpStorageDelete, &[MAP, kernel_or_null("cgroup")], Integer, BASE).bpf(),
    row(SendSignal, &[ANY], Integer, BASE).perfmon(),
    row(SendSignalThread, &[ANY], Integer, BASE).perfmon(),
    row(
        TaskPtRegs,
        &[kernel("task_struct")],
        Kernel { type_name: "pt_regs", nullable: false, trusted: false },
        BASE,
    )
    .perfmon()
    .gpl(),
    row(GetTaskStack, &[kernel("task_struct"), OUT, SIZE_OR_ZERO, ANY], Integer, BASE).perfmon(),
    row(
        FindVma,
        &[kernel("task_struct"), ANY, func(Callback::Vma), STACK_OR_NULL, ANY],
        Integer,
        BASE,
    )
    .perfmon(),
    row(CopyFromUser, &[OUT, SIZE_OR_ZERO, ANY], Integer, BASE).perfmon().sleeps(),
    row(CopyFromUserTask, &[OUT, SIZE_OR_ZERO, ANY, kernel("task_struct"), ANY], Integer, BASE)
        .perfmon()
        .gpl()
        .sleeps(),
];
