import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Logger } from "@stackyard/core";
import type { Connections } from "./connections.ts";
import { type Listening, listen } from "./listen.ts";
import { Listeners } from "./listeners.ts";
import type { StoreSignal } from "./port-types.ts";

type Kind = StoreSignal["kind"];

const PAUSE_MS = 2;
const KINDS: readonly Kind[] = ["event", "task", "history"];
// A hint need not last, and the lock that all notifications of the server take must not be held through a wait for the disk.
const NOTIFY = "select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";

/** What signals need. */
export interface SignalsDeps {
  readonly connections: Connections;
  readonly schema: string;
  readonly logger: Logger;
}

/**
 * Tells of commits: the listeners of this process at once, those of others by `NOTIFY`. That is a transaction of its
 * own after the commit, because one with a notification in it keeps all others of that kind on the server from committing; what comes
 * while one is on its way shares the next. A signal that is lost costs its receiver the time until it asks by itself.
 */
export class Signals {
  readonly #deps: SignalsDeps;
  readonly #listeners: Listeners;
  readonly #origin = randomUUID().slice(0, 8);
  #listening: Listening | undefined;
  #pending = new Set<Kind>();
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(deps: SignalsDeps) {
    this.#deps = deps;
    this.#listeners = new Listeners(deps.logger);
  }

  /** The first listener opens the connection that hears of others. */
  watch(listener: (signal: StoreSignal) => void): () => void {
    const stop = this.#listeners.add(listener);
    if (!this.#closed) {
      this.#listening ??= listen({
        ...this.#deps,
        channel: this.#channel,
        onMessage: (payload) => this.#hear(payload),
        // Signals may have been missed.
        onConnected: () => this.#listeners.tell(new Set(KINDS)),
      });
    }
    return stop;
  }

  /** Call it after a commit. */
  tell(kinds: ReadonlySet<Kind>): void {
    if (kinds.size === 0 || this.#closed) return;
    this.#listeners.tell(kinds);
    for (const kind of kinds) this.#pending.add(kind);
    this.#sending ??= this.#send();
  }

  /** Ends listening, after what is on its way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sending;
    await this.#listening?.close();
  }

  get #channel(): string {
    return `${this.#deps.schema}_signals`;
  }

  async #send(): Promise<void> {
    while (this.#pending.size > 0) {
      const values = [this.#channel, `${this.#origin} ${[...this.#pending].join(",")}`];
      this.#pending = new Set();
      const query = { name: "notify", text: NOTIFY, values };
      await this.#deps.connections
        .use((pool) => pool.query(query))
        .catch((error: unknown) => this.#deps.logger.debug("Others could not be told of a commit.", { error }));
      // What is committed meanwhile shares the next one.
      await setTimeout(PAUSE_MS, undefined, { ref: false });
    }
    this.#sending = undefined;
  }

  #hear(payload: string): void {
    const [origin, kinds = ""] = payload.split(" ");
    if (origin === this.#origin) return;
    const heard = kinds.split(",");
    this.#listeners.tell(new Set(KINDS.filter((kind) => heard.includes(kind))));
  }
}
