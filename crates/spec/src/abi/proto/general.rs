//! What every program may want: time, chance, strings, loops, locks, timers, dynptrs.
use super::Proto;
use super::arg::Callback;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(KtimeGetNs, &[], Integer, BASE_AND_LIRC),
    row(KtimeGetBootNs, &[], Integer, BASE_AND_LIRC),
    row(
        KtimeGetCoarseNs,
        &[],
        Integer,
        SOCKET_LOOKERS.with(LWT).with(types(&[
            SocketFilter,
            CgroupSock,
            SockOps,
            SkMsg,
            SkReuseport,
            FlowDissector,
            CgroupSysctl,
            StructOps,
            SkLookup,
        ])),
    ),
    row(KtimeGetTaiNs, &[], Integer, BASE),
    row(Jiffies64, &[], Integer, BASE).bpf(),
    row(GetPrandomU32, &[], Integer, BASE_AND_LIRC),
    row(GetSmpProcessorId, &[], Integer, BASE),
    row(GetNumaNodeId, &[], Integer, BASE),
    row(Strtol, &[IN, SIZE, ANY, number_out(8)], Integer, BASE),
    row(Strtoul, &[IN, SIZE, ANY, number_out(8)], Integer, BASE),
    row(Strncmp, &[IN, SIZE, CONST_STR], Integer, BASE),
    row(Snprintf, &[OUT_OR_NULL, SIZE_OR_ZERO, CONST_STR, IN_OR_NULL, SIZE_OR_ZERO], Integer, BASE)
        .perfmon()
        .gpl(),
    row(SnprintfBtf, &[OUT, SIZE, IN, SIZE, ANY], Integer, BASE).perfmon(),
    row(TracePrintk, &[IN, SIZE], Integer, BASE_AND_LIRC).perfmon().gpl(),
    row(TraceVprintk, &[IN, SIZE, IN_OR_NULL, SIZE_OR_ZERO], Integer, BASE).perfmon().gpl(),
    row(Loop, &[ANY, func(Callback::Loop), STACK_OR_NULL, ANY], Integer, BASE).bpf(),
    row(SpinLock, &[SPIN_LOCK], Void, BASE).bpf(),
    row(SpinUnlock, &[SPIN_LOCK], Void, BASE).bpf(),
    row(TimerInit, &[TIMER, MAP, ANY], Integer, BASE).bpf().gpl(),
    row(TimerSetCallback, &[TIMER, func(Callback::Timer)], Integer, BASE).bpf().gpl(),
    row(TimerStart, &[TIMER, ANY, ANY], Integer, BASE).bpf().gpl(),
    row(TimerCancel, &[TIMER], Integer, BASE).bpf().gpl(),
    row(KptrXchg, &[KPTR_SLOT, KPTR_OR_NULL], KptrOrNull, BASE).bpf().acquires(),
    row(PerCpuPtr, &[PERCPU_VAR, ANY], PercpuCopy { nullable: true }, BASE).bpf(),
    row(ThisCpuPtr, &[PERCPU_VAR], PercpuCopy { nullable: false }, BASE).bpf(),
    row(DynptrFromMem, &[OUT, SIZE_OR_ZERO, ANY, NEW_LOCAL_DYNPTR], Integer, BASE).bpf(),
    row(DynptrRead, &[OUT, SIZE_OR_ZERO, DYNPTR, ANY, ANY], Integer, BASE).bpf(),
    row(DynptrWrite, &[DYNPTR, ANY, IN, SIZE_OR_ZERO, ANY], Integer, BASE).bpf(),
    row(DynptrData, &[DYNPTR, ANY, ALLOC_SIZE], DynptrMemOrNull, BASE).bpf(),
];
