import { StackyardError } from "@stackyard/core";

/**
 * Throws unless the host's list lacks a thing that was not found when it was written. Hosts answer 404 to everything when
 * the App is not installed, or the token may no longer see the repository; then the list fails, and nothing is known.
 */
export async function requireGone(what: string, isListed: () => Promise<boolean>): Promise<void> {
  if (!(await isListed())) return;
  throw new StackyardError("SERVER_ERROR", `The host lists ${what}, and does not find it when it is written.`);
}
