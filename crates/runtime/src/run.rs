//! One run of a program: what helpers see.

use std::fmt;
use std::sync::Arc;

use skep_spec::InsnIdx;
use skep_spec::abi::{MapType, ProgType};
use skep_spec::insn::Size;

use crate::context::Context;
use crate::fault::{Fault, FaultKind};
use crate::interp::{self, Frame, LOOP_BUDGET, Registers};
use crate::maps::{self, Map};
use crate::memory::{Access, Bytes, BytesMut, FRAMES_MAX, RegionKind, Regions, Span};
use crate::packet::Packet;
use crate::program::Program;
use crate::watch::{Moment, Watcher};
use crate::world::{Cpu, World};

/// Where a program redirected its packet.
#[derive(Clone, Debug)]
pub enum Redirect {
    /// To an interface (`bpf_redirect`).
    Interface {
        /// The interface.
        ifindex: u32,
        /// `BPF_F_*` flags.
        flags: u64,
    },
    /// To what a map holds under an index (`bpf_redirect_map`).
    Map {
        /// The device, CPU or socket map.
        map: Arc<Map>,
        /// The index.
        index: u64,
        /// `BPF_F_*` flags.
        flags: u64,
    },
}

/// One run of a program, or several one after the other with the same context.
pub struct Run<'w> {
    world: &'w dyn World,
    cpu: Cpu,
    program: Arc<Program>,
    context: Context,
    redirect: Option<Redirect>,
    /// Whether packet or context may have changed since the regions were told.
    unsettled: bool,
    pub(crate) regions: Regions,
    /// The callers of the running function, outermost first.
    pub(crate) frames: Vec<Frame>,
    pub(crate) tail_calls: u32,
    /// How often `may_goto` still goes round in the running function.
    pub(crate) loop_budget: u32,
    /// How many instructions a run may execute.
    pub(crate) limit: u64,
    /// How many are left.
    pub(crate) left: u64,
    /// How many were executed, over all runs.
    pub(crate) executed: u64,
    /// Who looks on.
    watcher: Option<&'w mut dyn Watcher>,
}

/// How many instructions a run may execute unless its host says otherwise: about ten seconds.
pub const INSTRUCTION_LIMIT: u64 = 1_000_000_000;

/// What `r1` points to, in every run: more than any structure of the UAPI. No byte of it is ever
/// touched; it is there so that its addresses are nothing else's.
static CONTEXT_HOME: [u64; 512] = [0; 512];

impl<'w> Run<'w> {
    /// A run of a program with this context.
    pub fn new(world: &'w dyn World, cpu: Cpu, program: Arc<Program>, context: Context) -> Run<'w> {
        Run {
            world,
            cpu,
            program,
            context,
            redirect: None,
            unsettled: true,
            regions: Regions::new(),
            frames: Vec::with_capacity(FRAMES_MAX),
            tail_calls: 0,
            loop_budget: LOOP_BUDGET,
            limit: INSTRUCTION_LIMIT,
            left: INSTRUCTION_LIMIT,
            executed: 0,
            watcher: None,
        }
    }

    /// Runs the program from its beginning to its end and returns `r0`.
    ///
    /// Packet and context are those that the last run left. A run that failed can be repeated.
    pub fn start(&mut self) -> Result<u64, Fault> {
        // Elements of maps that the program learns the address of stay theirs until it ends.
        let _held = maps::pin();
        let program = Arc::clone(&self.program);
        self.frames.clear();
        self.tail_calls = 0;
        self.left = self.limit;
        self.redirect = None;
        self.regions.set_depth(0);
        self.regions.set_maps(program.spans());
        self.unsettled = true;
        self.settle();
        let args = match self.context {
            Context::Xdp(_) | Context::Skb(_) => [self.context_addr(), 0, 0, 0, 0],
            Context::Plain([first, second]) => [first, second, 0, 0, 0],
        };
        let result = interp::run_main(self, args);
        self.executed += self.limit - self.left;
        let result = self.give_up_records(&program, result);
        self.program = program;
        result
    }

    /// Discards records that are still reserved, which is a fault if there was none before. They are
    /// of the program that ended or of the one that the run began with.
    fn give_up_records(
        &mut self,
        first: &Program,
        mut result: Result<u64, Fault>,
    ) -> Result<u64, Fault> {
        while let Some(addr) = self.regions.pending_record() {
            self.regions.revoke(addr);
            let maps = self.program.maps().iter().chain(first.maps());
            for ringbuf in maps.filter(|map| map.map_type() == MapType::Ringbuf) {
                // A ring buffer that the record is not of says so, and does nothing.
                let _ = ringbuf.ringbuf_discard(addr, 0);
            }
            result = result.and(Err(Fault::new(FaultKind::RecordKept(addr))));
        }
        result
    }

    /// Tells the regions where the packet is, if it may have changed.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if !self.unsettled {
            return;
        }
        self.unsettled = false;
        if let Some(packet) = self.context.packet() {
            let (start, end) = (packet.meta_addr(), packet.linear_end_addr());
            self.regions.set_packet(packet.block(), start, end - start);
        }
    }

    /// Limits how many instructions one run may execute.
    pub fn set_instruction_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Lets a watcher see every step.
    pub fn watch(&mut self, watcher: &'w mut dyn Watcher) {
        self.watcher = Some(watcher);
    }

    /// Whether anybody looks on.
    pub(crate) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// Shows the watcher what is before an instruction.
    #[cold]
    pub(crate) fn show(&mut self, at: InsnIdx, registers: &Registers) {
        if let Some(watcher) = self.watcher.take() {
            watcher.before(&Moment { run: self, at, registers: registers.all() });
            self.watcher = Some(watcher);
        }
    }

    /// Lends memory to the program, such as the buffer that a plain context points to.
    pub fn lend(&mut self, span: Span) {
        self.regions.lend(span);
    }

    /// How many instructions were executed, over all runs.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// The program that runs: after a tail call, the one that was called.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Goes on in another program.
    pub(crate) fn set_program(&mut self, program: Arc<Program>) {
        self.regions.set_maps(program.spans());
        self.program = program;
    }

    /// Loads from the context at an offset.
    pub(crate) fn load_context(&self, off: u32, size: Size, signed: bool) -> Result<u64, Fault> {
        let field = self.context.load(self.program.view(), off, size, signed);
        field.ok_or_else(|| self.context_fault(off, size, Access::Read))
    }

    /// Stores to the context at an offset.
    pub(crate) fn store_context(&mut self, off: u32, size: Size, value: u64) -> Result<(), Fault> {
        let stored = self.context.store(self.program.view(), off, size, value);
        stored.ok_or_else(|| self.context_fault(off, size, Access::Write))
    }

    #[cold]
    fn context_fault(&self, off: u32, size: Size, access: Access) -> Fault {
        let name = self.context.uapi_name();
        Fault::new(FaultKind::Context { access, off, size: size.bytes(), name })
    }

    /// The type of the program that runs.
    pub fn prog_type(&self) -> ProgType {
        self.program.prog_type()
    }

    /// The world that the run is in.
    pub fn world(&self) -> &'w dyn World {
        self.world
    }

    /// The CPU that the run is on.
    pub fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The context, to change it.
    pub fn context_mut(&mut self) -> &mut Context {
        self.unsettled = true;
        &mut self.context
    }

    /// The context, when the run is over.
    pub fn into_context(self) -> Context {
        self.context
    }

    /// The address of the context: what `r1` holds at the start.
    pub fn context_addr(&self) -> u64 {
        CONTEXT_HOME.as_ptr().addr() as u64
    }

    /// The offset in the context of an address in it.
    pub(crate) fn context_offset(&self, addr: u64) -> Option<u32> {
        let off = addr.checked_sub(self.context_addr())?;
        u32::try_from(off).ok().filter(|off| (*off as usize) < size_of_val(&CONTEXT_HOME))
    }

    /// Checks that a value is the context's address.
    pub fn check_context(&self, addr: u64) -> Result<(), Fault> {
        if addr == self.context_addr() {
            Ok(())
        } else {
            Err(Fault::new(FaultKind::NoContext(addr)))
        }
    }

    /// The packet.
    pub fn packet(&self) -> Result<&Packet, Fault> {
        self.context.packet().ok_or_else(|| Fault::helper("this program has no packet"))
    }

    /// The packet, to change it. Addresses that the program holds may go stale.
    pub fn packet_mut(&mut self) -> Result<&mut Packet, Fault> {
        self.unsettled = true;
        self.context.packet_mut().ok_or_else(|| Fault::helper("this program has no packet"))
    }

    /// `len` bytes at `addr`, if the program may read them.
    pub fn readable(&self, addr: u64, len: usize) -> Result<Bytes<'_>, Fault> {
        self.regions.readable(addr, len).ok_or_else(|| self.memory_fault(addr, len, Access::Read))
    }

    /// `len` bytes at `addr`, if the program may write them.
    pub fn writable(&self, addr: u64, len: usize) -> Result<BytesMut<'_>, Fault> {
        self.regions.writable(addr, len).ok_or_else(|| self.memory_fault(addr, len, Access::Write))
    }

    /// The map that a value names.
    pub fn map(&self, addr: u64) -> Result<&Arc<Map>, Fault> {
        let map = self.program.maps().iter().find(|map| map_addr(map) == addr);
        map.ok_or_else(|| Fault::new(FaultKind::NoMap(addr)))
    }

    /// Lets the program touch a ring buffer record that it reserved.
    pub fn grant(&mut self, record: Span) {
        self.regions.grant(record);
    }

    /// Takes a record back that begins at `addr`.
    pub fn revoke(&mut self, addr: u64) -> Result<Span, Fault> {
        let record = self.regions.revoke(addr);
        record.ok_or_else(|| Fault::helper(format!("{addr:#x} is no record that was reserved")))
    }

    /// Where the packet is to go, as the last redirect helper said.
    pub fn redirect(&self) -> Option<&Redirect> {
        self.redirect.as_ref()
    }

    /// Says where the packet is to go.
    pub fn set_redirect(&mut self, redirect: Option<Redirect>) {
        self.redirect = redirect;
    }

    /// Calls a function of the program, whose address the program passed to a helper.
    pub fn call_back(&mut self, func: u64, args: [u64; 5]) -> Result<u64, Fault> {
        interp::call_back(self, func, args)
    }

    /// The fault of an access that no region allows.
    #[cold]
    pub(crate) fn memory_fault(&self, addr: u64, size: usize, access: Access) -> Fault {
        let mut near = self.regions.list(addr);
        near.sort_by_key(|region| region.distance(addr));
        near.truncate(3);
        for region in &mut near {
            if let RegionKind::Map(index) = region.kind {
                region.map = self.program.maps().get(index).map(|map| map.name().to_owned());
            }
        }
        Fault::new(FaultKind::Memory { access, addr, size, near })
    }
}

/// The value that stands for a map in a program's registers.
pub(crate) fn map_addr(map: &Arc<Map>) -> u64 {
    Arc::as_ptr(map).addr() as u64
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("program", &self.program.name())
            .field("cpu", &self.cpu)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
