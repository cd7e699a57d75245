import { StackyardError } from "@stackyard/core";
import type pg from "pg";
import type { Connections } from "./connections.ts";
import type { StoreSettings } from "./postgres-store-options.ts";
import { isWorthAnotherTry, toStoreError } from "./to-store-error.ts";

/** A value of a statement. Lists become arrays of the server. */
export type Parameter = string | number | boolean | null | Buffer | readonly (string | number | null)[];

/** The schemas of a store's tables. */
export interface StorePlace {
  readonly schema: string;
  /** The schema of the table `stacks`: `public` where it is the predecessor's. */
  readonly stacksSchema: string;
}

/** How long statements may take. */
type DatabaseLimits = Pick<StoreSettings, "answerTimeoutMs" | "statementTimeoutMs">;

const TRIES = 6;
/** The server ends a long statement itself; a connection on which it does not even do that is given up. */
const GRACE_MS = 5_000;

/** The driver's types lack the time limit of one query. */
interface TimedQuery extends pg.QueryConfig {
  readonly query_timeout: number;
}

/** Statements on a store's tables. */
export class Database {
  readonly #connections: Connections;
  readonly #place: StorePlace;
  readonly #texts = new Map<string, string>();
  readonly #running = new Set<Promise<unknown>>();
  #closing = false;
  #closed = false;

  readonly #limits: DatabaseLimits;

  constructor(connections: Connections, place: StorePlace, limits: DatabaseLimits) {
    this.#connections = connections;
    this.#place = place;
    this.#limits = limits;
  }

  /** Returns true when the table of stacks is the predecessor's. */
  get isTakenOver(): boolean {
    return this.#place.schema !== this.#place.stacksSchema;
  }

  /**
   * Runs a statement as a separate transaction, and again when the server aborted it in favor of another. Rejects with
   * `STORE_UNAVAILABLE`, `STORE_CORRUPT`, `STORE_CLOSED`, and `USAGE` for values that cannot be stored.
   */
  async rows<Row>(statement: Statement, ...values: readonly Parameter[]): Promise<readonly Row[]> {
    if (this.#closed) throw closedError();
    const { answerTimeoutMs, statementTimeoutMs } = this.#limits;
    const isLong = statement.isLong === true;
    const query = {
      name: statement.name,
      text: this.#textOf(statement),
      values: [...values],
      // A caller that stops waiting also drops the connection, which may be dead without an error.
      query_timeout: isLong ? statementTimeoutMs + GRACE_MS : answerTimeoutMs,
    };
    const running = this.#track(this.#run<Row>(query));
    return isLong ? running : answerWithin(running, answerTimeoutMs);
  }

  /** Limits the time like `rows` for work that may have to wait before it is sent. */
  async within<Result>(work: Promise<Result>): Promise<Result> {
    return answerWithin(work, this.#limits.answerTimeoutMs);
  }

  /** Runs a statement like `rows` and returns the first row. */
  async row<Row>(statement: Statement, ...values: readonly Parameter[]): Promise<Row | undefined> {
    const [row] = await this.rows<Row>(statement, ...values);
    return row;
  }

  /** Throws `STORE_CLOSED` once the store closes. */
  assertOpen(): void {
    if (this.#closing) throw closedError();
  }

  /** Makes `assertOpen` throw from now on; statements of earlier calls may still be sent. */
  refuse(): void {
    this.#closing = true;
  }

  /** Refuses new statements, and waits for those that run. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }

  async #run<Row>(query: TimedQuery): Promise<readonly Row[]> {
    for (let turn = 1; ; turn += 1) {
      try {
        const { rows } = await this.#connections.use((pool) => pool.query(query));
        return rows as Row[];
      } catch (error) {
        if (turn >= TRIES || !isWorthAnotherTry(error)) throw toStoreError(error);
      }
    }
  }

  async #track<Result>(work: Promise<Result>): Promise<Result> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #textOf({ name, text }: Statement): string {
    const known = this.#texts.get(name);
    if (known !== undefined) return known;
    const own = inSchema(text, this.#place.schema, this.#place.stacksSchema);
    this.#texts.set(name, own);
    return own;
  }
}

function closedError(): StackyardError {
  return new StackyardError("STORE_CLOSED", "The store is closed.");
}

/**
 * Returns the result of a call. Throws `STORE_UNAVAILABLE` if it does not settle in time; the write may still happen,
 * so callers repeat it with the same ids.
 */
async function answerWithin<Result>(work: Promise<Result>, withinMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `PostgreSQL has not answered for ${withinMs / 1_000} s. Check the server, and locks on its tables.`;
      reject(new StackyardError("STORE_UNAVAILABLE", message));
    }, withinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A statement that each connection prepares once, under its name. `stackyard.` is replaced by the schema. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /**
   * It may take as long as the server lets it (`statementTimeoutMs`), such as a group of commits. Any other statement
   * looks up or writes a few rows, and fails after `answerTimeoutMs`, the wait for a connection included.
   */
  readonly isLong?: true;
}

/** Returns the text with its tables and functions in that schema, and `stacks` in its own. */
export function inSchema(text: string, schema: string, stacksSchema = schema): string {
  return text.replace(/\bstackyard\.(stacks\b)?/g, (_, stacks?: string) =>
    stacks === undefined ? `${schema}.` : `${stacksSchema}.stacks`,
  );
}
