import type { Deploy, ReleaseCalendar } from "@stackyard/sdk";
import { formatStacks } from "../../text/format-stacks.ts";
import { countDeploy, findPause } from "./deploy-counts.ts";
import { holdsAll } from "./release-holds.ts";

/** The next step of a deployment. */
export interface NextOfDeploy {
  /** Such as `22 stacks of rest are sent when window office opens`. */
  readonly text: string;
  /** When that is, if it is known. */
  readonly at?: string;
}

type Holds = Pick<ReleaseCalendar, "windows" | "freezes">;

/**
 * Returns what a deployment does next and when; undefined once it has ended, for an undo, which nothing holds, and while it
 * is not known what holds it.
 */
export function findNextOfDeploy(deploy: Deploy, holds: Holds | undefined, now: number): NextOfDeploy | undefined {
  const { op, endedAt, stop, waves } = deploy;
  if (op === "undo" || endedAt !== undefined) return undefined;
  const wave = stop === undefined ? waves.find(({ counts }) => counts.waiting > 0) : undefined;
  if (wave !== undefined) return toNextSend(deploy, wave, { holds, now });
  const { sent } = countDeploy(deploy);
  if (sent === 0) return undefined;
  return { text: `${stop === undefined ? "All are sent" : "Nothing more is sent"}; ${formatAwaited(sent)}` };
}

interface SendInput {
  readonly holds: Holds | undefined;
  readonly now: number;
}

function toNextSend(
  deploy: Deploy,
  { name, counts }: Deploy["waves"][number],
  { holds, now }: SendInput,
): NextOfDeploy | undefined {
  const { waiting } = counts;
  const rest = `${formatStacks(waiting)} of ${name} ${waiting === 1 ? "is" : "are"} sent`;
  const pause = findPause(deploy, now);
  if (pause !== undefined) return { text: `${rest} when the pause after ${pause.wave} ends`, at: pause.to };
  if (holds === undefined) return undefined;
  const held = findHold(deploy.task, holds);
  if (held !== undefined) return { ...held, text: `${rest} when ${held.text}` };
  const later = countDeploy(deploy).total.waiting - waiting;
  return { text: `${rest} next${later === 0 ? "" : `, then ${formatStacks(later)} of later waves`}` };
}

/** Returns for what a task waits before each send. Where stacks have their own zones, one open zone is enough. */
function findHold(task: string, { windows, freezes }: Holds): NextOfDeploy | undefined {
  const own = windows.filter(({ tasks }) => tasks.includes(task));
  const frozen = freezes.filter(holdsAll);
  const opening = own.flatMap(({ opensAt }) => opensAt ?? []).sort()[0];
  const at = opening === undefined ? {} : { at: opening };
  if (frozen.length > 0) return { text: `no freeze holds (${listNames(frozen)})`, ...at };
  if (own.length === 0 || own.some(({ isOpen }) => isOpen)) return undefined;
  return { text: `window ${own[0]?.calendar} opens`, ...at };
}

function listNames(freezes: readonly { readonly name: string }[]): string {
  return freezes.map(({ name }) => name).join(", ");
}

function formatAwaited(sent: number): string {
  return `${formatStacks(sent)} on ${sent === 1 ? "its" : "their"} way ${sent === 1 ? "is" : "are"} awaited`;
}
