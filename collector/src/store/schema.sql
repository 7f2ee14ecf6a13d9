-- Version 1 of the schema. Times are microseconds since 1970. `body` holds the protobuf message of coroner.v1 that
-- is the truth; the other columns are what is searched by.

-- Immutable facts, in the order in which they arrived.
CREATE TABLE finding (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    node        TEXT    NOT NULL,
    boot_id     TEXT    NOT NULL,
    time_us     INTEGER NOT NULL,
    source      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    incident_id TEXT,              -- the incident it opens or adds to
    gap_from_us INTEGER,           -- for a gap: what it lies between
    gap_to_us   INTEGER,
    received_us INTEGER NOT NULL,  -- by the collector's clock: what retention goes by
    body        BLOB    NOT NULL
) STRICT;
CREATE INDEX finding_incident ON finding (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX finding_gap ON finding (node, boot_id, gap_to_us) WHERE kind = 'gap';
CREATE INDEX finding_status ON finding (node, boot_id, source, time_us) WHERE kind = 'source_status';

-- Incidents with their verdicts of now.
CREATE TABLE incident (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    time_us      INTEGER NOT NULL,
    node         TEXT    NOT NULL,
    boot_id      TEXT    NOT NULL,
    cause        TEXT    NOT NULL,
    outcome      TEXT,
    confidence   TEXT    NOT NULL,
    pod_uid      TEXT,
    container_id TEXT,
    revision     INTEGER NOT NULL,
    created_us   INTEGER NOT NULL,  -- by the collector's clock: what retention goes by
    changed_us   INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE INDEX incident_time ON incident (time_us);
CREATE INDEX incident_node ON incident (node, time_us);
CREATE INDEX incident_cause ON incident (cause, time_us);
CREATE INDEX incident_node_cause ON incident (node, cause, time_us);
CREATE INDEX incident_container ON incident (container_id, time_us) WHERE container_id IS NOT NULL;

-- Whom an incident killed, for `pid:N`.
CREATE TABLE incident_pid (
    pid          INTEGER NOT NULL,
    time_us      INTEGER NOT NULL,
    incident_seq INTEGER NOT NULL,
    PRIMARY KEY (pid, time_us, incident_seq)
) STRICT, WITHOUT ROWID;

-- Verdicts that were given before, and when each was replaced.
CREATE TABLE incident_revision (
    incident_seq INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    replaced_us  INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (incident_seq, revision)
) STRICT;

-- One row that is written to find out whether anything can be written.
CREATE TABLE probe (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    time_us INTEGER NOT NULL
) STRICT;
