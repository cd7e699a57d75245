import { parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import { ReleaseError } from "../release-error.ts";
import { runState } from "../run-state.ts";
import { validateRelease } from "../tasks/validate.ts";
import { createSessions, type OpenSession, openDeps } from "./open-deps.ts";
import { parseReleaseCall } from "./parse-call.ts";
import type { ReleasesDeps } from "./releases-deps.ts";
import { parseWire, toWire, type WireRelease } from "./wire.ts";
import { toWireError } from "./wire-error.ts";

/** The deployer's function. */
export interface Releases {
  /**
   * Does what a state of the state machine asks for, and answers the release as the next state is to get it. Rejects with errors that are
   * named as the predecessor's classes, so that Lambda tells these as `errorType`.
   */
  readonly handler: (event: unknown) => Promise<unknown>;
}

/** Makes the function behind the state machine of releases. Nothing is called before the first event. */
export function createReleases(deps: ReleasesDeps): Releases {
  const open = createSessions(deps);
  return {
    async handler(event) {
      try {
        return await answer(deps, open, event);
      } catch (error) {
        deps.logger.error("a state of a release has failed", { error });
        throw toWireError(error);
      }
    },
  };
}

async function answer(deps: ReleasesDeps, open: OpenSession, event: unknown): Promise<WireRelease> {
  const { task, input } = parseReleaseCall(event);
  if (task === "Validate") return toWire(await validate(deps, open, input));
  const work = parseWire(input, deps.constants);
  const state = await runState(openDeps(deps, open, work.release), task, work);
  return toWire({ release: work.release, state });
}

async function validate(deps: ReleasesDeps, open: OpenSession, document: unknown) {
  const { account, region } = deps.deployer;
  const places = { deployerAccount: account, region };
  return validateRelease(openDeps(deps, open, readPlaces(deps, document)), { document, ...places });
}

/** The document says which bucket it must be in, too; whether it is new enough is seen afterwards. */
function readPlaces({ constants, deployer }: ReleasesDeps, document: unknown): Release {
  const places = { account: deployer.account, region: deployer.region, deployerAccount: deployer.account };
  const parsed = parseRelease(document, { constants, ...places });
  if (parsed.kind === "parsed") return parsed.release;
  const isUnreadable = parsed.problems[0]?.class === "UnmarshalError";
  const message = parsed.problems.map((problem) => problem.message).join("\n");
  throw new ReleaseError(isUnreadable ? "RELEASE_UNREADABLE" : "BAD_RELEASE", message);
}
