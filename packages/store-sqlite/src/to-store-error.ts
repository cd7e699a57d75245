import { isStackyardError, StackyardError } from "@stackyard/core";

/** Primary result codes of SQLite, https://sqlite.org/rescode.html; the low byte of an extended code. */
const RESULT = { corrupt: 11, full: 13, notADatabase: 26 } as const;

/** An error of the driver as one of ours, with the driver's as its cause. Errors of ours and faults of the code stay. */
export function toStoreError(error: unknown): unknown {
  if (isStackyardError(error) || !isSqliteError(error)) return error;
  const says = error.errstr ?? error.message;
  switch (error.errcode & 0xff) {
    case RESULT.corrupt:
    case RESULT.notADatabase:
      return new StackyardError("STORE_CORRUPT", `The store cannot be read (${says}). Restore it from a backup.`, {
        cause: error,
      });
    case RESULT.full:
      return new StackyardError("STORE_UNAVAILABLE", "The disk is full. Free some space; nothing was half written.", {
        cause: error,
      });
    default:
      return new StackyardError("STORE_UNAVAILABLE", `The store does not answer: ${says} (${error.message}).`, {
        cause: error,
        details: { sqliteCode: error.errcode },
      });
  }
}

interface SqliteError extends Error {
  readonly errcode: number;
  readonly errstr?: string;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}
