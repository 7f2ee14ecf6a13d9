-- Version 5 of the schema: indexes for questions that read through everything before.

-- A pod's timeline, by its name.
CREATE INDEX pod_name ON pod (name);

-- How a node's memory was over a time.
CREATE INDEX finding_headroom ON finding (node, time_us) WHERE kind = 'headroom';
CREATE INDEX finding_fragmentation ON finding (node, time_us) WHERE kind = 'fragmentation';

-- Counts over a time, without reading the incidents themselves.
CREATE INDEX incident_count ON incident (time_us, orderly, cause, owner, pod, namespace, node);
