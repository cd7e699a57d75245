import { setTimeout as sleep } from "node:timers/promises";
import { checkServerIdentity } from "node:tls";
import { defined, findMachineLimit, isStackyardError, retry, StackyardError } from "@stackyard/core";
import pg from "pg";
import { formatLockHolder, isLocked, LOCK_HOLDERS, LOCK_TIMEOUT_MS, type LockHolder } from "./lock-holders.ts";
import {
  type ConnectionFields,
  type PostgresTls,
  parseConnection,
  type StoreSettings,
  type TlsMode,
} from "./store-options.ts";

/** A value of a statement. Lists become arrays of the server. */
export type Parameter = string | number | boolean | null | Buffer | readonly (string | number | null)[];

/** The schemas of a store's tables. */
export interface StorePlace {
  readonly schema: string;
  /** The schema of the table `stacks`: `public` where it is the predecessor's. */
  readonly stacksSchema: string;
}

/** The time limits of statements. */
type DatabaseLimits = Pick<StoreSettings, "answerTimeoutMs" | "statementTimeoutMs">;

const TRIES = 6;
const DRAIN_MS = 10;
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
    const run = () => this.#connections.use((pool) => pool.query(query));
    try {
      const { rows } = await retry(run, { tries: TRIES, isRetryable: isWorthAnotherTry });
      return rows as Row[];
    } catch (error) {
      throw isServerError(error) && isLocked(error) ? await this.#explainLock(error) : toStoreError(error);
    }
  }

  /** Names the other sessions that hold rows of the store locked for longer than a statement waits. */
  async listLockHolders(): Promise<readonly string[]> {
    const text = inSchema(LOCK_HOLDERS, this.#place.schema, this.#place.stacksSchema);
    const { rows } = await this.within(this.#connections.use((pool) => pool.query<LockHolder>(text)));
    return rows.map(formatLockHolder);
  }

  async #explainLock(cause: Error): Promise<StackyardError> {
    const holders = await this.listLockHolders().catch(() => []);
    const by = holders.length === 0 ? "another session" : holders.join(", ");
    const message = `A row is locked by ${by}. End that transaction, or its session with pg_terminate_backend. Only this stack waits.`;
    return new StackyardError("STACK_LOCKED", message, { cause });
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
  // A plain timer: `within` of core would cost each statement 4 µs more.
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

/** Returns the text with its tables and functions in that schema, and `stacks` in its own. The machine of jobs is neither. */
export function inSchema(text: string, schema: string, stacksSchema = schema): string {
  return text.replace(/\bstackyard\.(?!run')(stacks\b)?/g, (_, stacks?: string) =>
    stacks === undefined ? `${schema}.` : `${stacksSchema}.stacks`,
  );
}

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
  #fault: StackyardError | undefined;
  readonly #retired = new Set<Promise<void>>();

  constructor(settings: StoreSettings) {
    this.#settings = settings;
  }

  /** Runs work with the pool; again when the server refused the credentials, or has no TLS and none is required. */
  async use<Result>(work: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
    if (this.#fault !== undefined) throw this.#fault;
    return this.#retrying(({ pool }) => work(pool));
  }

  /** Throws this from `use` until it is called without: the pool would lose what is written. */
  refuse(fault: StackyardError | undefined): void {
    this.#fault = fault;
  }

  /** Ends the pool when its work is done, and opens another: its connections may be to a server that is no longer meant. */
  renew(): void {
    if (this.#open !== undefined) this.#retire(this.#open);
  }

  /** Opens a separate connection outside of the pool; its user closes it. */
  async connect(): Promise<pg.Client> {
    return this.#retrying(async ({ config }) => {
      const client = new pg.Client(config);
      // Without a listener a connection that breaks would end the process.
      client.on("error", () => undefined);
      try {
        await client.connect();
        await prepareSession(client, this.#settings);
        return client;
      } catch (error) {
        await client.end().catch(() => undefined);
        throw error;
      }
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
      .then(async ({ pool }) => {
        // A pool that ends serves no waiting request for a connection; those waits are limited.
        while (pool.waitingCount > 0) await sleep(DRAIN_MS);
        await pool.end();
      })
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

/** An error of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html */
interface ServerError extends Error {
  readonly code: string;
}

/** Errors that vanish when the same transaction is run again: serialization_failure and deadlock_detected. */
const AGAIN = new Set(["40001", "40P01"]);
/** invalid_password and invalid_authorization_specification: the credentials may have been changed. */
const AUTHENTICATION = new Set(["28P01", "28000"]);

/** Returns true when nothing was written and the same call may be made at once. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isServerError(error) && AGAIN.has(error.code);
}

/** Returns true when the server refused user or password. */
export function isAuthenticationFailure(error: unknown): boolean {
  return isServerError(error) && AUTHENTICATION.has(error.code);
}

/** Returns true when the server does not support TLS. */
function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && error.message === "The server does not support SSL connections";
}

/**
 * Returns true for an error of `toStoreError` that was caused by one call, by its data or by a row that another session
 * holds: the rest of its group is not to blame.
 */
export function isDataError(error: unknown): boolean {
  return (
    isStackyardError(error, "STACK_LOCKED") ||
    isStackyardError(error, "USAGE") ||
    (isServerError(error) && error.code.startsWith("23"))
  );
}

/**
 * Converts an error of the driver to one of ours, with the driver's as its cause. Errors of ours and faults of the code
 * are returned unchanged.
 */
export function toStoreError(error: unknown): unknown {
  if (isStackyardError(error) || !(error instanceof Error)) return error;
  if (isServerError(error)) return toKnownError(error);
  const limit = findMachineLimit(error);
  if (limit !== undefined) return unavailable(`PostgreSQL cannot be asked: ${error.message}. ${limit}`, error);
  if (!isConnectionError(error)) return error;
  const message = `PostgreSQL does not answer: ${error.message.replace(/\.$/, "")}.`;
  return unavailable([message, adviseOnConnection(error)].join(" ").trim(), error);
}

/** What to do about errors of a connection whose text leads elsewhere. */
const CONNECTION_ADVICE: readonly (readonly [RegExp, string])[] = [
  [/password must be a string/, "The server wants a password: write it into the address, or set PGPASSWORD."],
  [
    /ENOTFOUND|EAI_AGAIN/,
    "Check the host. In user and password, write characters such as @ : / # and % percent-encoded: %40 for @.",
  ],
  [/establishing an SSL|ECONNRESET/, "Check that PostgreSQL is at this address and port."],
];

function adviseOnConnection({ message }: Error): string {
  return CONNECTION_ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? "";
}

const ADVICE: Readonly<Record<string, string>> = {
  "28P01": "User or password are wrong.",
  "28000": "Create the role, or let it in from here, with TLS if the server wants that: see its pg_hba.conf.",
  "3D000": "Create the database, or name another one.",
  "42501":
    "A migration needs a role that owns the schema, or has CREATE on the database; other processes need USAGE on the schema, and the rights on its tables.",
  "42P07": "The schema has a table of another program: name another `schema`, or another database.",
  "42P01": "The tables are not there: run the migration.",
  "3F000": "The schema is not there: run the migration.",
  "53300": "The server has no connection left: lower `maxConnections`, or raise its max_connections.",
  "57014": "The statement took longer than `statementTimeoutMs`.",
  "25006": "The server is read-only, as a standby is: connect to the primary.",
};

/** The messages of PgBouncer about its own limits, all with one code. */
const POOLER_LIMITS: readonly (readonly [RegExp, string])[] = [
  [
    /query_wait_timeout/,
    "The connection pooler has no session left. Each process needs up to `maxConnections` and 2 more: raise default_pool_size (PgBouncer), or lower `maxConnections`.",
  ],
  [/no more connections/, "Raise max_client_conn (PgBouncer), or lower `maxConnections`."],
];

function adviseOn({ code, message }: ServerError): string {
  return ADVICE[code] ?? POOLER_LIMITS.find(([pattern]) => pattern.test(message))?.[1] ?? "";
}

function toKnownError(error: ServerError): unknown {
  const { code, message } = error;
  if (code === "XX001" || code === "XX002") {
    const text = `The store cannot be read (${message}). Restore it from a backup.`;
    return new StackyardError("STORE_CORRUPT", text, { cause: error });
  }
  // Also a fault of the data: values that are too large for an index.
  if (code.startsWith("22") || code === "54000") {
    return new StackyardError("USAGE", `The store cannot hold this: ${message}.`, { cause: error });
  }
  if (code.startsWith("23") || (code.startsWith("42") && ADVICE[code] === undefined)) return error;
  return unavailable([`PostgreSQL says: ${message} (${code}).`, adviseOn(error)].join(" ").trim(), error);
}

function unavailable(message: string, cause: Error): StackyardError {
  return new StackyardError("STORE_UNAVAILABLE", message, { cause });
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && "severity" in error && "code" in error && typeof error.code === "string";
}

// The driver's own errors have texts only; those of Node's sockets, TLS and name look-up have codes.
const DRIVER =
  /^(Connection terminated|timeout exceeded when trying to connect|The server does not support SSL|Client (has encountered|was closed)|Query read timeout|Cannot use a pool after|There was an error establishing an SSL|SASL: )/;

function isConnectionError(error: Error): boolean {
  return DRIVER.test(error.message) || ("code" in error && typeof error.code === "string");
}

/**
 * Every statement looks up a few rows by their keys, and has an index for each. The server cannot see that: it plans
 * without the length of the lists, and before it has gathered statistics. So it must not read a table sequentially,
 * even for a join; it must make each plan once, since most take longer to make than to run; and it must not compile
 * any.
 */
const SESSION =
  "set enable_seqscan = off; set enable_mergejoin = off; set plan_cache_mode = force_generic_plan; set jit = off";

/** Sets what all statements of a connection need. Poolers such as PgBouncer refuse these settings as startup parameters. */
async function prepareSession(client: pg.ClientBase, { statementTimeoutMs }: StoreSettings): Promise<void> {
  await client.query(
    `set statement_timeout = ${statementTimeoutMs}; set lock_timeout = ${LOCK_TIMEOUT_MS}; ${SESSION}`,
  );
}

/** Returns how connections are opened. `withoutTls`: the server has reported that it does not support TLS. */
function toPoolConfig(fields: ConnectionFields, settings: StoreSettings, withoutTls: boolean): pg.PoolConfig {
  return {
    host: fields.host,
    port: fields.port,
    database: fields.database,
    ...defined({ user: fields.user, password: fields.password }),
    ssl: withoutTls ? false : toSsl(fields, settings.tls),
    max: settings.maxConnections,
    idleTimeoutMillis: settings.idleMs,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    application_name: settings.applicationName,
    onConnect: (client) => prepareSession(client, settings),
    keepAlive: true,
    types: { getTypeParser },
  };
}

/** Returns the effective mode: the option's, else the address's, else `prefer`. */
function tlsModeOf(fields: ConnectionFields, tls: PostgresTls | undefined): TlsMode {
  const mode = typeof tls === "object" ? tls.mode : tls;
  // A socket in the file system needs no TLS.
  return mode ?? fields.tls ?? (fields.host.startsWith("/") ? "off" : "prefer");
}

function toSsl(fields: ConnectionFields, tls: PostgresTls | undefined): Exclude<pg.PoolConfig["ssl"], undefined> {
  const mode = tlsModeOf(fields, tls);
  if (mode === "off") return false;
  if (mode !== "verify-full") return { rejectUnauthorized: false };
  const ca = typeof tls === "object" ? tls.ca : fields.ca;
  return {
    rejectUnauthorized: true,
    ...defined({ ca }),
    // The driver names no host where that is an address of numbers.
    checkServerIdentity: (_, certificate) => checkServerIdentity(fields.host, certificate),
  };
}

const INT8 = 20;

// Counts, versions and instants stay far below 2^53.
function getTypeParser(...[oid, format]: Parameters<typeof pg.types.getTypeParser>): unknown {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}
