//! The signal that the agent is ending, as each part sees it.

use tokio::sync::watch;

/// Gives the signal. Dropping it gives it too.
pub(crate) type Stopper = watch::Sender<bool>;

/// Sees the signal.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// A signal that is not given yet.
pub(crate) fn channel() -> (Stopper, Stop) {
    let (stopper, stop) = watch::channel(false);
    (stopper, Stop(stop))
}

impl Stop {
    /// Whether it was given.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is given. May be dropped and called again.
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_sees_it_also_late_and_when_the_giver_is_gone() {
        let (stopper, mut stop) = channel();
        let (other, mut orphan) = channel();
        assert!(!stop.is_set());
        stopper.send(true).unwrap();
        stop.wait().await;
        stop.clone().wait().await;
        assert!(stop.is_set());
        assert!(!orphan.is_set());
        drop(other);
        orphan.wait().await;
        assert!(orphan.is_set());
    }
}
