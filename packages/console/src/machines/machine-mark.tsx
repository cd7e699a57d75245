import type { MachineSummary } from "@stackyard/sdk";
import { Mark, type Status } from "../design/mark.tsx";

const LOOKS = {
  valid: ["succeeded", "Valid"],
  stale: ["overdue", "Stale"],
  invalid: ["failed", "Invalid"],
} as const satisfies Record<MachineSummary["status"], readonly [Status, string]>;

/** Renders whether the newest document of a machine can be used. */
export function MachineMark({ status }: { status: MachineSummary["status"] }) {
  const [mark, word] = LOOKS[status];
  return <Mark status={mark} word={word} />;
}
