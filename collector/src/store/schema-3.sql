-- Version 3 of the schema: what Kubernetes says. `body` here is the JSON of the core's record. Clocks: `seen_us` and
-- `changed_us` are the collector's, and what retention goes by.

-- Pods as they were last seen, kept for a while after they are gone.
CREATE TABLE pod (
    uid        TEXT    NOT NULL PRIMARY KEY,
    cgroup_uid TEXT    NOT NULL,  -- what its cgroups are called: a static pod's config hash, else the uid
    namespace  TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    changed_us INTEGER NOT NULL,
    gone_us    INTEGER,
    body       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pod_cgroup ON pod (cgroup_uid);
CREATE INDEX pod_gone ON pod (gone_us) WHERE gone_us IS NOT NULL;

-- Which container of which pod a container id was. An id is never used twice.
CREATE TABLE container_run (
    container_id  TEXT    NOT NULL PRIMARY KEY,
    pod_uid       TEXT    NOT NULL,
    container     TEXT    NOT NULL,
    restart_count INTEGER NOT NULL,
    seen_us       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX container_run_seen ON container_run (seen_us);

-- Ends of containers, in the order in which they were seen, each with its incident for ever.
CREATE TABLE termination (
    seq           INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    incident_id   TEXT    UNIQUE,
    pod_uid       TEXT    NOT NULL,
    container     TEXT    NOT NULL,
    restart_count INTEGER NOT NULL,
    container_id  TEXT,              -- as stated, else as an earlier record showed it
    time_us       INTEGER NOT NULL,
    seen_us       INTEGER NOT NULL,
    body          BLOB    NOT NULL
) STRICT;
CREATE INDEX termination_container ON termination (container_id) WHERE container_id IS NOT NULL;
CREATE INDEX termination_pod ON termination (pod_uid, time_us);

-- Spells of waiting that have an incident.
CREATE TABLE waiting (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    incident_id TEXT    NOT NULL UNIQUE,
    pod_uid     TEXT    NOT NULL,
    seen_us     INTEGER NOT NULL,
    ended_us    INTEGER,
    body        BLOB    NOT NULL
) STRICT;
CREATE INDEX waiting_pod ON waiting (pod_uid);

-- Events, each as it was last counted.
CREATE TABLE cluster_event (
    uid     TEXT    NOT NULL PRIMARY KEY,
    kind    TEXT    NOT NULL,  -- whom it is about
    whom    TEXT    NOT NULL,  -- the uid, or a node's name
    last_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cluster_event_whom ON cluster_event (kind, whom, last_us);
CREATE INDEX cluster_event_seen ON cluster_event (seen_us);

-- Nodes as the API describes them.
CREATE TABLE api_node (
    name       TEXT    NOT NULL PRIMARY KEY,
    changed_us INTEGER NOT NULL,
    body       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- What could not be read of the API, and when.
CREATE TABLE api_gap (
    part    TEXT    NOT NULL,
    from_us INTEGER NOT NULL,
    to_us   INTEGER,
    reason  TEXT    NOT NULL,
    PRIMARY KEY (part, from_us)
) STRICT, WITHOUT ROWID;

-- Findings whose own incident is part of another one: the id they make by themselves, and where they are.
CREATE TABLE incident_part (
    id          TEXT NOT NULL PRIMARY KEY,
    incident_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_part_of ON incident_part (incident_id);

-- What Kubernetes' names are searched by.
ALTER TABLE incident ADD COLUMN namespace TEXT;
ALTER TABLE incident ADD COLUMN pod TEXT;
ALTER TABLE incident ADD COLUMN container TEXT;
ALTER TABLE incident ADD COLUMN owner TEXT;  -- `Deployment/web`
ALTER TABLE incident ADD COLUMN disagrees INTEGER NOT NULL DEFAULT 0;
CREATE INDEX incident_pod_uid ON incident (pod_uid, time_us) WHERE pod_uid IS NOT NULL;
CREATE INDEX incident_namespace ON incident (namespace, time_us) WHERE namespace IS NOT NULL;
CREATE INDEX incident_pod ON incident (pod, time_us) WHERE pod IS NOT NULL;
CREATE INDEX incident_owner ON incident (owner, time_us) WHERE owner IS NOT NULL;
CREATE INDEX incident_disagrees ON incident (time_us) WHERE disagrees = 1;
CREATE INDEX incident_outcome ON incident (outcome, time_us);
CREATE INDEX incident_confidence ON incident (confidence, time_us);
