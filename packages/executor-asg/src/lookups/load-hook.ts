import { GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import type { LifecycleHook } from "../document/release.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { type LookUp, lookUp, type ResourceProblem } from "./look-up.ts";

/** The role and the topic of a hook stand, both of them; one for EventBridge alone has none. */
export async function loadHook(deps: ReleaseDeps, hook: LifecycleHook): Promise<readonly LookUp<true>[]> {
  const { notification_target_arn: topic } = hook;
  if (topic === undefined) return [];
  const role = await loadRole(deps, hook);
  return hook.sns === undefined ? [role] : [role, await loadTopic(deps, hook.name, topic)];
}

async function loadRole(deps: ReleaseDeps, { name, role }: LifecycleHook): Promise<LookUp<true>> {
  const problem = (text: string): ResourceProblem => ({
    code: "release-hook-role-missing",
    message: `LifeCycle(${name}): ${text}`,
  });
  if (role === undefined || role === "") {
    return { kind: "refused", problems: [problem('Its role is looked up by name. Give the role\'s name as "role".')] };
  }
  const missing = {
    errors: ["NoSuchEntityException", "NoSuchEntity"],
    problem: problem(`There is no role "${role}" in this account.`),
  };
  return lookUp(deps, { what: `role "${role}"`, missing }, async () => {
    const command = new GetRoleCommand({ RoleName: role });
    await deps.target.client(IAMClient).send(command, { abortSignal: deps.signal });
    return true as const;
  });
}

/** SNS API reference, "GetTopicAttributes": `NotFound` on the wire. */
const NO_TOPIC = ["NotFoundException", "NotFound"];

async function loadTopic(deps: ReleaseDeps, hook: string, arn: string): Promise<LookUp<true>> {
  const message = `LifeCycle(${hook}): There is no topic "${arn}".`;
  const missing = { errors: NO_TOPIC, problem: { code: "release-hook-topic-missing", message } };
  return lookUp(deps, { what: `topic "${arn}"`, missing }, async () => {
    const command = new GetTopicAttributesCommand({ TopicArn: arn });
    await deps.target.client(SNSClient).send(command, { abortSignal: deps.signal });
    return true as const;
  });
}
