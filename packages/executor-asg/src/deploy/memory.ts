import { type Clock, defined, isMap, keepStart, parseJson, retry } from "@stackyard/core";
import type { LockFiles } from "../locks/lock-files.ts";
import { toReleasePaths } from "../plan/release-paths.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { HaltAnswer, HaltOrder, ReleaseKey, ReleaseLocks, ReleaseMemory } from "../release-state.ts";

/** Options of a file memory. */
export interface FileMemoryOptions {
  readonly files: LockFiles;
  readonly locks: ReleaseLocks;
  readonly clock: Clock;
  readonly generation: ReleaseConstants["generation"];
  readonly isSecondChannel: boolean;
  /** Stores user data; set if that differs from other files. */
  putUserData?(path: string, text: string): Promise<void>;
  /** Reads the predecessor's halt file, if supported. */
  findHaltFile?(path: string): Promise<HaltOrder | undefined>;
  removeHaltFile?(path: string): Promise<void>;
}

const READS = 3;

const READ_AGAIN_MS = 500;

/** Creates a memory of files with the predecessor's paths. */
export function createFileMemory(options: FileMemoryOptions): ReleaseMemory {
  const { files, clock, locks, isSecondChannel } = options;
  const toPaths = (release: ReleaseKey) => toReleasePaths(release, options.generation);

  /** Retries failed reads, so that no halt request is missed. */
  function readAgain<Result>(read: () => Promise<Result>): Promise<Result> {
    return retry(read, { tries: READS, pause: (failed) => clock.sleep(READ_AGAIN_MS * failed) });
  }

  return {
    isSecondChannel,
    locks,
    async loadDocument(release) {
      const found = await files.load(toPaths(release).release);
      return found === undefined ? undefined : JSON.parse(found.text);
    },
    loadUserData: async (release) => (await files.load(toPaths(release).userData))?.text,
    async storeDocument(release, { document, userData }) {
      const paths = toPaths(release);
      await files.put(paths.release, JSON.stringify(document), "absent");
      if (userData === undefined) return;
      if (options.putUserData === undefined) await files.put(paths.userData, userData, "absent");
      else await options.putUserData(paths.userData, userData);
    },
    async listHalts(release) {
      const { halt, ownHalt } = toPaths(release);
      const found = await Promise.all([
        readAgain(async () => options.findHaltFile?.(halt)),
        readAgain(() => loadOwnHalt(files, ownHalt)),
      ]);
      return found.filter((order) => order !== undefined);
    },
    async orderHalt(release, order) {
      const path = toPaths(release).ownHalt;
      const found = await files.load(path);
      // On a conflict, another request exists, which halts too.
      await files.put(path, toOwnHaltText({ ...order, at: clock.now() }), found?.version ?? "absent");
    },
    async clearHalts(release, answer = { outcome: "obeyed" }) {
      const { halt, ownHalt } = toPaths(release);
      // A remaining file must not fail the release; it expires after some minutes.
      await options.removeHaltFile?.(halt).catch(() => undefined);
      await answerOwnHalt(files, ownHalt, { ...answer, at: clock.now() }).catch(() => undefined);
    },
  };
}

/** A stored halt request for one release. */
interface OwnHalt {
  readonly message: string;
  readonly by?: string;
  /** Epoch ms. */
  readonly at: number;
  /** The result. */
  readonly answer?: HaltAnswer & { readonly at: number };
}

/**
 * Loads the halt request of a release unless it is acknowledged. A file that cannot be parsed is a request without a
 * message.
 */
export async function loadOwnHalt(files: LockFiles, path: string): Promise<HaltOrder | undefined> {
  const found = await files.load(path);
  if (found === undefined) return undefined;
  const { message, by, at, answer } = parseOwnHalt(found.text);
  if (answer !== undefined) return undefined;
  return { kind: "release", message, at, ...defined({ by }) };
}

/** Stores the result of an unacknowledged halt request. */
export async function answerOwnHalt(
  files: LockFiles,
  path: string,
  answer: HaltAnswer & { readonly at: number },
): Promise<void> {
  const found = await files.load(path);
  if (found === undefined) return;
  const halt = parseOwnHalt(found.text);
  if (halt.answer === undefined) await files.put(path, toOwnHaltText({ ...halt, answer }), found.version);
}

/** Formats a halt request. */
export function toOwnHaltText({ message, by, at, answer }: OwnHalt): string {
  return JSON.stringify({ message, by, at: new Date(at).toISOString(), answer });
}

function parseOwnHalt(text: string): OwnHalt {
  const halt = parseJson(text);
  const { message, by, at, answer } = isMap(halt) ? halt : {};
  const atMs = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return {
    message: typeof message === "string" ? keepStart(message, 4_000) : "",
    ...(typeof by === "string" ? { by: keepStart(by, 200) } : {}),
    at: Number.isNaN(atMs) ? 0 : atMs,
    ...(isAnswer(answer) ? { answer } : {}),
  };
}

function isAnswer(value: unknown): value is NonNullable<OwnHalt["answer"]> {
  return typeof value === "object" && value !== null && "outcome" in value;
}
