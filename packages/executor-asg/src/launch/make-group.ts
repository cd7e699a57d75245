import {
  AutoScalingClient,
  type AutoScalingGroup,
  CreateAutoScalingGroupCommand,
  type CreateAutoScalingGroupCommandInput,
} from "@aws-sdk/client-auto-scaling";
import { findAwsFault } from "@stackyard/aws";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { isOwn } from "./find-made.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { type GroupInput, toGroupRequest } from "./to-group-request.ts";
import { untilVisible } from "./until-visible.ts";

/** The SDK's class and the code on the wire ("CreateAutoScalingGroup"). */
const TAKEN = ["AlreadyExistsFault", "AlreadyExists"];
/** Auto Scaling says it of a template that EC2 has just made. */
const NO_TEMPLATE = /launch template.*(not found|does not exist|doesn't exist)/i;

/** Makes the group, unless an earlier try of this execution has made it. */
export async function makeGroup(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  input: GroupInput & { readonly known: AutoScalingGroup | undefined },
): Promise<void> {
  const made = input.known ?? (await create(deps, toGroupRequest(facts, input))) ?? (await find(deps, facts));
  if (made !== "created") checkOwn(made, facts);
}

/** `undefined`: the name is taken, maybe by the same request whose answer was lost. */
async function create(deps: ReleaseDeps, request: CreateAutoScalingGroupCommandInput): Promise<"created" | undefined> {
  let lastError: unknown;
  const answer = await untilVisible(deps, async () => {
    try {
      const client = deps.target.client(AutoScalingClient);
      await client.send(new CreateAutoScalingGroupCommand(request), { abortSignal: deps.signal });
      return "created";
    } catch (error) {
      if (TAKEN.includes(findAwsFault(error).name ?? "")) return "taken";
      if (!(error instanceof Error && NO_TEMPLATE.test(error.message))) throw error;
      lastError = error;
      return undefined;
    }
  });
  if (answer === undefined) throw lastError;
  return answer === "created" ? answer : undefined;
}

async function find(deps: ReleaseDeps, { serviceId }: LaunchFacts): Promise<AutoScalingGroup | undefined> {
  return untilVisible(deps, async () => (await loadGroupsNamed(deps, [serviceId]))[0]);
}

function checkOwn(group: AutoScalingGroup | undefined, { serviceId, state }: LaunchFacts): void {
  if (isOwn(group, state.uuid) && !group?.Status) return;
  const why = group?.Status ? "it is being deleted" : "it is of another release";
  throw new ReleaseError(
    "DEPLOY_FAILED",
    `Group "${serviceId}" is there already, and ${why}. Deploy with another created_at.`,
  );
}
