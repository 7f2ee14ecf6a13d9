//! What the machine must allow for a real kill: root, a memory controller, the kernel log.
//!
//! Without them a test cannot show anything. It then says so, unless `CI` is set: there a skipped test is a failure.

use std::fs::{File, OpenOptions};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cgroups_rs::fs::{Cgroup, hierarchies};

/// The kernel prints at most ten report headers in this time, over the whole machine.
const HEADER_WINDOW: Duration = Duration::from_secs(6);

/// Real kills share the kernel's rate limit, its log and the names of groups, so they come one test at a time: within
/// this process, and on the machine, where another run of the tests may be under way.
pub struct Kernel {
    // Given up in this order.
    _machine: File,
    _turn: MutexGuard<'static, ()>,
    storm: bool,
}

static TURN: Mutex<()> = Mutex::new(());

/// Who holds a lock on it has the machine's kernel.
const TURN_FILE: &str = "coroner-tests.lock";

impl Kernel {
    /// The kernel for this test alone, or `None` (after saying why) where it is out of reach.
    ///
    /// # Panics
    ///
    /// In continuous integration, where it must be in reach.
    #[must_use]
    pub fn take(test: &str) -> Option<Self> {
        if let Err(missing) = check() {
            assert!(std::env::var_os("CI").is_none(), "{test} cannot run: {missing}");
            eprintln!("SKIPPED {test}: {missing}");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self { _machine: machine_for(test), _turn: turn, storm: false })
    }

    /// Says that this test uses up the kernel's headers: the next one waits until they are printed again.
    pub fn expect_storm(&mut self) {
        self.storm = true;
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if self.storm {
            std::thread::sleep(HEADER_WINDOW);
        }
    }
}

/// Waits until no other process kills here. The lock ends with the process that holds it, however that ends.
fn machine_for(test: &str) -> File {
    let path = std::env::temp_dir().join(TURN_FILE);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.unwrap_or_else(|e| panic!("cannot open {}: {e}", path.display()));
    if file.try_lock().is_err() {
        eprintln!("{test} waits: another run of the tests holds {}", path.display());
        file.lock().unwrap_or_else(|e| panic!("cannot lock {}: {e}", path.display()));
    }
    file
}

fn check() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("it needs root to make control groups".to_owned());
    }
    OpenOptions::new()
        .read(true)
        .open("/dev/kmsg")
        .map_err(|e| format!("it needs /dev/kmsg: {e}"))?;
    let name = format!("coroner-probe-{}", std::process::id());
    let group = Cgroup::new_with_specified_controllers(
        hierarchies::auto(),
        &name,
        Some(vec!["memory".to_owned()]),
    )
    .map_err(|e| format!("it needs a memory controller that it may use: {e}"))?;
    group.delete().map_err(|e| format!("it cannot remove a control group: {e}"))
}
