import { GetInstanceProfileCommand, IAMClient } from "@aws-sdk/client-iam";
import type { ReleaseDeps } from "../release-deps.ts";
import { type LookUp, lookUp } from "./look-up.ts";

/** An instance profile as the rules look at it. */
export interface ProfileFacts {
  readonly arn: string;
  readonly name: string;
  /** Of the profile, not of its role. */
  readonly path: string;
}

/** The instance profile of that name. */
export async function loadProfile(deps: ReleaseDeps, name: string): Promise<LookUp<ProfileFacts>> {
  const message = `Profile: there is no instance profile "${name}" in this account.`;
  const problem = { code: "release-profile-missing", message };
  const missing = { errors: ["NoSuchEntityException", "NoSuchEntity"], problem };
  return lookUp(deps, { what: `instance profile "${name}"`, missing }, async () => {
    const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
    const { InstanceProfile } = await deps.target.client(IAMClient).send(command, { abortSignal: deps.signal });
    return { arn: InstanceProfile?.Arn ?? "", name, path: InstanceProfile?.Path ?? "" };
  });
}
