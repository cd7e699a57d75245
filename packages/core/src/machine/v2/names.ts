const NAME = /^[A-Z0-9][A-Z0-9_-]{0,62}$/;

// The engine sends these itself, or operators do.
const RESERVED: ReadonlySet<string> = new Set(
  (
    "NEXT FAILED TIMEOUT TASK_COMPLETED TASK_ERROR TASK_CANCELLED RETRY_FAILED_TASKS RETRY_PENDING_TASKS " +
    "CANCEL_TASK SETTLE_TASK REMOVE_STACK UPGRADE_STACK"
  ).split(" "),
);

/** True for names that events and states of version 2 may have. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/** True for names that no event may have, because the engine or operators send events of that name. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/** What is wrong with a name that `isName` refuses. */
export function explainName(name: string): string {
  if (name === "") return "It is empty.";
  if (name.length > 63) return `It has ${name.length} characters; 63 are allowed.`;
  const proposal = name
    .toUpperCase()
    .replaceAll(/[\s.]+/g, "-")
    .replace(/^[_-]+/, "");
  const rule = "Only capitals, digits, underscores and hyphens are allowed, with a capital or digit first.";
  return isName(proposal) ? `${rule} Write ${JSON.stringify(proposal)}.` : rule;
}
