import { checkServerIdentity } from "node:tls";
import { defined } from "@stackyard/core";
import pg from "pg";
import type { ConnectionFields, TlsMode } from "./parse-connection.ts";
import type { PostgresTls, StoreSettings } from "./postgres-store-options.ts";

/**
 * Every statement looks a few rows up by their keys, and has an index for each. The server may not know that: it plans
 * without knowing how long the lists are, and before it has gathered statistics. So it shall not read a table whole, not
 * to join it either; it shall make each plan once, since most take longer to make than to run; and compile none.
 */
const SESSION = [
  "-c enable_seqscan=off",
  "-c enable_mergejoin=off",
  "-c plan_cache_mode=force_generic_plan",
  "-c jit=off",
].join(" ");

/** How connections are made. `withoutTls`: the server has said that it has none. */
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
