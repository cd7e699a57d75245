/** Why a task found no place, as RunTask and StartTask tell it. */
export interface PlacementFailure {
  readonly arn?: string | undefined;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
}

/**
 * Reasons that pass by themselves (ECS developer guide, "API failure reasons"): RESOURCE:* and AGENT; Fargate's "Capacity is
 * unavailable at this time"; and limits on how many tasks are provisioned or run at once.
 */
const TRANSIENT: readonly RegExp[] = [
  /^RESOURCE:/,
  /^AGENT$/,
  /capacity is (currently )?unavailable/i,
  /capacity ?unavailable/i,
  /insufficient capacity/i,
  /provisioning (capacity )?(limit|quota)/i,
  /(limit|quota|maximum number)\b.*\b(tasks?|vcpus?|provision\w*|concurrent\w*)/i,
  /\bthrottl|rate exceeded/i,
];

/** True when a place may be found later although nothing is changed. */
export function isTransientReason(reason: string | undefined): boolean {
  return reason !== undefined && TRANSIENT.some((pattern) => pattern.test(reason.trim()));
}

/** `RESOURCE:MEMORY (detail) arn:…`, for people. */
export function toReasonText({ arn, reason, detail }: PlacementFailure): string {
  return [reason ?? "no reason was given", detail && `(${detail})`, arn].filter(Boolean).join(" ");
}

/** Of what kinds the reasons are, with how many tasks had each. */
export function toPlacementMessage(
  { placed, expected }: { readonly placed: number; readonly expected: number },
  reasons: readonly string[],
): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const told = [...counts].map(([reason, count]) => (count === 1 ? reason : `${count} times ${reason}`));
  const why = told.length === 0 ? "ECS named neither tasks nor failures" : told.join("; ");
  return `${placed} of ${expected} tasks found a place: ${why}.`;
}
