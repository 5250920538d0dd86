//! The error number that Linux returns with a refusal.

use super::Reason;
use crate::limits::STACK_BYTES;
use crate::state::Kind;
use crate::state::register::PacketRange;

/// The caller may not.
const EPERM: i32 = 1;
/// A limit is exceeded.
const E2BIG: i32 = 7;
/// Something is not allowed.
const EACCES: i32 = 13;
/// The kernel stumbles over what it has not expected.
const EFAULT: i32 = 14;
/// Something of the kind is there already.
const EBUSY: i32 = 16;
/// The program, or what it asks for, is not well formed.
const EINVAL: i32 = 22;
/// The command lacks something that the program refers to.
const EPROTO: i32 = 71;
/// Not for programs of this kind; a number that no header for programs has.
const ENOTSUPP: i32 = 524;

impl Reason {
    /// The error number of the load command, as in `errno.h`.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self {
            Reason::Outside { extent, .. } => {
                let at_end = |range| matches!(range, PacketRange::AtEnd | PacketRange::BeyondEnd);
                match extent.pointer.kind {
                    Kind::Packet { range } | Kind::PacketMeta { range } if at_end(range) => EINVAL,
                    _ => EACCES,
                }
            }
            Reason::Stack { off, size, .. } => {
                let first = i64::from(*off);
                stack(first, first + i64::from(*size))
            }
            Reason::StackVariable { pointer, off, size, .. } => {
                let moved = |by: i64| by.saturating_add((*off).into());
                let (first, last) = (pointer.value.s64.min, pointer.value.s64.max);
                stack(moved(first), moved(last).saturating_add((*size).into()))
            }
            Reason::FunctionsUnprivileged => EPERM,
            Reason::ProgramSize
            | Reason::TooManySubprograms
            | Reason::TooManyInsns { .. }
            | Reason::TooManyJumps { .. }
            | Reason::CallDepth { .. }
            | Reason::CallGraphDepth { .. }
            | Reason::TooManyMaps => E2BIG,
            Reason::StackDepth { .. }
            | Reason::TailCallStack { .. }
            | Reason::Uninit(_)
            | Reason::FramePointerWrite
            | Reason::PointerSignExtension(_)
            | Reason::PointerPartialCopy(_)
            | Reason::PointerUnary(_)
            | Reason::PointerAndPointer { .. }
            | Reason::PointerArithmetic32(_)
            | Reason::PointerArithmeticNullable { .. }
            | Reason::PointerArithmeticKind { .. }
            | Reason::PointerSubtractedFromScalar(_)
            | Reason::StackPointerSubtraction(_)
            | Reason::PointerBitwise { .. }
            | Reason::PointerOperator { .. }
            | Reason::PointerComparison(_)
            | Reason::NotMemory { .. }
            | Reason::WriteProtected { .. }
            | Reason::PointerOffsetNegative { .. }
            | Reason::PointerModified { .. }
            | Reason::PointerVariable { .. }
            | Reason::MisalignedPacket { .. }
            | Reason::Misaligned { .. }
            | Reason::Leak { .. }
            | Reason::StackUnbounded { .. }
            | Reason::StackCorruption
            | Reason::SpillSize
            | Reason::FillSize
            | Reason::StackRead { .. }
            | Reason::StackReadHelper { .. }
            | Reason::StackReadHelperVariable { .. }
            | Reason::StackVariableHelper { .. }
            | Reason::MapProtected { .. }
            | Reason::MapKeyWrite(_)
            | Reason::SpecialField { .. }
            | Reason::NoDirectValue
            | Reason::MapStructNegative { .. }
            | Reason::MapStructWrite { .. }
            | Reason::Context { .. }
            | Reason::FlowKeys { .. }
            | Reason::Object { .. }
            | Reason::PacketWrite
            | Reason::Buffer { .. }
            | Reason::BufferVariable { .. }
            | Reason::KernelNegative { .. }
            | Reason::KernelVariable { .. }
            | Reason::KernelPercpu { .. }
            | Reason::KernelUser { .. }
            | Reason::KernelWrite
            | Reason::KernelBeyond { .. }
            | Reason::KernelMember { .. }
            | Reason::AtomicPointer { .. }
            | Reason::ArgumentKind { .. }
            | Reason::ArgumentNull { .. }
            | Reason::ArgumentReadOnly { .. }
            | Reason::ArgumentType { .. }
            | Reason::ArgumentNotConstant(_)
            | Reason::HelperPacket { .. }
            | Reason::SizeNegative { .. }
            | Reason::SizeZero { .. }
            | Reason::RegionZero
            | Reason::SizeUnbounded { .. }
            | Reason::ConstantString { .. }
            | Reason::HelperMapWrite
            | Reason::HelperTypes(_)
            | Reason::ReturnLeak(_) => EACCES,
            Reason::TwoReferences(_) | Reason::LoopCount | Reason::FunctionDropped { .. } => EFAULT,
            Reason::CgroupStorages => EBUSY,
            Reason::Undecodable(_)
            | Reason::UnknownOpcode { .. }
            | Reason::FuncInfoFirst(_)
            | Reason::FuncInfoOrder { .. }
            | Reason::FuncInfoType(_)
            | Reason::FuncInfoCount
            | Reason::FuncInfoLayout
            | Reason::LineInfoPlace { .. }
            | Reason::LineInfoCode { .. }
            | Reason::LineInfoText { .. }
            | Reason::LineInfoMissing { .. }
            | Reason::LineInfoMissingFrom { .. }
            | Reason::CallDestination
            | Reason::JumpOutOfRange { .. }
            | Reason::LastInsn
            | Reason::Unreachable(_)
            | Reason::JumpIntoImm64(_)
            | Reason::BackEdge { .. }
            | Reason::PacketLoadInSubprogram
            | Reason::TailCallInSubprogram
            | Reason::PacketLoadReturn
            | Reason::TailCallReturn
            | Reason::InfiniteLoop { .. }
            | Reason::NoRegister { .. }
            | Reason::DivByZero
            | Reason::Shift(_)
            | Reason::PointerDistance { .. }
            | Reason::PointerOffset { .. }
            | Reason::PointerUnbounded { .. }
            | Reason::PointerOutOfBounds { .. }
            | Reason::DifferentPointers
            | Reason::SpillToCaller
            | Reason::NotAMap { .. }
            | Reason::DirectValueRange { .. }
            | Reason::DirectValueOffset { .. }
            | Reason::FieldInProgramType { .. }
            | Reason::MapInSleepable(_)
            | Reason::StructOpsMap
            | Reason::KernelLicence { .. }
            | Reason::PacketLoadProgramType
            | Reason::PacketLoadContext
            | Reason::ReturnsStackPointer
            | Reason::NoFuncInfo
            | Reason::CallbackNotStatic
            | Reason::GlobalArguments { .. }
            | Reason::GlobalCallInLock
            | Reason::CallInLock
            | Reason::GlobalSleeps
            | Reason::KfuncMissing
            | Reason::GlobalType { .. }
            | Reason::NoHelper { .. }
            | Reason::HelperProgramType(_)
            | Reason::HelperLicence(_)
            | Reason::HelperSleeps(_)
            | Reason::HelperInProbe(_)
            | Reason::MapHelper { .. }
            | Reason::ReleaseOffset(_)
            | Reason::ReleaseUnreferenced(_)
            | Reason::ReleaseUnacquired(_)
            | Reason::ReleaseUnknown(_)
            | Reason::FormatString
            | Reason::LocalStorageFlags
            | Reason::SockmapArgument
            | Reason::TailCallMap
            | Reason::LsmCgroupVoid
            | Reason::TailCallMixed
            | Reason::TimerMap
            | Reason::FieldVariable { .. }
            | Reason::FieldWithoutBtf { .. }
            | Reason::FieldMissing { .. }
            | Reason::FieldOffset { .. }
            | Reason::ReferenceLeak { .. }
            | Reason::LockHeld { .. }
            | Reason::LockTwice
            | Reason::UnlockWithoutLock
            | Reason::UnlockOther
            | Reason::ReturnNotScalar { .. }
            | Reason::ReturnNotKnown { .. }
            | Reason::ReturnRange { .. }
            | Reason::CallbackReturn
            | Reason::Load { .. } => EINVAL,
            Reason::NoMapArray => EPROTO,
            Reason::HelperTrampoline(_) | Reason::HelperNotForType(_) | Reason::CallbackMap => {
                ENOTSUPP
            }
        }
    }
}

/// To begin on the stack and to end behind it is an error of its own.
fn stack(first: i64, end: i64) -> i32 {
    let begins_within = (-i64::from(STACK_BYTES)..0).contains(&first);
    if begins_within && end > 0 { EINVAL } else { EACCES }
}
