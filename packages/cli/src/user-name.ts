import { userInfo } from "node:os";

/**
 * Returns the name of the user of this process. Any number may run it, as containers and CI do, so there may be no entry
 * with its name: then the name of the environment, or the number.
 */
export function findUserName(
  env: Readonly<Record<string, string | undefined>>,
  readUser: () => { readonly username: string } = userInfo,
): string {
  try {
    return readUser().username;
  } catch {
    return env["USER"] || env["LOGNAME"] || String(process.getuid?.() ?? "unknown");
  }
}
