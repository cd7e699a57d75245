/** What a lock's file says. The predecessor's has the owner alone. */
export interface LockFile {
  /** The owner. Empty: nobody. */
  readonly uuid: string;
  /** ISO 8601, by the owner's clock. Absent: for ever, as the predecessor's are. */
  readonly until?: string;
  /** Grows with each release of the project-config. */
  readonly token?: number;
  /** Who deploys, for people. */
  readonly by?: string;
  /** The release that has the lock. */
  readonly release?: string;
  /** In the file of a release id: when its owner gave the project-config back. ISO 8601. */
  readonly released?: string;
}

/** The two clocks of a lock's owner and of whoever wants it may be apart by so much, each being wrong by two minutes. */
export const CLOCKS_APART_MS = 5 * 60_000;

/** Whose a lock is. */
export type LockVerdict = "free" | "ours" | "lapsed" | "held";

/**
 * Whose a lock is, for somebody who wants it. A lease that is over is taken over only after a while: the owner's clock may be
 * behind. `undefined` as `file`: there is a file that nobody can read, which is held for safety.
 */
export function judgeLock(
  file: LockFile | "absent" | undefined,
  { owner, now }: { readonly owner: string; readonly now: number },
): LockVerdict {
  if (file === undefined) return "held";
  if (file === "absent" || file.uuid === "") return "free";
  if (file.uuid === owner) return "ours";
  const until = file.until === undefined ? Number.NaN : Date.parse(file.until);
  return now > until + CLOCKS_APART_MS ? "lapsed" : "held";
}

/** What a file says; `undefined`: it is no lock. Fields of others are left out. */
export function parseLockFile(text: string): LockFile | undefined {
  const value = parseJson(text);
  // The predecessor reads nothing at all as a lock without an owner.
  if (value === null) return { uuid: "" };
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const { uuid: owner, until, token, by, release, released } = value as Partial<Record<keyof LockFile, unknown>>;
  const uuid = owner ?? "";
  if (typeof uuid !== "string") return undefined;
  return {
    uuid,
    // An end that nobody can read is none, so the lock is held for ever.
    ...(typeof until === "string" ? { until } : {}),
    ...(typeof token === "number" ? { token } : {}),
    ...(typeof by === "string" ? { by } : {}),
    ...(typeof release === "string" ? { release } : {}),
    ...(typeof released === "string" ? { released } : {}),
  };
}

/** The file's text. The predecessor reads `uuid` and leaves the rest alone. */
export function toLockText({ uuid, until, token, by, release, released }: LockFile): string {
  return JSON.stringify({ uuid, until, token, by, release, released });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
