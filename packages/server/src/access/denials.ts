import { type Clock, isStackyardError } from "@stackyard/core";
import type { AuditWriter, Sender } from "@stackyard/core/access";
import { isAudited, withFacts } from "./auth-context.ts";
import { type RequestFacts, toRateKey } from "./caller.ts";

/** Audits requests that were denied. */
export interface Denials {
  /** Writes the line of a denial before it is answered; other errors have none. Throws `STORE_UNAVAILABLE`. */
  record(request: Request, error: Error, facts: RequestFacts): Promise<void>;
  /** Writes the counts that are left. */
  flush(): Promise<void>;
}

interface DenialDeps {
  readonly audit: Pick<AuditWriter, "write">;
  readonly clock: Pick<Clock, "now">;
  /** Who the request came from, as far as it is known. */
  readonly findSender: (request: Request) => Sender | undefined;
}

/** Denials of one address within a minute. */
interface Window {
  readonly endsAt: number;
  lines: number;
  /** Denials without a line of their own. */
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

/** Creates the record of this process. Above 60 denials a minute and address, the rest become one line with their count. */
export function createDenials({ audit, clock, findSender }: DenialDeps): Denials {
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
      ...(count !== undefined && { count }),
    });

  async function close(isMeant: (window: Window) => boolean): Promise<void> {
    for (const [key, window] of windows) {
      if (!isMeant(window)) continue;
      windows.delete(key);
      if (window.more > 0) await write(window.last, window.more);
    }
  }

  return {
    async record(request, error, facts) {
      if (!isDenial(request, error)) return;
      await close(({ endsAt }) => endsAt <= clock.now());
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
    flush: () => close(() => true),
  };
}

/** A 401 without a credential is not recorded: browsers and health checks cause many. */
function isDenial(request: Request, error: Error): error is Error & { readonly code: string } {
  if (!isStackyardError(error) || !CODES.has(error.code) || isAudited(error)) return false;
  return error.code !== "UNAUTHENTICATED" || request.headers.has("authorization") || request.headers.has("cookie");
}

const ANONYMOUS: Sender = { kind: "anonymous", id: "anonymous", name: "anonymous", groups: [] };
const MAX_PATH_LENGTH = 512;

function toLine(request: Request, code: string, sender: Sender | undefined, facts: RequestFacts): Line {
  const path = new URL(request.url).pathname.slice(0, MAX_PATH_LENGTH);
  return { who: withFacts(sender ?? ANONYMOUS, facts), code, reason: `${request.method} ${path}` };
}
