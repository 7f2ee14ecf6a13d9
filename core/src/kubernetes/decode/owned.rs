//! `metadata` alone, of an object of any kind: what it is called and who made it.
//!
//! That is enough of a ReplicaSet or a Job, and the API server sends no more when it is asked for
//! `PartialObjectMetadata`.

use serde::Deserialize;

use super::field::{Field, objects};
use super::metadata::{self, Metadata};
use super::reader::{Decoded, Problem, Reader};
use crate::kubernetes::Owner;

/// An object that may own others, and its own owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.name`.
    pub name: String,
    /// Who made it.
    pub owner: Option<Owner>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Field<Metadata>,
}

objects!(Object);

/// Reads an object's name and owner.
///
/// # Errors
/// When it is no JSON, or has no uid or name.
pub fn owned(json: &[u8]) -> Result<Decoded<Owned>, Problem> {
    let object: Field<Object> = serde_json::from_slice(json).map_err(|e| Problem::broken(&e))?;
    let mut reader = Reader::default();
    let Some(object) = reader.get("", object) else { return Err(Problem::no_object()) };
    let metadata = reader.get("metadata", object.metadata).unwrap_or_default();
    let mut resource_version = None;
    let owned = reader.within("metadata", None, |reader| {
        resource_version = reader.word("resourceVersion", metadata.resource_version);
        Ok(Owned {
            uid: reader.needed("uid", metadata.uid)?,
            name: reader.needed("name", metadata.name)?,
            owner: metadata::owner(reader, metadata.owner_references),
        })
    })?;
    Ok(reader.done(owned, resource_version))
}
