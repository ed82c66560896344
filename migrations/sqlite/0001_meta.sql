-- Throughout: times are whole seconds since 1970, ids are the 16 bytes of a UUID, and what is
-- unique about an address is its canonical form.

-- One row: what tells this life of the store from any other (none before the first start), and the
-- version of all roles, by which a process knows whether those in its memory are still the roles.
CREATE TABLE meta (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    incarnation BLOB CHECK (length(incarnation) = 16),
    roles_version INTEGER NOT NULL CHECK (roles_version > 0)
) STRICT;

INSERT INTO meta (id, incarnation, roles_version) VALUES (1, NULL, 1);
