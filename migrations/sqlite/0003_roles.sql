CREATE TABLE roles (
    name TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO roles (name, description) VALUES
    ('admin', 'Holds every permission there is. Built in.'),
    ('user', 'Held by everyone. Built in.');

CREATE TABLE role_permissions (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (role, permission)
) STRICT, WITHOUT ROWID;

CREATE TABLE role_inherits (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    inherits TEXT NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (role, inherits)
) STRICT, WITHOUT ROWID;

CREATE INDEX role_inherits_by_inherited ON role_inherits (inherits);

-- What accounts were given. `user`, which everyone has, isn't kept.
CREATE TABLE account_roles (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (account_id, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX account_roles_by_role ON account_roles (role);
