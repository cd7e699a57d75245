import { AutoScalingClient, CreateOrUpdateTagsCommand, DeleteTagsCommand } from "@aws-sdk/client-auto-scaling";
import type { AwsDeps } from "../release-state.ts";

const ResourceType = "auto-scaling-group";

/** Adds tags to a group, without propagating them to its servers. */
export async function tagGroup(
  { target, signal }: AwsDeps,
  ResourceId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const of = { ResourceId, ResourceType, PropagateAtLaunch: false };
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ ...of, Key, Value }));
  await target.client(AutoScalingClient).send(new CreateOrUpdateTagsCommand({ Tags }), { abortSignal: signal });
}

/** Removes tags from a group. Missing ones are ignored (API reference, "DeleteTags"). */
export async function untagGroup(
  { target, signal }: AwsDeps,
  ResourceId: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const Tags = keys.map((Key) => ({ ResourceId, ResourceType, Key }));
  await target.client(AutoScalingClient).send(new DeleteTagsCommand({ Tags }), { abortSignal: signal });
}
