//! The same numbers in the older text format, for whoever does not read OpenMetrics.
//!
//! Prometheus' text format 0.0.4 differs in what concerns us here: a counter's `TYPE` and `HELP` carry its whole name with
//! `_total`, information is a gauge named `_info`, and there is neither `UNIT` nor `EOF`.

/// Rewrites OpenMetrics text as prometheus-client writes it: `HELP`, `TYPE`, `UNIT`, then the samples of each metric.
pub(crate) fn text(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    // Stands before the type, which decides the name.
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, words)| words);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some(words) = help.take() {
                out.push_str(&format!("# HELP {name}{suffix} {words}\n"));
            }
            out.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn counters_and_information_carry_their_whole_name() {
        let open = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total{x=\"# y\"} 1\n# HELP h Time.\n# TYPE h histogram\n\
                    # UNIT h seconds\nh_sum 0.5\nh_bucket{le=\"+Inf\"} 1\n# HELP v V.\n# TYPE v info\nv_info{n=\"1\"} 1\n# EOF\n";
        assert_eq!(
            text(open),
            "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{x=\"# y\"} 1\n# HELP h Time.\n\
             # TYPE h histogram\nh_sum 0.5\nh_bucket{le=\"+Inf\"} 1\n# HELP v_info V.\n# TYPE v_info gauge\nv_info{n=\"1\"} 1\n"
        );
    }
}
