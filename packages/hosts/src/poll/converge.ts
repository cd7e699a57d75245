import { defined } from "@stackyard/core";
import type { Hook, HookPull, HookRepository } from "../delivery/hook.ts";
import type { QueuedHook } from "../delivery/receive.ts";

/** The action of what was read at a host. */
export const CONVERGED = "converged";

/** A pull request to decide about by what its host says now. */
export interface ConvergeInput {
  readonly host: string;
  readonly repository: HookRepository;
  readonly number: number;
  /** Missing: its facts are looked up. */
  readonly pull?: HookPull;
  readonly readAt: number;
}

/** Returns the item of the queue for a pull request that was read, or is to be read. There is one at a time. */
export function toConvergeItem({ host, repository, number, pull, readAt }: ConvergeInput) {
  const id = `converge/${repository.id}/${number}`;
  const hook = { ...toConvergeHook(host, repository), ...defined({ pull }) };
  const queued: QueuedHook = { host, id, hook, pullNumber: number, readAt };
  return { key: `${host}/${id}`, queued };
}

/** Returns the hook of a repository that was read. */
export function toConvergeHook(host: string, repository: HookRepository): Hook {
  return { kind: "pull", action: CONVERGED, repository, sender: { id: host, name: host, bot: true } };
}
