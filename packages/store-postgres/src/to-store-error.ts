import { isStackyardError, StackyardError } from "@stackyard/core";

/** An error of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html */
interface ServerError extends Error {
  readonly code: string;
}

/** Errors that vanish when the same transaction is run again: serialization_failure and deadlock_detected. */
const AGAIN = new Set(["40001", "40P01"]);
/** invalid_password and invalid_authorization_specification: the credentials may have been changed. */
const AUTHENTICATION = new Set(["28P01", "28000"]);

/** Returns true when nothing was written and the same call may be made at once. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isServerError(error) && AGAIN.has(error.code);
}

/** Returns true when the server refused user or password. */
export function isAuthenticationFailure(error: unknown): boolean {
  return isServerError(error) && AUTHENTICATION.has(error.code);
}

/** Returns true when the server does not support TLS. */
export function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && error.message === "The server does not support SSL connections";
}

/**
 * Returns true for an error of `toStoreError` that was caused by the data of one call: the rest of its group is not to
 * blame.
 */
export function isDataError(error: unknown): boolean {
  return isStackyardError(error, "USAGE") || (isServerError(error) && error.code.startsWith("23"));
}

/**
 * Converts an error of the driver to one of ours, with the driver's as its cause. Errors of ours and faults of the code
 * are returned unchanged.
 */
export function toStoreError(error: unknown): unknown {
  if (isStackyardError(error) || !(error instanceof Error)) return error;
  if (isServerError(error)) return toKnownError(error);
  return isConnectionError(error) ? unavailable(`PostgreSQL does not answer: ${error.message}`, error) : error;
}

const ADVICE: Readonly<Record<string, string>> = {
  "28P01": "User or password are wrong.",
  "28000": "The server lets this user in neither from here nor without TLS: see its pg_hba.conf.",
  "3D000": "Create the database, or name another one.",
  "42501": "Grant the rights that the README lists.",
  "42P01": "The tables are not there: run the migration.",
  "3F000": "The schema is not there: run the migration.",
  "53300": "The server has no connection left: lower `maxConnections`, or raise its max_connections.",
  "57014": "The statement took longer than `statementTimeoutMs`.",
  "25006": "The server is read-only, as a standby is: connect to the primary.",
};

function toKnownError(error: ServerError): unknown {
  const { code, message } = error;
  if (code === "XX001" || code === "XX002") {
    const text = `The store cannot be read (${message}). Restore it from a backup.`;
    return new StackyardError("STORE_CORRUPT", text, { cause: error });
  }
  // Also a fault of the data: values that are too large for an index.
  if (code.startsWith("22") || code === "54000") {
    return new StackyardError("USAGE", `The store cannot hold this: ${message}.`, { cause: error });
  }
  if (code.startsWith("23") || (code.startsWith("42") && ADVICE[code] === undefined)) return error;
  return unavailable([`PostgreSQL says: ${message} (${code}).`, ADVICE[code] ?? ""].join(" ").trim(), error);
}

function unavailable(message: string, cause: Error): StackyardError {
  return new StackyardError("STORE_UNAVAILABLE", message, { cause });
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && "severity" in error && "code" in error && typeof error.code === "string";
}

// The driver's own errors have texts only; those of Node's sockets, TLS and name look-up have codes.
const DRIVER =
  /^(Connection terminated|timeout exceeded when trying to connect|The server does not support SSL|Client (has encountered|was closed)|Query read timeout|Cannot use a pool after|There was an error establishing an SSL)/;

function isConnectionError(error: Error): boolean {
  return DRIVER.test(error.message) || ("code" in error && typeof error.code === "string");
}
