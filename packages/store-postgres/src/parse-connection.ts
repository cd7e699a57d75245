import { readFileSync } from "node:fs";
import { defined, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

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
  /** Of the authorities that may have signed the server's certificate, PEM. */
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
  return text.startsWith("{") ? parseSecret(parseJson(text)) : parseAddress(text);
}

function parseSecret(value: unknown): ConnectionFields {
  if (!secret.Check(value)) {
    const faults = secret.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
    throw invalid(`Invalid connection secret: ${[...new Set(faults)].join("; ")}.`);
  }
  const { username: user, password, host, dbname: database, port = DEFAULT_PORT } = value;
  return { host, port: parsePort(String(port)), database, user, password };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("The connection secret is not valid JSON.");
  }
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
