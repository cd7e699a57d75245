import { parseAttemptId } from "./decide/open-runs.ts";
import { readSecrets } from "./secrets.ts";
import type { Metadata, Stack } from "./stack.ts";

/**
 * The values behind the references that an attempt was dispatched with, out of the record of its stack; without those
 * that are gone. None of a later life under the same id: its references count from 1 again and mean other values.
 */
export function readAttemptSecrets(stack: Stack | undefined, attemptId: string, refs: readonly string[]): Metadata {
  // An attempt's id holds no half of a surrogate pair, which a life may.
  if (stack === undefined || parseAttemptId(attemptId)?.life !== stack.life.toWellFormed()) return {};
  return readSecrets(stack, refs);
}
