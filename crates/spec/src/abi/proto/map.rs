//! Maps: elements, map programs, ring buffers.
use super::Proto;
use super::arg::Callback;
use super::arg::Ret::*;
use super::row::*;
use crate::abi::HelperId::*;
use crate::abi::ProgType::*;

/// The rows of this family.
pub(super) const HELPERS: &[Proto] = &[
    row(MapLookupElem, &[MAP, KEY], MapValueOrNull, BASE_AND_LIRC).pkt(),
    row(MapUpdateElem, &[MAP, KEY, VALUE, ANY], Integer, BASE_AND_LIRC).pkt(),
    row(MapDeleteElem, &[MAP, KEY], Integer, BASE_AND_LIRC).pkt(),
    row(MapPushElem, &[MAP, VALUE, ANY], Integer, BASE_AND_LIRC).pkt(),
    row(MapPopElem, &[MAP, VALUE_OUT], Integer, BASE_AND_LIRC),
    row(MapPeekElem, &[MAP, VALUE_OUT], Integer, BASE_AND_LIRC),
    row(MapLookupPercpuElem, &[MAP, KEY, ANY], MapValueOrNull, BASE).pkt(),
    row(ForEachMapElem, &[MAP, func(Callback::MapElem), STACK_OR_NULL, ANY], Integer, BASE).bpf(),
    row(TailCall, &[CTX, MAP, ANY], Void, BASE_AND_LIRC),
    row(GetLocalStorage, &[MAP, ANY], MapValue, CGROUP_VERDICTS.with(types(&[CgroupSkb, SockOps]))),
    row(RingbufOutput, &[MAP, IN, SIZE_OR_ZERO, ANY], Integer, BASE),
    row(RingbufReserve, &[MAP, ALLOC_SIZE, ANY], RingbufMemOrNull, BASE).acquires(),
    row(RingbufSubmit, &[RECORD_RELEASED, ANY], Void, BASE),
    row(RingbufDiscard, &[RECORD_RELEASED, ANY], Void, BASE),
    row(RingbufQuery, &[MAP, ANY], Integer, BASE),
    row(RingbufReserveDynptr, &[MAP, ANY, ANY, NEW_RINGBUF_DYNPTR], Integer, BASE).bpf(),
    row(RingbufSubmitDynptr, &[RINGBUF_DYNPTR_RELEASED, ANY], Void, BASE).bpf(),
    row(RingbufDiscardDynptr, &[RINGBUF_DYNPTR_RELEASED, ANY], Void, BASE).bpf(),
    row(UserRingbufDrain, &[MAP, func(Callback::UserRingbuf), STACK_OR_NULL, ANY], Integer, BASE)
        .bpf(),
    row(
        PerfEventOutput,
        &[CTX, MAP, ANY, IN, SIZE_OR_ZERO],
        Integer,
        SOCKET_LOOKERS.with(TRACERS).with(LWT).with(types(&[
            SocketFilter,
            CgroupSock,
            SockOps,
            CgroupDevice,
            SkMsg,
            CgroupSysctl,
            CgroupSockopt,
            SkLookup,
        ])),
    )
    .gpl(),
    row(PerfEventRead, &[MAP, ANY], Integer, BASE).perfmon().gpl(),
    row(PerfEventReadValue, &[MAP, ANY, OUT, SIZE], Integer, BASE).perfmon().gpl(),
];
