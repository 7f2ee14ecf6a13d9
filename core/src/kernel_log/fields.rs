//! Small readers for the `key:value` habits of kernel lines. All are total: what does not fit is `None`.

/// The digits at the start of `text` as a number, and what follows them.
pub(super) fn leading_number<T: std::str::FromStr>(text: &str) -> Option<(T, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// Like [`leading_number`], with a minus sign allowed.
pub(super) fn leading_signed(text: &str) -> Option<(i32, &str)> {
    let sign = usize::from(text.starts_with('-'));
    let digits = text.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(sign + digits);
    Some((number.parse().ok()?, rest))
}

/// The number right behind the first `key` in `text`; blanks between them are skipped.
pub(super) fn number_after<T: std::str::FromStr>(text: &str, key: &str) -> Option<T> {
    Some(leading_number(after(text, key)?.trim_start())?.0)
}

/// Like [`number_after`], with a minus sign allowed.
pub(super) fn signed_after(text: &str, key: &str) -> Option<i32> {
    Some(leading_signed(after(text, key)?.trim_start())?.0)
}

/// A size given in kB behind `key`, in bytes.
pub(super) fn kilobytes_after(text: &str, key: &str) -> Option<u64> {
    number_after::<u64>(text, key)?.checked_mul(1024)
}

/// What stands behind the first `key` in `text`.
pub(super) fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.find(key).map(|at| &text[at + key.len()..])
}

/// What stands between the first `start` and the next `end`, or the end of the text.
pub(super) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = after(text, start)?;
    Some(rest.find(end).map_or(rest, |at| &rest[..at]))
}
