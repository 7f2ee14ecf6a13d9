//! Which images there are, and what is in each.
//!
//! Both are from scratch: programs, the libraries they need if any, two lines for name resolution, a list of users, the license
//! and the bill of materials. Neither has a shell.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use crate::layer::Layer;
use crate::layout::{Config, archive, digest, gzip};
use crate::{bill, libraries, programs};

/// The user that images run as unless they are told otherwise.
const NON_ROOT: u64 = 65532;

/// An image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    about: &'static str,
    /// Programs, the one that is run first.
    programs: &'static [Program],
    ports: &'static [u16],
}

#[derive(Clone, Copy, Debug)]
struct Program {
    package: &'static str,
    name: &'static str,
    /// cargo's profile.
    profile: &'static str,
    /// Has CAP_SYSLOG as a file capability.
    syslog: bool,
}

/// All of them.
pub(crate) const IMAGES: [Image; 2] = [
    Image {
        name: "coroner-agent",
        about: "Coroner on the node: reads the evidence where it is and reports it",
        programs: &[Program {
            package: "coroner-agent",
            name: "coroner-agent",
            profile: "dist",
            // Permitted, not effective: it starts also where the capability is not granted.
            syslog: true,
        }],
        ports: &[9137],
    },
    Image {
        name: "coroner-collector",
        about: "Coroner's collector: stores and judges what killed containers; and `coroner`, to ask it",
        programs: &[
            Program {
                package: "coroner-collector",
                name: "coroner-collector",
                profile: "release",
                syslog: false,
            },
            Program { package: "coroner-cli", name: "coroner", profile: "release", syslog: false },
        ],
        ports: &[7137, 8137],
    },
];

/// An image that was made.
pub(crate) struct Made {
    pub(crate) archive: Vec<u8>,
    pub(crate) bill: Vec<u8>,
    pub(crate) digest: String,
    pub(crate) compressed: usize,
    pub(crate) unpacked: usize,
}

/// Makes an image of programs in `built`, or of static ones that are built for it.
pub(crate) fn make(
    image: &Image,
    built: Option<&Path>,
    created: i64,
    metadata: &Value,
) -> anyhow::Result<Made> {
    let packages: Vec<_> = image.programs.iter().map(|program| program.package).collect();
    let bill = bill::of(metadata, &packages, image.name)?;
    let mut layer = Layer::new();
    for dir in ["etc", "usr", "usr/bin", "usr/share", "usr/share/coroner", "var", "var/lib"] {
        layer.dir(dir, 0o755, 0)?;
    }
    layer.dir("tmp", 0o1777, 0)?;
    layer.dir("var/lib/coroner", 0o700, NON_ROOT)?;
    let users = format!("root:x:0:0::/:/none\ncoroner:x:{NON_ROOT}:{NON_ROOT}::/:/none\n");
    layer.file("etc/passwd", users.as_bytes(), 0o644)?;
    // What glibc does without this file depends on its version: names in /etc/hosts go first.
    layer.file("etc/nsswitch.conf", b"hosts: files dns\n", 0o644)?;
    layer.file("usr/share/coroner/LICENSE", include_bytes!("../../LICENSE"), 0o644)?;
    layer.file("usr/share/coroner/bill.cdx.json", &bill, 0o644)?;
    for program in image.programs {
        let path = match built {
            Some(dir) => dir.join(program.name),
            None => programs::build(program.package, program.name, program.profile)?,
        };
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        layer.program(&format!("usr/bin/{}", program.name), &bytes, program.syslog)?;
        for library in libraries::of(&path)? {
            layer.shared_library(&library)?;
        }
    }
    let unpacked = layer.finish()?;
    let compressed = gzip(&unpacked)?;
    let config = Config {
        name: image.name,
        about: image.about,
        created,
        user: NON_ROOT,
        entrypoint: format!("/usr/bin/{}", image.programs[0].name),
        ports: image.ports,
        layer: digest(&unpacked),
    };
    let (archive, manifest) = archive(&config, &compressed)?;
    Ok(Made {
        archive,
        bill,
        digest: manifest,
        compressed: compressed.len(),
        unpacked: unpacked.len(),
    })
}
