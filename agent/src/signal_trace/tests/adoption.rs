use super::{Trace, sleeper, tracefs, unique};

#[tokio::test]
async fn it_is_removed_at_the_end() {
    let Some((tracefs, _turn)) = tracefs("it_is_removed_at_the_end").await else { return };
    let trace = Trace::start(&tracefs, &unique("removed")).await;
    let instance = trace.instance.clone();
    assert!(instance.exists());
    trace.end().await;
    assert!(!instance.exists());
}

#[tokio::test]
async fn what_a_killed_agent_left_is_read_by_the_next_one() {
    let Some((tracefs, _turn)) = tracefs("what_a_killed_agent_left").await else { return };
    let name = unique("adopted");
    let trace = Trace::start(&tracefs, &name).await;
    let (instance, mut victim) = (trace.instance.clone(), sleeper());
    // A task that is dropped gives back what the kernel takes from a killed process: descriptors and locks.
    trace.task.abort();
    let _ = trace.task.await;
    assert!(instance.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();

    let mut next = Trace::start(&tracefs, &name).await;
    assert_eq!(next.instance, instance);
    let kill = next.kill_of(victim.id()).await;
    assert_eq!((kill.receiver.traced_id(), kill.code), (victim.id(), 0));
    next.end().await;
    assert!(!instance.exists());
}

#[tokio::test]
async fn two_agents_on_a_node_do_not_share_one() {
    let Some((tracefs, _turn)) = tracefs("two_agents_on_a_node").await else { return };
    let name = unique("two");
    let mut first = Trace::start(&tracefs, &name).await;
    let mut second = Trace::start(&tracefs, &name).await;
    let numbered = tracefs.join("instances").join(format!("{name}-2"));
    let there = (first.instance.exists(), numbered.exists());
    assert_eq!(there, (true, true), "{:?} {:?}", first.told(), second.told());
    let mut victim = sleeper();
    victim.kill().unwrap();
    victim.wait().unwrap();
    let (one, two) = (first.kill_of(victim.id()).await, second.kill_of(victim.id()).await);
    assert_eq!(one.receiver.pid, two.receiver.pid, "each sees all");
    second.end().await;
    assert!(first.instance.exists() && !numbered.exists());
    first.end().await;
}
