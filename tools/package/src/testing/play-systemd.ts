import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** What a page calls something, and what it is in a test; applied in this order. */
export type Places = readonly (readonly [pattern: string, replacement: string])[];

/** Returns a text of the page or of a file in the places of the test. */
export function place(text: string, places: Places): string {
  return places.reduce((found, [pattern, to]) => found.replaceAll(new RegExp(pattern, "g"), () => to), text);
}

/** A machine of a test: the folder that replaces `/`, and its places. */
export interface PlayedMachine {
  readonly root: string;
  readonly places: Places;
  /** Services whose units are those of Debian, with the file that the page writes for them. */
  readonly others: Readonly<Record<string, { readonly command: string; readonly config: string }>>;
}

/**
 * Does what `systemctl` does with units, as far as those of `deploy/systemd` need it: it starts what a unit says, with its
 * environment, credentials and state directory, as the user of this process and without the sandbox. Ports and paths are placed.
 */
export async function systemctl(machine: PlayedMachine, words: readonly string[]): Promise<void> {
  const [verb, ...units] = words.filter((word) => !word.startsWith("--"));
  for (const unit of units.flatMap((each) => expand(machine, each.replace(/\.service$/, "")))) {
    if (verb === "restart" || verb === "disable" || verb === "stop") await stop(machine, unit);
    if (verb === "disable" || verb === "stop") continue;
    // A timer only has to be there: no test waits for half past two.
    if (unit.endsWith(".timer")) readFileSync(join(machine.root, "etc/systemd/system", unit));
    else start(machine, unit);
  }
}

/** Returns the running services of a pattern such as `stackyard-*`, as systemctl does; any other name is itself. */
function expand({ root }: PlayedMachine, name: string): readonly string[] {
  if (!name.endsWith("*")) return [name];
  const running = readdirSync(join(root, "run")).filter((file) => file.endsWith(".pid"));
  return running.map((file) => file.slice(0, -".pid".length)).filter((each) => each.startsWith(name.slice(0, -1)));
}

function start(machine: PlayedMachine, name: string): void {
  const { lines, env, cwd } = toOther(machine, name) ?? readUnit(machine, name);
  if (lines.length > 1) for (const line of lines) runToEnd(line, env, cwd);
  else startDetached(machine, name, lines[0] ?? "", env, cwd);
}

interface PlayedService {
  /** One: a service that keeps running. Several: commands that end, one after the other. */
  readonly lines: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

function toOther({ root, places, others }: PlayedMachine, name: string): PlayedService | undefined {
  const other = others[name];
  if (other === undefined) return undefined;
  const config = join(root, other.config);
  writeFileSync(config, place(readFileSync(config, "utf8"), places));
  return { lines: [other.command], env: { PATH: process.env["PATH"] }, cwd: root };
}

function readUnit(machine: PlayedMachine, name: string): PlayedService {
  const { root, places } = machine;
  const [template = "", instance = ""] = name.split("@");
  const file = join(root, "etc/systemd/system", instance === "" ? `${name}.service` : `${template}@.service`);
  const credentials = join(root, "run/credentials", name);
  const text = readFileSync(file, "utf8")
    .replaceAll(/(?<!%)%d/g, credentials)
    .replaceAll("%i", instance);
  const unit = place(text.replaceAll("%%", "%"), places);
  const valuesOf = (key: string) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
  mkdirSync(credentials, { recursive: true, mode: 0o700 });
  for (const credential of valuesOf("LoadCredential")) {
    const [id = "", path = ""] = credential.split(":");
    writeFileSync(join(credentials, id), place(readFileSync(path, "utf8"), places));
  }
  const state = join(root, "var/lib", valuesOf("StateDirectory")[0] ?? name);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const files = valuesOf("EnvironmentFile").map((path) => place(readFileSync(path, "utf8"), places));
  const pairs = [
    ...valuesOf("Environment").flatMap((line) => line.split(" ")),
    ...files.flatMap((each) => each.split("\n")),
  ]
    .filter((line) => /^\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return {
    lines: [...valuesOf("ExecStart"), ...valuesOf("ExecStartPost")].map((line) => line.replaceAll("$$", "$")),
    env: { PATH: process.env["PATH"], HOME: state, STATE_DIRECTORY: state, ...Object.fromEntries(pairs) },
    cwd: valuesOf("WorkingDirectory")[0] ?? root,
  };
}

function runToEnd(line: string, env: NodeJS.ProcessEnv, cwd: string): void {
  const { status, stderr } = spawnSync("bash", ["-fc", `exec ${line}`], { env, cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${line}\nended with ${status}: ${stderr}`);
}

function startDetached({ root }: PlayedMachine, name: string, line: string, env: NodeJS.ProcessEnv, cwd: string): void {
  const log = openSync(join(root, "log", name), "a");
  const child = spawn("bash", ["-fc", `exec ${line}`], { env, cwd, detached: true, stdio: ["ignore", log, log] });
  writeFileSync(join(root, "run", `${name}.pid`), String(child.pid));
  child.unref();
}

async function stop({ root }: PlayedMachine, name: string): Promise<void> {
  const file = join(root, "run", `${name}.pid`);
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8"));
  const isAlive = (signal: NodeJS.Signals | 0) => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  };
  isAlive("SIGTERM");
  while (isAlive(0)) await setTimeout(50);
  rmSync(file);
}

// As a program of the PATH: `systemctl WORD…`.
if (basename(process.argv[1] ?? "") === basename(import.meta.filename)) {
  const machine: PlayedMachine = JSON.parse(process.env["PLAYED_MACHINE"] ?? "");
  await systemctl(machine, process.argv.slice(2));
}
