//! How a watcher goes on after a failure, and what it tells of it.
//!
//! A watch that breaks and goes on where it was has missed nothing, so one failure is no news. What is told is told once
//! for as long as it lasts: a gap is opened, and closed when the watch runs again.

use std::time::Duration;

use coroner_core::kubernetes::{ApiChange, ApiGap};
use jiff::Timestamp;

use super::api::ApiError;
use super::backoff::jitter;
use super::health::Standing;
use super::watcher::{End, Watcher};

/// Failures in a row before a gap is told.
const FAILURES_OF_A_GAP: u32 = 2;

/// Longest wait that a busy server may ask for.
const LONGEST_BUSY: Duration = Duration::from_secs(120);

impl Watcher {
    /// Decides how to go on after a failure, and waits as long as that takes.
    pub(super) async fn failed(&mut self, e: ApiError) -> Result<(), End> {
        self.out.clear();
        self.health.failed(self.part);
        let listing = self.version.is_none();
        let wait = match e {
            ApiError::Expired => {
                self.version = None;
                if let Some(from) = self.heard.filter(|_| !listing) {
                    let reason = "the API server no longer had the changes since then; what is there now was listed anew";
                    let to = Some(Timestamp::now());
                    self.tell(ApiGap { part: self.part.part, from, to, reason: reason.to_owned() })
                        .await?;
                }
                self.backoff.next()
            }
            ApiError::NotUnderstood(_) if listing && self.streaming => {
                self.streaming = false;
                return Ok(());
            }
            ApiError::Refused { .. } if listing && !self.tried_both => {
                // One of the two verbs may be allowed.
                self.tried_both = true;
                self.streaming = !self.streaming;
                return Ok(());
            }
            ApiError::Refused { verb, words } => {
                let resource = self.part.resource;
                let standing = if listing {
                    Standing::Refused(words.clone())
                } else {
                    Standing::Polling(words.clone())
                };
                self.health.stands(self.part, standing);
                self.reading.missing();
                self.version = None;
                // Next time both ways are tried again: a role may have changed in between.
                self.tried_both = false;
                self.streaming = self.streaming && listing;
                self.missing(format!(
                    "the collector may not {verb} {resource} of all namespaces; grant it list and watch (docs/kubernetes.md). \
                     The API server says: {words}"
                ))
                .await?;
                // A server that has just begun refuses everything until it has read its roles.
                self.backoff.next().min(jitter(self.api.pace.refused_retry))
            }
            ApiError::Busy(seconds) => {
                let words = "it is busy, and asks to be left alone for a time".to_owned();
                self.away(words).await?;
                seconds.unwrap_or_default().min(LONGEST_BUSY) + self.backoff.next()
            }
            ApiError::Away(words) | ApiError::NotUnderstood(words) => {
                self.away(words).await?;
                self.backoff.next()
            }
            ApiError::TooLarge => {
                self.away("a page of one object is larger than is taken".to_owned()).await?;
                self.backoff.next()
            }
        };
        self.doubted = self.version.is_some();
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn away(&mut self, words: String) -> Result<(), End> {
        self.reading.missing();
        if self.backoff.failures() + 1 < FAILURES_OF_A_GAP {
            return Ok(());
        }
        self.health.stands(self.part, Standing::Away(words.clone()));
        self.missing(format!("the API server cannot be read: {words}")).await
    }

    /// Tells that something is missing, once for as long as it is.
    async fn missing(&mut self, reason: String) -> Result<(), End> {
        if self.gap.is_none() {
            let from = self.heard.unwrap_or_else(Timestamp::now);
            let gap = ApiGap { part: self.part.part, from, to: None, reason };
            self.gap = Some(gap.clone());
            self.tell(gap).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, gap: ApiGap) -> Result<(), End> {
        self.out.push(ApiChange::Gap(gap));
        self.send().await
    }
}
