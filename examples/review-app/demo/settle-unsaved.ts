import type { Stackyard } from "@stackyard/sdk";
import type { ReviewApp } from "./review-app-events.ts";
import type { Timeline } from "./timeline.ts";

export interface SettleInput {
  readonly yard: Stackyard<ReviewApp>;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
}

const REASON = "looked: only files, which the next run has written again";

/**
 * Settles the runs of Terraform that were killed before they had saved their state, as a person does who has looked: what they had begun
 * may exist, and no saved state has it. The attempts after them have done the work.
 */
export async function settleUnsaved({ yard, timeline, signal }: SettleInput): Promise<void> {
  const { items } = await yard.states.unsaved({ signal });
  if (items.length === 0) return;
  timeline.say(
    `stackyard states unsaved: what ${items.length} killed runs of Terraform had begun is in no saved state`,
  );
  for (const { id, state } of items) {
    timeline.say(`a person has looked: stackyard states dismiss ${state} --reason "${REASON}"`);
    await yard.states.dismiss(state, id, { reason: REASON, signal });
  }
}
