/** `2 RUNNING, 1 PENDING`, in the order in which tasks go through them; for people. */
export function toStatesText(tasks: readonly { readonly lastStatus?: string | undefined }[], missing = 0): string {
  const counts = new Map<string, number>();
  for (const { lastStatus = "UNKNOWN" } of tasks) counts.set(lastStatus, (counts.get(lastStatus) ?? 0) + 1);
  if (missing > 0) counts.set("MISSING", missing);
  const states = [...counts].sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return states.length === 0 ? "gone" : states.map(([state, count]) => `${count} ${state}`).join(", ");
}

/** Developer guide, "Task lifecycle". */
const ORDER = [
  "MISSING",
  "UNKNOWN",
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
];
