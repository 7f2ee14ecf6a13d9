-- Version 2 of the schema: what sources missed nothing of, and the nodes that report.

-- Spans of time without a hole. One that grows keeps its begin; what lies between two spans is a hole.
CREATE TABLE coverage (
    node        TEXT    NOT NULL,
    boot_id     TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    from_us     INTEGER NOT NULL,  -- by the node's clock, and so is the end
    to_us       INTEGER NOT NULL,
    received_us INTEGER NOT NULL,  -- its last growth, by the collector's clock: what retention goes by
    PRIMARY KEY (node, boot_id, source, from_us)
) STRICT, WITHOUT ROWID;
CREATE INDEX coverage_end ON coverage (node, to_us);

-- Nodes, and the last word of their agents.
CREATE TABLE node (
    name          TEXT    NOT NULL PRIMARY KEY,
    boot_id       TEXT    NOT NULL,
    agent_version TEXT    NOT NULL,  -- empty where it is not known
    first_us      INTEGER NOT NULL,  -- by the collector's clock, both
    last_us       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO node (name, boot_id, agent_version, first_us, last_us)
    SELECT f.node, f.boot_id, '', n.first_us, f.received_us
    FROM (SELECT node, max(seq) AS seq, min(received_us) AS first_us FROM finding GROUP BY node) n
    JOIN finding f ON f.seq = n.seq;

-- The newest state that each node reported of each kind, for questions about the node as it is.
CREATE TABLE node_state (
    node    TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    time_us INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (node, kind)
) STRICT, WITHOUT ROWID;
