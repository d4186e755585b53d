//! Objectives as WebAssembly modules: a function of where the coordinates lie and how many they are.
//!
//! A module gets nothing from outside: no import, no clock, no file. What it may use is bounded by fuel
//! and memory, so that whether an evaluation fails follows from the module and the point alone, on any
//! machine and at any load. Every evaluation sees the module as it is after instantiation: one that
//! writes anywhere is instantiated anew each time, one that writes nowhere is used again.

mod scan;

use std::sync::{Mutex, PoisonError};

use darwin_engine::{Cancelled, LANES, Objective};
use wasmi::{
    Config, Engine, ExternType, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder,
    TypedFunc, TypedResumableCall, ValType,
};

/// Largest module, bytes.
pub(crate) const MAX_MODULE: usize = 2_000_000;
/// Fuel of an evaluation when none is given, and the most: an instruction takes about one.
pub(crate) const FUEL: u64 = 10_000_000;
pub(crate) const MAX_FUEL: u64 = 100_000_000;
/// Fuel between two looks at whether to stop: some milliseconds.
const SLICE: u64 = 500_000;
/// Bytes of a page of memory, and of a coordinate.
const PAGE: usize = 65_536;
const REAL: usize = 8;
/// Instances that wait for their next use.
const MOST_IDLE: usize = 64;
/// Entries of all tables of functions.
const TABLE: usize = 10_000;

/// What a module may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Instructions of one evaluation, about.
    pub(crate) fuel: u64,
    /// Bytes of memory.
    pub(crate) memory: usize,
}

/// Why a module cannot be an objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It wants something from outside, by name.
    Imports(String),
    /// What is wrong with it.
    Module(String),
    /// What is wrong with the function.
    Export(String),
}

/// A function of a module.
#[derive(Debug)]
pub(crate) struct WasmObjective {
    linker: Linker<StoreLimits>,
    module: Module,
    export: String,
    dimension: usize,
    allowance: Allowance,
    /// Whether an instance may be used again.
    pure: bool,
    idle: Mutex<Vec<Instance>>,
}

/// A module at work.
#[derive(Debug)]
struct Instance {
    store: Store<StoreLimits>,
    function: TypedFunc<(i32, i32), f64>,
    memory: Memory,
    /// Where the coordinates lie.
    place: usize,
}

impl WasmObjective {
    /// Check a module: it imports nothing, has a memory and such a function, and begins within what it
    /// is allowed.
    pub(crate) fn new(
        bytes: &[u8],
        export: &str,
        dimension: usize,
        allowance: Allowance,
    ) -> Result<Self, Unfit> {
        let engine = Engine::new(&config());
        let module = Module::new(&engine, bytes).map_err(|error| {
            Unfit::Module(format!("is no module of WebAssembly: {}", clean(&error.to_string())))
        })?;
        if let Some(import) = module.imports().next() {
            let name = format!("{}.{}", import.module(), import.name());
            return Err(Unfit::Imports(clean(&name)));
        }
        check_export(&module, export)?;
        if !matches!(module.get_export("memory"), Some(ExternType::Memory(_))) {
            return Err(Unfit::Module("exports no memory named `memory`".to_owned()));
        }
        let pure = scan::writes_nothing(bytes)
            .ok_or_else(|| Unfit::Module("cannot be read to its end".to_owned()))?;
        let objective = Self {
            linker: Linker::new(&engine),
            module,
            export: export.to_owned(),
            dimension,
            allowance,
            pure,
            idle: Mutex::default(),
        };
        let first = objective.instance().map_err(Unfit::Module)?;
        objective.put_back(first);
        Ok(objective)
    }

    /// A fresh instance, with room for the coordinates behind what memory it has.
    fn instance(&self) -> Result<Instance, String> {
        let Allowance { fuel, memory } = self.allowance;
        let limits = StoreLimitsBuilder::new()
            .memory_size(memory)
            .table_elements(TABLE)
            .instances(1)
            .memories(1)
            .build();
        let mut store = Store::new(self.module.engine(), limits);
        store.limiter(|limits| limits);
        let failed = |error: wasmi::Error| {
            let about = clean(&error.to_string());
            format!("does not begin with {memory} bytes of memory and {fuel} of fuel: {about}")
        };
        store.set_fuel(fuel).map_err(failed)?;
        let instance =
            self.linker.instantiate_and_start(&mut store, &self.module).map_err(failed)?;
        let function =
            instance.get_typed_func::<(i32, i32), f64>(&store, &self.export).map_err(failed)?;
        let memory = instance.get_memory(&store, "memory").ok_or("exports no memory")?;
        let place = memory.data_size(&store);
        let pages = (self.dimension * REAL).div_ceil(PAGE) as u64;
        memory
            .grow(&mut store, pages)
            .map_err(|_| format!("has a memory that cannot grow by {pages} pages for the point"))?;
        Ok(Instance { store, function, memory, place })
    }

    fn take(&self) -> Option<Instance> {
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // It began once, so it begins again.
        waiting.or_else(|| self.instance().ok())
    }

    fn put_back(&self, instance: Instance) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if self.pure && idle.len() < MOST_IDLE {
            idle.push(instance);
        }
    }

    /// The value at a point; not a number where the module fails.
    fn value(&self, x: impl Iterator<Item = f64>, cancelled: Cancelled<'_>) -> f64 {
        let called = self.take().and_then(|mut instance| {
            let value = instance.call(x, self.dimension, self.allowance.fuel, cancelled)?;
            self.put_back(instance);
            Some(value)
        });
        called.unwrap_or(f64::NAN)
    }
}

impl Instance {
    /// Call the function with so much fuel, in slices; none when it fails or there is no need any more.
    fn call(
        &mut self,
        x: impl Iterator<Item = f64>,
        dimension: usize,
        fuel: u64,
        cancelled: Cancelled<'_>,
    ) -> Option<f64> {
        let room = self.memory.data_mut(&mut self.store).get_mut(self.place..)?;
        for (bytes, x) in room.chunks_exact_mut(REAL).zip(x) {
            bytes.copy_from_slice(&x.to_le_bytes());
        }
        let first = fuel.min(SLICE);
        let mut left = fuel - first;
        self.store.set_fuel(first).ok()?;
        let at = (i32::try_from(self.place).ok()?, i32::try_from(dimension).ok()?);
        let mut state = self.function.call_resumable(&mut self.store, at).ok()?;
        loop {
            let call = match state {
                TypedResumableCall::Finished(value) => return Some(value),
                TypedResumableCall::OutOfFuel(call) => call,
                TypedResumableCall::HostTrap(_) => return None,
            };
            let more = SLICE.max(call.required_fuel()).min(left);
            if more == 0 || cancelled() {
                return None;
            }
            left -= more;
            let have = self.store.get_fuel().ok()?;
            self.store.set_fuel(have + more).ok()?;
            state = call.resume(&mut self.store).ok()?;
        }
    }
}

impl Objective for WasmObjective {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        self.evaluate_until(inputs, values, &|| false);
    }

    fn evaluate_until(
        &self,
        inputs: &[[f64; LANES]],
        values: &mut [f64],
        cancelled: Cancelled<'_>,
    ) {
        for (point, value) in values.iter_mut().enumerate() {
            if cancelled() {
                return;
            }
            *value = self.value(inputs.iter().map(|lanes| lanes[point]), cancelled);
        }
    }
}

/// What is the same on every machine, and bounded.
fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .set_max_recursion_depth(1000);
    config
}

fn check_export(module: &Module, export: &str) -> Result<(), Unfit> {
    let Some(found) = module.get_export(export) else {
        let functions = module.exports().filter(|one| matches!(one.ty(), ExternType::Func(_)));
        let names: Vec<String> = functions.take(20).map(|one| clean(one.name())).collect();
        let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Unfit::Export(format!("is exported by no such name; functions: {has}")));
    };
    let fits = matches!(&found, ExternType::Func(ty)
        if ty.params() == [ValType::I32, ValType::I32] && ty.results() == [ValType::F64]);
    if fits {
        return Ok(());
    }
    Err(Unfit::Export("must be a function of (i32, i32) that gives an f64".to_owned()))
}

/// Words of a module or about one, fit for a message.
fn clean(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests;
