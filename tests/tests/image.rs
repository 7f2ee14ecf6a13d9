//! The images: written twice, the same; unpacked as any engine would; their programs run in their own root.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests may fail"
)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use coroner_tests::programs::{self, free_port};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Files of a tar file.
type Files = BTreeMap<String, Vec<u8>>;

fn files(tar: &[u8]) -> Files {
    let mut archive = tar::Archive::new(tar);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A blob as another names it, and that it is the one.
fn blob<'a>(files: &'a Files, named: &Value) -> &'a [u8] {
    let hex = named["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let bytes = &files[&format!("blobs/sha256/{hex}")];
    assert_eq!(digest(bytes), hex);
    assert_eq!(named["size"].as_u64(), u64::try_from(bytes.len()).ok());
    bytes
}

/// Runs xtask with the programs of this build, stripped, since development builds are large.
fn written(dir: &Path) -> Vec<[Vec<u8>; 2]> {
    let built = dir.join("programs");
    std::fs::create_dir_all(&built).unwrap();
    for name in ["coroner-agent", "coroner-collector", "coroner"] {
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(built.join(name)).arg(programs::path(name));
        assert!(strip.status().unwrap().success(), "{name}");
    }
    let out = dir.join("out");
    let mut xtask = Command::new(programs::path("xtask"));
    xtask.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    xtask.args(["image", "--created", "1700000000", "--programs"]).arg(&built);
    let said = xtask.arg("--out").arg(&out).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout).unwrap();
    assert_eq!(text.matches("MiB compressed").count(), 2, "{text}");
    let read = |name: String| std::fs::read(out.join(name)).unwrap();
    let images = ["coroner-agent", "coroner-collector"];
    images.map(|name| [read(format!("{name}.tar")), read(format!("{name}.cdx.json"))]).into()
}

#[test]
fn images_are_whole_and_their_programs_run_in_them() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let images = written(one.path());
    assert!(images == written(two.path()), "the same programs give the same bytes");
    for ([archive, bill], name) in images.iter().zip(["coroner-agent", "coroner-collector"]) {
        let files = files(archive);
        assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let manifest: Value = serde_json::from_slice(blob(&files, &index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(blob(&files, &manifest["config"])).unwrap();
        assert_eq!(files.len(), 2 + 3, "nothing but what is named");
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["Entrypoint"][0], format!("/usr/bin/{name}"));
        assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], name);
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");

        let mut layer = Vec::new();
        let compressed = blob(&files, &manifest["layers"][0]);
        flate2::read::GzDecoder::new(compressed).read_to_end(&mut layer).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", digest(&layer)));
        let root = one.path().join(name);
        tar::Archive::new(layer.as_slice()).unpack(&root).unwrap();
        assert_eq!(std::fs::read(root.join("usr/share/coroner/bill.cdx.json")).unwrap(), *bill);
        bill_of(bill, name);
        let capability = capability(&layer, &format!("usr/bin/{name}"));
        assert_eq!(capability.is_some(), name == "coroner-agent");

        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "chroot takes root");
            eprintln!("SKIPPED running what is in {name}: chroot takes root");
            continue;
        }
        let run = |program: &str| {
            let path = format!("/usr/bin/{program}");
            let out = Command::new("chroot").arg(&root).args([&path, "--version"]).output();
            let out = out.unwrap();
            assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
            String::from_utf8(out.stdout).unwrap()
        };
        assert_eq!(run(name), format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
        match capability {
            Some(attribute) => takes_up_syslog(&root, &attribute),
            None => assert!(run("coroner").starts_with("coroner "), "to ask it with"),
        }
    }
}

fn bill_of(bill: &[u8], name: &str) {
    let bill: Value = serde_json::from_slice(bill).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let components = bill["components"].as_array().unwrap();
    let has = |name: &str| components.iter().any(|component| component["name"] == name);
    assert!(has("coroner-core") && has("tokio") && has("ring") == has("kube"), "{name}");
    assert_eq!(has("libsqlite3-sys"), name == "coroner-collector");
    // What only tests or build scripts need is not in the image.
    assert!(!has("proptest") && !has("tonic-prost-build") && !has("rstest"), "{name}");
    for component in components {
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
    }
}

/// The file capability of a program in a layer.
fn capability(layer: &[u8], path: &str) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(layer);
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = entries.find(|entry| entry.path().unwrap() == Path::new(path)).unwrap();
    let records = entry.pax_extensions().unwrap()?;
    let mut of = records.map(Result::unwrap);
    of.find(|record| record.key() == Ok("SCHILY.xattr.security.capability"))
        .map(|record| record.value_bytes().to_vec())
}

/// With the attribute that an engine would set, an agent of no privilege but that one has it in effect, and where it is
/// granted nothing it starts all the same.
fn takes_up_syslog(root: &Path, attribute: &[u8]) {
    let program = root.join("usr/bin/coroner-agent");
    let own = |dir: &&Path| *dir != std::env::temp_dir();
    for dir in program.ancestors().skip(1).take_while(own) {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&program, "security.capability", attribute, flags)
        .expect("the temporary directory takes file capabilities; TMPDIR chooses another");
    for (granted, effective) in [("-all,+syslog", 1_u64 << 34), ("-all", 0)] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65532", "--regid=65532", "--clear-groups", "--inh-caps=-all"]);
        command.arg(format!("--bounding-set={granted}")).arg(&program);
        command.args(["--http-addr", &format!("127.0.0.1:{}", free_port())]);
        command.args(["--kmsg", "/nonexistent", "--without", "signal-trace,cgroup"]);
        let mut agent = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let status = format!("/proc/{}/status", agent.id());
        loop {
            let text = std::fs::read_to_string(&status).unwrap();
            let line =
                |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            // setpriv itself has taken another program's place by then.
            if line("Name:") == Some("coroner-agent") {
                let now = u64::from_str_radix(line("CapEff:").unwrap(), 16).unwrap();
                if now == effective {
                    break;
                }
            }
            let ended = agent.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "{granted}: {text}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        agent.kill().unwrap();
        agent.wait().unwrap();
    }
}
