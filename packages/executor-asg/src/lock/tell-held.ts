import type { AcquireReleaseLock, ReleaseKey } from "../release-deps.ts";
import type { LockFile } from "./lock-file.ts";
import { toUnlockCommand } from "./unlock-command.ts";

type Held = Extract<AcquireReleaseLock, { kind: "held" }>;

/** Where a lock is that somebody else has. `file`: what it says, where it can be read. */
export interface HeldLock {
  readonly file: LockFile | undefined;
  readonly at: { readonly place: string; readonly removeCommand?: string };
  /** Of the command that unlocks. */
  readonly words?: readonly string[] | undefined;
}

/** Another release of the project-config is under way, or one has left something behind. */
export function tellRoot(release: ReleaseKey, { file, at, words }: HeldLock): Held {
  const by = toOwner(file);
  const end =
    file?.until === undefined
      ? "It has no end: its release runs, or has left something behind."
      : `It ends some minutes after ${file.until} if nobody renews it.`;
  const commands = [toUnlockCommand(release, { root: true, words }), ...(at.removeCommand ? [at.removeCommand] : [])];
  return {
    kind: "held",
    what: "root",
    by,
    message:
      `Lock Already Exists: ${tellConfig(release)} is locked by ${by} in ${at.place}. ${end} Wait for that release, or halt it. ` +
      `Only if you know that it is dead, remove the lock: ${commands.join(" or: ")}`,
  };
}

/** The release id has been used before. */
export function tellUsed(release: ReleaseKey, file: LockFile | undefined): Held {
  const by = toOwner(file);
  const id = JSON.stringify(release.release_id);
  return {
    kind: "held",
    what: "used",
    by,
    message: `Lock Already Exists: the release id ${id} of ${tellConfig(release)} was used by ${by}, and each id is good for one release. Give the release a new id; "stackyard release deploy" does so.`,
  };
}

/** A person keeps deployers away. */
export function tellUser(
  release: ReleaseKey,
  { user, reason, words }: { readonly user: string; readonly reason: string; readonly words?: HeldLock["words"] },
): Held {
  const why = reason === "" ? "" : `: ${reason}`;
  return {
    kind: "held",
    what: "user",
    by: user,
    message: `Lock Already Exists: ${tellConfig(release)} was locked by ${user}${why}. When the reason is gone, remove the lock: ${toUnlockCommand(release, { words })}`,
  };
}

function tellConfig({ project_name, config_name }: ReleaseKey): string {
  return `"${project_name}" "${config_name}"`;
}

function toOwner(file: LockFile | undefined): string {
  if (file === undefined || file.uuid === "") return "somebody";
  const owner = file.release === undefined ? file.uuid : `release ${file.release}`;
  return file.by === undefined ? owner : `${owner} (${file.by})`;
}
