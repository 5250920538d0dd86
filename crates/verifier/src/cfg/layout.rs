//! Where the functions of a program begin and end, and that none runs or jumps into another.
//!
//! Functions are found by what refers to them: calls, and addresses taken. What the program's BTF
//! says of them has to agree ([`FuncInfo`], [`LineInfo`]).

use skep_btf::{Btf, Type, TypeId};
use skep_spec::abi::HelperId;
use skep_spec::insn::{Callee, Imm64, Insn};
use skep_spec::{Code, InsnIdx, Slot};

use crate::environment::Privileges;
use crate::input::{FuncInfo, Input, LineInfo};
use crate::limits;
use crate::rejection::{Check, Reason, Stop, unsupported};

/// The functions of a program, each complete in itself.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// By ascending place; together they are the whole program.
    pub(super) functions: Vec<Function>,
}

/// A function, as far as its own instructions tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Function {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) has_tail_call: bool,
    has_packet_load: bool,
}

impl Layout {
    /// Finds the functions.
    ///
    /// The order of the checks is the kernel's, which decides what a program with several faults is
    /// rejected for.
    pub(crate) fn new(input: &Input<'_>, privileges: Privileges) -> Check<Layout> {
        check_func_info(input)?;
        if has_exception_callback(input) {
            return unsupported("exceptions");
        }
        let mut functions = find(input.code, privileges)?;
        check_ends(input.code, &mut functions)?;
        check_types(input, &functions)?;
        check_line_info(input, &functions)?;
        Ok(Layout { functions })
    }
}

/// Ends a check because of the instruction in a slot.
fn at(slot: u32, reason: Reason) -> Box<Stop> {
    Box::new(Stop::RejectedAt(InsnIdx(slot), reason))
}

/// What the BTF says of functions, before they are known: places ascend, types are of functions.
fn check_func_info(input: &Input<'_>) -> Check {
    if input.func_info.is_empty() && input.line_info.is_empty() {
        return Ok(());
    }
    let Some(btf) = input.btf else { return Err(Reason::Load { text: "" }.into()) };
    let mut previous: Option<InsnIdx> = None;
    for FuncInfo { at, type_id } in input.func_info {
        match previous {
            None if at.0 != 0 => return Err(Reason::FuncInfoFirst(*at).into()),
            Some(previous) if *at <= previous => {
                return Err(Reason::FuncInfoOrder { at: *at, previous }.into());
            }
            None | Some(_) => {}
        }
        if !matches!(btf.ty(*type_id), Ok(Type::Func(_))) {
            return Err(Reason::FuncInfoType(*type_id).into());
        }
        previous = Some(*at);
    }
    Ok(())
}

/// The functions that instructions refer to, and the main function.
fn find(code: &Code, privileges: Privileges) -> Check<Vec<Function>> {
    let length = code.len();
    let mut starts = vec![0];
    for (from, insn) in code.iter() {
        let reference = reference(insn);
        let kernel = matches!(insn, Insn::Call(Callee::Kfunc { .. }));
        if (reference.is_some() || kernel) && !privileges.bpf {
            return Err(at(from.0, Reason::FunctionsUnprivileged));
        }
        let Some((distance, _)) = reference else { continue };
        let start = from.jump(distance).filter(|start| start.0 < length);
        let start = start.ok_or_else(|| at(from.0, Reason::CallDestination))?;
        if let Err(place) = starts.binary_search(&start.0) {
            if starts.len() >= limits::SUBPROGRAMS {
                return Err(at(from.0, Reason::TooManySubprograms));
            }
            starts.insert(place, start.0);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([length]);
    let function = |(start, end): (&u32, u32)| Function {
        start: *start,
        end,
        has_tail_call: false,
        has_packet_load: false,
    };
    Ok(starts.iter().zip(ends).map(function).collect())
}

/// How far it is to the function that an instruction refers to, and whether it takes its address.
pub(super) fn reference(insn: &Insn) -> Option<(i32, bool)> {
    if let Insn::Call(Callee::Local(distance)) = insn {
        Some((*distance, false))
    } else if let Insn::LoadImm64 { imm: Imm64::Func(distance), .. } = insn {
        Some((*distance, true))
    } else {
        None
    }
}

/// That functions end where control does not go on, and jump within themselves only.
fn check_ends(code: &Code, functions: &mut [Function]) -> Check {
    for function in functions {
        let slots = &code.slots()[function.start as usize..function.end as usize];
        for (slot, from) in slots.iter().zip(function.start..) {
            let ends = match slot {
                Slot::Second => false,
                Slot::Insn(insn) => {
                    if let Some(distance) = jump_distance(insn) {
                        let to = from.wrapping_add(1).wrapping_add_signed(distance);
                        if to < function.start || to >= function.end {
                            let to = to.cast_signed().into();
                            let reason = Reason::JumpOutOfRange { from: InsnIdx(from), to };
                            return Err(at(from, reason));
                        }
                    }
                    function.has_tail_call |= is_tail_call(insn);
                    function.has_packet_load |= matches!(insn, Insn::LoadPacket { .. });
                    matches!(insn, Insn::Exit | Insn::Goto { .. } | Insn::GotoLong { .. })
                }
            };
            if from + 1 == function.end && !ends {
                return Err(at(from, Reason::LastInsn));
            }
        }
    }
    Ok(())
}

/// How far an instruction jumps within its function, if it does.
pub(super) fn jump_distance(insn: &Insn) -> Option<i32> {
    match insn {
        Insn::Goto { off } | Insn::Branch { off, .. } | Insn::MayGoto { off } => {
            Some((*off).into())
        }
        Insn::GotoLong { imm } => Some(*imm),
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::Mov { .. }
        | Insn::MovSx { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Swap { .. }
        | Insn::LoadImm64 { .. }
        | Insn::LoadPacket { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::Call(_)
        | Insn::Exit => None,
    }
}

fn is_tail_call(insn: &Insn) -> bool {
    let Insn::Call(Callee::Helper(number)) = insn else { return false };
    u32::try_from(*number).is_ok_and(|number| number == HelperId::TailCall.number())
}

/// That there is a type for each function, and that functions which a failed packet load or a tail
/// call may leave early return a number, which is then zero or the other program's.
fn check_types(input: &Input<'_>, functions: &[Function]) -> Check {
    let Some(btf) = input.btf.filter(|_| !input.func_info.is_empty()) else {
        for function in functions.iter().skip(1) {
            if function.has_packet_load {
                return Err(at(function.start, Reason::PacketLoadInSubprogram));
            }
            if function.has_tail_call {
                return Err(at(function.start, Reason::TailCallInSubprogram));
            }
        }
        return Ok(());
    };
    if input.func_info.len() != functions.len() {
        return Err(Reason::FuncInfoCount.into());
    }
    for (number, (function, info)) in functions.iter().zip(input.func_info).enumerate() {
        if info.at.0 != function.start {
            return Err(Reason::FuncInfoLayout.into());
        }
        if number == 0 || returns_number(btf, info.type_id) {
            continue;
        }
        if function.has_packet_load {
            return Err(at(function.start, Reason::PacketLoadReturn));
        }
        if function.has_tail_call {
            return Err(at(function.start, Reason::TailCallReturn));
        }
    }
    Ok(())
}

/// Whether a function returns an integer of at most eight bytes, or an enumeration.
fn returns_number(btf: &Btf, function: TypeId) -> bool {
    let Some(signature) = btf.signature(function) else { return false };
    match btf.resolve(signature.ret) {
        Ok((_, Type::Int(int))) => int.size <= 8,
        Ok((_, Type::Enum(_) | Type::Enum64(_))) => true,
        Ok(_) | Err(_) => false,
    }
}

/// That source lines ascend, name instructions and text, and that each function begins with one.
fn check_line_info(input: &Input<'_>, functions: &[Function]) -> Check {
    if input.line_info.is_empty() {
        return Ok(());
    }
    let length = input.code.len();
    let mut previous: Option<InsnIdx> = None;
    let mut expected = functions.iter().zip(0..);
    let mut next = expected.next();
    for (LineInfo { at, file_name_off, line_off, .. }, record) in input.line_info.iter().zip(0..) {
        if previous.is_some_and(|previous| *at <= previous) || at.0 >= length {
            let previous = previous.unwrap_or_default();
            return Err(Reason::LineInfoPlace { record, at: *at, previous, length }.into());
        }
        if input.code.get(*at).is_none() {
            return Err(Reason::LineInfoCode { record }.into());
        }
        let known = |offset| input.btf.is_some_and(|btf| btf.string(offset).is_some());
        if !known(*line_off) || !known(*file_name_off) {
            return Err(Reason::LineInfoText { record }.into());
        }
        if let Some((function, number)) = next {
            if at.0 == function.start {
                next = expected.next();
            } else if function.start < at.0 {
                return Err(Reason::LineInfoMissing { function: number }.into());
            }
        }
        previous = Some(*at);
    }
    match next {
        None => Ok(()),
        Some((_, first)) => {
            let missing = expected.count() + 1;
            Err(Reason::LineInfoMissingFrom { first, missing }.into())
        }
    }
}

/// Whether the main function names one that is called when an exception is thrown, which no
/// instruction refers to.
fn has_exception_callback(input: &Input<'_>) -> bool {
    let Some((btf, main)) = input.btf.zip(input.func_info.first()) else { return false };
    btf.types().any(|(_, ty)| match ty {
        Type::DeclTag(tag) => {
            tag.target == main.type_id && tag.name.starts_with("exception_callback:")
        }
        _ => false,
    })
}
