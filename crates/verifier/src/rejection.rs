//! Why a program is rejected.
//!
//! A [`Reason`] says what was wrong in terms of the verifier's own types, so that the rules stay
//! readable; sentences are made of it elsewhere. Each one's documentation gives the kernel's
//! wording, with its format specifiers. Where the kernel writes several lines, the last one counts.

mod errno;

use skep_btf::TypeId;
use skep_spec::abi::context::PacketAccess;
use skep_spec::abi::proto::Callback;
use skep_spec::abi::{HelperId, MapType};
use skep_spec::insn::{AluOp, Reg};
use skep_spec::{InsnIdx, decode};

use crate::domain::{Scalar, Tnum};
use crate::environment::FieldKind;
use crate::state::{Register, State};

/// A program that the kernel refuses.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The instruction; `None` where the program as a whole is wrong.
    pub at: Option<InsnIdx>,
    /// What is wrong with it.
    pub reason: Reason,
    /// The last line that the kernel's log has on it; empty where it says nothing.
    pub final_line: String,
    /// What was known just before the instruction, if a path has led to it.
    pub state: Option<Box<State>>,
    /// The instructions on the way there, first to last, without the one that fails. As far as it
    /// is remembered.
    pub path: Vec<InsnIdx>,
}

impl Rejection {
    /// What is wrong, in one word for scripts: the name of its [`Reason`], `not-memory`.
    #[must_use]
    pub fn kind(&self) -> String {
        let text = format!("{:?}", self.reason);
        let name = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let mut kind = String::new();
        for (place, c) in name.char_indices() {
            if c.is_ascii_uppercase() && place > 0 {
                kind.push('-');
            }
            kind.push(c.to_ascii_lowercase());
        }
        kind
    }
}

/// Why an answer ends the walk.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The kernel refuses the program, because of the instruction that is looked at.
    Rejected(Reason),
    /// The kernel refuses the program, because of this instruction.
    RejectedAt(InsnIdx, Reason),
    /// The program holds something that this verifier does not know, as a noun.
    Unsupported(&'static str),
}

/// The result of a check.
pub type Check<T = ()> = Result<T, Box<Stop>>;

impl From<Reason> for Box<Stop> {
    fn from(reason: Reason) -> Box<Stop> {
        Box::new(Stop::Rejected(reason))
    }
}

impl Stop {
    /// `false` for a refusal that is reported in other terms; what is not known stays so.
    pub(crate) fn as_refusal(self: Box<Stop>) -> Check<bool> {
        match *self {
            Stop::Rejected(_) | Stop::RejectedAt(..) => Ok(false),
            Stop::Unsupported(_) => Err(self),
        }
    }
}

/// Ends a check: this verifier does not know `what`.
pub(crate) fn unsupported<T>(what: &'static str) -> Check<T> {
    Err(Box::new(Stop::Unsupported(what)))
}

/// Whether memory is read or written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Read.
    Read,
    /// Written.
    Write,
}

/// Who accesses memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Accessor {
    /// The instruction itself.
    Insn,
    /// The helper that it calls; the kernel then writes "indirect".
    Helper,
}

/// An access to memory whose size is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The register with the pointer.
    pub reg: Reg,
    /// What it holds.
    pub pointer: Register,
    /// Where the access starts, counted from the beginning of the memory, on the path that fails.
    pub off: i64,
    /// How many bytes are accessed.
    pub size: u32,
    /// How many bytes there are.
    pub limit: u32,
}

/// How an extent fails to be within its memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Beyond {
    /// `R%d min value is negative, either use unsigned index or do a if (index >=0) check.`
    MinNegative,
    /// `R%d min value is outside of the allowed memory range`
    Min,
    /// `R%d unbounded memory access, make sure to bounds check any such access`
    Unbounded,
    /// `R%d max value is outside of the allowed memory range`
    Max,
    /// `R%d offset is outside of the packet`
    Packet,
    /// The offset is known; the kernel says what the memory is:
    /// `invalid access to map value, value_size=%d off=%d size=%d` and the like.
    Fixed,
}

/// What is wrong with a program.
#[derive(Clone, Debug)]
pub enum Reason {
    // Bytes.
    /// The bytes are no instructions. `unknown opcode %02x`, `BPF_ALU uses reserved fields`, ….
    Undecodable(decode::DecodeError),
    /// `unknown opcode 8d`: an instruction that the specification has, and this kernel has not.
    UnknownOpcode {
        /// The opcode.
        opcode: u8,
    },
    /// No instructions, or more than the kernel takes. It says nothing (`E2BIG`).
    ProgramSize,

    // The shape of the program (`cfg`).
    /// `nonzero insn_off %u for the first func info record`
    FuncInfoFirst(InsnIdx),
    /// `same or smaller insn offset (%u) than previous func info record (%u)`
    FuncInfoOrder {
        /// Where the function begins.
        at: InsnIdx,
        /// Where the one before it does.
        previous: InsnIdx,
    },
    /// `invalid type id %d in func info`
    FuncInfoType(TypeId),
    /// `number of funcs in func_info doesn't match number of subprogs`
    FuncInfoCount,
    /// `func_info BTF section doesn't match subprog layout in BPF program`
    FuncInfoLayout,
    /// `Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)`
    LineInfoPlace {
        /// The number of the record.
        record: u32,
        /// The instruction that it is about.
        at: InsnIdx,
        /// That of the record before.
        previous: InsnIdx,
        /// How many slots the program has.
        length: u32,
    },
    /// `Invalid insn code at line_info[%u].insn_off`
    LineInfoCode {
        /// The number of the record.
        record: u32,
    },
    /// `Invalid line_info[%u].line_off or .file_name_off`
    LineInfoText {
        /// The number of the record.
        record: u32,
    },
    /// `missing bpf_line_info for func#%u`
    LineInfoMissing {
        /// The number of the function.
        function: u32,
    },
    /// `missing bpf_line_info for %u funcs starting from func#%u`
    LineInfoMissingFrom {
        /// The number of the first function.
        first: u32,
        /// How many functions.
        missing: usize,
    },
    /// `loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN`
    FunctionsUnprivileged,
    /// `call to invalid destination`
    CallDestination,
    /// `too many subprograms`
    TooManySubprograms,
    /// `jump out of range from insn %d to %d`
    JumpOutOfRange {
        /// Where from.
        from: InsnIdx,
        /// Where to.
        to: i64,
    },
    /// `last insn is not an exit or jmp`
    LastInsn,
    /// `unreachable insn %d`
    Unreachable(InsnIdx),
    /// `jump into the middle of ldimm64 insn %d`
    JumpIntoImm64(InsnIdx),
    /// `back-edge from insn %d to %d`: only without `CAP_BPF`.
    BackEdge {
        /// Where from.
        from: InsnIdx,
        /// Where to.
        to: InsnIdx,
    },
    /// `LD_ABS is not allowed in subprogs without BTF`
    PacketLoadInSubprogram,
    /// `tail_call is not allowed in subprogs without BTF`
    TailCallInSubprogram,
    /// `LD_ABS is only allowed in functions that return 'int'.`
    PacketLoadReturn,
    /// `tail_call is only allowed in functions that return 'int'.`
    TailCallReturn,

    // Limits.
    /// `BPF program is too large. Processed %d insn`
    TooManyInsns {
        /// How many were looked at.
        processed: u32,
    },
    /// `The sequence of %d jumps is too complex.`
    TooManyJumps {
        /// How many branches wait.
        pending: usize,
    },
    /// `infinite loop detected at insn %d`, then the states, the last of which is the older one.
    InfiniteLoop {
        /// The state.
        current: Box<State>,
        /// The state seen before at this instruction, and which of its numbers must be precise: for
        /// each frame a set of registers and a set of stack slots.
        old: Box<(State, Vec<(u16, u64)>)>,
    },
    /// `combined stack size of %d calls is %d. Too large`
    StackDepth {
        /// How many calls deep.
        calls: usize,
        /// How many bytes.
        bytes: u32,
    },
    /// `tail_calls are not allowed when call stack of previous frames is %d bytes. Too large`
    TailCallStack {
        /// How many bytes.
        bytes: u32,
    },
    /// `the call stack of %d frames is too deep`
    CallDepth {
        /// How many frames.
        frames: usize,
    },
    /// `the call stack of %d frames is too deep !`: not on a path, but in the graph of calls.
    CallGraphDepth {
        /// How many frames.
        frames: usize,
    },

    // Registers.
    /// `R%d is invalid`
    NoRegister {
        /// The number.
        number: u8,
    },
    /// `R%d !read_ok`
    Uninit(Reg),
    /// `frame pointer is read only`
    FramePointerWrite,

    // Arithmetic.
    /// `div by zero`
    DivByZero,
    /// `invalid shift %d`
    Shift(i32),
    /// `R%d sign-extension part of pointer`
    PointerSignExtension(Reg),
    /// `R%d partial copy of pointer`: only without `CAP_PERFMON`.
    PointerPartialCopy(Reg),
    /// `R%d pointer arithmetic prohibited`
    PointerUnary(Reg),
    /// `R%d pointer %s pointer prohibited`, with the operator.
    PointerAndPointer {
        /// The register.
        reg: Reg,
        /// The operation.
        op: AluOp,
    },
    /// `R%d 32-bit pointer arithmetic prohibited`
    PointerArithmetic32(Reg),
    /// `R%d pointer arithmetic on %s prohibited, null-check it first`
    PointerArithmeticNullable {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
    },
    /// `R%d pointer arithmetic on %s prohibited`
    PointerArithmeticKind {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
    },
    /// `R%d tried to subtract pointer from scalar`
    PointerSubtractedFromScalar(Reg),
    /// `R%d subtraction from stack pointer prohibited`
    StackPointerSubtraction(Reg),
    /// `R%d bitwise operator %s on pointer prohibited`
    PointerBitwise {
        /// The register.
        reg: Reg,
        /// The operation.
        op: AluOp,
    },
    /// `R%d pointer arithmetic with %s operator prohibited`
    PointerOperator {
        /// The register.
        reg: Reg,
        /// The operation.
        op: AluOp,
    },
    /// `math between %s pointer and %lld is not allowed`
    PointerDistance {
        /// The pointer.
        pointer: Register,
        /// The number.
        number: i64,
    },
    /// `%s pointer offset %d is not allowed`
    PointerOffset {
        /// The pointer.
        pointer: Register,
        /// Its offset.
        off: i32,
    },
    /// `math between %s pointer and register with unbounded min value is not allowed`
    PointerUnbounded {
        /// The pointer.
        pointer: Register,
    },
    /// `value %lld makes %s pointer be out of bounds`
    PointerOutOfBounds {
        /// The pointer.
        pointer: Register,
        /// The number.
        number: i64,
    },
    /// `R%d pointer comparison prohibited`: only without `CAP_PERFMON`.
    PointerComparison(Reg),

    // Loads and stores.
    /// `R%d invalid mem access '%s'`
    NotMemory {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
    },
    /// `same insn cannot be used with different pointers`
    DifferentPointers,
    /// `R%d cannot write into %s`
    WriteProtected {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
    },
    /// An access that may be outside of its memory; the wording depends on both.
    Outside {
        /// The access.
        extent: Extent,
        /// How it fails.
        beyond: Beyond,
    },
    /// `negative offset %s ptr R%d off=%d disallowed`
    PointerOffsetNegative {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
    },
    /// `dereference of modified %s ptr R%d off=%d disallowed`
    PointerModified {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
        /// The offset.
        off: i32,
    },
    /// `variable %s access var_off=%s disallowed`
    PointerVariable {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
    },
    /// `misaligned packet access off %d+%s+%d+%d size %d`
    MisalignedPacket {
        /// What the machine adds to align a header (`NET_IP_ALIGN`).
        align: i32,
        /// The pointer.
        pointer: Register,
        /// The offset of the instruction.
        off: i32,
        /// The size.
        size: u32,
    },
    /// `misaligned %saccess off %s+%d+%d size %d`
    Misaligned {
        /// The pointer.
        pointer: Register,
        /// The offset of the instruction.
        off: i32,
        /// The size.
        size: u32,
    },
    /// `R%d leaks addr into %s`: only without `CAP_PERFMON`, save for contexts and atomics.
    Leak {
        /// The register that holds an address.
        reg: Reg,
        /// Where it would go: `ctx`, `map`, `mem`, `packet`, `flow keys`, `helper function`.
        into: &'static str,
    },

    // Stack.
    /// `invalid%s stack R%d off=%d size=%d`, with ` write to`, ` read from`, or, of a helper,
    /// ` indirect access to`.
    Stack {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
        /// Whether it reads or writes; of a helper, none.
        direction: Option<Direction>,
        /// Where, from the frame pointer, if it is known.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `invalid unbounded variable-offset%s stack R%d`
    StackUnbounded {
        /// The register.
        reg: Reg,
        /// Whether it reads or writes; of a helper, none.
        direction: Option<Direction>,
    },
    /// `invalid variable-offset%s stack R%d var_off=%s off=%d size=%d`
    StackVariable {
        /// The register.
        reg: Reg,
        /// What it holds.
        pointer: Register,
        /// Whether it reads or writes; of a helper, none.
        direction: Option<Direction>,
        /// The offset.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `attempt to corrupt spilled pointer on stack`: only without `CAP_PERFMON`.
    StackCorruption,
    /// `invalid size of register spill`
    SpillSize,
    /// `invalid size of register fill`
    FillSize,
    /// `cannot spill pointers to stack into stack frame of the caller`
    SpillToCaller,
    /// `invalid read from stack off %d+%d size %d`
    StackRead {
        /// The offset.
        off: i32,
        /// The byte that cannot be read.
        byte: u32,
        /// How many bytes.
        size: u32,
    },
    /// `invalid read from stack R%d off %d+%d size %d`, of a helper.
    StackReadHelper {
        /// The register.
        reg: Reg,
        /// The offset.
        off: i32,
        /// The byte that cannot be read.
        byte: u32,
        /// How many bytes.
        size: u32,
    },
    /// `invalid read from stack R%d var_off %s+%d size %d`, of a helper.
    StackReadHelperVariable {
        /// The register.
        reg: Reg,
        /// The variable offset.
        var_off: Tnum,
        /// The byte that cannot be read.
        byte: u32,
        /// How many bytes.
        size: u32,
    },
    /// `variable offset stack pointer cannot be passed into helper function; var_off=%s off=%d
    /// size=%d`
    StackVariableHelper {
        /// The pointer.
        pointer: Register,
        /// The offset.
        off: i32,
        /// How many bytes.
        size: u32,
    },

    // Maps.
    /// `write into map forbidden, value_size=%d off=%d size=%d`, or the same of reads (`read from
    /// map forbidden, …`).
    MapProtected {
        /// Read or written.
        direction: Direction,
        /// Bytes of a value.
        value_size: u32,
        /// Where.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `write to change key R%d not allowed`
    MapKeyWrite(Reg),
    /// `%s cannot be accessed directly by load/store`, or `… indirectly by helper`, with the
    /// field's name; and the other errors of special fields.
    SpecialField {
        /// Which.
        kind: FieldKind,
        /// By whom.
        accessor: Accessor,
    },
    /// `fd %d is not pointing to valid bpf_map`
    NotAMap {
        /// The descriptor.
        fd: i32,
    },
    /// `fd_idx without fd_array is invalid`
    NoMapArray,
    /// `no direct value access support for this map type`
    NoDirectValue,
    /// `invalid access to map value pointer, value_size=%u off=%u`
    DirectValueRange {
        /// Bytes of a value.
        value_size: u32,
        /// Where.
        off: u32,
    },
    /// `direct value offset of %u is not allowed`
    DirectValueOffset {
        /// Where.
        off: u32,
    },
    /// `The total number of maps per program has reached the limit of %u`
    TooManyMaps,
    /// `socket filter progs cannot use bpf_spin_lock yet`, or `tracing progs …`, and of other
    /// fields.
    FieldInProgramType {
        /// `socket filter` or `tracing`.
        program: &'static str,
        /// The field in values of a map.
        kind: FieldKind,
    },
    /// `Sleepable programs can only use array, hash, ringbuf and local storage maps`
    MapInSleepable(MapType),
    /// `bpf_struct_ops map cannot be used in prog`
    StructOpsMap,
    /// `only one cgroup storage of each type is allowed`
    CgroupStorages,
    /// `R%d is bpf_array invalid negative access: off=%d`, with the map's struct.
    MapStructNegative {
        /// The register.
        reg: Reg,
        /// The kernel's struct.
        name: &'static str,
        /// Where.
        off: i32,
    },
    /// `only read from %s is supported`, with the map's struct.
    MapStructWrite {
        /// The kernel's struct.
        name: &'static str,
    },

    // Contexts and sockets.
    /// `invalid bpf_context access off=%d size=%d`
    Context {
        /// Where.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `invalid access to flow keys off=%d size=%d`
    FlowKeys {
        /// Where.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `R%d invalid %s access off=%d size=%d`
    Object {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
        /// Where.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `cannot write into packet`
    PacketWrite,
    /// `R%d invalid %s buffer access: off=%d, size=%d`
    Buffer {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
        /// Where.
        off: i32,
        /// How many bytes.
        size: u32,
    },
    /// `R%d invalid variable buffer offset: off=%d, var_off=%s`
    BufferVariable {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
        /// Where.
        off: i32,
    },

    // Kernel objects.
    /// `R%d is ptr_%s invalid negative access: off=%d`
    KernelNegative {
        /// The register.
        reg: Reg,
        /// The type's name.
        name: String,
        /// Where.
        off: i32,
    },
    /// `R%d is ptr_%s invalid variable offset: off=%d, var_off=%s`
    KernelVariable {
        /// The register.
        reg: Reg,
        /// The type's name.
        name: String,
        /// Where.
        off: i32,
        /// The variable offset.
        var_off: Tnum,
    },
    /// `R%d is ptr_%s access percpu memory: off=%d`
    KernelPercpu {
        /// The register.
        reg: Reg,
        /// The type's name.
        name: String,
        /// Where.
        off: i32,
    },
    /// `R%d is ptr_%s access user memory: off=%d`
    KernelUser {
        /// The register.
        reg: Reg,
        /// The type's name.
        name: String,
        /// Where.
        off: i32,
    },
    /// `Cannot access kernel 'struct %s' from non-GPL compatible program`
    KernelLicence {
        /// The type's name.
        name: String,
    },
    /// `only read is supported`
    KernelWrite,
    /// `access beyond struct %s at off %u size %u`
    KernelBeyond {
        /// The type's name.
        name: String,
        /// Where.
        off: u32,
        /// How many bytes.
        size: u32,
    },
    /// `access beyond the end of member %s (mend:%u) in struct %s with off %u size %u`, and the
    /// other errors of walking a struct, as the kernel words them.
    KernelMember {
        /// The sentence.
        text: String,
    },

    // Atomic operations.
    /// `BPF_ATOMIC stores into R%d %s is not allowed`, or `BPF_ATOMIC loads from R%d %s is not
    /// allowed`.
    AtomicPointer {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
        /// Whether it loads; atomic operations that do both store.
        direction: Direction,
    },

    // Legacy packet loads.
    /// `BPF_LD_[ABS|IND] instructions not allowed for this program type`
    PacketLoadProgramType,
    /// `at the time of BPF_LD_ABS|IND R6 != pointer to skb`
    PacketLoadContext,

    // Functions of the program.
    /// `cannot return stack pointer to the caller`
    ReturnsStackPointer,
    /// `missing btf func_info`
    NoFuncInfo,
    /// `callback function not static`
    CallbackNotStatic,
    /// `Caller passes invalid args into func#%d ('%s')`
    GlobalArguments {
        /// The number of the function.
        subprogram: u16,
        /// Its name.
        name: String,
    },
    /// `global function calls are not allowed while holding a lock,` and, on a line of its own, `use
    /// static function instead`.
    GlobalCallInLock,
    /// `function calls are not allowed while holding a lock`
    CallInLock,
    /// `global functions that may sleep are not allowed in non-sleepable context,`, `i.e., in a
    /// RCU/IRQ/preempt-disabled section, or in` and, last, `a non-sleepable BPF program context`.
    GlobalSleeps,
    /// `invalid kernel function call not eliminated in verifier pass`
    KfuncMissing,
    /// `arg#%d …`: the errors of the BTF types of a global function, as the kernel words them.
    GlobalType {
        /// The sentence.
        text: String,
    },

    // Helpers.
    /// `invalid func %s#%d`, of a number that is none; of 0, which has a name, `program of this type
    /// cannot use helper bpf_unspec#0`.
    NoHelper {
        /// The number.
        number: i32,
    },
    /// `program of this type cannot use helper %s#%d`
    HelperProgramType(HelperId),
    /// `cannot call GPL-restricted function from non-GPL compatible program`
    HelperLicence(HelperId),
    /// `helper call might sleep in a non-sleepable prog`
    HelperSleeps(HelperId),
    /// `helper call is not allowed in probe`
    HelperInProbe(HelperId),
    /// `func %s#%d supported only for fentry/fexit/fmod_ret programs`
    HelperTrampoline(HelperId),
    /// `func %s#%d not supported for program type %d`
    HelperNotForType(HelperId),
    /// `cannot pass map_type %d into func %s#%d`
    MapHelper {
        /// The map's type.
        map_type: MapType,
        /// The helper.
        helper: HelperId,
    },
    /// `R%d type=%s expected=%s`
    ArgumentKind {
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
        /// What is expected: the kernel's names, with commas.
        expected: String,
    },
    /// `Possibly NULL pointer passed to helper arg%d`
    ArgumentNull {
        /// The register.
        reg: Reg,
    },
    /// `%s() may write into memory pointed by R%d type=%s`
    ArgumentReadOnly {
        /// The helper.
        helper: HelperId,
        /// The register.
        reg: Reg,
        /// What it holds.
        found: Register,
    },
    /// `R%d is of type %s but %s is expected`
    ArgumentType {
        /// The register.
        reg: Reg,
        /// The type that it points to.
        found: String,
        /// What is expected.
        expected: String,
    },
    /// `R%d is not a known constant'`
    ArgumentNotConstant(Reg),
    /// `helper access to the packet is not allowed`
    HelperPacket {
        /// What programs of the type may do.
        access: PacketAccess,
    },
    /// `R%d min value is negative, either use unsigned or 'var &= const'`
    SizeNegative {
        /// The register.
        reg: Reg,
        /// The size.
        size: Scalar,
    },
    /// `R%d invalid zero-sized read: u64=[%lld,%lld]`
    SizeZero {
        /// The register.
        reg: Reg,
        /// The size.
        size: Scalar,
    },
    /// `invalid zero-sized read`
    RegionZero,
    /// `R%d unbounded memory access, use 'var &= const' or 'if (var < const)'`
    SizeUnbounded {
        /// The register.
        reg: Reg,
        /// The size.
        size: Scalar,
    },
    /// `R%d must have zero offset when passed to release func or trusted arg to kfunc`
    ReleaseOffset(Reg),
    /// `R%d must be referenced when passed to release function`
    ReleaseUnreferenced(Reg),
    /// `arg %d is an unacquired reference`
    ReleaseUnacquired(Reg),
    /// `func %s#%d reference has not been acquired before`
    ReleaseUnknown(HelperId),
    /// `more than one arg with ref_obj_id R%d %u %u`
    TwoReferences(Reg),
    /// `R%d does not point to a readonly map'`, and the other errors of constant strings, as the
    /// kernel words them.
    ConstantString {
        /// The sentence.
        text: String,
    },
    /// `Invalid format string`
    FormatString,
    /// `get_local_storage() doesn't support non-zero flags`
    LocalStorageFlags,
    /// `invalid arg_type for sockmap/sockhash`
    SockmapArgument,
    /// `expected prog array map for tail call`
    TailCallMap,
    /// `BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!`
    LsmCgroupVoid,
    /// `mixing of tail_calls and bpf-to-bpf calls is not supported`
    TailCallMixed,
    /// `write into map forbidden`, of a helper that would.
    HelperMapWrite,
    /// `timer pointer in R1 map_uid=%d doesn't match map pointer in R2 map_uid=%d`
    TimerMap,
    /// `verifier bug: backtracking misuse`, of a loop whose count is a pointer.
    LoopCount,
    /// `verifier bug: No program to jit at insn %d (subprog < 0)`, of a callback that is never
    /// called.
    FunctionDropped {
        /// Where its address is taken. The kernel counts without dead code, and with what it has put
        /// in.
        at: InsnIdx,
    },
    /// `callback function not allowed for map`
    CallbackMap,
    /// `Helper has invalid btf_id in R%d` and other errors that need the kernel's types.
    HelperTypes(Reg),

    // Special fields in arguments.
    /// `R%d doesn't have constant offset. %s has to be at the constant offset`
    FieldVariable {
        /// The register.
        reg: Reg,
        /// Which field.
        kind: FieldKind,
    },
    /// `map '%s' has to have BTF in order to use %s`
    FieldWithoutBtf {
        /// The map's name.
        map: String,
        /// Which field.
        kind: FieldKind,
    },
    /// `map '%s' has no valid %s`
    FieldMissing {
        /// The map's name.
        map: String,
        /// Which field.
        kind: FieldKind,
    },
    /// `off %lld doesn't point to 'struct %s' that is at %d`
    FieldOffset {
        /// Which field.
        kind: FieldKind,
        /// Where the pointer points.
        found: i64,
        /// Where the field is.
        required: u32,
    },

    // References and locks.
    /// `Unreleased reference id=%d alloc_insn=%d`, then `%s would lead to reference leak`.
    ReferenceLeak {
        /// The name.
        id: u32,
        /// The instruction that acquired it.
        acquired: InsnIdx,
        /// What the path comes to.
        at: Leaving,
    },
    /// `%s cannot be used inside bpf_spin_lock-ed region`
    LockHeld {
        /// What the path comes to.
        at: Leaving,
    },
    /// `Locking two bpf_spin_locks are not allowed`
    LockTwice,
    /// `bpf_spin_unlock without taking a lock`
    UnlockWithoutLock,
    /// `bpf_spin_unlock of different lock`
    UnlockOther,

    // The end.
    /// `R%d leaks addr as return value`: only without `CAP_PERFMON`.
    ReturnLeak(Reg),
    /// `At subprogram exit the register R%d is not a scalar value (%s)`
    ReturnNotScalar {
        /// What r0 holds.
        found: Register,
    },
    /// `%s the register R%d is not a known value (%s)`, with `At program exit`, `At async callback
    /// return` or `At callback return`.
    ReturnNotKnown {
        /// What ends.
        what: Returning,
        /// What r0 holds.
        found: Register,
    },
    /// `%s the register R%d has smin=%lld smax=%lld should have been in [%d, %d]`, or `… has unknown
    /// scalar value should have been …`.
    ReturnRange {
        /// What ends.
        what: Returning,
        /// What r0 holds.
        found: Scalar,
        /// What is allowed.
        allowed: (i32, i32),
    },
    /// `R0 not a scalar value`, of a callback.
    CallbackReturn,

    // What can be attached where.
    /// What the kernel says of a program type, an attach type or a target that do not go together;
    /// often nothing.
    Load {
        /// The sentence, or nothing.
        text: &'static str,
    },
}

/// What a path comes to that ends what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Leaving {
    /// `BPF_EXIT instruction in main prog`
    Exit,
    /// `BPF_EXIT instruction in callback`? The kernel checks callbacks at their end.
    Callback,
    /// `tail_call`
    TailCall,
    /// `BPF_LD_[ABS|IND]`
    PacketLoad,
    /// `bpf_throw`
    Throw,
}

/// What returns a number that is checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returning {
    /// `At program exit`
    Program,
    /// `At async callback return`
    AsyncCallback,
    /// `At callback return`
    Callback(Callback),
}
