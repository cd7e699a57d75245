import type { HookPull, HookRepository } from "./hook.ts";

/** What a person may do in a repository. */
export type HostPermission = "none" | "read" | "write" | "admin";

/** A delivery as the host remembers it. */
export interface SentDelivery {
  readonly id: number | bigint;
  readonly guid: string;
  /** Such as `pull_request`. */
  readonly event: string;
  /** Epoch milliseconds, by the host's clock. */
  readonly sentAt: number;
  /** The receiver took it. */
  readonly isTaken: boolean;
}

/** Facts that are looked up at a code host. */
export interface CodeHost {
  /** Returns a pull request as it is now; undefined when it does not exist. */
  findPull(repository: string, number: number): Promise<HookPull | undefined>;
  findPermission(repository: string, login: string): Promise<HostPermission>;
  /** Returns the repositories that Stackyard may read, at most an hour old. */
  listRepositories(): Promise<readonly HookRepository[]>;
  /** Lists the deliveries since an instant, newest first. Without one: only the newest. */
  listDeliveries(since: number | undefined): Promise<readonly SentDelivery[]>;
  /** Returns the body of a delivery; undefined when the host does not have it any more. */
  findDeliveryBody(id: SentDelivery["id"]): Promise<unknown>;
  /** Returns the open pull requests of a repository as they are now; undefined when it does not exist. */
  listOpenPulls(repository: string): Promise<readonly HookPull[] | undefined>;
}
