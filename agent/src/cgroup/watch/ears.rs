//! Who is told of an OOM on cgroup v1: eventfds registered with `memory.oom_control`.
//!
//! cgroup-v1/memory.rst: writing `<eventfd> <fd of memory.oom_control>` into `cgroup.event_control` lets the eventfd
//! count each time the group, or one above it, is out of memory, and when the group is removed. It was measured to
//! come 0.4 ms before the kill is counted, and does not come when the whole node is out of memory. One eventfd can
//! listen to many groups: containers share a few, so that their number costs no descriptors, and the groups above
//! them get one each while there are some, which then tells how far up the limit was that was hit.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::super::Group;

/// Eventfds that containers share.
const SHARED: u8 = 32;

/// Eventfds at most; those beyond the shared are one group's each.
const EARS_MAX: u8 = 128;

/// The removal of a group is told within this time before or after its directory is seen to be gone, in microseconds.
const REMOVAL_US: u64 = 500_000;

/// All eventfds, in one epoll.
#[derive(Debug)]
pub(super) struct Ears {
    epoll: AsyncFd<OwnedFd>,
    ears: Vec<Option<OwnedFd>>,
    /// Own ones that are free.
    free: Vec<u8>,
    /// When each was told last, in microseconds of `CLOCK_MONOTONIC`.
    told_us: Vec<u64>,
    /// When a group that each listened to was removed last.
    removed_us: Vec<u64>,
}

impl Ears {
    /// # Errors
    /// When there are no descriptors left.
    pub(super) fn open() -> std::io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        #[allow(
            deprecated,
            reason = "its successor is unsafe; an OwnedFd that is never replaced keeps that contract"
        )]
        let epoll = AsyncFd::with_interest(epoll, Interest::READABLE)?;
        Ok(Self {
            epoll,
            ears: (0..EARS_MAX).map(|_| None).collect(),
            free: (SHARED..EARS_MAX).rev().collect(),
            told_us: vec![0; usize::from(EARS_MAX)],
            removed_us: vec![0; usize::from(EARS_MAX)],
        })
    }

    /// Listens to a group, with an ear of its own if `own` and there is one. Gives the ear, and whether it is its own.
    ///
    /// # Errors
    /// When `cgroup.event_control` cannot be opened (a mount that may only be read) or refuses (a kernel with
    /// PREEMPT_RT).
    pub(super) fn listen(
        &mut self,
        group: &Group,
        id: usize,
        own: bool,
    ) -> Result<(u8, bool), Errno> {
        let shared = || u8::try_from(id % usize::from(SHARED)).unwrap_or(0);
        let (ear, own) = match self.free.last().filter(|_| own) {
            Some(ear) => (*ear, true),
            None => (shared(), false),
        };
        let slot = self.ears.get_mut(usize::from(ear)).ok_or(Errno::INVAL)?;
        let fd = match slot {
            Some(fd) => fd,
            None => {
                let fd = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
                let data = epoll::EventData::new_u64(u64::from(ear));
                epoll::add(&self.epoll, &fd, data, epoll::EventFlags::IN)?;
                slot.insert(fd)
            }
        };
        let open = |name: &str, flags: OFlags| {
            let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            rustix::fs::openat(group.dir.as_fd(), name, flags, Mode::empty())
        };
        let control = open("memory.oom_control", OFlags::RDONLY)?;
        let register = open("cgroup.event_control", OFlags::WRONLY).map_err(|errno| {
            // The file is not there, or the group no longer is.
            let there = open("memory.oom_control", OFlags::RDONLY).is_ok();
            if errno == Errno::NOENT && there { Errno::NOSYS } else { errno }
        })?;
        let line = format!("{} {}", fd.as_raw_fd(), control.as_raw_fd());
        rustix::io::write(&register, line.as_bytes())?;
        if own {
            self.free.pop();
        }
        Ok((ear, own))
    }

    /// A group it listens to is gone, which the kernel tells as well; an ear of its own is given back.
    pub(super) fn release(&mut self, ear: u8, now_us: u64) {
        if let Some(removed) = self.removed_us.get_mut(usize::from(ear)) {
            *removed = now_us;
        }
        if (SHARED..EARS_MAX).contains(&ear) {
            self.free.push(ear);
            if let Some(told) = self.told_us.get_mut(usize::from(ear)) {
                *told = 0;
            }
        }
    }

    /// Waits until somebody is told. May be dropped and called again.
    pub(super) async fn ready(&self) {
        match self.epoll.readable().await {
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Who was told since the last call.
    pub(super) fn read(&mut self, now_us: u64) -> Vec<u8> {
        let mut events = Vec::with_capacity(usize::from(EARS_MAX));
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let spare = rustix::buffer::spare_capacity(&mut events);
        if epoll::wait(&self.epoll, spare, Some(&at_once)).is_err() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for event in events {
            let data = event.data;
            let Ok(ear) = u8::try_from(data.u64()) else { continue };
            let at = usize::from(ear);
            if let (Some(Some(fd)), Some(told)) = (self.ears.get(at), self.told_us.get_mut(at)) {
                // How often does not matter; read so that the next time is seen.
                let _ = rustix::io::read(fd, &mut [0; 8]);
                *told = now_us;
                out.push(ear);
            }
        }
        out
    }

    /// When an ear was told last, 0 if never; `None` where that may have been of a removal.
    pub(super) fn told_us(&self, ear: u8) -> Option<u64> {
        let at = |times: &[u64]| times.get(usize::from(ear)).copied().unwrap_or(0);
        let (told, removed) = (at(&self.told_us), at(&self.removed_us));
        let doubtful = told > 0 && removed > 0 && told.abs_diff(removed) < REMOVAL_US;
        (!doubtful).then_some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_removal_is_no_oom() {
        let mut ears = Ears::open().unwrap();
        assert_eq!(ears.told_us(3), Some(0));
        ears.told_us[3] = 5_000_000;
        assert_eq!(ears.told_us(3), Some(5_000_000));
        ears.release(3, 5_400_000);
        assert_eq!((ears.told_us(3), ears.told_us(4)), (None, Some(0)), "either may be");
        ears.told_us[3] = 6_000_000;
        assert_eq!(ears.told_us(3), Some(6_000_000));
    }
}
