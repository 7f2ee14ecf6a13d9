//! Bodies: a whole one, or one line after another, never more bytes than are allowed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;

use super::access::chain;
use super::api::ApiError;

/// The next piece of a body; `None` at its end.
async fn piece(body: &mut Body, silence: Duration) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::time::timeout(silence, body.frame())
            .await
            .map_err(|_| ApiError::Away(format!("nothing was sent for {silence:?}")))?;
        match frame {
            None => return Ok(None),
            Some(Err(e)) => return Err(ApiError::Away(chain(&e))),
            // Trailers hold nothing for us.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// A whole body.
pub(super) async fn whole(
    mut body: Body,
    largest: usize,
    silence: Duration,
) -> Result<Vec<u8>, ApiError> {
    let mut all = Vec::new();
    while let Some(data) = piece(&mut body, silence).await? {
        if all.len() + data.len() > largest {
            return Err(ApiError::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

/// The lines of a body.
#[derive(Debug)]
pub(super) struct Lines {
    body: Body,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of a line.
    searched: usize,
    /// In a line that is too long.
    skipping: bool,
    longest: usize,
    silence: Duration,
}

/// What a line was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Is(Bytes),
    /// One that was too long, and was skipped.
    TooLong,
}

impl Lines {
    pub(super) fn new(body: Body, longest: usize, silence: Duration) -> Self {
        let buffer = BytesMut::new();
        Self { body, buffer, searched: 0, skipping: false, longest, silence }
    }

    /// Allows another silence from now on.
    pub(super) fn be_patient(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// The next line; `None` at the end. Half a line before the end is none: the connection broke inside it.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, ApiError> {
        loop {
            let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                if std::mem::take(&mut self.skipping) {
                    return Ok(Some(Line::TooLong));
                }
                let line = line.freeze();
                return Ok(Some(Line::Is(line.slice(..line.len() - 1))));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.longest {
                self.skipping = true;
                self.buffer.clear();
                self.searched = 0;
            }
            match piece(&mut self.body, self.silence).await? {
                Some(data) => self.buffer.extend_from_slice(&data),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(5);

    async fn lines(text: &'static str, longest: usize) -> Vec<Line> {
        let mut lines = Lines::new(Body::from(text.as_bytes().to_vec()), longest, SILENCE);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_are_cut_at_their_ends() {
        let is = |text: &'static str| Line::Is(Bytes::from_static(text.as_bytes()));
        assert_eq!(lines("a\nbc\n\nhalf", 100).await, [is("a"), is("bc"), is("")]);
        assert_eq!(lines("", 100).await, []);
    }

    #[tokio::test]
    async fn bodies_have_an_end() {
        let body = || Body::from(vec![b'x'; 100]);
        assert_eq!(whole(body(), 100, SILENCE).await.unwrap().len(), 100);
        assert_eq!(whole(body(), 99, SILENCE).await, Err(ApiError::TooLarge));
    }
}
