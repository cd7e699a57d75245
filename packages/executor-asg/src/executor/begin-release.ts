import type { ReleaseOperation } from "@stackyard/sdk/releases";
import { FIRST_POSITION } from "../machine/advance.ts";
import { RELEASE_MACHINES } from "../machine/release-machine.ts";
import { toLetters } from "../names/release-id.ts";
import { ReleaseError } from "../release-error.ts";
import { validateRelease } from "../tasks/validate.ts";
import type { AsgCall } from "./asg-call.ts";
import { fillDocument } from "./fill-document.ts";
import { enter, type ReleaseProgress } from "./release-progress.ts";

/** What is to be released. */
export interface BeginInput {
  readonly operation: ReleaseOperation;
  readonly document: unknown;
  readonly userData?: string;
}

/** What a task's config asks for. */
export function toBeginInput({ ctx, config, constants, deps }: AsgCall): BeginInput {
  const letters = toLetters(deps.random);
  const document = fillDocument({ config, constants, target: ctx.target, now: ctx.clock.now(), letters });
  return { operation: "deploy", document, userData: config.userData ?? "" };
}

/**
 * The state Validate, and where the release goes from there. Nothing is taken or made yet but a note of the document, so a call that is
 * repeated may begin under other ids. Throws `ReleaseError`.
 */
export async function beginRelease(
  call: AsgCall,
  { operation, document, userData }: BeginInput,
): Promise<ReleaseProgress> {
  const { deps, config, constants, at } = call;
  const { isSecondChannel } = deps.memory;
  const { release, state } = await validateRelease(deps, {
    document,
    ...(isSecondChannel || userData === undefined ? {} : { userData }),
    deployerAccount: at.account,
    region: at.region,
  });
  if (release.aws_account_id !== at.account || release.aws_region !== at.region) {
    const target = `${at.account} in ${at.region}`;
    const own = `${release.aws_account_id} in ${release.aws_region}`;
    throw new ReleaseError("BAD_RELEASE", `The release goes to ${own}, and the target of its task is ${target}.`);
  }
  if (!isSecondChannel)
    await deps.memory.storeDocument(release, { document, ...(userData === undefined ? {} : { userData }) });
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
  };
  return enter(first, { position: { state: next, retries: [] }, now, pauseMs: 0 });
}
