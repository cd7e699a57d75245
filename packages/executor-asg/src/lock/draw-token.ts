import { ReleaseError } from "../release-error.ts";
import { toLockText } from "./lock-file.ts";
import { type LockFileDeps, loadLock } from "./take-file.ts";

const MAX_TRIES = 50;

/** The next fencing token of a project-config: a count in a file that outlives every lock. Never the same twice. */
export async function drawToken(deps: LockFileDeps, path: string): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { lock, version } = await loadLock(deps, path);
    const last = lock === "absent" ? undefined : lock?.token;
    const token = (last ?? 0) + 1;
    if ((await deps.files.put(path, toLockText({ uuid: "", token }), version)) === "written") return token;
  }
  throw new ReleaseError("LOCK_FAILED", `Others write to ${deps.files.locate(path).place} all the time.`);
}
