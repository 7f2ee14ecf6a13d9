//! A comparison of what is expected with what was found that names what differs.

use serde_json::Value;

/// Every way in which an account differs from what is expected, one line each.
pub(crate) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, wanted) in expected.as_object().expect("expected.json is an object") {
        let got = &actual[key];
        match key.as_str() {
            "why" => {}
            "incomplete" => {
                let reports = got.as_array().into_iter().flatten();
                let reports: u64 = reports.map(|r| r["count"].as_u64().unwrap_or(1)).sum();
                if Some(reports) != wanted.as_u64() {
                    found.push(format!("incomplete: expected {wanted} reports, got {got}"));
                }
            }
            // Left open where it can be argued about.
            "unverified" if wanted.is_null() => {}
            "unverified" => {
                if got.as_array().map(Vec::len) != wanted.as_u64().and_then(|n| n.try_into().ok()) {
                    found.push(format!("unverified: expected {wanted} lines, got {got}"));
                }
            }
            "others" => {
                if got != wanted {
                    found.push(format!("others: expected {wanted}, got {got}"));
                }
            }
            _ => list_differences(key, wanted, got, &mut found),
        }
    }
    found
}

fn list_differences(key: &str, wanted: &Value, got: &Value, found: &mut Vec<String>) {
    let (wanted, got) = (wanted.as_array().unwrap(), got.as_array().unwrap());
    if wanted.len() != got.len() {
        let brief = |list: &[Value]| -> Vec<String> {
            list.iter().map(|e| format!("{} {}", e["pid"], e["comm"])).collect()
        };
        found.push(format!("{key}: expected {:?}, got {:?}", brief(wanted), brief(got)));
        return;
    }
    for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
        for (field, value) in wanted.as_object().unwrap() {
            if got.get(field) != Some(value) {
                let who = format!("{} {}", wanted["pid"], wanted["comm"]);
                let got = got.get(field).map_or("nothing".to_owned(), Value::to_string);
                found.push(format!("{key}[{index}] ({who}) {field}: expected {value}, got {got}"));
            }
        }
    }
}
