//! `cargo run -p xtask -- image`: what is done with the workspace besides building and testing it.

mod bill;
mod images;
mod layer;
mod layout;
mod libraries;
mod programs;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;

/// What is done with the workspace besides building and testing it.
#[derive(Debug, Parser)]
enum Task {
    /// Write the images of agent and collector as OCI layouts in tar files, and beside each what is in it (CycloneDX).
    ///
    /// Needs no container engine. The same programs give the same bytes. `ctr images import`, `podman load`, `docker load`
    /// and `skopeo copy oci-archive:FILE` read them.
    Image {
        /// Where to write them
        #[arg(long, value_name = "DIR", default_value = "target/images")]
        out: PathBuf,
        /// Take programs that were built already, instead of building static ones. Libraries that they need are put into
        /// the image
        #[arg(long, value_name = "DIR")]
        programs: Option<PathBuf>,
        /// Time of creation that is stated, in seconds since 1970 [default: of the last commit]
        #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
        created: Option<i64>,
    },
}

fn main() -> anyhow::Result<()> {
    let Task::Image { out, programs, created } = Task::parse();
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let created = match created {
        Some(created) => created,
        None => programs::last_commit()?,
    };
    let metadata = bill::metadata()?;
    for image in images::IMAGES {
        let made = images::make(&image, programs.as_deref(), created, &metadata)?;
        let file = out.join(format!("{}.tar", image.name));
        std::fs::write(&file, &made.archive)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let bill = out.join(format!("{}.cdx.json", image.name));
        std::fs::write(&bill, &made.bill)
            .with_context(|| format!("cannot write {}", bill.display()))?;
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        writeln!(
            std::io::stdout(),
            "{}: layer {:.1} MiB compressed, {:.1} MiB unpacked; manifest {}",
            file.display(),
            mib(made.compressed),
            mib(made.unpacked),
            made.digest,
        )?;
    }
    Ok(())
}
