//! Finds the sizes of heaps in a container's command line and environment.
//!
//! `java -Xmx512m`, also inside `sh -c "..."`, `JAVA_TOOL_OPTIONS`, Node's `--max-old-space-size` (in MiB), `GOMEMLIMIT`
//! (`runtime/debug`: a number with B, KiB, MiB, GiB or TiB), .NET's `DOTNET_GCHeapHardLimit` (hexadecimal). Variables that
//! take their value from elsewhere have none here, and `$(NAME)` is not looked up: what is not plain is left out. Only
//! these settings are kept; command lines and environments hold people's passwords.

use serde::Deserialize;

use super::field::{Field, objects};
use super::reader::Reader;
use crate::kubernetes::{HeapOrigin, HeapRuntime, HeapSetting, HeapSize};

/// Most settings of one container that are kept.
const MOST: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Variable {
    name: Field<String>,
    value: Field<String>,
}

objects!(Variable);

/// Name and value of a variable that has both.
pub(super) fn variable(reader: &mut Reader, variable: Variable) -> Option<(String, String)> {
    let name = reader.word("name", variable.name)?;
    Some((name, reader.word("value", variable.value)?))
}

/// All settings, in the order in which they stand.
pub(super) fn settings(
    command: &[String],
    args: &[String],
    env: &[(String, String)],
) -> Vec<HeapSetting> {
    let command = words(command, &HeapOrigin::Command);
    let args = words(args, &HeapOrigin::Args);
    let env = env.iter().flat_map(|(name, value)| {
        let value = value.as_str();
        let origin = HeapOrigin::Env(name.clone());
        let options =
            if holds_options(name) { words(&[value.to_owned()], &origin) } else { Vec::new() };
        options.into_iter().chain(whole_value(name, value).map(|(runtime, size)| HeapSetting {
            runtime,
            option: name.clone(),
            size,
            origin,
        }))
    });
    command.into_iter().chain(args).chain(env).take(MOST).collect()
}

/// Variables that hold a command line's options.
fn holds_options(name: &str) -> bool {
    matches!(
        name,
        "JAVA_TOOL_OPTIONS"
            | "_JAVA_OPTIONS"
            | "JDK_JAVA_OPTIONS"
            | "JAVA_OPTS"
            | "JAVA_OPTIONS"
            | "CATALINA_OPTS"
            | "NODE_OPTIONS"
    )
}

/// Settings among the options in some words. A word may be a whole command line for a shell.
fn words(words: &[String], origin: &HeapOrigin) -> Vec<HeapSetting> {
    let pieces = words.iter().flat_map(|word| word.split_ascii_whitespace());
    let pieces = pieces.map(|piece| piece.trim_matches(|c| matches!(c, '\'' | '"' | ';')));
    let settings = pieces.filter_map(option);
    let setting = |(runtime, option, size): (_, &str, _)| HeapSetting {
        runtime,
        option: option.to_owned(),
        size,
        origin: origin.clone(),
    };
    settings.map(setting).take(MOST).collect()
}

/// One option with its value in the same word.
fn option(word: &str) -> Option<(HeapRuntime, &str, HeapSize)> {
    use HeapRuntime::{Java, Node};
    if let Some(size) = word.strip_prefix("-Xmx") {
        return Some((Java, "-Xmx", HeapSize::Bytes(java_size(size)?)));
    }
    let (name, value) = word.split_once('=')?;
    match name {
        "-XX:MaxHeapSize" => Some((Java, name, HeapSize::Bytes(java_size(value)?))),
        "-XX:MaxRAMPercentage" => Some((Java, name, HeapSize::OfLimit(hundredths(value)?))),
        "-XX:MaxRAMFraction" => {
            let share = 10_000_u32.checked_div(value.parse().ok()?)?;
            Some((Java, name, HeapSize::OfLimit(share)))
        }
        "--max-old-space-size" | "--max_old_space_size" => {
            let bytes = value.parse::<u64>().ok()?.checked_mul(1 << 20)?;
            Some((Node, "--max-old-space-size", HeapSize::Bytes(bytes)))
        }
        "--max-old-space-size-percentage" => {
            Some((Node, name, HeapSize::OfLimit(hundredths(value)?)))
        }
        _ => None,
    }
}

/// Variables that are one setting.
fn whole_value(name: &str, value: &str) -> Option<(HeapRuntime, HeapSize)> {
    let hexadecimal = || {
        let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")).unwrap_or(value);
        u64::from_str_radix(digits, 16).ok()
    };
    match name {
        "GOMEMLIMIT" => Some((HeapRuntime::Go, HeapSize::Bytes(go_size(value)?))),
        "DOTNET_GCHeapHardLimit" | "COMPlus_GCHeapHardLimit" => {
            Some((HeapRuntime::DotNet, HeapSize::Bytes(hexadecimal()?)))
        }
        "DOTNET_GCHeapHardLimitPercent" | "COMPlus_GCHeapHardLimitPercent" => {
            let percent = u32::try_from(hexadecimal()?).ok().filter(|percent| *percent <= 100)?;
            Some((HeapRuntime::DotNet, HeapSize::OfLimit(percent * 100)))
        }
        _ => None,
    }
}

/// `512m`, `1G`, `1073741824`: Java's units are powers of 1024.
fn java_size(text: &str) -> Option<u64> {
    let (number, factor) = match text.bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        b'g' | b'G' => (&text[..text.len() - 1], 1 << 30),
        b't' | b'T' => (&text[..text.len() - 1], 1 << 40),
        _ => (text, 1_u64),
    };
    plain(number)?.checked_mul(factor)
}

/// `512MiB`, `1073741824`, not `off`.
fn go_size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor = match &text[digits..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    plain(&text[..digits])?.checked_mul(factor)
}

/// Digits and nothing else: Rust would take a `+` too.
fn plain(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// `75`, `75.0`, `12.5` percent in hundredths; nothing above 100.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole = plain(whole).filter(|whole| *whole <= 100)?;
    let mut part = part.bytes().map(|b| char::from(b).to_digit(10)).collect::<Option<Vec<_>>>()?;
    part.resize(2, 0);
    let share = u32::try_from(whole).ok()? * 100 + part[0] * 10 + part[1];
    (share <= 10_000).then_some(share)
}
