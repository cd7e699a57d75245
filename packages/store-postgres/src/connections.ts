import pg from "pg";
import { type ConnectionFields, parseConnection } from "./parse-connection.ts";
import type { StoreSettings } from "./postgres-store-options.ts";
import { tlsModeOf, toPoolConfig } from "./to-pool-config.ts";
import { isAuthenticationFailure, isWithoutTls } from "./to-store-error.ts";

interface OpenPool {
  readonly fields: ConnectionFields;
  readonly config: pg.PoolConfig;
  readonly pool: pg.Pool;
}

/**
 * The connections to the server. If the server rejects the credentials, they are loaded again and a new pool replaces
 * the old one; statements that run on the old connections continue.
 */
export class Connections {
  readonly #settings: StoreSettings;
  #open: Promise<OpenPool> | undefined;
  #withoutTls = false;
  readonly #retired = new Set<Promise<void>>();

  constructor(settings: StoreSettings) {
    this.#settings = settings;
  }

  /** Runs work with the pool; again when the server refused the credentials, or has no TLS and none is required. */
  async use<Result>(work: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
    return this.#retrying(({ pool }) => work(pool));
  }

  /** Opens a separate connection outside of the pool; its user closes it. */
  async connect(): Promise<pg.Client> {
    return this.#retrying(async ({ config }) => {
      const client = new pg.Client(config);
      // Without a listener a connection that breaks would end the process.
      client.on("error", () => undefined);
      await client.connect();
      return client;
    });
  }

  async close(): Promise<void> {
    const open = await this.#open?.catch(() => undefined);
    this.#open = undefined;
    await Promise.all([...this.#retired, open?.pool.end()]);
  }

  async #retrying<Result>(work: (open: OpenPool) => Promise<Result>): Promise<Result> {
    for (let isLast = false; ; ) {
      const opening = this.#ensureOpen();
      const open = await opening;
      try {
        return await work(open);
      } catch (error) {
        const mended = isLast ? undefined : this.#mend(error, open);
        if (mended === undefined) throw error;
        // New credentials that are refused too do not help.
        isLast = isAuthenticationFailure(error);
        // Several may have failed at the same time: the first replaces the pool.
        if (this.#open === opening) {
          this.#retire(opening);
          void this.#keep(mended());
        }
      }
    }
  }

  /** Returns how to create a pool that may work; undefined when no other pool can. */
  #mend(error: unknown, { fields }: OpenPool): (() => Promise<OpenPool>) | undefined {
    if (isAuthenticationFailure(error) && typeof this.#settings.connection === "function")
      return () => this.#loadPool();
    if (!isWithoutTls(error) || tlsModeOf(fields, this.#settings.tls) !== "prefer") return undefined;
    this.#withoutTls = true;
    return async () => this.#createPool(fields);
  }

  #retire(opening: Promise<OpenPool>): void {
    this.#open = undefined;
    const ended: Promise<void> = opening
      .then(({ pool }) => pool.end())
      .catch(() => undefined)
      .finally(() => this.#retired.delete(ended));
    this.#retired.add(ended);
  }

  #ensureOpen(): Promise<OpenPool> {
    return this.#open ?? this.#keep(this.#loadPool());
  }

  #keep(opening: Promise<OpenPool>): Promise<OpenPool> {
    this.#open = opening;
    // If the credentials could not be fetched, the next call fetches them again.
    opening.catch(() => {
      if (this.#open === opening) this.#open = undefined;
    });
    return opening;
  }

  async #loadPool(): Promise<OpenPool> {
    const { connection } = this.#settings;
    return this.#createPool(parseConnection(typeof connection === "function" ? await connection() : connection));
  }

  #createPool(fields: ConnectionFields): OpenPool {
    const config = toPoolConfig(fields, this.#settings, this.#withoutTls);
    const pool = new pg.Pool(config);
    pool.on("error", (error) => this.#settings.logger.debug("An idle connection has ended.", { error }));
    return { fields, config, pool };
  }
}
