import { AutoScalingClient, CreateOrUpdateTagsCommand, DeleteTagsCommand } from "@aws-sdk/client-auto-scaling";
import type { ReleaseDeps } from "../release-deps.ts";

type Deps = Pick<ReleaseDeps, "target" | "signal">;

const ResourceType = "auto-scaling-group";

/** Puts tags on a group itself; its servers do not get them. */
export async function tagGroup(
  { target, signal }: Deps,
  ResourceId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({
    ResourceId,
    ResourceType,
    Key,
    Value,
    PropagateAtLaunch: false,
  }));
  await target.client(AutoScalingClient).send(new CreateOrUpdateTagsCommand({ Tags }), { abortSignal: signal });
}

/** Takes tags off it. Those that are not there do not matter (API reference, "DeleteTags"). */
export async function untagGroup({ target, signal }: Deps, ResourceId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const Tags = keys.map((Key) => ({ ResourceId, ResourceType, Key }));
  await target.client(AutoScalingClient).send(new DeleteTagsCommand({ Tags }), { abortSignal: signal });
}
