//! Tracing: reading memory, stacks, function arguments, sequence files; and what security hooks add.
use super::Proto;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(ProbeRead, &[OUT, SIZE_OR_ZERO, ANY], Integer, TRACERS).gpl(),
    row(ProbeReadStr, &[OUT, SIZE_OR_ZERO, ANY], Integer, TRACERS).gpl(),
    row(ProbeReadUser, &[OUT, SIZE_OR_ZERO, ANY], Integer, BASE).perfmon().gpl(),
    row(ProbeReadUserStr, &[OUT, SIZE_OR_ZERO, ANY], Integer, BASE).perfmon().gpl(),
    row(ProbeReadKernel, &[OUT, SIZE_OR_ZERO, ANY], Integer, BASE).perfmon().gpl(),
    row(ProbeReadKernelStr, &[OUT, SIZE_OR_ZERO, ANY], Integer, BASE).perfmon().gpl(),
    row(ProbeWriteUser, &[ANY, IN, SIZE], Integer, TRACERS).gpl(),
    row(OverrideReturn, &[CTX, ANY], Integer, types(&[Kprobe])).gpl(),
    row(
        GetStackid,
        &[CTX, MAP, ANY],
        Integer,
        BTF_TRACERS.with(types(&[Kprobe, Tracepoint, RawTracepoint, RawTracepointWritable])),
    )
    .gpl(),
    row(GetStack, &[CTX, OUT, SIZE_OR_ZERO, ANY], Integer, TRACERS).gpl(),
    row(GetFuncIp, &[CTX], Integer, TRACERS).gpl(),
    row(
        GetAttachCookie,
        &[CTX],
        Integer,
        types(&[Kprobe, Tracepoint, PerfEvent, RawTracepoint, RawTracepointWritable, Tracing, Lsm]),
    ),
    row(GetFuncArg, &[CTX, ANY, number_out(8)], Integer, types(&[Tracing, Lsm])),
    row(GetFuncRet, &[CTX, number_out(8)], Integer, types(&[Tracing, Lsm])),
    row(GetFuncArgCnt, &[CTX], Integer, types(&[Tracing, Lsm])),
    row(PerfProgReadValue, &[CTX, OUT, SIZE], Integer, types(&[PerfEvent])).gpl(),
    row(ReadBranchRecords, &[CTX, OUT_OR_NULL, SIZE_OR_ZERO, ANY], Integer, types(&[PerfEvent]))
        .gpl(),
    row(GetBranchSnapshot, &[OUT, SIZE_OR_ZERO], Integer, BASE).perfmon().gpl(),
    row(
        SeqPrintf,
        &[kernel("seq_file"), IN, SIZE, IN_OR_NULL, SIZE_OR_ZERO],
        Integer,
        types(&[Tracing]),
    )
    .gpl(),
    row(SeqPrintfBtf, &[kernel("seq_file"), IN, SIZE_OR_ZERO, ANY], Integer, types(&[Tracing]))
        .gpl(),
    row(SeqWrite, &[kernel("seq_file"), IN, SIZE_OR_ZERO], Integer, types(&[Tracing])).gpl(),
    row(DPath, &[kernel("path"), OUT, SIZE_OR_ZERO], Integer, BTF_TRACERS),
    row(SockFromFile, &[kernel("file")], ret_kernel_or_null("socket"), BTF_TRACERS),
    row(SkbOutput, &[kernel("sk_buff"), MAP, ANY, IN, SIZE_OR_ZERO], Integer, BTF_TRACERS).gpl(),
    row(XdpOutput, &[kernel("xdp_buff"), MAP, ANY, IN, SIZE_OR_ZERO], Integer, BTF_TRACERS).gpl(),
    row(
        InodeStorageGet,
        &[MAP, kernel_or_null("inode"), VALUE_OR_NULL, ANY],
        MapValueOrNull,
        types(&[Lsm]),
    ),
    row(InodeStorageDelete, &[MAP, kernel_or_null("inode")], Integer, types(&[Lsm])),
    row(BprmOptsSet, &[kernel("linux_binprm"), ANY], Integer, types(&[Lsm])),
    row(ImaInodeHash, &[kernel("inode"), OUT, SIZE], Integer, types(&[Lsm])).sleeps(),
    row(ImaFileHash, &[kernel("file"), OUT, SIZE], Integer, types(&[Lsm])).sleeps(),
    row(KallsymsLookupName, &[IN, SIZE_OR_ZERO, ANY, number_out(8)], Integer, types(&[Syscall])),
    row(BtfFindByNameKind, &[IN, SIZE, ANY, ANY], Integer, types(&[Syscall])).sleeps(),
    row(SysBpf, &[ANY, IN, SIZE], Integer, types(&[Syscall])).sleeps(),
    row(SysClose, &[ANY], Integer, types(&[Syscall])).sleeps(),
];
