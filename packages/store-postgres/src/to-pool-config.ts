import { checkServerIdentity } from "node:tls";
import pg from "pg";
import type { ConnectionFields, TlsMode } from "./parse-connection.ts";
import type { PostgresTls, StoreSettings } from "./postgres-store-options.ts";

/**
 * Every statement has an index to go by, but the server may not know that yet: until it has gathered statistics of a
 * fresh table it would read all of it. It shall make each plan once, for whatever values: left to itself it makes most of
 * them anew for each call, which takes longer than the call. And none is worth compiling.
 */
const SESSION = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c jit=off";

/** How connections are made. `withoutTls`: the server has said that it has none. */
export function toPoolConfig(fields: ConnectionFields, settings: StoreSettings, withoutTls: boolean): pg.PoolConfig {
  return {
    host: fields.host,
    port: fields.port,
    database: fields.database,
    ...(fields.user === undefined ? {} : { user: fields.user }),
    ...(fields.password === undefined ? {} : { password: fields.password }),
    ssl: withoutTls ? false : toSsl(fields, settings.tls),
    max: settings.maxConnections,
    idleTimeoutMillis: settings.idleMs,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: settings.statementTimeoutMs,
    application_name: settings.applicationName,
    options: SESSION,
    keepAlive: true,
    types: { getTypeParser },
  };
}

/** The mode that holds: the option's, else the address's, else `prefer`. */
export function tlsModeOf(fields: ConnectionFields, tls: PostgresTls | undefined): TlsMode {
  const mode = typeof tls === "object" ? tls.mode : tls;
  // A socket in the file system needs none.
  return mode ?? fields.tls ?? (fields.host.startsWith("/") ? "off" : "prefer");
}

function toSsl(fields: ConnectionFields, tls: PostgresTls | undefined): Exclude<pg.PoolConfig["ssl"], undefined> {
  const mode = tlsModeOf(fields, tls);
  if (mode === "off") return false;
  if (mode !== "verify-full") return { rejectUnauthorized: false };
  const ca = typeof tls === "object" ? tls.ca : fields.ca;
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    // The driver names no host where that is an address of numbers.
    checkServerIdentity: (_, certificate) => checkServerIdentity(fields.host, certificate),
  };
}

const INT8 = 20;

// Counts, versions and instants stay far below 2^53.
function getTypeParser(...[oid, format]: Parameters<typeof pg.types.getTypeParser>): unknown {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}
