import { type Records, StackyardError } from "@stackyard/core";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord } from "./artifact-record.ts";

const MAX_TRIES = 20;

/** Changes a version's record although others may change it too; false: there is none. Throws `RECORD_CONFLICT` at last. */
export async function changeArtifact(
  records: Pick<Records, "get" | "put">,
  { name, version, now }: { readonly name: string; readonly version: string; readonly now: number },
  change: (record: ArtifactRecord) => ArtifactRecord,
): Promise<boolean> {
  const key = artifactRecordKey(name, version);
  let found = await records.get(key, now);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (found === undefined) return false;
    const value = change(parseArtifactRecord(found.value));
    const put = await records.put({ key, value, expected: found.version, now });
    if (put.kind === "written") return true;
    found = put.current;
  }
  throw new StackyardError("RECORD_CONFLICT", `Too many writers change ${name}@${version}. Try again.`);
}
