import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorContext } from "@stackyard/core";
import type { ProgramUser } from "@stackyard/core/programs";

/** The files of one run, in a folder that only its user can read. */
export interface RunFiles {
  readonly metadata: string;
  readonly outputs: string;
  remove(): void;
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
  return { ...files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Removes the folders of killed processes of this host: metadata may be secret. */
function removeDead(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, host, pid] = NAME.exec(name) ?? [];
    if (host !== HOST || isAlive(Number(pid))) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
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
