import type { Attachment } from "./load-attachments.ts";

/** How far old groups have let go of their connections and servers. */
export interface DrainFacts {
  readonly attachments: readonly Attachment[];
  /** Servers that still are in groups which are to be empty before they are deleted, by group. */
  readonly remaining: Readonly<Record<string, number>>;
  readonly now: number;
  /** Epoch ms; `undefined`: nobody noted it. */
  readonly beganAt: number | undefined;
  readonly budgetSeconds: number;
}

/** `over`: the time for it has passed. */
export type DrainVerdict =
  | { readonly kind: "drained" }
  | { readonly kind: "waiting"; readonly message: string }
  | { readonly kind: "over"; readonly message: string };

/** Judges it: every source must be `Removed`, and groups that are emptied by their hooks must be empty. */
export function judgeDrain({ attachments, remaining, now, beganAt, budgetSeconds }: DrainFacts): DrainVerdict {
  const attached = attachments
    .filter(({ state }) => state !== "Removed")
    .map(({ group, id, state }) => `"${group}" is still ${state} in ${id}`);
  const inhabited = Object.entries(remaining)
    .filter(([, count]) => count > 0)
    .map(([group, count]) => `"${group}" still has ${count} instances`);
  const reasons = [...attached, ...inhabited];
  if (reasons.length === 0) return { kind: "drained" };
  const message = `${reasons.join("; ")}.`;
  const isOver = beganAt !== undefined && now - beganAt >= budgetSeconds * 1_000;
  return isOver
    ? { kind: "over", message: `After ${budgetSeconds} s ("drain_timeout"), ${message}` }
    : { kind: "waiting", message: `Not detached yet: ${message}` };
}
