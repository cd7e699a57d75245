import type { AsgConfig } from "../definition.ts";
import { toReleaseId } from "../names/release-id.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import { hashUserData } from "../user-data/hash-user-data.ts";

/** What a document lacks that stands in a machine, and is written by no client. */
export interface FillInput {
  readonly config: AsgConfig;
  readonly constants: ReleaseConstants;
  readonly target: { readonly account: string; readonly region: string } | undefined;
  readonly now: number;
  /** Seven letters for the release id. */
  readonly letters: string;
}

/**
 * The document of a task: a client's as it is, a machine's with a new id, the present time, the task's target, and the hash of the user
 * data. A key with `null` counts as absent.
 */
export function fillDocument({
  config,
  constants,
  target,
  now,
  letters,
}: FillInput): Readonly<Record<string, unknown>> {
  const document = config.release ?? {};
  const given = Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null));
  return {
    release_id: toReleaseId(now, letters),
    created_at: `${new Date(now).toISOString().slice(0, -5)}Z`,
    ...(target && { aws_account_id: target.account, aws_region: target.region }),
    ...(constants.generation === "odin" && { user_data_sha256: hashUserData(config.userData ?? "") }),
    ...(config.memory && { bucket: config.memory.bucket }),
    ...given,
  };
}
