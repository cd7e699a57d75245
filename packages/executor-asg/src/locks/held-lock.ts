import { toShellCommand } from "@stackyard/core";
import type { AcquireReleaseLock, ReleaseKey } from "../release-state.ts";
import type { LockFile } from "./lock-files.ts";

type Held = Extract<AcquireReleaseLock, { kind: "held" }>;

/** Location of another owner's lock. `file`: its content, if readable. */
interface HeldLock {
  readonly file: LockFile | undefined;
  readonly at: { readonly place: string; readonly removeCommand?: string };
  /** Extra arguments of the unlock command. */
  readonly words?: readonly string[] | undefined;
}

/** Formats that another release is running, or has left resources behind. */
export function formatRootLock(release: ReleaseKey, { file, at, words }: HeldLock): Held {
  const by = toOwner(file);
  const end =
    file?.until === undefined
      ? "The lock does not expire: its release is running, or left resources behind."
      : `It expires a few minutes after ${file.until} unless it is renewed.`;
  const commands = [toUnlockCommand(release, { root: true, words }), ...(at.removeCommand ? [at.removeCommand] : [])];
  return {
    kind: "held",
    what: "root",
    by,
    message:
      `Lock Already Exists: ${formatConfig(release)} is locked by ${by} in ${at.place}. ${end} Wait for that release, or halt it. ` +
      `If you are certain that it is dead, remove the lock: ${commands.join(" or: ")}`,
  };
}

/** Formats that the release id was used before. */
export function formatUsedId(release: ReleaseKey, file: LockFile | undefined): Held {
  const by = toOwner(file);
  const id = JSON.stringify(release.release_id);
  return {
    kind: "held",
    what: "used",
    by,
    message: `Lock Already Exists: the release id ${id} of ${formatConfig(release)} was used by ${by}. An id can be used once. Deploy with a new id, as "stackyard asg deploy" does.`,
  };
}

/** Formats that a person has locked the project and config. */
export function formatUserLock(
  release: ReleaseKey,
  { user, reason, words }: { readonly user: string; readonly reason: string; readonly words?: HeldLock["words"] },
): Held {
  const why = reason === "" ? "" : `: ${reason}`;
  return {
    kind: "held",
    what: "user",
    by: user,
    message: `Lock Already Exists: ${formatConfig(release)} was locked by ${user}${why}. When the reason no longer applies, remove the lock: ${toUnlockCommand(release, { words })}`,
  };
}

function formatConfig({ project_name, config_name }: ReleaseKey): string {
  return `"${project_name}" "${config_name}"`;
}

function toOwner(file: LockFile | undefined): string {
  if (file === undefined || file.uuid === "") return "unknown";
  const owner = file.release === undefined ? file.uuid : `release ${file.release}`;
  return file.by === undefined ? owner : `${owner} (${file.by})`;
}

/** Options of the unlock command. */
interface UnlockCommandOptions {
  /** The deployer's own lock, not that of a person. */
  readonly root?: boolean;
  /** Location of the locks, such as `--region`, `eu-west-1`. */
  readonly words?: readonly string[] | undefined;
}

/** Returns the command that removes a lock of a project and config. */
function toUnlockCommand(
  { aws_account_id, project_name, config_name }: Omit<ReleaseKey, "release_id">,
  { root = false, words = [] }: UnlockCommandOptions = {},
): string {
  const others = [...words, ...(root ? ["--root"] : [])];
  return toShellCommand`stackyard asg unlock ${project_name} ${config_name} --account ${aws_account_id} ${others}`;
}
