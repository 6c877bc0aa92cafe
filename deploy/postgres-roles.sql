-- Three roles of a force's operational database. Run as a superuser, once; the passwords are the force's own.
--   psql -v ON_ERROR_STOP=1 -d harmcast -f postgres-roles.sql
-- The owner makes and upgrades the schema: `[store] url` names it for `harmcast init` and while a new version is put in.
-- The service is named by `[store] url` in daily use. The reader is for whoever watches.
CREATE ROLE harmcast_owner LOGIN;
CREATE ROLE harmcast_service LOGIN;
CREATE ROLE harmcast_reader LOGIN;

GRANT USAGE, CREATE ON SCHEMA public TO harmcast_owner;
GRANT USAGE ON SCHEMA public TO harmcast_service, harmcast_reader;

SET ROLE harmcast_owner;
-- What the owner makes from now on: the service writes, the reader reads.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO harmcast_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO harmcast_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO harmcast_reader;
RESET ROLE;

-- After `harmcast init` and after each upgrade, as the owner: the log and the lines behind it are only ever added to.
--   REVOKE UPDATE, DELETE, TRUNCATE ON events, versions FROM harmcast_service;
