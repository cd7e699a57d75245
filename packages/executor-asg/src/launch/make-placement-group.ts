import { CreatePlacementGroupCommand, EC2Client } from "@aws-sdk/client-ec2";
import { findAwsFault } from "@stackyard/aws";
import { findPlacementGroup } from "../lookups/find-placement-group.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toPlacementRequest } from "./to-placement-request.ts";
import { untilVisible } from "./until-visible.ts";

/** EC2 API reference, "Error codes": somebody else, or another service of this release, was first. */
const TAKEN = "InvalidPlacementGroup.Duplicate";

/** Makes the placement group of a service that names one, where there is none; waits until it can be used. */
export async function makePlacementGroup(deps: ReleaseDeps, facts: LaunchFacts): Promise<void> {
  const request = toPlacementRequest(facts);
  if (request === undefined) return;
  const name = request.GroupName ?? "";
  if ((await find(deps, name)) === undefined) {
    try {
      await deps.target.client(EC2Client).send(new CreatePlacementGroupCommand(request), { abortSignal: deps.signal });
    } catch (error) {
      if (findAwsFault(error).name !== TAKEN) throw error;
    }
  }
  const isThere = await untilVisible(deps, async () => (await find(deps, name))?.state === "available" || undefined);
  if (isThere) return;
  throw new ReleaseError("DEPLOY_FAILED", `Placement group "${name}" is not available yet. Deploy again when it is.`);
}

async function find(deps: ReleaseDeps, name: string) {
  const found = await findPlacementGroup(deps, name);
  if (found.kind === "found") return found.value;
  throw new ReleaseError("DEPLOY_FAILED", found.problems.map(({ message }) => message).join(" "));
}
