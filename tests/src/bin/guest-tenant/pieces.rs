//! Scatters free memory, and asks the kernel for large blocks.
//!
//! A page written into a pipe is the kernel's own: it cannot be moved, so compaction does not help. A pipe's ring is one
//! block of 40 bytes a slot (`fs/pipe.c`), which gives blocks of any order; a message's control data is another
//! (`net/socket.c`), whose failure the kernel logs.

use std::fs::File;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType,
};
use rustix::pipe::{fcntl_setpipe_size, pipe};
use rustix::process::{Resource, Rlimit, setrlimit};

const PAGE: usize = 4096;
/// Slots, and so pages, of one pipe.
const SLOTS: usize = 256;

/// A pipe: read end and write end.
type Pipe = (OwnedFd, OwnedFd);

/// Takes memory until `keep` MiB are free, and gives every other page back. It lasts as long as what is returned.
pub(super) fn scatter(keep: u32) -> Result<Vec<Pipe>, String> {
    raise_file_limit()?;
    let mut held = Vec::new();
    let mut given_back = Vec::new();
    while free_kb()? > u64::from(keep) * 1024 {
        let (stays, goes) = (new_pipe(SLOTS)?, new_pipe(SLOTS)?);
        let (mut into_stays, mut into_goes) = (writer(&stays)?, writer(&goes)?);
        for _ in 0..SLOTS {
            for pipe in [&mut into_stays, &mut into_goes] {
                pipe.write_all(&[1; PAGE]).map_err(|e| format!("a page for a pipe: {e}"))?;
            }
        }
        held.push(stays);
        given_back.push(goes);
    }
    drop(given_back);
    // What was whole before stays whole: take the large blocks, the largest first.
    for order in (4..=10).rev() {
        held.extend(hold_rings(order, 5000));
    }
    Ok(held)
}

/// Pipes whose rings are blocks of this order, as many as the kernel gives.
pub(super) fn hold_rings(order: u32, at_most: u32) -> Vec<Pipe> {
    // 512 slots are 20 KiB, so 32 KiB: order 3.
    let slots = 512_usize << (order - 3);
    let _ = raise_file_limit();
    (0..at_most).map_while(|_| new_pipe(slots).ok()).collect()
}

/// Asks for one block of so many bytes until the kernel has none: what was freed since memory was scattered may have made
/// one, and then the request is granted and nothing is logged. Such blocks are taken first.
pub(super) fn fail_to_allocate(bytes: u32) -> Result<Vec<Pipe>, String> {
    let mut held = Vec::new();
    for granted in 0..20 {
        for order in (9..=10).rev() {
            held.extend(hold_rings(order, 5000));
        }
        if !allocate_block(bytes)? {
            println!("the kernel had no block after {granted} that it had");
            return Ok(held);
        }
    }
    Err("the kernel has a block each time".to_owned())
}

/// Sends a message with so many bytes of control data, which nobody can deliver; says whether the kernel had a block
/// for it.
fn allocate_block(bytes: u32) -> Result<bool, String> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)
        .map_err(|e| format!("a socket: {e}"))?;
    let descriptors: Vec<BorrowedFd<'_>> =
        std::iter::repeat_n(socket.as_fd(), bytes as usize / 4).collect();
    let mut space = vec![MaybeUninit::uninit(); bytes as usize + 64];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err("the control data has no room".to_owned());
    }
    let data = [std::io::IoSlice::new(b"x")];
    match rustix::net::sendmsg(&socket, &data, &mut control, SendFlags::empty()) {
        Err(Errno::NOBUFS) => Ok(false),
        // There is nowhere to send it to, which is found out afterwards.
        Ok(_) | Err(Errno::DESTADDRREQ | Errno::INVAL) => Ok(true),
        Err(other) => Err(format!("a message with control data: {other}")),
    }
}

fn new_pipe(slots: usize) -> Result<Pipe, String> {
    let new = pipe().map_err(|e| format!("a pipe: {e}"))?;
    fcntl_setpipe_size(&new.1, slots * PAGE).map_err(|e| format!("a ring: {e}"))?;
    Ok(new)
}

fn writer(pipe: &Pipe) -> Result<File, String> {
    pipe.1.try_clone().map(File::from).map_err(|e| format!("a pipe's end: {e}"))
}

fn free_kb() -> Result<u64, String> {
    let text = std::fs::read_to_string("/proc/meminfo").map_err(|e| e.to_string())?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemFree:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).ok_or("no MemFree".to_owned())
}

fn raise_file_limit() -> Result<(), String> {
    let many = Rlimit { current: Some(100_000), maximum: Some(100_000) };
    setrlimit(Resource::Nofile, many).map_err(|e| format!("the limit of open files: {e}"))
}
