import { cutText, keepStart } from "../machine/cut-text.ts";
import { defined, parseJson } from "../machine/json.ts";
import { createPageBuilder, foreignCursor, type Page, type PageInput } from "../ports/records.ts";

/** A failed task, a parked event or a dead letter, as far as causes are compared. */
export interface Trouble {
  readonly task?: string | undefined;
  readonly event?: string | undefined;
  readonly code?: string | undefined;
  readonly at: number;
  readonly stackId: string;
  /** As it was recorded. It is compared only, never shown. */
  readonly message?: string | undefined;
  /** Returns the message without sensitive values. Called only for a failure that is the sample of its cause. */
  readonly toMessage: () => string | undefined;
}

/** Troubles with the same task, event and code. */
export interface Cause {
  readonly task?: string;
  readonly event?: string;
  readonly code?: string;
  readonly count: number;
  /** The number of different messages that they have, by their first lines without numbers, ids and times. Missing: one. */
  readonly messages?: number;
  readonly newestAt: number;
  /** The newest of them. */
  readonly sample: { readonly stackId: string; readonly message?: string };
}

/** Groups troubles by their causes. */
export interface CauseCounter {
  add(trouble: Trouble): void;
  /** Returns a page, the largest first, then the newest. Throws `USAGE` for a cursor of another list. */
  toPage(page: PageInput): Page<Cause>;
}

interface Group extends Omit<Cause, "messages"> {
  readonly key: string;
  readonly lines: Set<string>;
}

const MOST_CHARACTERS = 500;
/** The maximum number of different messages of a cause that are counted. */
const MOST_MESSAGES = 100;

/** Creates a counter without troubles. It keeps one sample of each cause. */
export function createCauseCounter(): CauseCounter {
  const groups = new Map<string, Group>();
  return {
    add(trouble) {
      const { task, event, code, at } = trouble;
      const key = JSON.stringify([task ?? null, event ?? null, code ?? null]);
      const before = groups.get(key);
      const isNewest = before === undefined || at > before.newestAt;
      const lines = before?.lines ?? new Set();
      if (lines.size < MOST_MESSAGES) lines.add(toComparedLine(trouble));
      groups.set(key, {
        key,
        lines,
        ...defined({ task, event, code }),
        count: (before?.count ?? 0) + 1,
        newestAt: isNewest ? at : before.newestAt,
        sample: isNewest ? toSample(trouble) : before.sample,
      });
    },
    toPage(page) {
      const after = page.cursor === undefined ? undefined : parseCursor(page.cursor);
      const builder = createPageBuilder<Cause>(page);
      for (const group of [...groups.values()].sort(compare)) {
        if (after !== undefined && compare(group, after) <= 0) continue;
        const { key } = group;
        const cause = toCause(group);
        const cursor = JSON.stringify([group.count, group.newestAt, key]);
        const bytes = Buffer.byteLength(JSON.stringify(cause));
        if (!builder.add({ id: key, cursor, bytes, read: () => cause })) break;
      }
      return builder.end();
    },
  };
}

function toCause({ key: _, lines, ...rest }: Group): Cause {
  return lines.size > 1 ? { ...rest, messages: lines.size } : rest;
}

/** Matches what differs from one occurrence of a fault to the next: ids, hashes, instants and numbers. */
const VARYING = /\b[0-9a-f]{7,}\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+([.:,-]\d+)*/gi;

/** Returns the first line of a message without what differs from one occurrence of a fault to the next. */
function toComparedLine({ message = "", stackId }: Trouble): string {
  const [line = ""] = message.trim().split("\n", 1);
  return keepStart(line, MOST_CHARACTERS).replaceAll(stackId, "#").replaceAll(VARYING, "#");
}

function toSample({ stackId, toMessage }: Trouble): Cause["sample"] {
  const message = toMessage();
  if (message === undefined) return { stackId };
  return { stackId, message: cutText(message, MOST_CHARACTERS) };
}

type Place = Pick<Group, "count" | "newestAt" | "key">;

function compare(a: Place, b: Place): number {
  return b.count - a.count || b.newestAt - a.newestAt || (a.key < b.key ? -1 : a.key === b.key ? 0 : 1);
}

function parseCursor(cursor: string): Place {
  const parts = parseJson(cursor);
  const [count, newestAt, key]: unknown[] = Array.isArray(parts) ? parts : [];
  if (typeof count === "number" && typeof newestAt === "number" && typeof key === "string") {
    return { count, newestAt, key };
  }
  throw foreignCursor();
}
