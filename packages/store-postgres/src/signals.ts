import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger, StackyardError, StoreSignal } from "@stackyard/core";
import { type Change, createStoreListeners, type StoreListeners } from "@stackyard/core/engine";
import type pg from "pg";
import type { Connections } from "./database.ts";
import { findLostSessions } from "./keeps-sessions.ts";
import { leadsElsewhere } from "./leads-elsewhere.ts";

type Kind = StoreSignal["kind"];

const PAUSE_MS = 2;
/** History and progress are read by people only, so their notifications can wait. */
const HISTORY_PAUSE_MS = 50;
const KINDS: readonly Kind[] = ["event", "task", "history", "progress"];
// A hint need not last, and the lock that all notifications of the server take must not be held through a wait for the
// disk.
const NOTIFY = "select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";

/** Dependencies of signals. */
interface SignalsDeps {
  readonly connections: Connections;
  readonly schema: string;
  readonly logger: Logger;
}

/**
 * Tells of commits: the listeners of this process at once, those of others by `NOTIFY`. That is a transaction of its
 * own after the commit, because one with a notification in it keeps all others of that kind on the server from
 * committing; what comes while one is on its way shares the next. A signal that is lost costs its receiver the time
 * until it asks by itself.
 */
export class Signals {
  readonly #deps: SignalsDeps;
  readonly #listeners: StoreListeners;
  readonly #origin = randomUUID().slice(0, 8);
  #listening: Listening | undefined;
  #pending = new Set<Kind>();
  #sending: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: SignalsDeps) {
    this.#deps = deps;
    this.#listeners = createStoreListeners(deps.logger);
  }

  /** Adds a listener. The first one opens the connection that receives signals of other processes. */
  watch(listener: (signal: StoreSignal) => void): () => void {
    const stop = this.#listeners.watch(listener);
    if (!this.#closed) {
      this.#listening ??= listen({
        ...this.#deps,
        channel: this.#channel,
        onMessage: (payload) => this.#hear(payload),
        // Signals may have been missed, and the server may be another one.
        onConnected: () => this.#listeners.notify([...KINDS, "moved"]),
        // Before the next statement: it may reach a server that was set back.
        onEnded: () => this.#listeners.notify(["moved"]),
        onChecked: (fault) => this.#deps.connections.refuse(fault),
        onMoved: () => this.#deps.connections.renew(),
      });
    }
    return stop;
  }

  /**
   * Notifies listeners of this process. Call it after a commit that notifies the other processes itself, with
   * `messageOf`.
   */
  notifyHere(kinds: readonly Kind[]): void {
    if (!this.#closed) this.#listeners.notify(kinds);
  }

  /** Returns channel and payload for `pg_notify`. */
  messageOf(kinds: readonly Kind[]): readonly [string, string] {
    return [this.#channel, `${this.#origin} ${kinds.join(",")}`];
  }

  /** Notifies all processes. Call it after a commit. */
  notify(kinds: readonly Kind[]): void {
    if (kinds.length === 0 || this.#closed) return;
    this.#listeners.notify(kinds);
    for (const kind of kinds) this.#pending.add(kind);
    this.#schedule();
  }

  /** Ends listening, after pending notifications. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#later);
    await this.#sending;
    await this.#listening?.close();
  }

  get #channel(): string {
    return `${this.#deps.schema}_signals`;
  }

  #schedule(): void {
    if (this.#isUrgent()) this.#sending ??= this.#send();
    else this.#later ??= setTimeout(() => (this.#sending ??= this.#send()), HISTORY_PAUSE_MS).unref();
  }

  #isUrgent(): boolean {
    return this.#pending.has("event") || this.#pending.has("task");
  }

  async #send(): Promise<void> {
    do {
      clearTimeout(this.#later);
      this.#later = undefined;
      const values = [...this.messageOf([...this.#pending])];
      this.#pending = new Set();
      const query = { name: "notify", text: NOTIFY, values };
      await this.#deps.connections
        .use((pool) => pool.query(query))
        .catch((error: unknown) => this.#deps.logger.debug("Could not notify other processes of a commit.", { error }));
      // Signals that are added meanwhile share the next notification.
      await sleep(PAUSE_MS, undefined, { ref: false });
    } while (this.#isUrgent());
    this.#sending = undefined;
    if (this.#pending.size > 0 && !this.#closed) this.#schedule();
  }

  #hear(payload: string): void {
    const [origin, kinds = ""] = payload.split(" ");
    if (origin === this.#origin) return;
    const heard = kinds.split(",");
    this.#listeners.notify(KINDS.filter((kind) => heard.includes(kind)));
  }
}

/** Returns the signals for these changes. `passedKeys`: a result has passed a key on to another attempt. */
export function signalsOf(changes: readonly Change[], passedKeys: boolean): readonly Kind[] {
  const kinds = new Set<Kind>(passedKeys ? ["task"] : []);
  for (const { history, dispatches, claims = [], resends = [], cancels, endedAttempts } of changes) {
    if (history.length > 0) kinds.add("history");
    // The end of an attempt may pass a key to another one. An attempt that is granted at once does not wait.
    if (dispatches.length - claims.length > 0 || resends.length + cancels.length + endedAttempts.length > 0)
      kinds.add("task");
    if (cancels.length > 0) kinds.add("event");
  }
  return [...kinds];
}

/** Dependencies of listening. */
interface ListenInput {
  readonly connections: Pick<Connections, "connect">;
  readonly channel: string;
  readonly logger: Logger;
  readonly onMessage: (payload: string) => void;
  /** Called each time that the connection is established. */
  readonly onConnected: () => void;
  /** Called each time that the connection has ended. */
  readonly onEnded?: () => void;
  /** Called after each check, with why the connections cannot be used. */
  readonly onChecked?: (fault: StackyardError | undefined) => void;
  /** Called when new connections reach another primary than the one that is listened to. Without it that is not checked. */
  readonly onMoved?: () => void;
  /** Default `CHECK_EVERY_MS`. */
  readonly checkEveryMs?: number;
}

/** A connection that hears notifications, and is made again when it breaks. */
interface Listening {
  close(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The time between checks that the server is still the primary and the one that the address leads to, and that connections
 * keep their sessions.
 */
const CHECK_EVERY_MS = 10_000;

/** Begins to listen. Where the server cannot be reached it is tried again, at longer and longer intervals. */
export function listen(input: ListenInput): Listening {
  const stopping = new AbortController();
  const loop = run(input, stopping.signal);
  return {
    async close() {
      stopping.abort();
      await loop;
    },
  };
}

async function run(input: ListenInput, stopping: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!stopping.aborted) {
    try {
      await hearOut(input, stopping);
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      input.logger.debug("Notifications are unavailable; the store polls for work.", { error, pauseMs });
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
    await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: stopping, ref: false }).catch(() => undefined);
  }
}

/** Resolves when the connection has ended. */
async function hearOut(input: ListenInput, stopping: AbortSignal) {
  const { connections, channel, onMessage, onConnected } = input;
  const client = await connections.connect();
  const checks = new AbortController();
  try {
    const ended = untilEnd(client, stopping);
    client.on("notification", ({ payload = "" }) => onMessage(payload));
    await client.query(`listen ${channel}`);
    if (await isStandby(client)) throw new Error("The server is read-only, as a standby is.");
    await checkSessions(input, client);
    onConnected();
    await Promise.race([ended, untilDemoted(input, client, checks.signal)]);
  } finally {
    checks.abort();
    input.onEnded?.();
    await client.end().catch(() => undefined);
  }
}

/**
 * Resolves when the server does not answer in time, is a standby now, or is not the one that the address leads to:
 * after a failover others notify elsewhere.
 */
async function untilDemoted(input: ListenInput, client: pg.Client, ended: AbortSignal): Promise<void> {
  const { checkEveryMs: everyMs = CHECK_EVERY_MS } = input;
  const pause = () => sleep(everyMs, undefined, { signal: ended, ref: false }).catch(() => undefined);
  while (!ended.aborted) {
    await pause();
    if (ended.aborted) return;
    const isUnfit = isStandby(client).then(async (standby) => standby || (await checkSessions(input, client)));
    if (await Promise.race([isUnfit, pause().then(() => true)])) return;
    if (await Promise.race([hasMoved(input, client), pause().then(() => false)])) return;
  }
}

async function hasMoved({ connections, onMoved, logger }: ListenInput, client: pg.Client): Promise<boolean> {
  if (onMoved === undefined || !(await leadsElsewhere(client, () => connections.connect()))) return false;
  logger.warn("The address leads to another PostgreSQL server now. All connections are opened again.");
  onMoved();
  return true;
}

/** Reports whether a pooler keeps sessions; returns false, because another connection would not help. */
async function checkSessions({ connections, onChecked, logger }: ListenInput, client: pg.Client): Promise<false> {
  const fault = await findLostSessions(client, () => connections.connect());
  if (fault !== undefined) logger.error(fault.message);
  onChecked?.(fault);
  return false;
}

async function isStandby(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>("select pg_is_in_recovery() as standby");
  return rows[0]?.standby === true;
}

function untilEnd(client: pg.Client, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stopping.removeEventListener("abort", end);
      resolve();
    };
    client.on("end", end).on("error", end);
    stopping.addEventListener("abort", end);
    if (stopping.aborted) end();
  });
}
