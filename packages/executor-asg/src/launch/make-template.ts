import { createHash } from "node:crypto";
import type { LaunchTemplateSpecification } from "@aws-sdk/client-auto-scaling";
import { CreateLaunchTemplateCommand, EC2Client, type LaunchTemplate } from "@aws-sdk/client-ec2";
import { findAwsFault } from "@stackyard/aws";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { isOwn, loadTemplates } from "./find-made.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { toTemplateName } from "./template-name.ts";
import { toLaunchTemplate } from "./to-launch-template.ts";
import { untilVisible } from "./until-visible.ts";

/** EC2 API reference, "Error codes". */
const TAKEN = "InvalidLaunchTemplateName.AlreadyExistsException";
/** A release makes a template and never changes it. */
const VERSION = "1";

/** What a service's template is made of beside its facts. */
export interface TemplateInput {
  /** Rendered. */
  readonly userData: string;
  /** Of an earlier try. */
  readonly known: LaunchTemplate | undefined;
}

/** Makes the launch template, or finds the one that an earlier try of this execution has made; gives its fixed version. */
export async function makeTemplate(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  { userData, known }: TemplateInput,
): Promise<LaunchTemplateSpecification> {
  const template = known ?? (await create(deps, facts, userData)) ?? (await adopt(deps, facts));
  return { LaunchTemplateId: template.LaunchTemplateId, Version: VERSION };
}

/** `undefined`: the name is taken, maybe by the same request whose answer was lost. */
async function create(deps: ReleaseDeps, facts: LaunchFacts, userData: string): Promise<LaunchTemplate | undefined> {
  const request = { ...toLaunchTemplate(facts, userData), ClientToken: toToken(facts) };
  try {
    const client = deps.target.client(EC2Client);
    const made = await client.send(new CreateLaunchTemplateCommand(request), { abortSignal: deps.signal });
    for (const { Message } of made.Warning?.Errors ?? []) deps.report(`warning: ${facts.serviceId}: ${Message}`);
    return made.LaunchTemplate;
  } catch (error) {
    if (findAwsFault(error).name === TAKEN) return undefined;
    throw error;
  }
}

/** EC2 answers a repeated request of one token with the same template. */
function toToken({ serviceId, state }: LaunchFacts): string {
  return createHash("sha256").update(`${state.uuid}\0${serviceId}`).digest("hex");
}

async function adopt(deps: ReleaseDeps, { serviceId, state }: LaunchFacts): Promise<LaunchTemplate> {
  const name = toTemplateName(serviceId);
  const found = await untilVisible(deps, async () => (await loadTemplates(deps, [name]))[0]);
  if (found !== undefined && isOwn(found, state.uuid)) return found;
  const message = `Launch template "${name}" is there already, and of another release. Deploy with another created_at.`;
  throw new ReleaseError("DEPLOY_FAILED", message);
}
