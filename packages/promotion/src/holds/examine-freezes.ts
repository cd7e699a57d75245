import { type Stack, toShellCommand } from "@stackyard/core";
import type { YardService } from "@stackyard/core/engine";
import { type Freeze, passesFreeze } from "@stackyard/core/services";
import { type Condition, closed, formatInstant, OPEN } from "../gate/condition.ts";
import type { HoldInput } from "../hold.ts";

/** The freezes of the yard, and the release that wants to send. */
export interface FreezesInput {
  readonly freezes: readonly Freeze[];
  readonly release: Pick<Stack, "id" | "incarnation">;
  readonly yard: Pick<YardService, "keepFitting">;
}

/**
 * Examines whether a freeze holds events to a stack. A stack that does not exist yet fits any expression, and so does one
 * of which it cannot be decided: it is not known that it is free.
 */
export async function examineFreezes(
  { freezes, release, yard }: FreezesInput,
  { stackId, stack, machine }: HoldInput,
): Promise<Condition> {
  for (const freeze of freezes) {
    if (freeze.machine !== undefined && freeze.machine !== (stack?.machine ?? machine)) continue;
    if (passesFreeze(freeze, { release: release.id, incarnation: release.incarnation })) continue;
    const why = await findWhy(freeze, stack, yard);
    if (why === undefined) continue;
    const { name, reason, by, to } = freeze;
    const until = to === undefined ? "until a person ends it" : `until ${formatInstant(to)}`;
    const way = toShellCommand`stackyard freezes except ${name} ${release.id} --reason …`;
    const message = `The freeze "${name}" of ${by} holds ${stackId} ${until}${why}: ${toSentence(reason)} To bypass it: ${way}`;
    return { ...closed("FROZEN", message, to), freeze: name };
  }
  return OPEN;
}

function toSentence(reason: string): string {
  return /[.!?…]$/.test(reason) ? reason : `${reason}.`;
}

/** Returns why the freeze holds the stack back, or undefined if the stack does not fit. */
async function findWhy(
  { where }: Freeze,
  stack: Stack | undefined,
  yard: FreezesInput["yard"],
): Promise<string | undefined> {
  if (where === undefined) return "";
  if (stack === undefined) return `, because it does not exist yet, and it is not known whether it will fit`;
  try {
    return (await yard.keepFitting(where, [stack])).length > 0 ? "" : undefined;
  } catch (error) {
    return `, because it is not known whether it fits (${error instanceof Error ? error.message : String(error)})`;
  }
}
