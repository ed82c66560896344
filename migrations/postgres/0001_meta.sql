-- Throughout: times are whole seconds since 1970, and what is unique about an address is its
-- canonical form. Tables are made in the schema `signet`, which the runner of migrations has set.

-- One row: what tells this life of the store from any other (none before the first start), and the
-- version of all roles, by which a process knows whether those in its memory are still the roles.
CREATE TABLE meta (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    incarnation BYTEA CHECK (octet_length(incarnation) = 16),
    roles_version BIGINT NOT NULL CHECK (roles_version > 0)
);

INSERT INTO meta (id, incarnation, roles_version) VALUES (1, NULL, 1);
