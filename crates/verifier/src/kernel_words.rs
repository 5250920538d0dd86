//! The kernel's own words for a rejection.
//!
//! Tools that read its log, and people who search for an error, know them. The wording is that of
//! Linux 6.18; sentences for people are made elsewhere.

mod parts;
mod undecodable;

use std::fmt;

use skep_spec::abi::ProgType;

use self::parts::{
    AccessOf, Address, Aligned, BufferName, Operator, R, Spaced, helper, leaving, returning,
};
pub use self::undecodable::undecodable;
use crate::environment::FieldKind;
use crate::log::{KindName, Names, Part, StateText};
use crate::rejection::{Accessor, Beyond, Direction, Extent, Reason, Rejection};
use crate::state::State;

/// Displays the last line that the kernel's log has on a rejection; nothing, where it has none.
pub(crate) struct FinalLine<'a> {
    /// What is wrong.
    pub(crate) reason: &'a Reason,
    /// The type of the program.
    pub(crate) prog_type: ProgType,
    /// What the line may refer to.
    pub(crate) names: Names<'a>,
}

impl fmt::Display for FinalLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Reason::*;
        match self.reason {
            // Bytes.
            Undecodable(error) => write!(f, "{}", error.kind),
            UnknownOpcode { opcode } => write!(f, "unknown opcode {opcode:02x}"),
            ProgramSize => Ok(()),

            // The shape of the program.
            FuncInfoFirst(at) => {
                write!(f, "nonzero insn_off {at} for the first func info record")
            }
            FuncInfoOrder { at, previous } => write!(
                f,
                "same or smaller insn offset ({at}) than previous func info record ({previous})"
            ),
            FuncInfoType(id) => write!(f, "invalid type id {} in func info", id.0),
            FuncInfoCount => {
                write!(f, "number of funcs in func_info doesn't match number of subprogs")
            }
            FuncInfoLayout => {
                write!(f, "func_info BTF section doesn't match subprog layout in BPF program")
            }
            LineInfoPlace { record, at, previous, length } => write!(
                f,
                "Invalid line_info[{record}].insn_off:{at} (prev_offset:{previous} \
                 prog->len:{length})"
            ),
            LineInfoCode { record } => {
                write!(f, "Invalid insn code at line_info[{record}].insn_off")
            }
            LineInfoText { record } => {
                write!(f, "Invalid line_info[{record}].line_off or .file_name_off")
            }
            LineInfoMissing { function } => write!(f, "missing bpf_line_info for func#{function}"),
            LineInfoMissingFrom { first, missing } => {
                write!(f, "missing bpf_line_info for {missing} funcs starting from func#{first}")
            }
            FunctionsUnprivileged => write!(
                f,
                "loading/calling other bpf or kernel functions are allowed for CAP_BPF and \
                 CAP_SYS_ADMIN"
            ),
            CallDestination => write!(f, "call to invalid destination"),
            TooManySubprograms => write!(f, "too many subprograms"),
            JumpOutOfRange { from, to } => {
                write!(f, "jump out of range from insn {from} to {to}")
            }
            LastInsn => write!(f, "last insn is not an exit or jmp"),
            Unreachable(at) => write!(f, "unreachable insn {at}"),
            JumpIntoImm64(at) => write!(f, "jump into the middle of ldimm64 insn {at}"),
            BackEdge { from, to } => write!(f, "back-edge from insn {from} to {to}"),
            PacketLoadInSubprogram => {
                write!(f, "LD_ABS is not allowed in subprogs without BTF")
            }
            TailCallInSubprogram => write!(f, "tail_call is not allowed in subprogs without BTF"),
            PacketLoadReturn => {
                write!(f, "LD_ABS is only allowed in functions that return 'int'.")
            }
            TailCallReturn => {
                write!(f, "tail_call is only allowed in functions that return 'int'.")
            }

            // Limits.
            TooManyInsns { processed } => {
                write!(f, "BPF program is too large. Processed {processed} insn")
            }
            TooManyJumps { pending } => {
                write!(f, "The sequence of {pending} jumps is too complex.")
            }
            InfiniteLoop { old, .. } => self.old_state(f, &old.0, &old.1),
            StackDepth { calls, bytes } => {
                write!(f, "combined stack size of {calls} calls is {bytes}. Too large")
            }
            TailCallStack { bytes } => write!(
                f,
                "tail_calls are not allowed when call stack of previous frames is {bytes} bytes. \
                 Too large"
            ),
            CallDepth { frames } => write!(f, "the call stack of {frames} frames is too deep"),
            CallGraphDepth { frames } => {
                write!(f, "the call stack of {frames} frames is too deep !")
            }

            // Registers.
            NoRegister { number } => write!(f, "R{number} is invalid"),
            Uninit(reg) => write!(f, "{} !read_ok", R(*reg)),
            FramePointerWrite => write!(f, "frame pointer is read only"),

            // Arithmetic.
            DivByZero => write!(f, "div by zero"),
            Shift(by) => write!(f, "invalid shift {by}"),
            PointerSignExtension(reg) => write!(f, "{} sign-extension part of pointer", R(*reg)),
            PointerPartialCopy(reg) => write!(f, "{} partial copy of pointer", R(*reg)),
            PointerUnary(reg) => write!(f, "{} pointer arithmetic prohibited", R(*reg)),
            PointerAndPointer { reg, op } => {
                write!(f, "{} pointer {} pointer prohibited", R(*reg), Operator(*op))
            }
            PointerArithmetic32(reg) => {
                write!(f, "{} 32-bit pointer arithmetic prohibited", R(*reg))
            }
            PointerArithmeticNullable { reg, pointer } => {
                let kind = KindName(*pointer);
                let reg = R(*reg);
                write!(f, "{reg} pointer arithmetic on {kind} prohibited, null-check it first")
            }
            PointerArithmeticKind { reg, pointer } => {
                write!(f, "{} pointer arithmetic on {} prohibited", R(*reg), KindName(*pointer))
            }
            PointerSubtractedFromScalar(reg) => {
                write!(f, "{} tried to subtract pointer from scalar", R(*reg))
            }
            StackPointerSubtraction(reg) => {
                write!(f, "{} subtraction from stack pointer prohibited", R(*reg))
            }
            PointerBitwise { reg, op } => {
                write!(f, "{} bitwise operator {} on pointer prohibited", R(*reg), Operator(*op))
            }
            PointerOperator { reg, op } => {
                let op = Operator(*op);
                write!(f, "{} pointer arithmetic with {op} operator prohibited", R(*reg))
            }
            PointerDistance { pointer, number } => {
                let kind = KindName(*pointer);
                write!(f, "math between {kind} pointer and {number} is not allowed")
            }
            PointerOffset { pointer, off } => {
                write!(f, "{} pointer offset {off} is not allowed", KindName(*pointer))
            }
            PointerUnbounded { pointer } => write!(
                f,
                "math between {} pointer and register with unbounded min value is not allowed",
                KindName(*pointer)
            ),
            PointerOutOfBounds { pointer, number } => {
                let kind = KindName(*pointer);
                write!(f, "value {number} makes {kind} pointer be out of bounds")
            }
            PointerComparison(reg) => write!(f, "{} pointer comparison prohibited", R(*reg)),

            // Loads and stores.
            NotMemory { reg, found } => {
                write!(f, "{} invalid mem access '{}'", R(*reg), KindName(*found))
            }
            DifferentPointers => write!(f, "same insn cannot be used with different pointers"),
            WriteProtected { reg, found } => {
                write!(f, "{} cannot write into {}", R(*reg), KindName(*found))
            }
            Outside { extent, beyond } => outside(f, extent, *beyond),
            PointerOffsetNegative { reg, pointer } => write!(
                f,
                "negative offset {} ptr {} off={} disallowed",
                KindName(*pointer),
                R(*reg),
                pointer.off
            ),
            PointerModified { reg, pointer, off } => write!(
                f,
                "dereference of modified {} ptr {} off={off} disallowed",
                KindName(*pointer),
                R(*reg)
            ),
            PointerVariable { reg: _, pointer } => {
                let var_off = pointer.value.tnum;
                write!(f, "variable {} access var_off={var_off} disallowed", KindName(*pointer))
            }
            MisalignedPacket { align, pointer, off, size } => {
                let address = Address { pointer, off: *off };
                write!(f, "misaligned packet access off {align}+{address} size {size}")
            }
            Misaligned { pointer, off, size } => {
                let (what, address) = (Aligned(pointer.kind), Address { pointer, off: *off });
                write!(f, "misaligned {what}access off {address} size {size}")
            }
            Leak { reg, into } => write!(f, "{} leaks addr into {into}", R(*reg)),

            // Stack.
            Stack { reg, pointer: _, direction, off, size } => {
                let access = AccessOf(*direction);
                write!(f, "invalid{access} stack {} off={off} size={size}", R(*reg))
            }
            StackUnbounded { reg, direction } => {
                let access = AccessOf(*direction);
                write!(f, "invalid unbounded variable-offset{access} stack {}", R(*reg))
            }
            StackVariable { reg, pointer, direction, off, size } => write!(
                f,
                "invalid variable-offset{} stack {} var_off={} off={off} size={size}",
                AccessOf(*direction),
                R(*reg),
                pointer.value.tnum
            ),
            StackCorruption => write!(f, "attempt to corrupt spilled pointer on stack"),
            SpillSize => write!(f, "invalid size of register spill"),
            FillSize => write!(f, "invalid size of register fill"),
            SpillToCaller => {
                write!(f, "cannot spill pointers to stack into stack frame of the caller")
            }
            StackRead { off, byte, size } => {
                write!(f, "invalid read from stack off {off}+{byte} size {size}")
            }
            StackReadHelper { reg, off, byte, size } => {
                write!(f, "invalid read from stack {} off {off}+{byte} size {size}", R(*reg))
            }
            StackReadHelperVariable { reg, var_off, byte, size } => {
                let reg = R(*reg);
                write!(f, "invalid read from stack {reg} var_off {var_off}+{byte} size {size}")
            }
            StackVariableHelper { pointer, off, size } => write!(
                f,
                "variable offset stack pointer cannot be passed into helper function; var_off={} \
                 off={off} size={size}",
                pointer.value.tnum
            ),

            // Maps.
            MapProtected { direction, value_size, off, size } => {
                let what = match direction {
                    Direction::Read => "read from",
                    Direction::Write => "write into",
                };
                let place = format_args!("value_size={value_size} off={off} size={size}");
                write!(f, "{what} map forbidden, {place}")
            }
            MapKeyWrite(reg) => write!(f, "write to change key {} not allowed", R(*reg)),
            SpecialField { kind, accessor } => {
                let how = match accessor {
                    Accessor::Helper if kind.is_kptr() => "indirectly by helper",
                    Accessor::Helper | Accessor::Insn => "directly by load/store",
                };
                write!(f, "{} cannot be accessed {how}", kind.name())
            }
            NotAMap { fd } => write!(f, "fd {fd} is not pointing to valid bpf_map"),
            NoMapArray => write!(f, "fd_idx without fd_array is invalid"),
            NoDirectValue => write!(f, "no direct value access support for this map type"),
            DirectValueRange { value_size, off } => {
                write!(f, "invalid access to map value pointer, value_size={value_size} off={off}")
            }
            DirectValueOffset { off } => write!(f, "direct value offset of {off} is not allowed"),
            TooManyMaps => write!(
                f,
                "The total number of maps per program has reached the limit of {}",
                crate::limits::MAPS
            ),
            FieldInProgramType { program, kind: FieldKind::ListHead | FieldKind::RbRoot } => {
                write!(f, "{program} progs cannot use bpf_{{list_head,rb_root}} yet")
            }
            FieldInProgramType { program, kind } => {
                write!(f, "{program} progs cannot use {} yet", kind.name())
            }
            MapInSleepable(_) => write!(
                f,
                "Sleepable programs can only use array, hash, ringbuf and local storage maps"
            ),
            StructOpsMap => write!(f, "bpf_struct_ops map cannot be used in prog"),
            CgroupStorages => write!(f, "only one cgroup storage of each type is allowed"),
            MapStructNegative { reg, name, off } => {
                write!(f, "{} is {name} invalid negative access: off={off}", R(*reg))
            }
            MapStructWrite { name } => write!(f, "only read from {name} is supported"),

            // Contexts and sockets.
            Context { off, size } => {
                write!(f, "invalid bpf_context access off={off} size={size}")
            }
            FlowKeys { off, size } => {
                write!(f, "invalid access to flow keys off={off} size={size}")
            }
            Object { reg, found, off, size } => {
                let kind = KindName(*found);
                write!(f, "{} invalid {kind} access off={off} size={size}", R(*reg))
            }
            PacketWrite => write!(f, "cannot write into packet"),
            Buffer { reg, found, off, size } => {
                let name = BufferName(found.kind);
                write!(f, "{} invalid {name} buffer access: off={off}, size={size}", R(*reg))
            }
            BufferVariable { reg, found, off } => {
                let var_off = found.value.tnum;
                let reg = R(*reg);
                write!(f, "{reg} invalid variable buffer offset: off={off}, var_off={var_off}")
            }

            // Kernel objects.
            KernelNegative { reg, name, off } => {
                write!(f, "{} is ptr_{name} invalid negative access: off={off}", R(*reg))
            }
            KernelVariable { reg, name, off, var_off } => write!(
                f,
                "{} is ptr_{name} invalid variable offset: off={off}, var_off={var_off}",
                R(*reg)
            ),
            KernelPercpu { reg, name, off } => {
                write!(f, "{} is ptr_{name} access percpu memory: off={off}", R(*reg))
            }
            KernelUser { reg, name, off } => {
                write!(f, "{} is ptr_{name} access user memory: off={off}", R(*reg))
            }
            KernelWrite => write!(f, "only read is supported"),
            KernelBeyond { name, off, size } => {
                let name = if name.is_empty() { "(anon)" } else { name };
                write!(f, "access beyond struct {name} at off {off} size {size}")
            }
            KernelLicence { name } => {
                write!(f, "Cannot access kernel 'struct {name}' from non-GPL compatible program")
            }
            KernelMember { text } | GlobalType { text } | ConstantString { text } => {
                f.write_str(text)
            }

            // Atomic operations.
            AtomicPointer { reg, found, direction } => {
                let what = match direction {
                    Direction::Read => "loads from",
                    Direction::Write => "stores into",
                };
                let kind = KindName(*found);
                write!(f, "BPF_ATOMIC {what} {} {kind} is not allowed", R(*reg))
            }

            // Legacy packet loads.
            PacketLoadProgramType => {
                write!(f, "BPF_LD_[ABS|IND] instructions not allowed for this program type")
            }
            PacketLoadContext => write!(f, "at the time of BPF_LD_ABS|IND R6 != pointer to skb"),

            // Functions of the program.
            ReturnsStackPointer => write!(f, "cannot return stack pointer to the caller"),
            NoFuncInfo => write!(f, "missing btf func_info"),
            CallbackNotStatic => write!(f, "callback function not static"),
            GlobalArguments { subprogram, name } => {
                write!(f, "Caller passes invalid args into func#{subprogram} ('{name}')")
            }
            GlobalCallInLock => write!(f, "use static function instead"),
            CallInLock => write!(f, "function calls are not allowed while holding a lock"),
            GlobalSleeps => write!(f, "a non-sleepable BPF program context"),
            KfuncMissing => {
                write!(f, "invalid kernel function call not eliminated in verifier pass")
            }

            // Helpers.
            NoHelper { number: 0 } => {
                write!(f, "program of this type cannot use helper bpf_unspec#0")
            }
            NoHelper { number } => write!(f, "invalid func unknown#{number}"),
            HelperProgramType(id) => {
                write!(f, "program of this type cannot use helper {}", helper(*id))
            }
            HelperLicence(_) => {
                write!(f, "cannot call GPL-restricted function from non-GPL compatible program")
            }
            HelperSleeps(_) => write!(f, "helper call might sleep in a non-sleepable prog"),
            HelperInProbe(_) => write!(f, "helper call is not allowed in probe"),
            HelperTrampoline(id) => {
                let programs = "fentry/fexit/fmod_ret programs";
                write!(f, "func {} supported only for {programs}", helper(*id))
            }
            HelperNotForType(id) => {
                let number = self.prog_type.number();
                write!(f, "func {} not supported for program type {number}", helper(*id))
            }
            MapHelper { map_type, helper: id } => {
                let number = map_type.number();
                write!(f, "cannot pass map_type {number} into func {}", helper(*id))
            }
            ArgumentKind { reg, found, expected } => {
                write!(f, "{} type={} expected={expected}", R(*reg), KindName(*found))
            }
            ArgumentNull { reg } => {
                write!(f, "Possibly NULL pointer passed to helper arg{}", reg.index())
            }
            ArgumentReadOnly { helper, reg, found } => write!(
                f,
                "{}() may write into memory pointed by {} type={}",
                helper.name(),
                R(*reg),
                KindName(*found)
            ),
            ArgumentType { reg, found, expected } => {
                write!(f, "{} is of type {found} but {expected} is expected", R(*reg))
            }
            ArgumentNotConstant(reg) => write!(f, "{} is not a known constant'", R(*reg)),
            HelperPacket { access: _ } => {
                write!(f, "helper access to the packet is not allowed")
            }
            SizeNegative { reg, size: _ } => write!(
                f,
                "{} min value is negative, either use unsigned or 'var &= const'",
                R(*reg)
            ),
            SizeZero { reg, size } => {
                let (min, max) = (size.u64.min.cast_signed(), size.u64.max.cast_signed());
                write!(f, "{} invalid zero-sized read: u64=[{min},{max}]", R(*reg))
            }
            RegionZero => write!(f, "invalid zero-sized read"),
            SizeUnbounded { reg, size: _ } => write!(
                f,
                "{} unbounded memory access, use 'var &= const' or 'if (var < const)'",
                R(*reg)
            ),
            ReleaseOffset(reg) => write!(
                f,
                "{} must have zero offset when passed to release func or trusted arg to kfunc",
                R(*reg)
            ),
            ReleaseUnreferenced(reg) => {
                write!(f, "{} must be referenced when passed to release function", R(*reg))
            }
            ReleaseUnacquired(reg) => write!(f, "arg {} is an unacquired reference", reg.index()),
            ReleaseUnknown(id) => {
                write!(f, "func {} reference has not been acquired before", helper(*id))
            }
            TwoReferences(reg) => {
                write!(f, "more than one arg with ref_obj_id {}", R(*reg))
            }
            FormatString => write!(f, "Invalid format string"),
            LocalStorageFlags => {
                write!(f, "get_local_storage() doesn't support non-zero flags")
            }
            SockmapArgument => write!(f, "invalid arg_type for sockmap/sockhash"),
            TailCallMap => write!(f, "expected prog array map for tail call"),
            LsmCgroupVoid => {
                write!(f, "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!")
            }
            TailCallMixed => {
                write!(f, "mixing of tail_calls and bpf-to-bpf calls is not supported")
            }
            HelperMapWrite => write!(f, "write into map forbidden"),
            TimerMap => {
                write!(f, "timer pointer in R1 map_uid=0 doesn't match map pointer in R2 map_uid=0")
            }
            LoopCount => write!(f, "verifier bug: backtracking misuse"),
            FunctionDropped { at } => {
                write!(f, "verifier bug: No program to jit at insn {at} (subprog < 0)")
            }
            CallbackMap => write!(f, "callback function not allowed for map"),
            HelperTypes(reg) => write!(f, "Helper has invalid btf_id in {}", R(*reg)),

            // Special fields in arguments.
            FieldVariable { reg, kind } => write!(
                f,
                "{} doesn't have constant offset. {1} has to be at the constant offset",
                R(*reg),
                kind.name()
            ),
            FieldWithoutBtf { map, kind } => {
                write!(f, "map '{map}' has to have BTF in order to use {}", kind.name())
            }
            FieldMissing { map, kind } => write!(f, "map '{map}' has no valid {}", kind.name()),
            FieldOffset { kind, found, required } => write!(
                f,
                "off {found} doesn't point to 'struct {}' that is at {required}",
                kind.name()
            ),

            // References and locks.
            ReferenceLeak { id: _, acquired: _, at } => {
                write!(f, "{} would lead to reference leak", leaving(*at))
            }
            LockHeld { at } => {
                write!(f, "{} cannot be used inside bpf_spin_lock-ed region", leaving(*at))
            }
            LockTwice => write!(f, "Locking two bpf_spin_locks are not allowed"),
            UnlockWithoutLock => write!(f, "bpf_spin_unlock without taking a lock"),
            UnlockOther => write!(f, "bpf_spin_unlock of different lock"),

            // The end.
            ReturnLeak(reg) => write!(f, "{} leaks addr as return value", R(*reg)),
            ReturnNotScalar { found } => write!(
                f,
                "At subprogram exit the register R0 is not a scalar value ({})",
                KindName(*found)
            ),
            ReturnNotKnown { what, found } => write!(
                f,
                "{} the register R0 is not a known value ({})",
                returning(*what),
                KindName(*found)
            ),
            ReturnRange { what, found, allowed: (min, max) } => write!(
                f,
                "{} the register R0 has{} should have been in [{min}, {max}]",
                returning(*what),
                Spaced(*found)
            ),
            CallbackReturn => write!(f, "R0 not a scalar value"),
            Load { text } => f.write_str(text),
        }
    }
}

/// Displays the lines that the kernel writes before the last one.
pub(crate) struct LinesBefore<'a> {
    /// What is wrong.
    pub(crate) rejection: &'a Rejection,
    /// What the lines may refer to.
    pub(crate) names: Names<'a>,
}

impl fmt::Display for LinesBefore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rejection.reason {
            Reason::Outside { extent, beyond: Beyond::Min | Beyond::Max | Beyond::Packet } => {
                outside(f, extent, Beyond::Fixed)?;
                writeln!(f)
            }
            Reason::InfiniteLoop { current, .. } => {
                if let Some(at) = self.rejection.at {
                    writeln!(f, "infinite loop detected at insn {at}")?;
                }
                let (frame, precise, names) = (current.depth(), Part::default(), self.names);
                let state = StateText { state: current, frame, part: Part::ALL, precise, names };
                writeln!(f, "cur state:{state}")
            }
            Reason::ReferenceLeak { id, acquired, .. } => {
                writeln!(f, "Unreleased reference id={id} alloc_insn={acquired}")
            }
            Reason::GlobalCallInLock => {
                writeln!(f, "global function calls are not allowed while holding a lock,")
            }
            _ => Ok(()),
        }
    }
}

impl FinalLine<'_> {
    /// The state that was seen before at the beginning of a loop without end.
    fn old_state(
        &self,
        f: &mut fmt::Formatter<'_>,
        old: &State,
        precise: &[(u16, u64)],
    ) -> fmt::Result {
        let frame = old.depth();
        let (registers, slots) = precise.get(frame).copied().unwrap_or_default();
        let precise = Part { registers, slots };
        let state = StateText { state: old, frame, part: Part::ALL, precise, names: self.names };
        write!(f, "old state:{state}")
    }
}

/// An access that may be outside of its memory.
fn outside(f: &mut fmt::Formatter<'_>, extent: &Extent, beyond: Beyond) -> fmt::Result {
    let Extent { reg, pointer, off, size, limit } = *extent;
    let reg = R(reg);
    match beyond {
        Beyond::MinNegative => write!(
            f,
            "{reg} min value is negative, either use unsigned index or do a if (index >=0) check."
        ),
        Beyond::Min => write!(f, "{reg} min value is outside of the allowed memory range"),
        Beyond::Unbounded => {
            write!(f, "{reg} unbounded memory access, make sure to bounds check any such access")
        }
        Beyond::Max => write!(f, "{reg} max value is outside of the allowed memory range"),
        Beyond::Packet => write!(f, "{reg} offset is outside of the packet"),
        Beyond::Fixed => parts::fixed(f, reg, pointer, off, size, limit),
    }
}
