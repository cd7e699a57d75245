import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What an instance has. */
export interface InstanceOptions {
  /** Responses of its metadata service and of S3 by path; other paths are not found. */
  readonly answers?: Readonly<Record<string, string | Buffer | undefined>>;
  /** Programs besides the usual ones, by name: shell scripts. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Programs that are missing. */
  readonly without?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a script has ended. */
export interface ScriptEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running script, in its own process group. */
export interface RunningScript {
  readonly pid: number;
  readonly ended: Promise<ScriptEnd>;
}

/** An instance on paper: programs in a folder, metadata and S3 over HTTP on the loopback. */
export interface Instance {
  /** Its address, for programs that want to be waited for. */
  readonly url: string;
  /** Returns the requests, such as `PUT /latest/api/token`. */
  requests(): readonly string[];
  /** The requests with their headers. */
  readonly messages: readonly IncomingMessage[];
  /** A folder that outlives runs, for notes of programs: `$NOTES`. */
  readonly notes: string;
  /** Settles at the next request of that path, which is answered when `answer` is called. */
  hold(path: string): Promise<{ answer(): void }>;
  start(script: string, shell?: readonly string[]): RunningScript;
  run(script: string, shell?: readonly string[]): Promise<ScriptEnd>;
  /** Returns what runs have left in the folder for temporary files. */
  leftovers(): readonly string[];
  stop(): Promise<void>;
}

const USUAL = ["awk", "base64", "bash", "cat", "chmod", "cp", "curl", "dirname", "env", "find", "flock", "grep", "ls"];
const MORE = ["mkdir", "mktemp", "rm", "sed", "sh", "sha256sum", "stat", "touch", "tr", "unzip"];
const HOMES = ["/usr/bin", "/bin", "/usr/local/bin"];

/** Starts such an instance. */
export async function anInstance(options: InstanceOptions = {}): Promise<Instance> {
  const home = mkdtempSync(join(tmpdir(), "stackyard-instance-"));
  for (const folder of ["bin", "tmp", "notes"]) mkdirSync(join(home, folder));
  addPrograms(join(home, "bin"), options);
  const messages: IncomingMessage[] = [];
  const holds = new Map<string, (held: { answer(): void }) => void>();
  const server = createServer((request, response) => {
    messages.push(request);
    const reply = () => answer(options.answers ?? {}, request, response);
    const hold = holds.get(request.url ?? "");
    if (hold === undefined) return reply();
    holds.delete(request.url ?? "");
    hold({ answer: reply });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const env = { ...toEnvironment(home, url), ...options.environment };
  const start = (script: string, shell: readonly string[] = ["sh"]) => startScript(home, env, script, shell);
  return {
    url,
    messages,
    notes: join(home, "notes"),
    requests: () => messages.map(({ method, url: path }) => `${method} ${path}`),
    hold: (path) => new Promise((resolve) => holds.set(path, resolve)),
    start,
    run: (script, shell) => start(script, shell).ended,
    leftovers: () => readdirSync(join(home, "tmp")),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(home, { recursive: true });
    },
  };
}

/** Returns an environment that uses only programs that every Linux host has. */
function toEnvironment(home: string, url: string): Record<string, string> {
  return {
    PATH: join(home, "bin"),
    TMPDIR: join(home, "tmp"),
    NOTES: join(home, "notes"),
    SERVER: url,
    STACKYARD_LOCK_FOLDER: join(home, "lock"),
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    AWS_ENDPOINT_URL_S3: `${url}/s3`,
  };
}

function addPrograms(bin: string, { programs = {}, without = [] }: InstanceOptions): void {
  for (const name of [...USUAL, ...MORE].filter((each) => !without.includes(each) && !(each in programs))) {
    const found = HOMES.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`These tests need the program ${name}.`);
    symlinkSync(found, join(bin, name));
  }
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
}

function answer(
  answers: NonNullable<InstanceOptions["answers"]>,
  { method, url = "" }: IncomingMessage,
  response: ServerResponse,
) {
  const body = answers[`${method} ${url}`];
  response.writeHead(body === undefined ? 404 : 200).end(body);
}

/** Starts a script as the agent does: the commands in a file, run by the shell. */
function startScript(home: string, env: Record<string, string>, text: string, shell: readonly string[]): RunningScript {
  const file = join(mkdtempSync(join(home, "script-")), "_script.sh");
  writeFileSync(file, text);
  const [program = "sh", ...rest] = shell;
  const child = spawn(join(home, "bin", program), [...rest, file], { env, cwd: home, detached: true });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (output.stdout += String(data)));
  child.stderr.on("data", (data) => (output.stderr += String(data)));
  const ended = new Promise<ScriptEnd>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...output }));
  });
  return { pid: child.pid ?? 0, ended };
}
