import type { Clock, Records } from "@stackyard/core";

/** The task definition that a resource has run last. */
export interface RememberedRun {
  /** As the properties name it. */
  readonly taskDefinition: string;
  /** With the revision that it meant then. */
  readonly taskDefinitionArn: string;
  readonly requestId: string;
}

interface MemoryDeps {
  readonly records: Records;
  readonly clock: Clock;
}

/** What a resource has run last; undefined: nothing that is known. */
export async function findRememberedRun(
  { records, clock }: MemoryDeps,
  id: string,
): Promise<RememberedRun | undefined> {
  const record = await records.get(toKey(id), clock.now());
  // Written by this very file.
  return record?.value as RememberedRun | undefined;
}

/** Notes what a resource runs. The last one counts; runs of one resource do not overlap. */
export async function rememberRun({ records, clock }: MemoryDeps, id: string, run: RememberedRun): Promise<void> {
  for (;;) {
    const before = await records.get(toKey(id), clock.now());
    const expected = before?.version ?? "absent";
    const { kind } = await records.put({ key: toKey(id), value: run, expected, now: clock.now() });
    if (kind === "written") return;
  }
}

/** Forgets a resource that is gone. */
export async function forgetRun({ records, clock }: MemoryDeps, id: string): Promise<void> {
  const record = await records.get(toKey(id), clock.now());
  if (record !== undefined) await records.remove(record.key, record.version);
}

function toKey(id: string): string {
  return `ecs-task/resource/${id}`;
}
