//! Lists one part of the API and then watches it, for ever.
//!
//! ```text
//!        ┌──────────── 410, or nothing known ───────────┐
//!        ▼                                              │
//!   everything: streaming list, or pages ──version──▶ changes since the version ◀─┐
//!        ▲        (whichever the server lets us)        └── ended, broken: again ──┘
//!        └── may list and not watch: every half minute
//! ```
//!
//! After a failure [`super::restored`] first asks whether the server still has that version.

use std::time::Duration;

use coroner_core::kubernetes::decode::{WatchLine, list_page, watch_line};
use coroner_core::kubernetes::{ApiChange, ApiGap, Seen};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::api::{Api, ApiError};
use super::backoff::Backoff;
use super::body::{Line, Lines, whole};
use super::health::{Health, Standing};
use super::list;
use super::parts::Part;
use super::reading::{Read, Reading};

/// A watch that lasted this long was one, though nothing happened.
const SOME_TIME: Duration = Duration::from_secs(5);

/// Watches one part.
pub(super) struct Watcher {
    pub(super) api: Api,
    pub(super) part: &'static Part,
    pub(super) reading: Box<dyn Reading>,
    pub(super) health: Health,
    changes: mpsc::Sender<Seen>,
    pub(super) backoff: Backoff,
    /// Lists are asked for as streams; else in pages.
    pub(super) streaming: bool,
    /// The other way to list was tried since the last success.
    pub(super) tried_both: bool,
    /// What was last told to be missing, and still is.
    pub(super) gap: Option<ApiGap>,
    /// When the last word came; at first, when we began to ask.
    pub(super) heard: Option<Timestamp>,
    /// When the last object or bookmark came, or the last list was whole. A watch that is accepted is no proof that the
    /// server goes on from where we are.
    pub(super) told: Option<Timestamp>,
    /// Where to go on; `None` to list.
    pub(super) version: Option<String>,
    /// Something failed since the last word: whether the server still has that version is asked before going on.
    pub(super) doubted: bool,
    page: u32,
    pub(super) out: Vec<ApiChange>,
}

/// Why a watch or a list ended early.
pub(super) enum End {
    /// Nobody listens any more.
    Stopped,
    Failed(ApiError),
}

impl From<ApiError> for End {
    fn from(e: ApiError) -> Self {
        Self::Failed(e)
    }
}

impl Watcher {
    pub(super) fn new(
        api: Api,
        part: &'static Part,
        reading: Box<dyn Reading>,
        health: Health,
        changes: mpsc::Sender<Seen>,
    ) -> Self {
        let backoff = Backoff::new(api.pace.first_retry, api.pace.longest_retry);
        let page = api.pace.page;
        health.stands(part, Standing::Starting);
        Self {
            api,
            part,
            reading,
            health,
            changes,
            backoff,
            streaming: true,
            tried_both: false,
            gap: None,
            heard: Some(Timestamp::now()),
            told: None,
            version: None,
            doubted: false,
            page,
            out: Vec::new(),
        }
    }

    /// Watches until nobody listens any more.
    pub(super) async fn run(mut self) {
        loop {
            let asked = Instant::now();
            let end = match (self.version.clone(), self.streaming) {
                (Some(version), _) if self.doubted => self.ask_version(&version).await,
                (Some(version), _) => {
                    self.watch(&list::watch(&self.api.pace, &version), false).await
                }
                (None, true) => self.watch(&list::streaming(&self.api.pace), true).await,
                (None, false) => self.pages().await,
            };
            let went_on = match end {
                // Servers end a watch when its time is over. One that does so at once, without a word, is unwell.
                Ok(true) => Ok(()),
                Ok(false) if asked.elapsed() >= SOME_TIME => Ok(()),
                Ok(false) => {
                    tokio::time::sleep(self.backoff.next()).await;
                    Ok(())
                }
                Err(End::Stopped) => return,
                Err(End::Failed(e)) => self.failed(e).await,
            };
            if went_on.is_err() {
                return;
            }
        }
    }

    /// Asks for a watch and follows it to its end. `initial`: it begins with all that is there. True if anything came.
    async fn watch(&mut self, query: &str, initial: bool) -> Result<bool, End> {
        let body = self.api.get(self.part, "watch", query).await?;
        // A server that does not know streaming lists may leave out the end of ours.
        let silence = if initial { self.api.pace.answer } else { self.api.pace.silence };
        let mut lines = Lines::new(body, self.api.pace.longest_line, silence);
        let (mut initial, mut any) = (initial, false);
        if initial {
            self.reading.begin();
        } else {
            self.watching().await?;
        }
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                Ok(None) if initial => return Err(unmarked("ended")),
                Ok(None) => return Ok(any),
                Err(ApiError::Away(_)) if initial && any => return Err(unmarked("fell silent")),
                Err(e) => return Err(e.into()),
            };
            any = true;
            self.heard = Some(Timestamp::now());
            self.told = self.heard;
            let Line::Is(line) = line else {
                self.health.too_long(self.part);
                continue;
            };
            match watch_line(&line) {
                Ok(WatchLine::Is(object)) => {
                    let read = self.reading.is(object, &mut self.out);
                    self.took(&read, initial);
                }
                Ok(WatchLine::Gone(object)) => {
                    let read = self.reading.gone(object, &mut self.out);
                    self.took(&read, initial);
                }
                Ok(WatchLine::Bookmark { resource_version, initial_events_end }) => {
                    if initial && initial_events_end {
                        initial = false;
                        self.reading.whole(&mut self.out);
                        self.health.listed(self.part);
                        self.send().await?;
                        self.watching().await?;
                        lines.be_patient(self.api.pace.silence);
                    }
                    if !initial {
                        self.version = Some(resource_version);
                    }
                }
                Ok(WatchLine::Error(status)) if status.code == Some(410) => {
                    return Err(ApiError::Expired.into());
                }
                Ok(WatchLine::Error(status)) => {
                    let words = status.message.or(status.reason).unwrap_or_default();
                    let words = coroner_core::escape::terminal(&words);
                    return Err(ApiError::Away(format!("it ended the watch: {words}")).into());
                }
                Err(problem) => {
                    let read = Read { unread: Some(problem), ..Read::default() };
                    self.health.took(self.part, &read);
                }
            }
            self.send().await?;
        }
    }

    /// Lists everything page by page.
    async fn pages(&mut self) -> Result<bool, End> {
        self.reading.begin();
        let mut next: Option<String> = None;
        loop {
            let query = list::page(self.page, next.as_deref());
            let body = self.api.get(self.part, "list", &query).await?;
            let pace = &self.api.pace;
            let bytes = match whole(body, pace.largest_page, pace.answer).await {
                Err(ApiError::TooLarge) if self.page > 1 => {
                    self.page = (self.page / 4).max(1);
                    continue;
                }
                other => other?,
            };
            let page = list_page(&bytes).map_err(|problem| ApiError::Away(problem.to_string()))?;
            for object in &page.items {
                let read = self.reading.is(object, &mut self.out);
                self.took(&read, true);
                self.send().await?;
            }
            self.heard = Some(Timestamp::now());
            self.told = self.heard;
            if page.next.is_some() {
                next = page.next;
                continue;
            }
            self.reading.whole(&mut self.out);
            self.health.listed(self.part);
            self.send().await?;
            self.version = Some(page.resource_version);
            return Ok(true);
        }
    }

    /// The watch runs: everything that happens from now on is seen.
    async fn watching(&mut self) -> Result<(), End> {
        self.backoff.reset();
        self.tried_both = false;
        self.heard = Some(Timestamp::now());
        self.health.stands(self.part, Standing::Watching);
        if let Some(mut gap) = self.gap.take() {
            gap.to = self.heard;
            self.out.push(ApiChange::Gap(gap));
            self.send().await?;
        }
        Ok(())
    }

    /// An object was read. Objects of a list come in no order, so their versions are nothing to go on from.
    fn took(&mut self, read: &Read, initial: bool) {
        self.health.took(self.part, read);
        if !initial && let Some(version) = &read.resource_version {
            self.version = Some(version.clone());
        }
    }

    pub(super) async fn send(&mut self) -> Result<(), End> {
        for change in self.out.drain(..) {
            let seen = Seen { at: Timestamp::now(), change };
            self.changes.send(seen).await.map_err(|_| End::Stopped)?;
        }
        Ok(())
    }
}

/// A streaming list without its end mark.
fn unmarked(how: &str) -> End {
    End::Failed(ApiError::NotUnderstood(format!("its streaming list {how} without an end mark")))
}
