import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { chown, lchown, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorContext } from "@stackyard/core";
import type { ProgramUser } from "@stackyard/core/programs";

/** The files of one run, in a folder that only its user can read. */
export interface RunFiles {
  readonly folder: string;
  readonly metadata: string;
  readonly outputs: string;
  /** Where a source is copied to. */
  readonly source: string;
  /** Never throws: what is left is removed by a later run. */
  remove(): Promise<void>;
}

const HOST = hostname().replace(/[^A-Za-z0-9.]/g, "_");
/** A folder's name contains its host and process, so no file is needed to identify the owner. */
const NAME = /^stackyard-command-(.+)-(\d+)-[A-Za-z0-9]{6}$/;

/** Writes what a program reads, and an empty file for its outputs. */
export function createRunFiles(ctx: ExecutorContext, user: ProgramUser | undefined): RunFiles {
  removeDead(tmpdir());
  const folder = mkdtempSync(join(tmpdir(), `stackyard-command-${HOST}-${process.pid}-`));
  const files = { metadata: join(folder, "metadata.json"), outputs: join(folder, "outputs") };
  const { stackId, machine, task, attempt, state, previousState, metadata, target } = ctx;
  const facts = { stackId, machine, task, attempt: attempt.number, state, previousState, target, metadata };
  writeFileSync(files.metadata, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
  writeFileSync(files.outputs, "", { mode: 0o600 });
  if (user !== undefined) for (const path of [...Object.values(files), folder]) chownSync(path, user.uid, user.gid);
  const source = join(folder, "source");
  return {
    ...files,
    folder,
    source,
    async remove() {
      // It may have thousands of files, which other work should not wait for.
      if (existsSync(source)) await rm(source, REMOVAL).catch(() => undefined);
      try {
        removeFolder(folder);
      } catch (error) {
        ctx.logger.warn("The files of a program were not removed.", { folder, error });
      }
    },
  };
}

/** Makes a user the owner of a folder and all that is in it. */
export async function giveTo({ uid, gid }: ProgramUser, folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const { parentPath, name } of entries) await lchown(join(parentPath, name), uid, gid);
  await chown(folder, uid, gid);
}

const REMOVAL = { recursive: true, force: true, maxRetries: 3 } as const;

/** Programs leave folders that cannot be written to, as caches of modules are. */
function removeFolder(folder: string): void {
  try {
    rmSync(folder, REMOVAL);
  } catch {
    unlock(folder);
    rmSync(folder, REMOVAL);
  }
}

function unlock(folder: string): void {
  chmodSync(folder, 0o700);
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) unlock(join(folder, entry.name));
}

/** Removes the folders of killed processes of this host: metadata may be secret. */
function removeDead(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, host, pid] = NAME.exec(name) ?? [];
    if (host !== HOST || isAlive(Number(pid))) continue;
    try {
      removeFolder(join(parent, name));
    } catch {
      // It is of another user.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
