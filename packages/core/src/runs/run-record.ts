import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Records } from "../ports/records.ts";

/** What was asked for, kept until the start has been applied and for as long as its repeats may come. */
export const RunRecord = Type.Object({
  /** The content hash of the run's revision. */
  revision: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  executor: Type.String(),
  askedAt: Type.Integer({ minimum: 0 }),
});
export type RunRecord = Static<typeof RunRecord>;

/** As long as the ids of applied events are kept: a repeat after that is a new start. */
const KEEP_MS = 14 * 86_400_000;

const validator = Compile(RunRecord);

/** Notes what a run was asked for with. The first one counts: the answer is what stands there. */
export async function putRunRecord(records: Records, runId: string, value: RunRecord): Promise<RunRecord> {
  const { askedAt: now } = value;
  const key = toKey(runId);
  const result = await records.put({ key, value, expected: "absent", expiresAt: now + KEEP_MS, now });
  return result.kind === "written" ? value : (parseRunRecord(result.current?.value) ?? value);
}

/** What a run was asked for with; undefined when nothing is kept of it. */
export async function findRunRecord(records: Records, runId: string, now: number): Promise<RunRecord | undefined> {
  return parseRunRecord((await records.get(toKey(runId), now))?.value);
}

function parseRunRecord(value: unknown): RunRecord | undefined {
  return validator.Check(value) ? value : undefined;
}

function toKey(runId: string): string {
  return `run/${runId}`;
}
