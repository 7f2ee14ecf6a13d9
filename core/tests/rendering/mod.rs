//! Raw records, printed the way people's tools print them: what ends up in bug reports, mails and log files.
//!
//! Only what the tools really do is done here (util-linux 2.38, systemd 252, rsyslog 8, a terminal, a mailer), so that
//! the parser meets the same text that a person would paste.

use serde_json::json;

/// One kernel record, unescaped as far as its line breaks go.
#[derive(Debug)]
pub(crate) struct Record {
    prio: u32,
    us: u64,
    /// The lines of the message; more than one where the kernel printed `\n` inside a record.
    lines: Vec<String>,
}

impl Record {
    fn stamp(&self) -> String {
        format!("[{:5}.{:06}]", self.us / 1_000_000, self.us % 1_000_000)
    }

    fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// Reads a saved log of raw records.
pub(crate) fn parse(log: &str) -> Vec<Record> {
    let lines = log.lines().filter(|line| !line.starts_with(' '));
    lines
        .map(|line| {
            let (head, text) = line.split_once(';').unwrap();
            let mut fields = head.split(',');
            let prio = fields.next().unwrap().parse().unwrap();
            let us = fields.nth(1).unwrap().parse().unwrap();
            Record { prio, us, lines: text.split("\\x0a").map(str::to_owned).collect() }
        })
        .collect()
}

/// A way to print a log, and its name.
pub(crate) type Format = (&'static str, fn(&[Record]) -> String);

/// All of them.
pub(crate) const FORMATS: [Format; 31] = [
    ("dmesg", |r| stamped(r, Record::stamp)),
    ("dmesg that repeats the stamp", |r| each_line(r, |r| format!("{} ", r.stamp()))),
    ("dmesg -T", |r| stamped(r, |_| "[Thu Dec  7 00:05:14 2017]".into())),
    ("dmesg -T in Chinese", |r| stamped(r, |_| "[四 3月 18 18:47:12 2021]".into())),
    ("dmesg -T in Japanese", |r| stamped(r, |_| "[月  1月 26 01:49:41 2026]".into())),
    ("dmesg -T in French", |r| stamped(r, |_| "[ven. nov. 28 07:26:44 2025]".into())),
    ("dmesg --time-format iso", |r| stamped(r, |_| "2025-11-28T07:26:44,123456+01:00".into())),
    ("dmesg -x", |r| stamped(r, |r| format!("{} {}", facility_and_level(r), r.stamp()))),
    ("dmesg --raw", |r| each_line(r, |r| format!("<{}>{} ", r.prio, r.stamp()))),
    ("console without stamps", |r| each_line(r, |r| format!("<{}>", r.prio & 7))),
    ("dmesg with callers", |r| stamped(r, |r| format!("{}[ T3106]", r.stamp()))),
    ("console with callers", |r| stamped(r, |r| format!("{} [    C1]", r.stamp()))),
    ("journalctl", |r| stamped(r, |_| "Feb 03 19:57:08 node-7 kernel:".into())),
    ("journalctl in Russian", |r| stamped(r, |_| "апр 28 19:57:08 node-7 kernel:".into())),
    ("journalctl in French", |r| stamped(r, |_| "avril 16 19:57:08 node-7 kernel:".into())),
    ("journalctl short-precise", |r| {
        stamped(r, |_| "Feb 03 19:57:08.004211 node-7 kernel:".into())
    }),
    ("journalctl short-iso", |r| stamped(r, |_| "2026-09-02T09:08:50+00:00 node-7 kernel:".into())),
    ("journalctl short-monotonic", |r| stamped(r, |r| format!("{} node-7 kernel:", r.stamp()))),
    ("journalctl json", |r| journal(r, |text| json!(text))),
    ("journalctl json with byte arrays", |r| journal(r, |text| json!(text.as_bytes()))),
    ("syslog of Ubuntu", |r| {
        each_line(r, |r| format!("Feb  3 19:57:08 node-7 kernel: {} ", r.stamp()))
    }),
    ("syslog of RHEL", |r| each_line(r, |_| "Feb  3 19:57:08 node-7 kernel: ".into())),
    ("rsyslog with ISO stamps and #012", rsyslog),
    ("a quoted mail", |r| prefix_lines("> ", &dmesg(r))),
    ("a mail quoted twice", |r| prefix_lines("> > ", &dmesg(r))),
    ("Windows line ends", |r| dmesg(r).replace('\n', "\r\n")),
    ("no prefix at all", |r| each_line(r, |_| String::new())),
    ("a terminal of 80 columns", |r| wrap_anywhere(&dmesg(r), 80)),
    ("a mailer that wraps at 72", |r| wrap_at_blanks(&dmesg(r), 72)),
    ("a hypervisor's console log", |r| {
        each_line(r, |r| {
            format!("2025-03-04T14:14:07.123Z| vcpu-5| I005: Guest: <{}>{} ", r.prio & 7, r.stamp())
        })
    }),
    ("broadcasts of syslogd", |r| {
        let head = "\nMessage from syslogd@node-7 at Mar  4 14:14:07 ...\n kernel:";
        each_line(r, |r| format!("{head}{} ", r.stamp()))
    }),
];

fn dmesg(records: &[Record]) -> String {
    stamped(records, Record::stamp)
}

/// Further lines of a record are set in under the first one, as dmesg and journalctl do.
fn stamped(records: &[Record], stamp: fn(&Record) -> String) -> String {
    let mut out = String::new();
    for record in records {
        let stamp = stamp(record);
        let indent = format!("\n{:width$} ", "", width = stamp.chars().count());
        out.push_str(&format!("{stamp} {}\n", record.lines.join(&indent)));
    }
    out
}

/// Every line of a record stands for itself.
fn each_line(records: &[Record], prefix: impl Fn(&Record) -> String) -> String {
    let mut out = String::new();
    for record in records {
        for line in &record.lines {
            out.push_str(&format!("{}{line}\n", prefix(record)));
        }
    }
    out
}

fn facility_and_level(record: &Record) -> String {
    let facility = if record.prio >> 3 == 0 { "kern" } else { "user" };
    let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let level = usize::try_from(record.prio & 7).ok().and_then(|n| levels.get(n)).unwrap();
    format!("{facility:<6}:{level:<6}:")
}

fn journal(records: &[Record], message: fn(&str) -> serde_json::Value) -> String {
    let mut out = String::new();
    for record in records {
        let entry = json!({
            "__CURSOR": "s=1;i=2;b=3", "__REALTIME_TIMESTAMP": "1738612628004211", "_HOSTNAME": "node-7",
            "_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel",
            "SYSLOG_FACILITY": (record.prio >> 3).to_string(), "PRIORITY": (record.prio & 7).to_string(),
            "_SOURCE_MONOTONIC_TIMESTAMP": record.us.to_string(), "MESSAGE": message(&record.text()),
        });
        out.push_str(&format!("{entry}\n"));
    }
    out
}

fn rsyslog(records: &[Record]) -> String {
    let mut out = String::new();
    for record in records {
        let text = record.lines.join("#012").replace('\t', "#011");
        out.push_str(&format!(
            "2026-09-02T09:08:50.123456+00:00 node-7 kernel: {} {text}\n",
            record.stamp()
        ));
    }
    out
}

fn prefix_lines(prefix: &str, text: &str) -> String {
    text.lines().map(|line| format!("{prefix}{line}\n")).collect()
}

fn wrap_anywhere(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let letters: Vec<char> = line.chars().collect();
        for row in letters.chunks(columns) {
            out.extend(row);
            out.push('\n');
        }
    }
    out
}

fn wrap_at_blanks(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for mut line in text.lines() {
        while line.len() > columns {
            let room = &line[..line.floor_char_boundary(columns + 1)];
            // A word that is too long stays whole and the line breaks after it.
            let blank = room.rfind(' ').filter(|&at| at > 0).or_else(|| line.find(' '));
            let Some(at) = blank else { break };
            out.push_str(&format!("{}\n", &line[..at]));
            line = &line[at + 1..];
        }
        out.push_str(&format!("{line}\n"));
    }
    out
}
