//! CAP_SYSLOG for an agent that is not root.
//!
//! capabilities(7): a program with a file capability that is *permitted* and not *effective* starts everywhere, also where the
//! capability is not granted (an effective one makes execve(2) fail there), and may put into effect what it was granted.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// Puts CAP_SYSLOG into effect where this thread may. True when it is in effect now.
///
/// # Errors
/// When the kernel refuses what it should allow; `syslog(2)` cannot be read then.
pub fn take_up_syslog() -> Result<bool, Errno> {
    let mut sets = capabilities(None)?;
    if !sets.permitted.contains(CapabilitySet::SYSLOG) {
        return Ok(false);
    }
    if !sets.effective.contains(CapabilitySet::SYSLOG) {
        sets.effective |= CapabilitySet::SYSLOG;
        set_capabilities(None, sets)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capability is a thread's own, so another thread can give it up and take it up again.
    #[test]
    fn what_is_permitted_is_put_into_effect_and_nothing_else() {
        let before = capabilities(None).unwrap();
        let permitted = before.permitted.contains(CapabilitySet::SYSLOG);
        std::thread::spawn(move || {
            let lowered = CapabilitySet::SYSLOG.complement() & before.effective;
            let mut sets = before;
            sets.effective = lowered;
            set_capabilities(None, sets).unwrap();
            assert_eq!(take_up_syslog(), Ok(permitted));
            let after = capabilities(None).unwrap().effective;
            assert_eq!(after.difference(CapabilitySet::SYSLOG), lowered);
            assert_eq!(after.contains(CapabilitySet::SYSLOG), permitted);
            sets.permitted -= CapabilitySet::SYSLOG;
            sets.effective = lowered;
            set_capabilities(None, sets).unwrap();
            assert_eq!(take_up_syslog(), Ok(false));
        })
        .join()
        .unwrap();
    }
}
