//! The kubelet's own numbers: what it was told to keep for itself and for the system.
//!
//! They come as its flags do (`--kube-reserved=cpu=100m,memory=1Gi`), as a bare quantity, or out of a
//! `KubeletConfiguration` (kubelet.config.k8s.io/v1beta1), which is YAML or JSON. Of that file two maps matter,
//! `kubeReserved` and `systemReserved`, each of plain strings; only these are looked for, in block or flow style. That
//! is far less than YAML has, and what is not understood is refused, never guessed.

use std::path::Path;

use coroner_core::escape::terminal;
use coroner_core::headroom::quantity;

/// More than any configuration has.
const FILE_MAX: u64 = 1 << 20;

/// What the kubelet was told, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// kube-reserved memory.
    pub kube: Option<u64>,
    /// system-reserved memory.
    pub system: Option<u64>,
}

/// A reservation or a configuration that cannot be read, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReservedError(String);

/// Reads the value of `flag`: a quantity, or the kubelet's map of them. `None` when the map has no memory.
///
/// # Errors
/// When it is neither.
pub fn reserved(flag: &str, value: &str) -> Result<Option<u64>, ReservedError> {
    let wrong = |what: String| ReservedError(format!("{flag}: {what}"));
    if !value.contains('=') {
        return quantity(value).map(Some).map_err(|error| wrong(error.to_string()));
    }
    let mut memory = None;
    for pair in value.split(',') {
        let (key, amount) = pair.split_once('=').ok_or_else(|| {
            wrong(format!("`{}` is not NAME=QUANTITY, as in cpu=100m,memory=1Gi", terminal(pair)))
        })?;
        if key.trim() == "memory" {
            memory = Some(quantity(amount).map_err(|error| wrong(error.to_string()))?);
        }
    }
    Ok(memory)
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read, or one of the two maps is not understood.
pub(crate) fn configuration(path: &Path) -> Result<Reserved, ReservedError> {
    let wrong = |what: String| ReservedError(format!("{}: {what}", path.display()));
    let read = || -> std::io::Result<Vec<u8>> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_MAX {
        return Err(wrong(format!("is larger than {FILE_MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no text".to_owned()))?;
    parse(&text).map_err(wrong)
}

fn parse(text: &str) -> Result<Reserved, String> {
    if text.trim_start().starts_with('{') {
        return json(text);
    }
    Ok(Reserved { kube: block(text, "kubeReserved")?, system: block(text, "systemReserved")? })
}

fn json(text: &str) -> Result<Reserved, String> {
    let document: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
    let memory = |map: &str| match document.get(map).and_then(|map| map.get("memory")) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(amount)) => amount_of(map, amount).map(Some),
        Some(serde_json::Value::Number(amount)) => amount_of(map, &amount.to_string()).map(Some),
        Some(_) => Err(format!("{map}.memory is neither a string nor a number")),
    };
    Ok(Reserved { kube: memory("kubeReserved")?, system: memory("systemReserved")? })
}

/// `memory` of a map at the top of a YAML document.
fn block(text: &str, map: &str) -> Result<Option<u64>, String> {
    let mut lines = text.lines().map(uncommented);
    let Some(head) = lines.find_map(|line| line.strip_prefix(map)?.trim_start().strip_prefix(':'))
    else {
        return Ok(None);
    };
    match head.trim() {
        "" => {}
        "null" | "~" | "{}" => return Ok(None),
        flow => return self::flow(map, flow),
    }
    // Everything indented belongs to the map; the first line that is not ends it.
    for line in lines.filter(|line| !line.trim().is_empty()) {
        if !line.starts_with([' ', '\t']) {
            break;
        }
        let (key, amount) = pair(map, line)?;
        if key == "memory" {
            return amount_of(map, amount).map(Some);
        }
    }
    Ok(None)
}

/// `{cpu: 100m, memory: 1Gi}`.
fn flow(map: &str, text: &str) -> Result<Option<u64>, String> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let inner = inner.ok_or_else(|| {
        format!("{map} is `{}`, which is no map like {{memory: 1Gi}} on one line", terminal(text))
    })?;
    for part in inner.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, amount) = pair(map, part)?;
        if key == "memory" {
            return amount_of(map, amount).map(Some);
        }
    }
    Ok(None)
}

fn pair<'a>(map: &str, line: &'a str) -> Result<(&'a str, &'a str), String> {
    let (key, amount) = line
        .split_once(':')
        .ok_or_else(|| format!("`{}` in {map} is not NAME: QUANTITY", terminal(line.trim())))?;
    Ok((unquoted(key), unquoted(amount)))
}

fn amount_of(map: &str, amount: &str) -> Result<u64, String> {
    quantity(amount).map_err(|error| format!("{map}.memory: {error}"))
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// A line without what follows a `#` that begins a word.
fn uncommented(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    line.find(" #").map_or(line, |at| line.get(..at).unwrap_or(line)).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1Gi", Ok(Some(1 << 30)))]
    #[case("cpu=100m,memory=512Mi,ephemeral-storage=1Gi", Ok(Some(512 << 20)))]
    #[case("cpu=100m", Ok(None))]
    #[case("memory=lots", Err("--kube-reserved: `lots` is no quantity"))]
    #[case("cpu=1,memory", Err("--kube-reserved: `memory` is not NAME=QUANTITY"))]
    #[case("", Err("--kube-reserved: `` is no quantity"))]
    fn flags(#[case] value: &str, #[case] expected: Result<Option<u64>, &str>) {
        match (reserved("--kube-reserved", value), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read, expected),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (read, expected) => panic!("{read:?} is not {expected:?}"),
        }
    }

    const YAML: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
        evictionHard:\n  memory.available: 100Mi\nkubeReserved: # for the kubelet\n  cpu: 100m\n\n  # more\n  \
        \"memory\": \"1Gi\"\nsystemReserved: {cpu: 50m, memory: '512Mi'}\nmemory: 7\n";

    #[test]
    fn configurations_of_every_style() {
        let both = Reserved { kube: Some(1 << 30), system: Some(512 << 20) };
        assert_eq!(parse(YAML), Ok(both));
        let json = r#"{"kind":"KubeletConfiguration","kubeReserved":{"memory":"1Gi"},"systemReserved":{"memory":536870912}}"#;
        assert_eq!(parse(json), Ok(both));
        for none in [
            "",
            "kind: KubeletConfiguration\n",
            "kubeReserved: {}\nsystemReserved: null\n",
            "{}",
            "kubeReserved:\nsystemReserved:\n  cpu: 1\n",
        ] {
            assert_eq!(parse(none), Ok(Reserved::default()), "{none:?}");
        }
    }

    #[rstest]
    #[case("kubeReserved:\n  memory: plenty\n", "kubeReserved.memory: `plenty` is no quantity")]
    #[case("systemReserved: 1Gi\n", "systemReserved is `1Gi`, which is no map")]
    #[case("kubeReserved:\n  - memory\n", "`- memory` in kubeReserved is not NAME: QUANTITY")]
    #[case("{\"kubeReserved\":", "is no JSON")]
    #[case("{\"kubeReserved\":{\"memory\":[]}}", "kubeReserved.memory is neither")]
    fn what_is_not_understood_is_refused_in_one_line(#[case] text: &str, #[case] words: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    }

    #[test]
    fn files_that_are_none_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = configuration(&dir.path().join("absent")).unwrap_err().to_string();
        assert!(error.contains("absent: cannot be read"), "{error}");
        let path = dir.path().join("binary");
        std::fs::write(&path, [0xff; 4]).unwrap();
        assert!(configuration(&path).unwrap_err().to_string().ends_with("is no text"));
        std::fs::write(&path, YAML).unwrap();
        assert_eq!(configuration(&path).unwrap().kube, Some(1 << 30));
    }
}
