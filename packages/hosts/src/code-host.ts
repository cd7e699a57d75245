import type { HookPull, HookRepository } from "./hook.ts";

/** What a person may do in a repository. */
export type HostPermission = "none" | "read" | "write" | "admin";

/** Facts that are looked up at a code host. */
export interface CodeHost {
  /** Returns a pull request as it is now; undefined when it does not exist. */
  findPull(repository: string, number: number): Promise<HookPull | undefined>;
  findPermission(repository: string, login: string): Promise<HostPermission>;
  /** Returns the repositories that Stackyard may read, at most an hour old. */
  listRepositories(): Promise<readonly HookRepository[]>;
  /** Returns the open pull requests of a repository as they are now; undefined when it does not exist. */
  listOpenPulls(repository: string): Promise<readonly HookPull[] | undefined>;
}
