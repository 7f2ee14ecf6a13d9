use std::path::Path;

use coroner_core::finding::Source;
use rstest::rstest;

use super::Trace;

const GENERATED: &str = "print fmt: \"sig=%d errno=%d code=%d comm=%s pid=%d grp=%d res=%d\", REC->sig, REC->errno, REC->code, REC->comm, REC->pid, REC->group, REC->result\n";

/// What looks like tracefs, as far as `format` files go.
fn imitation(generated: &str, instances: bool) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let event = dir.path().join("events/signal/signal_generate");
    std::fs::create_dir_all(&event).unwrap();
    std::fs::write(event.join("format"), generated).unwrap();
    if instances {
        std::fs::create_dir(dir.path().join("instances")).unwrap();
    }
    dir
}

async fn status(tracefs: &Path, name: &str) -> String {
    let trace = Trace::start(tracefs, name).await;
    let status = trace.told();
    assert!(!status.reading && status.source == Source::SignalTrace && status.since.is_none());
    assert!(!trace.outbox.coverage.has_news());
    trace.end().await;
    status.detail
}

#[rstest]
#[case::absent(
    None,
    "(--tracing-root) is no tracefs, expected one like /sys/kernel/tracing: it has no directory `instances`"
)]
#[case::another_kernels_format(
    Some("print fmt: \"sig=%d code=%d comm=%s\", REC->sig, REC->code, REC->comm"),
    "prints no field `pid`, so its events cannot be read"
)]
#[case::a_broken_format(
    Some("garbage"),
    "has no line `print fmt: \"...`, so its events cannot be read"
)]
#[case::no_files_in_the_instance(Some(GENERATED), "trace_clock")]
#[tokio::test]
async fn one_sentence_says_what_is_wrong(#[case] generated: Option<&str>, #[case] why: &str) {
    let dir = imitation(generated.unwrap_or(GENERATED), generated.is_some());
    let detail = status(dir.path(), "x").await;
    assert!(detail.contains(why) && !detail.contains('\n'), "{detail}");
    assert!(!dir.path().join("instances/x").exists(), "nothing is left behind");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused() {
    let dir = imitation(GENERATED, true);
    let detail = status(dir.path(), "../x").await;
    assert!(detail.contains("`../x` is no name of a directory"), "{detail}");
}
