//! How the sources of all nodes stand: the little that the first page tells of nodes. A node's whole report costs ten times
//! as much, and a cluster has a thousand.

use coroner_core::finding::Source;
use rusqlite::Connection;

use super::node::last_word;

/// How the sources of one node stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The node.
    pub(crate) name: String,
    /// Sources that said last that they do not read.
    pub(crate) blind: Vec<Source>,
}

/// The nodes by name, at most `most`.
pub(super) fn all(db: &Connection, most: u32) -> Result<Vec<Standing>, rusqlite::Error> {
    let nodes: Vec<(String, String)> = db
        .prepare_cached("SELECT name, boot_id FROM node ORDER BY name LIMIT $1")?
        .query_map([most], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut standings = Vec::with_capacity(nodes.len());
    for (name, boot_id) in nodes {
        let mut blind = Vec::new();
        for source in Source::ALL {
            let said = last_word(db, &name, &boot_id, source)?;
            blind.extend(said.filter(|(_, status)| !status.reading).map(|_| source));
        }
        standings.push(Standing { name, blind });
    }
    Ok(standings)
}
