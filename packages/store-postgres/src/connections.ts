import pg from "pg";
import { parseConnection } from "./parse-connection.ts";
import type { StoreSettings } from "./postgres-store-options.ts";
import { tlsModeOf, toPoolConfig } from "./to-pool-config.ts";
import { isAuthenticationFailure, isWithoutTls } from "./to-store-error.ts";

interface OpenPool {
  readonly pool: pg.Pool;
  readonly config: pg.PoolConfig;
}

/**
 * The connections to the server. Where it refuses the credentials they are asked for once more, and a new pool takes
 * the old one's place; what runs on the old one's connections goes on.
 */
export class Connections {
  readonly #settings: StoreSettings;
  #open: Promise<OpenPool> | undefined;
  #withoutTls = false;
  readonly #retired = new Set<Promise<void>>();

  constructor(settings: StoreSettings) {
    this.#settings = settings;
  }

  /** Works with the pool; once more where the server refused the credentials or has no TLS and none is required. */
  async use<Result>(work: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
    return this.#retrying(({ pool }) => work(pool));
  }

  /** A connection of its own, outside of the pool, that is closed by its user. */
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
    const opening = this.#ensureOpen();
    try {
      return await work(await opening);
    } catch (error) {
      if (!(await this.#canMend(error))) throw error;
      // Several may have failed at the same time: the first replaces the pool.
      if (this.#open === opening) this.#retire(opening);
      return work(await this.#ensureOpen());
    }
  }

  async #canMend(error: unknown): Promise<boolean> {
    if (isAuthenticationFailure(error)) return typeof this.#settings.connection === "function";
    if (!isWithoutTls(error) || this.#withoutTls) return false;
    const fields = parseConnection(await this.#loadConnection());
    this.#withoutTls = tlsModeOf(fields, this.#settings.tls) === "prefer";
    return this.#withoutTls;
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
    if (this.#open !== undefined) return this.#open;
    const opening = this.#createPool();
    this.#open = opening;
    // Where the credentials could not be had, the next call asks for them again.
    opening.catch(() => {
      if (this.#open === opening) this.#open = undefined;
    });
    return opening;
  }

  async #createPool(): Promise<OpenPool> {
    const config = toPoolConfig(parseConnection(await this.#loadConnection()), this.#settings, this.#withoutTls);
    const pool = new pg.Pool(config);
    pool.on("error", (error) => this.#settings.logger.debug("An idle connection has ended.", { error }));
    return { pool, config };
  }

  async #loadConnection(): Promise<unknown> {
    const { connection } = this.#settings;
    return typeof connection === "function" ? connection() : connection;
  }
}
