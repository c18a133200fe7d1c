-- 0012_access: tokens by which callers are known.
--
-- Why: whoever could reach a gateway could do all. A token is a secret that its holder sends along with each call;
-- the table has its SHA-256 only, and as a token has 244 random bits, nobody finds it by that. What is revoked or has expired
-- stays in the list, so that the name in the history of tasks can be looked up.
--
-- An older program that still runs asks for no tokens, as before.

CREATE TABLE access_token (
    id            text COLLATE "C" PRIMARY KEY,
    name          text NOT NULL CHECK (name <> ''), -- two may have the same one, while the old is replaced by the new
    hash          bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    scopes        text[] NOT NULL CHECK (cardinality(scopes) > 0
                                         AND scopes <@ ARRAY['read', 'write', 'worker', 'admin']),
    create_time   timestamptz NOT NULL DEFAULT now(),
    expire_time   timestamptz,
    revoke_time   timestamptz,
    last_use_time timestamptz -- to a few minutes
);

CREATE INDEX access_token_create_time ON access_token (create_time, id);
