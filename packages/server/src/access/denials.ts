import { type Clock, defined, isStackyardError, type Logger } from "@stackyard/core";
import type { AuditWriter, Sender } from "@stackyard/core/access";
import { isAudited, withFacts } from "./auth-context.ts";
import { ANONYMOUS, type RequestFacts } from "./caller.ts";
import { toRateKey } from "./client-address.ts";

/** Audits requests that were denied. */
export interface Denials {
  /** Writes a denial to the audit log before the response; skips other errors. Throws `STORE_UNAVAILABLE`. */
  record(request: Request, error: Error, facts: RequestFacts): Promise<void>;
  /** Writes the counts of minutes that are over, each minute, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Writes the counts that are left. */
  flush(): Promise<void>;
}

interface DenialDeps {
  readonly audit: Pick<AuditWriter, "write">;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly logger: Pick<Logger, "warn">;
  /** Returns the known sender of the request. */
  readonly findSender: (request: Request) => Sender | undefined;
}

/** Denials of one address within a minute. */
interface Window {
  readonly endsAt: number;
  lines: number;
  /** Number of denials without their own line. */
  more: number;
  last: Line;
}

interface Line {
  readonly who: Sender;
  readonly code: string;
  readonly reason: string;
}

const MINUTE_MS = 60_000;
const LINES_A_MINUTE = 60;
const MOST_WINDOWS = 10_000;
const CODES: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "FORBIDDEN", "NO_GRANT"]);

/** Returns true for the codes of requests that are recorded as denied. */
export function isDenialCode(code: string): boolean {
  return CODES.has(code);
}

/** Creates the record of this process. Above 60 denials a minute and address, the rest become one line with their count. */
export function createDenials({ audit, clock, logger, findSender }: DenialDeps): Denials {
  const windows = new Map<string, Window>();
  const write = ({ who, code, reason }: Line, count?: number) =>
    audit.write({
      action: "denied",
      outcome: "denied",
      who,
      via: "api",
      on: {},
      code,
      reason,
      ...defined({ count }),
    });

  async function close(isMeant: (window: Window) => boolean): Promise<void> {
    for (const [key, window] of windows) {
      if (!isMeant(window)) continue;
      windows.delete(key);
      if (window.more > 0) await write(window.last, window.more).catch((error: unknown) => keep(key, window, error));
    }
  }

  /** Keeps a count that could not be stored, so that it is written later. */
  function keep(key: string, window: Window, error: unknown): never {
    const next = windows.get(key);
    if (next === undefined) windows.set(key, window);
    else next.more += window.more;
    throw error;
  }

  const isOver = ({ endsAt }: Window) => endsAt <= clock.now();
  const tryToClose = (isMeant: (window: Window) => boolean) =>
    close(isMeant).catch((error: unknown) => {
      logger.warn("Counts of denied requests cannot be written to the audit log.", { error });
    });

  return {
    async record(request, error, facts) {
      if (!isDenial(request, error)) return;
      await close(isOver);
      const line = toLine(request, error.code, findSender(request), facts);
      const key = toRateKey(facts.address);
      const window = windows.get(key);
      if (window !== undefined && window.lines >= LINES_A_MINUTE) {
        window.more += 1;
        window.last = line;
        return;
      }
      if (window === undefined) {
        if (windows.size >= MOST_WINDOWS) await close(() => true);
        windows.set(key, { endsAt: clock.now() + MINUTE_MS, lines: 1, more: 0, last: line });
      } else window.lines += 1;
      await write(line);
    },
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(MINUTE_MS, signal);
        await tryToClose(isOver);
      }
    },
    flush: () => tryToClose(() => true),
  };
}

/** Returns true for denials. A 401 without a credential is not one: browsers and health checks cause many. */
function isDenial(request: Request, error: Error): error is Error & { readonly code: string } {
  if (!isStackyardError(error) || !isDenialCode(error.code) || isAudited(error)) return false;
  return error.code !== "UNAUTHENTICATED" || request.headers.has("authorization") || request.headers.has("cookie");
}

const MAX_PATH_LENGTH = 512;

function toLine(request: Request, code: string, sender: Sender | undefined, facts: RequestFacts): Line {
  const path = new URL(request.url).pathname.slice(0, MAX_PATH_LENGTH);
  return { who: withFacts(sender ?? ANONYMOUS.sender, facts), code, reason: `${request.method} ${path}` };
}
