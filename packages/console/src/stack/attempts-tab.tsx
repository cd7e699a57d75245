import type { StackDetails } from "@stackyard/sdk";
import type { StackSource } from "./source.ts";

export function AttemptsTab(_: { source: StackSource; stack: StackDetails | undefined }) {
  return null;
}
