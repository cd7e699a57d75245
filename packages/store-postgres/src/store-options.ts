import { readFileSync } from "node:fs";
import { defined, type Logger, parseJsonOr, StackyardError, silentLogger } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

/** An address (`postgres://user:password@host:5432/database?sslmode=…`), a secret, or the JSON of one. */
export type PostgresConnection = string | ConnectionSecret;

/** The encryption of connections. `ca`: PEM of the authorities that may have signed the server's certificate. */
export type PostgresTls = TlsMode | { readonly mode: "verify-full"; readonly ca: string };

const DEFAULTS = {
  schema: "stackyard",
  maxConnections: 10,
  idleMs: 30_000,
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 30_000,
  answerTimeoutMs: 5_000,
  applicationName: "stackyard",
  migrate: true,
  maxGroup: 256,
  logger: silentLogger,
};

const COUNTS = [
  "maxConnections",
  "idleMs",
  "connectTimeoutMs",
  "statementTimeoutMs",
  "answerTimeoutMs",
  "maxGroup",
] as const;

function count(name: (typeof COUNTS)[number], description: string) {
  return Type.Optional(Type.Integer({ minimum: 1, description, default: DEFAULTS[name] }));
}

/** The options of opening a store. */
export const PostgresStoreOptions = Type.Object(
  {
    // The value is parsed before it is used.
    connection: Type.Unsafe<PostgresConnection | (() => PostgresConnection | Promise<PostgresConnection>)>({
      description:
        "Required; in a project, it can come from the environment. A function is called again after the server rejected the credentials, because they may have been rotated",
    }),
    schema: Type.Optional(
      Type.String({
        description: "The schema of tables and functions; two yards can share a database",
        default: DEFAULTS.schema,
      }),
    ),
    tls: Type.Optional(
      Type.Unsafe<PostgresTls>(
        Type.Union(
          [
            ...["off", "prefer", "require", "verify-full"].map((mode) => Type.Literal(mode)),
            Type.Object({ mode: Type.Literal("verify-full"), ca: Type.String() }, { additionalProperties: false }),
          ],
          {
            description:
              '`off`, `prefer`, `require`, `verify-full`, or `{ mode: "verify-full", ca }`. Default: that of the address, or else `prefer`',
          },
        ),
      ),
    ),
    maxConnections: count("maxConnections", "Connections of one process, in addition to one that listens"),
    idleMs: count("idleMs", "The time after which an idle connection is closed"),
    connectTimeoutMs: count("connectTimeoutMs", "The time limit for a new connection"),
    statementTimeoutMs: count(
      "statementTimeoutMs",
      "The time after which the server ends a statement. Commits and calls of workers may take that long",
    ),
    answerTimeoutMs: count(
      "answerTimeoutMs",
      "The time after which reads, lists and single writes fail with `STORE_UNAVAILABLE`, including the wait for a connection; the API then returns 503",
    ),
    applicationName: Type.Optional(
      Type.String({ maxLength: 63, description: "The name in `pg_stat_activity`", default: DEFAULTS.applicationName }),
    ),
    migrate: Type.Optional(
      Type.Boolean({
        description: "`false` requires that the schema exists and is up to date",
        default: DEFAULTS.migrate,
      }),
    ),
    maxGroup: count("maxGroup", "How many calls share one statement at most; 1 runs each call alone, for measurements"),
    logger: Type.Optional(
      Type.Unsafe<Logger>({ description: "Logs lost connections and migration steps. Default: none" }),
    ),
  },
  { additionalProperties: false },
);

/** Options of `createPostgresStore`. */
export type PostgresStoreOptions = Readonly<Static<typeof PostgresStoreOptions>>;

/** Options with their defaults. */
export type StoreSettings = PostgresStoreOptions & Required<Omit<PostgresStoreOptions, "tls">>;

/** Throws `CONFIG_INVALID` for values that cannot work. */
export function toSettings(options: PostgresStoreOptions): StoreSettings {
  const settings = { ...DEFAULTS, ...options };
  if (!isSchemaName(settings.schema)) {
    const message = `Invalid schema ${JSON.stringify(settings.schema)}. Use at most 41 lower-case letters, digits and "_".`;
    throw new StackyardError("CONFIG_INVALID", message);
  }
  for (const name of COUNTS) {
    if (Number.isSafeInteger(settings[name]) && settings[name] > 0) continue;
    throw new StackyardError("CONFIG_INVALID", `${name} must be a whole number above 0.`);
  }
  return settings;
}

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,40}$/;

/** Returns true for a name that needs no quotes and leaves room for the names of channels. */
export function isSchemaName(name: string): boolean {
  return SCHEMA_NAME.test(name);
}

/** A row of `stacks` without a valid stack, and why. */
export interface UnreadableStack {
  readonly stackId: string;
  readonly reason: string;
}

const Text = Type.String({ minLength: 1, maxLength: 4_096 });
const Port = Type.Integer({ minimum: 1, maximum: 65_535 });

/** The fields of a database secret as Secrets Manager and RDS write it; others are ignored. */
export const ConnectionSecret = Type.Object({
  username: Text,
  password: Type.String({ maxLength: 4_096 }),
  host: Text,
  dbname: Text,
  /** Default: 5432. A text of digits is taken too. */
  port: Type.Optional(Type.Union([Port, Type.String({ pattern: "^[0-9]{1,5}$" })])),
});
export type ConnectionSecret = Static<typeof ConnectionSecret>;

/** Where the server is and who connects. */
export interface ConnectionFields {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user?: string;
  readonly password?: string;
  /** The mode in the URL. */
  readonly tls?: TlsMode;
  /** The certificates of the authorities that may have signed the server's certificate, PEM. */
  readonly ca?: string;
}

/**
 * `off`: never. `prefer`: if the server supports it. `require`: always, without verifying the certificate.
 * `verify-full`: always, and the certificate must be valid for the host.
 */
export type TlsMode = "off" | "prefer" | "require" | "verify-full";

const DEFAULT_PORT = 5432;
const secret = Compile(ConnectionSecret);

/**
 * Parses an address (`postgres://…`), a secret, or the JSON of one. Throws `CONFIG_INVALID`, without showing its input,
 * which may contain a password.
 */
export function parseConnection(value: unknown): ConnectionFields {
  if (typeof value !== "string") return parseSecret(value);
  const text = value.trim();
  return text.startsWith("{")
    ? parseSecret(parseJsonOr(text, () => invalid("The connection secret is not valid JSON.")))
    : parseAddress(text);
}

function parseSecret(value: unknown): ConnectionFields {
  if (!secret.Check(value)) {
    const faults = secret.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
    throw invalid(`Invalid connection secret: ${[...new Set(faults)].join("; ")}.`);
  }
  const { username: user, password, host, dbname: database, port = DEFAULT_PORT } = value;
  return { host, port: parsePort(String(port)), database, user, password };
}

function parseAddress(text: string): ConnectionFields {
  // A user without a host, as for a socket, is not a valid URL.
  const address = text.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?])/, "$1localhost");
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw invalid("The connection is neither a secret nor a URL such as postgres://user:password@host:5432/database.");
  }
  const user = decode(url.username);
  const password = decode(url.password);
  const database = decode(url.pathname.slice(1)) || user;
  if (database === "") throw invalid("The database URL contains no database name. Write postgres://host/database.");
  return {
    host: url.searchParams.get("host") ?? (decode(url.hostname) || "localhost"),
    port: parsePort(url.searchParams.get("port") ?? (url.port || String(DEFAULT_PORT))),
    database,
    ...(user === "" ? {} : { user }),
    ...(password === "" ? {} : { password }),
    ...parseTls(url.searchParams),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid("The database URL contains a % without two hex digits after it. Write %25 for a percent sign.");
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw invalid(`Invalid port ${JSON.stringify(text)}. Use a number from 1 to 65535.`);
}

const SSL_MODES: Readonly<Record<string, TlsMode>> = {
  disable: "off",
  allow: "prefer",
  prefer: "prefer",
  require: "require",
  "no-verify": "require",
  "verify-ca": "verify-full",
  "verify-full": "verify-full",
};

function parseTls(parameters: URLSearchParams): { readonly tls?: TlsMode; readonly ca?: string } {
  const mode = parameters.get("sslmode");
  const tls = mode === null ? undefined : SSL_MODES[mode];
  if (mode !== null && tls === undefined) {
    throw invalid(`Unknown sslmode ${JSON.stringify(mode)}. Valid modes: ${Object.keys(SSL_MODES).join(", ")}.`);
  }
  const file = parameters.get("sslrootcert");
  return {
    ...defined({ tls }),
    ...(file === null || file === "system" ? {} : { ca: readCertificate(file) }),
  };
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(`The certificates of sslrootcert cannot be read: ${file}.`, error);
  }
}

function invalid(message: string, cause?: unknown): StackyardError {
  return new StackyardError("CONFIG_INVALID", message, defined({ cause }));
}
