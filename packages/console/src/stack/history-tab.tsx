import type { StackDetails } from "@stackyard/sdk";
import type { StackSource } from "./source.ts";

export function HistoryTab(_: { source: StackSource; stack: StackDetails | undefined }) {
  return null;
}
