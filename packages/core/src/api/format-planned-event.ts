import type { PlannedEvent } from "./planned-event.ts";

const CAUSES: Readonly<Record<PlannedEvent["cause"], string>> = {
  own: "event",
  timer: "timer that is due",
  parked: "parked event",
  raised: "raised event",
};

/** Formats what follows from an event at once as one sentence without a full stop. */
export function formatPlannedEvent({ event, cause, outcome, code, state, sent, cancelled }: PlannedEvent): string {
  const effect = outcome === "applied" ? `leads to ${state}` : `${outcome}${code === undefined ? "" : ` (${code})`}`;
  const parts = [
    `At once: ${event} (${CAUSES[cause]}) ${effect}`,
    ...(sent.length === 0 ? [] : [`sends ${sent.join(", ")}`]),
    ...(cancelled.length === 0 ? [] : [`stops ${cancelled.join(", ")}`]),
  ];
  return parts.join(", ");
}
