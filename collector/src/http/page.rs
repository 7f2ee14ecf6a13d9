//! The page that shows the newest incidents. Plain HTML: no script, no style from elsewhere, everything escaped.

use coroner_core::incident::{Cause, Confidence};
use coroner_proto::v1::Incident;

/// What the page may load: its own inline style and nothing else.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Coroner</title>
<meta name=\"viewport\" content=\"width=device-width\">
<style>
body{font:15px/1.4 system-ui,sans-serif;margin:2em}
table{border-collapse:collapse}
th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid #ccc;vertical-align:top}
td.time{white-space:nowrap}
</style></head><body>
<h1>Coroner</h1>
";

/// The page.
pub(super) fn incidents(incidents: &[Incident]) -> String {
    let mut html = HEAD.to_owned();
    if incidents.is_empty() {
        html.push_str("<p>No incident is stored.</p>\n");
    } else {
        html.push_str("<table>\n<tr><th>Time</th><th>Node</th><th>Cause</th><th>Confidence</th><th>What happened</th><th>Incident</th></tr>\n");
        for incident in incidents {
            row(&mut html, incident);
        }
        html.push_str("</table>\n");
    }
    html.push_str("</body></html>\n");
    html
}

fn row(html: &mut String, incident: &Incident) {
    let time = incident.time.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanos).ok());
    let cause = Cause::try_from(incident.cause()).map_or("", Cause::name);
    let confidence = Confidence::try_from(incident.confidence()).map_or("", Confidence::name);
    html.push_str("<tr><td class=\"time\">");
    escape(html, &time.map(|t| format!("{t:.3}")).unwrap_or_default());
    for cell in [incident.node.as_str(), cause, confidence, &incident.summary, &incident.id] {
        html.push_str("</td><td>");
        escape(html, cell);
    }
    html.push_str("</td></tr>\n");
}

/// Adds text so that none of it can be taken for markup. Control characters, which HTML has no place for, are shown
/// as a sign.
fn escape(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text() {
        let incident = Incident {
            node: "<script>alert(1)</script>".to_owned(),
            summary: "\"><img src=x onerror='x'>\u{1b}[2J&amp;".to_owned(),
            ..Default::default()
        };
        let html = incidents(&[incident]);
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
        assert!(
            html.contains("&quot;&gt;&lt;img src=x onerror=&#39;x&#39;&gt;\u{fffd}[2J&amp;amp;"),
            "{html}"
        );
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }

    #[test]
    fn an_empty_store_says_so() {
        assert!(incidents(&[]).contains("<p>No incident is stored.</p>"));
    }
}
