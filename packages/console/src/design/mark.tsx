import type { MainCondition } from "@stackyard/sdk";
import { toSafeText } from "../text/safe-text.ts";
import { Icon, type IconName, IconShape } from "./icon.tsx";

/** The meaning of a color. */
export type Tone = "fail" | "degraded" | "warn" | "busy" | "wait" | "approval" | "ok" | "asleep" | "off";

/** A status of a stack, task, event or job. Those of stacks are the main conditions, `acknowledged` and `removed`. */
export type Status =
  | MainCondition
  | "acknowledged"
  | "dead-letter"
  | "rejected"
  | "retrying"
  | "running"
  | "queued"
  | "parked"
  | "succeeded"
  | "quiet"
  | "skipped"
  | "cancelled"
  | "ahead"
  | "removed";

interface Look {
  readonly word: string;
  readonly tone: Tone;
  readonly icon: IconName;
}

// Each icon is distinguishable without its color.
const LOOKS: Readonly<Record<Status, Look>> = {
  failed: { word: "Failed", tone: "fail", icon: "failed" },
  degraded: { word: "Degraded", tone: "degraded", icon: "degraded" },
  // Degraded still, and a person has seen it: the same shape without its color.
  acknowledged: { word: "Degraded, acknowledged", tone: "off", icon: "degraded" },
  overdue: { word: "Overdue", tone: "warn", icon: "overdue" },
  stalled: { word: "Stalled", tone: "warn", icon: "stalled" },
  approval: { word: "Approval", tone: "approval", icon: "approval" },
  busy: { word: "Busy", tone: "busy", icon: "busy" },
  waiting: { word: "Waiting", tone: "wait", icon: "waiting" },
  healthy: { word: "Healthy", tone: "ok", icon: "healthy" },
  asleep: { word: "Asleep", tone: "asleep", icon: "asleep" },
  removed: { word: "Removed", tone: "off", icon: "removed" },
  "dead-letter": { word: "Dead letter", tone: "fail", icon: "deadLetter" },
  rejected: { word: "Rejected", tone: "fail", icon: "rejected" },
  retrying: { word: "Retrying", tone: "warn", icon: "retry" },
  running: { word: "Running", tone: "busy", icon: "busy" },
  queued: { word: "Queued", tone: "wait", icon: "queued" },
  parked: { word: "Parked", tone: "wait", icon: "parked" },
  succeeded: { word: "Succeeded", tone: "ok", icon: "check" },
  quiet: { word: "Quiet", tone: "ok", icon: "quiet" },
  skipped: { word: "Skipped", tone: "off", icon: "skipped" },
  cancelled: { word: "Cancelled", tone: "off", icon: "cancelled" },
  ahead: { word: "To come", tone: "off", icon: "ahead" },
};

/** The conditions of stacks, worst first. */
export const CONDITIONS = [
  "failed",
  "degraded",
  "overdue",
  "stalled",
  "approval",
  "busy",
  "waiting",
  "cancelled",
  "healthy",
  "asleep",
] as const satisfies readonly MainCondition[];

/** Returns the tone of a status. */
export function toneOf(status: Status): Tone {
  return LOOKS[status].tone;
}

/** Returns the word of a status, such as `Failed`. */
export function wordOf(status: Status): string {
  return LOOKS[status].word;
}

/** Renders the shape of a status inside another drawing; its left upper corner is at `x`, `y`. */
export function MarkShape({ status, x, y }: { status: Status; x: number; y: number }) {
  const { tone, icon } = LOOKS[status];
  return (
    <g className={`tone-${tone}`} transform={`translate(${x} ${y}) scale(0.58)`}>
      <IconShape name={icon} />
    </g>
  );
}

/**
 * Renders a status as a shape and a word. `word` replaces the usual one, such as `Failed 37`; `bare` shows only the
 * shape.
 */
export function Mark({ status, word, bare }: { status: Status; word?: string; bare?: boolean }) {
  const { tone, icon, word: usual } = LOOKS[status];
  const text = toSafeText(word ?? usual);
  return (
    <span className={`mark tone-${tone}`} title={bare ? text : undefined}>
      <Icon name={icon} />
      <span className={bare ? "hidden-visually" : undefined}>{text}</span>
    </span>
  );
}

/** Renders a condition at the head of a page or of a cause. */
export function Pill({ status, word }: { status: Status; word?: string }) {
  const { tone, icon, word: usual } = LOOKS[status];
  return (
    <span className={`pill tone-${tone}`}>
      <Icon name={icon} />
      {toSafeText(word ?? usual)}
    </span>
  );
}

/** Returns the icon of a status. */
export function iconOf(status: Status): IconName {
  return LOOKS[status].icon;
}
