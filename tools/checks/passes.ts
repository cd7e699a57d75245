import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createReach, type Reached } from "./reach.ts";
import type { ReadRepository } from "./read-repository.ts";

// Remembers which tests and checks have passed, by the content of all that they can reach. What has passed with the same content
// is not run again. A failure is never remembered.

/** How many passes are remembered: those of some branches. */
const KEPT = 10_000;

/** What has passed, by its key. */
export interface Passes {
  has(key: string): boolean;
  add(keys: readonly string[]): void;
}

/** Opens the record of passes. A damaged one is empty. */
export function openPasses(file: string): Passes {
  const known = new Map<string, number>(readRecord(file));
  return {
    has: (key) => known.has(key),
    add(keys) {
      for (const key of keys) known.set(key, Date.now());
      const newest = [...known].sort(([, a], [, b]) => b - a).slice(0, KEPT);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(Object.fromEntries(newest)));
    },
  };
}

function readRecord(file: string): readonly [string, number][] {
  if (!existsSync(file)) return [];
  try {
    const record: Readonly<Record<string, number>> = JSON.parse(readFileSync(file, "utf8"));
    return Object.entries(record);
  } catch {
    return [];
  }
}

/** Makes keys of tests and checks. */
export interface Keys {
  /** Of a file of tests, by what it reaches. */
  ofTest(path: string): string;
  /** Of what reads these files. */
  ofFiles(name: string, isRead: (path: string) => boolean): string;
}

/** Returns the keys for what the repository is now. The version of Node, the locked packages and what runs the tests are part of each. */
export function createKeys(repository: ReadRepository): Keys {
  const { digests } = repository;
  const reach = createReach(repository);
  const common = toDigest([process.version, process.arch, listDigests(toRunner(reach), digests)]);
  return {
    ofTest: (path) => toDigest([common, path, listDigests(reach(path), digests)]),
    ofFiles(name, isRead) {
      return toDigest([common, name, listDigests(new Set([...digests.keys()].filter(isRead)), digests)]);
    },
  };
}

/** What runs each test. */
function toRunner(reach: (path: string) => Reached): ReadonlySet<string> {
  const config = reach("vitest.config.ts");
  const setup = ["packages/console/src/testing/check-accessibility.ts", "tools/browser/src/global-setup.ts"].map(reach);
  const sources = [config, ...setup].flatMap((reached) => (reached === "everything" ? [] : [...reached]));
  const runner = ["vitest.config.ts", "tools/checks/run-tests.ts", "tools/checks/execute.ts"];
  return new Set(["package-lock.json", "tsconfig.base.json", ...runner, ...sources]);
}

function listDigests(reached: Reached, digests: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  if (reached === "everything") return [...digests];
  return [...reached].sort().map((path) => [path, digests.get(path) ?? ""]);
}

function toDigest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
