//! Where programs are made and loaded: kinds of program with their maps, the kernel, the verifier.

use skep_btf::Btf;
use skep_command::prog::FuncInfo;
use skep_command::{Engine, Handle};
use skep_linux::LinuxEngine;
use skep_spec::disasm::Listing;
use skep_spec::insn::{Imm64, Insn, Operand, Reg, Width};
use skep_spec::{Code, InsnIdx};
use skep_verifier::log::Level;

use crate::contain::States;
use crate::hook::{self, Hook};
use crate::judge::{self, Here, Kernel, Subject};
use crate::maps::{Handles, World};
use crate::random::Random;
use crate::{generate, mutate, types};

/// How many programs in a hundred are broken by a step.
const MUTATED: usize = 64;

/// A kind of program, with the maps that its programs use.
pub(crate) struct Place {
    pub(crate) hook: Hook,
    pub(crate) maps: Handles,
}

/// A program, as it is before the verifiers.
pub(crate) struct Program {
    pub(crate) place: usize,
    pub(crate) insns: Vec<Insn>,
    pub(crate) funcs: Vec<FuncInfo>,
    /// Whether what it does hangs on its input alone.
    pub(crate) repeatable: bool,
}

/// The program of a seed.
fn program(seed: u64, places: &[Place], maps: &[usize]) -> Option<Program> {
    let mut random = Random::new(seed);
    let weights: Vec<(usize, usize)> =
        places.iter().enumerate().map(|(index, place)| (place.hook.weight, index)).collect();
    let place = random.weighted(&weights);
    let made = generate::generate(&mut random, &places[place].hook, maps)?;
    let mut insns = made.insns;
    let mut repeatable = made.repeatable;
    if random.chance(MUTATED) {
        // What is broken may show addresses, which differ.
        repeatable = false;
        for _ in 0..if random.chance(85) { 1 } else { 2 } {
            while !mutate::mutate(&mut insns, &mut random) {}
        }
    }
    for insn in &mut insns {
        if let Insn::LoadImm64 { imm: Imm64::MapFd(map) | Imm64::MapValue { fd: map, .. }, .. } =
            insn
            && !usize::try_from(*map).is_ok_and(|map| maps.contains(&map))
        {
            // What is no map in the kernel, either.
            *map = -1;
        }
    }
    let at = made.functions.into_iter().map(InsnIdx);
    let funcs = at.zip(types::ids()).map(|(at, type_id)| FuncInfo { at, type_id }).collect();
    Some(Program { place, insns, funcs, repeatable })
}

/// Whether a kind of program is loaded at all.
fn loads(engine: &LinuxEngine, hook: &Hook, btf: Handle) -> bool {
    use skep_spec::abi::verdict::{Allowed, allowed};
    let least = match allowed(hook.prog_type, hook.attach) {
        Allowed::Range(least, _) => least,
        Allowed::Any | Allowed::ByTarget => 0,
    };
    let result = Insn::Mov { width: Width::W64, dst: Reg::R0, src: Operand::Imm(least) };
    let code = Code::from_iter([result, Insn::Exit]);
    match judge::kernel(engine, &Subject { hook, code: &code, funcs: &[], btf }) {
        Kernel::Accepted(handle) => {
            engine.close(handle);
            true
        }
        Kernel::Rejected(_) | Kernel::Limit(_) | Kernel::Failed(_) | Kernel::Silent => {
            eprintln!("skipped: this kernel loads no {} programs as such", hook.name());
            false
        }
    }
}

/// Where programs are loaded.
pub(crate) struct Bench {
    pub(crate) engine: LinuxEngine,
    pub(crate) places: Vec<Place>,
    world: World,
    /// The maps that there are, by number.
    maps: Vec<usize>,
    /// The programs' types.
    btf: Handle,
}

impl Bench {
    pub(crate) fn new() -> Result<Bench, String> {
        let text = |error: skep_command::Error| error.to_string();
        let engine = LinuxEngine::new().map_err(text)?;
        let kernel_types = std::fs::read("/sys/kernel/btf/vmlinux").ok();
        let kernel_types = kernel_types.and_then(|bytes| Btf::parse(&bytes).ok());
        let (types, bytes) = types::build()?;
        let btf = engine.btf_load(&bytes).map_err(text)?;
        let shared = Handles::new(&engine);
        let places: Vec<Place> = hook::all(kernel_types.as_ref())
            .into_iter()
            .filter(|hook| loads(&engine, hook, btf))
            .map(|hook| Place { hook, maps: shared.with_own_programs(&engine) })
            .collect();
        if places.is_empty() {
            return Err("the kernel loads no programs here: this takes root".into());
        }
        let world = World::new(&shared, engine.possible_cpus(), kernel_types, types);
        let maps = world.numbers().collect();
        Ok(Bench { engine, places, world, maps, btf })
    }

    /// The program of a seed.
    pub(crate) fn program(&self, seed: u64) -> Option<Program> {
        program(seed, &self.places, &self.maps)
    }

    /// What the kernel says of a program.
    pub(crate) fn kernel<T>(
        &self,
        program: &Program,
        ask: impl FnOnce(&LinuxEngine, &Subject<'_>) -> T,
    ) -> T {
        let place = &self.places[program.place];
        let code: Code = place.maps.put_into(&program.insns).into_iter().collect();
        let Program { funcs, .. } = program;
        ask(&self.engine, &Subject { hook: &place.hook, code: &code, funcs, btf: self.btf })
    }

    /// What the verifier says of a program.
    pub(crate) fn here(&self, program: &Program, log: Level) -> (Here, String) {
        let hook = &self.places[program.place].hook;
        let code: Code = program.insns.iter().copied().collect();
        let Program { funcs, .. } = program;
        judge::here(&self.world, &Subject { hook, code: &code, funcs, btf: self.btf }, log)
    }

    /// What the verifier says of the machine on all paths of a program.
    pub(crate) fn states(&self, program: &Program) -> Option<States> {
        let hook = &self.places[program.place].hook;
        let code: Code = program.insns.iter().copied().collect();
        let Program { funcs, .. } = program;
        judge::states(&self.world, &Subject { hook, code: &code, funcs, btf: self.btf })
    }

    /// Whether what a program does may hang on addresses.
    pub(crate) fn shows_addresses(&self, program: &Program) -> bool {
        let hook = &self.places[program.place].hook;
        let code: Code = program.insns.iter().copied().collect();
        let Program { funcs, .. } = program;
        judge::shows_addresses(&self.world, &Subject { hook, code: &code, funcs, btf: self.btf })
    }

    /// Prints a program and what both say of it.
    pub(crate) fn show(&self, seed: u64, ask_kernel: bool) {
        let Some(program) = self.program(seed) else { return };
        let code: Code = program.insns.iter().copied().collect();
        println!(
            "-- program {seed:#x}, {}, maps by number",
            self.places[program.place].hook.name()
        );
        println!("{}", Listing::new(&code));
        if ask_kernel {
            println!("-- kernel\n{}", self.kernel(&program, judge::kernel_log));
        }
        let (here, log) = self.here(&program, Level::All);
        println!("-- here: {here:?}\n{log}");
    }
}
