//! What an answer must say, in words that a case can be written down with.
//!
//! Nothing here is derived from an answer: every value stands beside its case, written by hand from what is done there
//! and from what the kernel is known to show. Where a source is off, the case names every answer that is then honest.

use super::plan::{Off, Setting, Without};

/// What must be found of one case. Nothing else may be found.
#[derive(Debug, Default)]
pub struct Expected {
    /// The incidents, each exactly once.
    pub incidents: Vec<Wanted>,
    /// Containers come and go in the pod of this role, and end by themselves: that one of them ended may be told, and that
    /// nobody knows why, but of none that it was killed.
    pub passing: Option<&'static str>,
}

/// One incident.
#[derive(Debug)]
pub struct Wanted {
    /// Role of the container it is about; `None` for a process of the host.
    pub container: Option<&'static str>,
    /// Roles that must be among its victims, by process id.
    pub victims: Vec<&'static str>,
    /// Cause and confidence: any one of these.
    pub verdicts: Vec<(&'static str, &'static str)>,
    /// What became of it.
    pub outcome: Outcome,
    /// The text of `coroner why` contains each of these; `{app}` stands for the process id of role `app`.
    pub says: Vec<&'static str>,
    /// ... and none of these.
    pub says_not: Vec<&'static str>,
    /// It stands for this many kills in as many incidents as the product likes.
    pub kills: Option<usize>,
    /// Kills of processes of this name may stand outside the container, as kills of unknown cause: what would tell whose
    /// they were is off.
    pub strays: Option<&'static str>,
    /// Where it cannot be known, silence is honest too.
    pub may_be_missing: bool,
    /// It exists exactly where the process really is gone at the end: the kernel does not always take it.
    pub if_gone: bool,
}

/// What became of the one who was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exactly this.
    Is(&'static str),
    /// This, or nothing said: a source that would tell is off.
    IsOrUnknown(&'static str),
}

impl Expected {
    /// No incident at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// These.
    #[must_use]
    pub fn these(incidents: impl Into<Vec<Wanted>>) -> Self {
        Self { incidents: incidents.into(), passing: None }
    }

    /// And containers come and go in the pod of this role.
    #[must_use]
    pub fn beside(mut self, role: &'static str) -> Self {
        self.passing = Some(role);
        self
    }
}

impl Wanted {
    /// A container, or a process in it, was hit; the container ended.
    #[must_use]
    pub fn container(role: &'static str, cause: &'static str) -> Self {
        Self {
            container: Some(role),
            victims: vec![role],
            verdicts: vec![(cause, "Confirmed")],
            outcome: Outcome::Is("ContainerExited"),
            says: Vec::new(),
            says_not: Vec::new(),
            kills: None,
            strays: None,
            may_be_missing: false,
            if_gone: false,
        }
    }

    /// A process outside containers was hit.
    #[must_use]
    pub fn host(role: &'static str, cause: &'static str) -> Self {
        Self {
            container: None,
            outcome: Outcome::Is("HostProcessKilled"),
            ..Self::container(role, cause)
        }
    }

    /// The container lived on; the victim was another process of it, known by what the text says.
    #[must_use]
    pub fn survived(mut self) -> Self {
        self.outcome = Outcome::Is("ContainerSurvived");
        self.victims.clear();
        self
    }

    /// The text contains this.
    #[must_use]
    pub fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// The text does not contain this.
    #[must_use]
    pub fn says_not(mut self, text: &'static str) -> Self {
        self.says_not.push(text);
        self
    }

    /// Further victims of the same incident.
    #[must_use]
    pub fn and(mut self, role: &'static str) -> Self {
        self.victims.push(role);
        self
    }

    /// Stands for so many kills.
    #[must_use]
    pub fn kills(mut self, number: usize) -> Self {
        self.kills = Some(number);
        self.victims.clear();
        self
    }

    /// Without a source that would tell whose they were, kills of processes of this name may be nobody's.
    #[must_use]
    pub fn strays(mut self, when: bool, name: &'static str) -> Self {
        self.strays = when.then_some(name);
        self
    }

    /// Without this source the text need not say what only it can tell.
    #[must_use]
    pub fn says_with(self, there: bool, text: &'static str) -> Self {
        if there { self.says(text) } else { self }
    }

    /// These answers are right as well, wherever `when` is true.
    #[must_use]
    pub fn or(mut self, when: bool, verdicts: &[(&'static str, &'static str)]) -> Self {
        if when {
            self.verdicts.extend_from_slice(verdicts);
        }
        self
    }

    /// Only where the process really died: whether it does is not the same in every run.
    #[must_use]
    pub fn if_gone(mut self) -> Self {
        self.if_gone = true;
        self
    }

    /// Silence is honest, where `when` is true.
    #[must_use]
    pub fn maybe(mut self, when: bool) -> Self {
        self.may_be_missing |= when;
        self
    }

    /// What is right without each of the sources, for a kill by the kernel's OOM killer.
    ///
    /// - No kernel log: the trace names the victim, the counters whose limit it was; text and table are missing, so
    ///   what only they tell is not asked for.
    /// - No trace: the log is complete by itself. No cgroup files: the same, but what became of the container can only be
    ///   told from the process table.
    #[must_use]
    pub fn kernel_kill(mut self, setting: &Setting) -> Self {
        let cause = self.verdicts[0].0;
        if setting.fault == Without::Kmsg {
            // syslog(2) has no sequence numbers, so a loss cannot be told for certain.
            self.verdicts.push((cause, "Likely"));
        }
        match setting.off {
            Off::Nothing | Off::SignalTrace => {}
            Off::KernelLog => {
                self.verdicts.push((cause, "Likely"));
                self.says.clear();
            }
            Off::Cgroup => {
                self.verdicts.push((cause, "Likely"));
                if let Outcome::Is(name) = self.outcome {
                    self.outcome = Outcome::IsOrUnknown(name);
                }
            }
        }
        self
    }
}
