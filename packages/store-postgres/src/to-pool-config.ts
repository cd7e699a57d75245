import { checkServerIdentity } from "node:tls";
import { defined } from "@stackyard/core";
import pg from "pg";
import type { ConnectionFields, TlsMode } from "./parse-connection.ts";
import type { PostgresTls, StoreSettings } from "./postgres-store-options.ts";

/**
 * Every statement looks up a few rows by their keys, and has an index for each. The server cannot see that: it plans
 * without the length of the lists, and before it has gathered statistics. So it must not read a table sequentially,
 * even for a join; it must make each plan once, since most take longer to make than to run; and it must not compile
 * any.
 */
const SESSION = [
  "-c enable_seqscan=off",
  "-c enable_mergejoin=off",
  "-c plan_cache_mode=force_generic_plan",
  "-c jit=off",
].join(" ");

/** Returns how connections are opened. `withoutTls`: the server has reported that it does not support TLS. */
export function toPoolConfig(fields: ConnectionFields, settings: StoreSettings, withoutTls: boolean): pg.PoolConfig {
  return {
    host: fields.host,
    port: fields.port,
    database: fields.database,
    ...defined({ user: fields.user, password: fields.password }),
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

/** Returns the effective mode: the option's, else the address's, else `prefer`. */
export function tlsModeOf(fields: ConnectionFields, tls: PostgresTls | undefined): TlsMode {
  const mode = typeof tls === "object" ? tls.mode : tls;
  // A socket in the file system needs no TLS.
  return mode ?? fields.tls ?? (fields.host.startsWith("/") ? "off" : "prefer");
}

function toSsl(fields: ConnectionFields, tls: PostgresTls | undefined): Exclude<pg.PoolConfig["ssl"], undefined> {
  const mode = tlsModeOf(fields, tls);
  if (mode === "off") return false;
  if (mode !== "verify-full") return { rejectUnauthorized: false };
  const ca = typeof tls === "object" ? tls.ca : fields.ca;
  return {
    rejectUnauthorized: true,
    ...defined({ ca }),
    // The driver names no host where that is an address of numbers.
    checkServerIdentity: (_, certificate) => checkServerIdentity(fields.host, certificate),
  };
}

const INT8 = 20;

// Counts, versions and instants stay far below 2^53.
function getTypeParser(...[oid, format]: Parameters<typeof pg.types.getTypeParser>): unknown {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}
