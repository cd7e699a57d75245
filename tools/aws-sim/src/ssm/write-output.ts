import type { SimS3 } from "../s3/sim-s3.ts";
import { detailsOf, isOver, type SimCommand, type SimInvocation } from "./sim-command.ts";
import { toOutputKey, toStepResults } from "./to-plugins.ts";

/** Puts what has ended into the bucket of its command, whole. An empty stream leaves no object. */
export function writeOutput(command: SimCommand, s3: SimS3, now: number): void {
  if (command.output.bucket === "") return;
  for (const invocation of command.invocations) {
    if (invocation.isWritten || !isOver(detailsOf(invocation, now))) continue;
    invocation.isWritten = true;
    for (const [key, text] of toObjects(command, invocation, now)) s3.write(command.output.bucket, key, text);
  }
}

function toObjects(command: SimCommand, invocation: SimInvocation, now: number): (readonly [string, string])[] {
  const streams = toStepResults(command, invocation, now).flatMap(({ step, stdout, stderr }) => {
    const key = toOutputKey(command, invocation.instanceId, step);
    return [[`${key}/stdout`, stdout] as const, [`${key}/stderr`, stderr] as const];
  });
  return streams.filter(([, text]) => text !== "");
}
