//! Debian's kernels, by series: found through the metapackage, brought by apt, kept in a cache.
//!
//! The suites that have them are read through an apt configuration of our own, so the machine's is left as it is; the
//! mirror is the one the machine uses. `linux-image-cloud-amd64` depends on the kernel of its version; in newer ones
//! that is an empty package which depends on a `linux-binary-*`. Without network, a kernel in the cache is enough.

use std::path::{Path, PathBuf};
use std::process::Command;

const META: &str = "linux-image-cloud-amd64";

/// A kernel series that a guest may run.
#[derive(Debug)]
pub struct Series {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    // Which archive (the last part of its path) and which suite of it.
    suites: &'static [(&'static str, &'static str)],
}

/// All series, the oldest first. `newest` is the highest version in any of its suites.
pub const ALL: [Series; 5] = [
    Series {
        name: "5.10",
        suites: &[("debian", "bullseye"), ("debian-security", "bullseye-security")],
    },
    Series {
        name: "6.1",
        suites: &[("debian", "bookworm"), ("debian-security", "bookworm-security")],
    },
    Series {
        name: "6.12",
        suites: &[("debian", "trixie"), ("debian-security", "trixie-security")],
    },
    Series { name: "sid", suites: &[("debian", "sid")] },
    Series { name: "newest", suites: &[("debian", "trixie-backports"), ("debian", "sid")] },
];

/// A kernel, ready to boot.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Name of its series.
    pub series: &'static str,
    /// The package's version, such as `6.1.192-2`.
    pub version: String,
    /// The image.
    pub image: PathBuf,
}

impl Kernel {
    /// The first two numbers of the version.
    #[must_use]
    pub fn number(&self) -> (u32, u32) {
        let mut parts = self.version.split(['.', '-', '~', '+']).map_while(|p| p.parse().ok());
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

/// The kernel of a series: from the cache, or else downloaded. `refresh` asks apt even where the cache has one.
///
/// # Errors
///
/// One sentence that says why it cannot be had.
pub fn get(series: &'static Series, refresh: bool) -> Result<Kernel, String> {
    let dir = cache().join(series.name);
    let image = dir.join("vmlinuz");
    let cached = || {
        let version = std::fs::read_to_string(dir.join("version")).ok()?;
        let version = version.trim().to_owned();
        image.is_file().then(|| Kernel { series: series.name, version, image: image.clone() })
    };
    match cached() {
        Some(kernel) if !refresh => Ok(kernel),
        older => match download(series, &dir) {
            Ok(()) => cached().ok_or_else(|| format!("kernel {}: not in the cache", series.name)),
            Err(why) => older.ok_or_else(|| format!("kernel {}: {why}", series.name)),
        },
    }
}

/// Where downloads are kept: `$CORONER_GUEST_CACHE`, or `coroner/guest` in the user's cache directory.
#[must_use]
pub fn cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("CORONER_GUEST_CACHE").unwrap_or_else(|| {
        set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir)
            .join("coroner/guest")
    })
}

fn download(series: &Series, dir: &Path) -> Result<(), String> {
    let work = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let apt = Apt::new(work.path(), series)?;
    apt.run("apt-get", &["update"])?;
    let listed = apt.run("apt-cache", &["madison", META])?;
    // Highest version first.
    let version = listed
        .lines()
        .find_map(|l| l.split('|').nth(1).map(str::trim))
        .ok_or_else(|| format!("no suite of it has {META}"))?
        .to_owned();
    let mut wanted = vec![META.to_owned()];
    let mut seen = Vec::new();
    while let Some(package) = wanted.pop() {
        let shown = apt.run("apt-cache", &["show", &format!("{package}={version}")])?;
        let depends = shown.lines().find_map(|l| l.strip_prefix("Depends:")).unwrap_or("");
        for name in depends.split([',', '|']).filter_map(|d| d.split_whitespace().next()) {
            let kernel = name.starts_with("linux-image-") || name.starts_with("linux-binary-");
            if kernel && !seen.iter().any(|s| s == name) {
                seen.push(name.to_owned());
                wanted.push(name.to_owned());
            }
        }
    }
    for package in seen {
        apt.run("apt-get", &["download", &format!("{package}={version}")])?;
    }
    let image = unpack_image(work.path())?;
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        // The version last: where it is, the image is whole.
        let _ = std::fs::remove_file(dir.join("version"));
        std::fs::copy(image, dir.join("vmlinuz"))?;
        std::fs::write(dir.join("version"), &version)
    };
    write().map_err(|e| format!("cannot write to {}: {e}", dir.display()))
}

/// The one `vmlinuz` in the downloaded packages.
fn unpack_image(dir: &Path) -> Result<PathBuf, String> {
    let script = "set -e; for p in ./*.deb; do dpkg-deb --fsys-tarfile \"$p\" > p.tar; \
        tar xf p.tar --wildcards '*vmlinuz*' 2>/dev/null || true; done; find . -type f -name 'vmlinuz*'";
    let found = output(Command::new("sh").args(["-c", script]).current_dir(dir))?;
    let image = found.lines().next().ok_or("its packages hold no vmlinuz")?;
    Ok(dir.join(image))
}

/// apt with lists, cache and sources of its own.
struct Apt<'a> {
    dir: &'a Path,
}

impl<'a> Apt<'a> {
    fn new(dir: &'a Path, series: &Series) -> Result<Self, String> {
        let targets = output(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
        ]))?;
        let mut sources = String::new();
        for (archive, suite) in series.suites {
            let uri = targets
                .lines()
                .find(|u| u.trim_end_matches('/').ends_with(&format!("/{archive}")))
                .ok_or_else(|| format!("apt on this machine has no source for `{archive}`"))?;
            let key = "/usr/share/keyrings/debian-archive-keyring.gpg";
            sources.push_str(&format!("deb [signed-by={key}] {uri} {suite} main\n"));
        }
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(dir.join("lists/partial"))?;
            std::fs::create_dir_all(dir.join("cache/archives/partial"))?;
            std::fs::write(dir.join("sources.list"), sources)
        };
        write().map_err(|e| format!("cannot write to {}: {e}", dir.display()))?;
        Ok(Self { dir })
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(program);
        for (key, value) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::State::lists", "lists"),
            ("Dir::Cache", "cache"),
        ] {
            command.arg("-o").arg(format!("{key}={}", self.dir.join(value).display()));
        }
        for fixed in [
            "Dir::Etc::sourceparts=/dev/null",
            "Acquire::Languages=none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            // Root here reads what root wrote; the sandbox user could not.
            "APT::Sandbox::User=root",
            "Acquire::Retries=3",
            // Or `update` succeeds without having got anything.
            "APT::Update::Error-Mode=any",
        ] {
            command.args(["-o", fixed]);
        }
        output(command.args(args).current_dir(self.dir))
    }
}

/// Standard output of a program that must succeed.
fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|e| format!("cannot run {name}: {e}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&done.stderr);
    Err(format!("{name} failed: {}", error.lines().last().unwrap_or("without a word")))
}
