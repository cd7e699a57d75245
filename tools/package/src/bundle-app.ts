import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type BundleInputs, readBundleInputs } from "./read-bundle-inputs.ts";
import type { Files } from "./to-zip.ts";

/** What the build of an app gives. */
export interface Bundle {
  readonly files: Files;
  readonly inputs: BundleInputs;
}

const NO_FUNCTION = 3;
const METAFILE = "metafile-esm.json";

/**
 * Builds an app by its own configuration into the folder `out`, and reads the result: an `index.mjs` with `handler`, and what
 * it imports. Undefined: the app has no function.
 */
export async function bundleApp({ folder, name }: AppFolder, out: string): Promise<Bundle | undefined> {
  const { exitCode, stderr } = await run(folder, out);
  if (exitCode === NO_FUNCTION) return undefined;
  if (exitCode !== 0) throw new Error(`The build of ${name} failed: ${stderr.trim()}`);
  const files = new Map<string, Uint8Array>();
  for (const file of await readdir(out)) {
    if (file !== METAFILE) files.set(file, await readFile(join(out, file)));
  }
  if (!files.has("index.mjs")) throw new Error(`The build of ${name} gives no index.mjs.`);
  return { files, inputs: readBundleInputs(JSON.parse(await readFile(join(out, METAFILE), "utf8")), folder) };
}

function run(cwd: string, out: string): Promise<{ readonly exitCode: number | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, "bundle-process.ts");
    const child = spawn(process.execPath, [script, out], { cwd, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.on("error", reject);
    // Without file descriptors, no stream exists, only the error.
    const output: Readable | undefined = child.stderr;
    output?.on("data", (part) => {
      stderr += String(part);
    });
    child.on("close", (exitCode) => resolve({ exitCode, stderr }));
  });
}

/** An app that can be built. */
export interface AppFolder {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
}

/** Returns the apps under `apps/` that have a build, by name; nothing lists them. */
export function findApps(root: string): readonly AppFolder[] {
  const home = join(root, "apps");
  const names = existsSync(home) ? readdirSync(home).sort() : [];
  const folders = names.map((name) => ({ name, folder: join(home, name) }));
  return folders.filter(
    ({ folder }) => existsSync(join(folder, "package.json")) && existsSync(join(folder, "tsup.config.ts")),
  );
}

/** Returns the apps of these names; all without names. Throws for an unknown name. */
export function chooseApps(apps: readonly AppFolder[], names: readonly string[]): readonly AppFolder[] {
  const known = apps.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`Unknown app ${unknown.join(", ")}. Valid apps: ${known.join(", ") || "none"}.`);
  return names.length === 0 ? apps : apps.filter(({ name }) => names.includes(name));
}
