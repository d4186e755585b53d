//! What the system says of this process, read when somebody asks.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// CPU, memory and files of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) open_files: Option<u64>,
    pub(crate) started: u64,
}

impl Process {
    /// Ask the system; `None` where it does not tell. Nothing is kept: between two readings this
    /// costs no memory and no open file.
    pub(crate) fn read() -> Option<Self> {
        let own = sysinfo::get_current_pid().ok()?;
        let mut system = System::new();
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, kind);
        let process = system.process(own)?;
        let millis = u32::try_from(process.accumulated_cpu_time()).unwrap_or(u32::MAX);
        Some(Self {
            cpu_seconds: f64::from(millis) / 1e3,
            resident_bytes: process.memory(),
            open_files: process.open_files().and_then(|files| u64::try_from(files).ok()),
            started: process.start_time(),
        })
    }
}

/// The process collector of `/metrics`.
#[derive(Debug)]
pub(super) struct Collected;

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(process) = Process::read() else { return Ok(()) };
        let to = &mut encoder;
        let cpu = ConstCounter::new(process.cpu_seconds);
        put(to, "process_cpu", "CPU time used", Some(&Unit::Seconds), &cpu)?;
        let gauge = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        let memory = gauge(process.resident_bytes);
        put(to, "process_resident_memory", "Memory in RAM", Some(&Unit::Bytes), &memory)?;
        let (help, started) = ("Unix time of the start", gauge(process.started));
        put(to, "process_start_time", help, Some(&Unit::Seconds), &started)?;
        match process.open_files {
            Some(files) => put(to, "process_open_fds", "Open files", None, &gauge(files)),
            None => Ok(()),
        }
    }
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells_of_this_process() {
        let process = Process::read().expect("a process knows itself");
        assert!(process.resident_bytes > 1 << 20, "{process:?}");
        assert!(process.started > 1_700_000_000 && process.open_files > Some(2), "{process:?}");
    }
}
