//! Which libraries a program needs, the loader included: none, if it is static.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Asks ldd(1), which prints `NAME => PATH (ADDRESS)` for each, and the path alone for the loader.
pub(crate) fn of(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let said = Command::new("ldd").arg(program).output().context("cannot run ldd")?;
    let text = String::from_utf8_lossy(&said.stdout);
    let missing = text.lines().find(|line| line.contains("not found"));
    ensure!(
        missing.is_none(),
        "{} needs {}",
        program.display(),
        missing.unwrap_or_default().trim()
    );
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let path = line.split_once(" => ").map_or(line, |(_, path)| path).trim();
        let path = path.split_once(" (").map_or(path, |(path, _)| path);
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    text.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_nothing_else() {
        let text = "\tlinux-vdso.so.1 (0x7ff)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x7f)\n\t/lib64/ld.so.2 (0x7f)\n";
        assert_eq!(parse(text), ["/lib/x/libc.so.6", "/lib64/ld.so.2"].map(PathBuf::from));
        assert_eq!(parse("\tstatically linked\n"), Vec::<PathBuf>::new());
    }
}
