import type { DescribedStack, ServiceLink } from "@stackyard/core";
import { findStall } from "@stackyard/core/engine";
import type { PreviewCommands } from "@stackyard/core/services";

/**
 * The phase of a preview.
 * - `working`: a task runs. `waiting`: an approval is open. `ready`: nothing is left to do.
 * - `asleep`: nothing is left to do, and its state handles the event that wakes it.
 * - `quiet`: nothing is left to do; unknown whether it sleeps, because only other plugins can wake it.
 * - `failed`: it needs a person. `ended`: it does not exist any more. `absent`: its first event was not applied.
 */
export type PreviewPhase = "working" | "waiting" | "ready" | "asleep" | "quiet" | "failed" | "ended" | "absent";

/** The input of the phase of a stack. */
export interface PhaseInput {
  readonly described: DescribedStack;
  /** The events of commands in comments. */
  readonly commands?: PreviewCommands | undefined;
  /** The links that services add. */
  readonly actions?: readonly ServiceLink[];
}

/** The executor of tasks that wait while a preview is in use. */
const WATCHER = "idle";

/** Returns the phase of a stack. */
export function toPhase({ described, commands, actions = [] }: PhaseInput): PreviewPhase {
  const { stack, tasks, ledBy } = described;
  if (stack.failed === true || findStall(stack) !== undefined || stack.overdue === true) return "failed";
  const pending = tasks.filter(({ status, attempt }) => status === "PENDING" && attempt?.executor !== WATCHER);
  if (pending.some(({ detail }) => detail !== "APPROVING" && detail !== "WAITING")) return "working";
  if (pending.length > 0) return pending.some(({ detail }) => detail === "APPROVING") ? "waiting" : "working";
  if (stack.awaitsRuns === true) return "working";
  if (ledBy !== undefined) return "failed";
  if (commands?.wake === undefined) return actions.length > 0 ? "quiet" : "ready";
  return isAsleep(described, commands) ? "asleep" : "ready";
}

/** Returns true if a preview sleeps in the state: it handles the event that wakes it, not the other. */
function isAsleep({ waitsFor }: DescribedStack, { wake, sleep }: PreviewCommands): boolean {
  const handles = (event: string | undefined) => event !== undefined && waitsFor?.events?.includes(event) === true;
  return handles(wake?.event) && !handles(sleep?.event);
}
