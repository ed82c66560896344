CREATE TABLE roles (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL
);

INSERT INTO roles (name, description) VALUES
    ('admin', 'Holds every permission there is. Built in.'),
    ('user', 'Held by everyone. Built in.');

CREATE TABLE role_permissions (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (role, permission)
);

CREATE TABLE role_inherits (
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    inherits TEXT NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (role, inherits)
);

CREATE INDEX role_inherits_by_inherited ON role_inherits (inherits);

-- What accounts were given. `user`, which everyone has, isn't kept.
CREATE TABLE account_roles (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL REFERENCES roles (name) ON DELETE RESTRICT,
    PRIMARY KEY (account_id, role)
);

CREATE INDEX account_roles_by_role ON account_roles (role);
