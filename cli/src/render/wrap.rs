//! Breaking a paragraph into lines.
//!
//! A word that is longer than a line, such as a path, stays whole: people copy it. Width is counted in characters,
//! which is wrong for wide scripts by a few columns and never loses text.

/// Appends `text` to `out`, the first line behind `first`, the further ones behind as many blanks as `indent`.
pub(super) fn paragraph(out: &mut String, first: &str, indent: usize, text: &str, width: usize) {
    let mut used = first.chars().count();
    out.push_str(first);
    let mut at_start = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if !at_start && used + 1 + length > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            used = indent;
            at_start = true;
        }
        if !at_start {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
        at_start = false;
    }
    out.push('\n');
}

/// Appends parts side by side, on a further line what does not fit. A part stays whole.
pub(super) fn parts_in_lines(out: &mut String, parts: &[String], width: usize) {
    let mut used = 0;
    for part in parts {
        let length = part.chars().count();
        if used == 0 {
            used = length;
        } else if used + 3 + length > width {
            out.push_str("\n  ");
            used = 2 + length;
        } else {
            out.push_str("   ");
            used += 3 + length;
        }
        out.push_str(part);
    }
    out.push('\n');
}
