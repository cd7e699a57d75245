/**
 * Returns an action of the audit log in words: `createToken` as `Create token`, `APPROVE_TASK` as `Approve task`. Names of a
 * machine's events, such as `RELEASED`, stay as they are.
 */
export function formatAction(action: string): string {
  if (OPERATIONS.has(action)) return capitalize(action.toLowerCase().replaceAll("_", " "));
  if (!/^[a-z][A-Za-z]*$/.test(action)) return action;
  const words = action.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").split(" ");
  return capitalize(words.map((word, index) => (index > 0 && !NAMES.has(word) ? word.toLowerCase() : word)).join(" "));
}

const NAMES: ReadonlySet<string> = new Set(["Terraform"]);

/** Operations on stacks, which the engine handles as events. */
const OPERATIONS: ReadonlySet<string> = new Set([
  "ACKNOWLEDGE_FAILURE",
  "APPROVE_TASK",
  "CANCEL_TASK",
  "REJECT_TASK",
  "REMOVE_STACK",
  "RETRY_FAILED_TASKS",
  "RETRY_PENDING_TASKS",
  "SETTLE_TASK",
  "UPGRADE_STACK",
  "WITHDRAW_APPROVAL",
]);

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
