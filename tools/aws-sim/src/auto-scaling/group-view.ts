import type { SimGroup } from "./sim-group.ts";
import { lifecycleStateOf } from "./sim-member.ts";

/** A group as tests look at it. */
export interface GroupView {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly instances: readonly {
    readonly instanceId: string;
    readonly lifecycleState: string;
    readonly healthStatus: string;
  }[];
  readonly isDeleting: boolean;
}

/** What a test may want to know. */
export function toGroupView({ name, settings, tags, members, isDeleting }: SimGroup): GroupView {
  const { min, max, desired } = settings;
  return {
    name,
    min,
    max,
    desired,
    isDeleting,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    instances: members.map((member) => ({
      instanceId: member.instanceId,
      lifecycleState: lifecycleStateOf(member),
      healthStatus: member.healthStatus,
    })),
  };
}
