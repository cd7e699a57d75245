import type { ReleaseKey } from "../release-deps.ts";

/** What the command needs beside the project-config. */
export interface UnlockCommandOptions {
  /** The deployers' own lock, not that of a person. */
  readonly root?: boolean;
  /** Where the locks are, such as `--region`, `eu-west-1`. */
  readonly words?: readonly string[] | undefined;
}

/** The command that takes a lock of a project-config away. */
export function toUnlockCommand(
  { aws_account_id, project_name, config_name }: Omit<ReleaseKey, "release_id">,
  { root = false, words = [] }: UnlockCommandOptions = {},
): string {
  const all = [project_name, config_name, "--account", aws_account_id, ...words, ...(root ? ["--root"] : [])];
  return `stackyard release unlock ${all.map(quote).join(" ")}`;
}

/** For a shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
