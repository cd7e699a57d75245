import { defined, noteLook } from "@stackyard/core";
import type { ReleaseOperation } from "@stackyard/sdk/releases";
import type { AsgCall } from "./call.ts";
import type { AsgConfig } from "./definition.ts";
import { validateRelease } from "./deploy/validate.ts";
import { toLetters, toReleaseId } from "./plan/names.ts";
import { hashUserData } from "./plan/user-data.ts";
import type { ReleaseConstants } from "./presets.ts";
import { ReleaseError } from "./release-errors.ts";
import { FIRST_POSITION, RELEASE_MACHINES } from "./release-machine.ts";
import { enter, LOOK_MS, type ReleaseProgress } from "./step-release.ts";

/** Input of `beginRelease`. */
export interface BeginInput {
  readonly operation: ReleaseOperation;
  readonly document: unknown;
  readonly userData?: string;
}

/** Returns the release that a task's config describes. */
export function toBeginInput({ ctx, config, constants, deps }: AsgCall): BeginInput {
  const letters = toLetters(deps.random);
  const document = fillDocument({ config, constants, target: ctx.target, now: ctx.clock.now(), letters });
  return { operation: "deploy", document, userData: config.userData ?? "" };
}

/**
 * Runs the state Validate and returns the first progress. It only stores a note of the document, so a repeated call may
 * use other ids. Throws `ReleaseError`.
 */
export async function beginRelease(
  call: AsgCall,
  { operation, document, userData }: BeginInput,
): Promise<ReleaseProgress> {
  const { deps, config, constants, at } = call;
  const { isSecondChannel } = deps.memory;
  const { release, state } = await validateRelease(deps, {
    document,
    ...defined({ userData: isSecondChannel ? undefined : userData }),
    deployerAccount: at.account,
    region: at.region,
  });
  if (release.aws_account_id !== at.account || release.aws_region !== at.region) {
    const target = `${at.account} in ${at.region}`;
    const own = `${release.aws_account_id} in ${release.aws_region}`;
    throw new ReleaseError("BAD_RELEASE", `The release is for ${own}, but the target of its task is ${target}.`);
  }
  if (!isSecondChannel) await deps.memory.storeDocument(release, { document, ...defined({ userData }) });
  const now = deps.clock.now();
  const row = RELEASE_MACHINES[constants.generation].Validate;
  const next = row?.kind === "task" ? row.next : "Lock";
  const first: ReleaseProgress = {
    op: "deploy",
    operation,
    release,
    state,
    position: FIRST_POSITION,
    since: now,
    dueAt: now,
    path: [{ state: FIRST_POSITION.state, at: now }],
    lines: [],
    mayQueue: config.queue === true,
    watched: noteLook(undefined, { now, everyMs: LOOK_MS }),
  };
  return enter(first, { position: { state: next, retries: [] }, now, pauseMs: 0 });
}

/** Values for the keys that documents in machines lack, because no client writes them. */
interface FillInput {
  readonly config: AsgConfig;
  readonly constants: ReleaseConstants;
  readonly target: { readonly account: string; readonly region: string } | undefined;
  readonly now: number;
  /** Seven letters for the release id. */
  readonly letters: string;
}

/**
 * Returns the document of a task: a client's document unchanged; a machine's with a new id, the current time, the
 * task's target and the hash of the user data. A `null` value counts as missing.
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
