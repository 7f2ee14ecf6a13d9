//! Failures and kills that are not the OOM killer's.

use super::*;
use crate::kernel::{
    AllocationFailure, Fault, FreeArea, HardwareMemoryError, Reaped, SlabFailure, Suppressed,
    Unverified, UserspaceKill, UserspaceKiller, VmallocFailure,
};

fn failure(order: i32, blocks: Vec<(u64, u64)>) -> Finding {
    finding(KernelEvent::AllocationFailure(Box::new(AllocationFailure {
        position: at(100),
        comm: "bigalloc".to_owned(),
        pid: Some(214),
        order: Some(order),
        gfp_mask: Some("0x40820(GFP_ATOMIC|__GFP_COMP)".to_owned()),
        free_areas: vec![
            FreeArea { node: 0, zone: "DMA".to_owned(), blocks: vec![(4096, 0), (65_536, 3)] },
            FreeArea { node: 0, zone: "Normal".to_owned(), blocks },
        ],
        free: Some(3_400_000_000),
        ..AllocationFailure::default()
    })))
}

#[test]
fn memory_in_pieces() {
    let incident = verdict(vec![failure(4, vec![(4096, 800_000), (65_536, 0)])]);
    is(&incident, Cause::MemoryFragmentation, Confidence::Confirmed);
    says(&incident, "3.1 GiB was free, but no block of 64 KiB (order 4) in zone Normal");
    says(&incident, "(3 such blocks were left in other zones");
    says(&incident, "could not wait");
    assert_eq!(incident.outcome, None);
    let kept = verdict(vec![failure(4, vec![(4096, 800_000), (65_536, 5)])]);
    is(&kept, Cause::MemoryFragmentation, Confidence::Likely);
    assert!(
        incident_of(&failure(0, vec![])).is_none(),
        "one page: memory was short, not scattered"
    );

    let slab = finding(KernelEvent::SlabFailure(SlabFailure {
        position: at(100),
        cache: Some("kmalloc-8k".to_owned()),
        min_order: Some(1),
        ..SlabFailure::default()
    }));
    let incident = verdict(vec![slab]);
    is(&incident, Cause::MemoryFragmentation, Confidence::Possible);
    says(&incident, "needs at least a block of 2 pages (order 1)");
}

#[test]
fn broken_memory() {
    let error = |pid, message: &str| {
        finding(KernelEvent::HardwareMemoryError(HardwareMemoryError {
            position: at(100),
            pid,
            comm: Some("java".to_owned()),
            pfn: Some("0x1234".to_owned()),
            message: message.to_owned(),
        }))
    };
    let incident =
        verdict(vec![error(Some(41), "Memory failure: 0x1234: Killing java:41 due to hardware")]);
    is(&incident, Cause::HardwareMemoryError, Confidence::Confirmed);
    says(&incident, "The kernel killed pid 41 (java) with SIGBUS at 12:00:03.412Z");
    is(
        &verdict(vec![error(None, "Memory failure: HWPoisoned page")]),
        Cause::HardwareMemoryError,
        Confidence::Likely,
    );
    assert!(incident_of(&error(None, "Machine check events logged")).is_none());
}

#[test]
fn killers_in_user_space() {
    let incident = verdict(vec![finding(KernelEvent::UserspaceKill(UserspaceKill {
        position: at(100),
        killer: UserspaceKiller::SystemdOomd,
        pid: None,
        comm: None,
        cgroup: Some(container()),
        message: "Killed ... due to memory pressure".to_owned(),
    }))]);
    is(&incident, Cause::UserspaceOomKiller, Confidence::Likely);
    assert!(incident.kernel.is_none(), "the kernel did not see it");
    assert_eq!(incident.container.and_then(|c| c.id).as_deref(), Some(ID));
    assert!(
        incident
            .summary
            .starts_with("systemd-oomd killed everything in container 0123456789ab of pod")
    );
}

#[test]
fn facts_that_are_nobodys_death() {
    for event in [
        KernelEvent::Reaped(Reaped::default()),
        KernelEvent::VmallocFailure(VmallocFailure::default()),
        KernelEvent::Fault(Fault::default()),
        KernelEvent::Unverified(Unverified::default()),
        KernelEvent::Suppressed(Suppressed::default()),
    ] {
        let finding = finding(event);
        assert!(incident_of(&finding).is_none());
        assert!(judge(&Case { findings: vec![finding], ..Case::default() }).is_none());
    }
    assert!(incident_of(&gap(1, 1)).is_none());
}
