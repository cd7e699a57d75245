import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { RELEASE_TAGS } from "../plan/names.ts";
import type { AwsDeps, ReleaseDeps } from "../release-state.ts";
import { nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { detachTraffic } from "./drain.ts";
import { tagGroup } from "./group-tags.ts";
import { setCapacity } from "./set-capacity.ts";

type RetireDeps = Pick<ReleaseDeps, "target" | "signal" | "clock" | "report">;

/** The release that replaces a group, and how long the group is kept. */
interface RetireInput {
  readonly releaseId: string;
  readonly windowSeconds: number;
}

/** Records the capacity and attachments of a group in its tags: once, before its load balancers are detached. */
export async function noteFormerService(deps: AwsDeps, group: AutoScalingGroup): Promise<void> {
  if (toTagMap(group.Tags)[RETIRED_TAGS.capacity] !== undefined) return;
  const { MinSize = 0, DesiredCapacity = 0, LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const former = { min: MinSize, desired: DesiredCapacity, elbs: LoadBalancerNames, targetGroupArns: TargetGroupARNs };
  await tagGroup(deps, nameOfGroup(group), toFormerTags(former));
}

/**
 * Keeps an old group for a rollback: without traffic, but with running servers, so that it can return within a minute.
 * A group without load balancers is scaled to 0 instead, because it would keep working next to the new one. The tag
 * that marks it as kept is written last: until then it is an old group, and a repeat runs the same steps.
 */
export async function retireGroup(deps: RetireDeps, group: AutoScalingGroup, input: RetireInput): Promise<void> {
  const name = nameOfGroup(group);
  await noteFormerService(deps, group);
  await detachTraffic(deps, group);
  if (!hadTraffic(deps, group)) await setCapacity(deps, group, { min: 0, desired: 0 });
  await markRetired(deps, group, input);
  deps.report(`kept group ${name} for ${input.windowSeconds} s`);
}

/** Marks a group as replaced: it is not a predecessor of a release, and the next one deletes it. */
export async function markRetired(
  deps: AwsDeps & Pick<ReleaseDeps, "clock">,
  group: AutoScalingGroup,
  { releaseId, windowSeconds }: RetireInput,
): Promise<void> {
  const now = deps.clock.now();
  await tagGroup(deps, nameOfGroup(group), {
    [RETIRED_TAGS.by]: releaseId,
    [RETIRED_TAGS.until]: new Date(now + windowSeconds * 1_000).toISOString(),
    [RETIRED_TAGS.at]: new Date(now).toISOString(),
  });
}

/** Returns true as well where the tags were changed and do not tell it: then its servers stay. */
function hadTraffic({ target }: RetireDeps, group: AutoScalingGroup): boolean {
  const { LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const tags = toTagMap(group.Tags);
  const former = parseFormerTags(tags, target);
  if (former === undefined && tags[RETIRED_TAGS.capacity] !== undefined) return true;
  const { elbs = [], targetGroupArns = [] } = former ?? {};
  return [LoadBalancerNames, TargetGroupARNs, elbs, targetGroupArns].some((sources) => sources.length > 0);
}

/** Keys of the additional tags of a group that is kept for a rollback. */
export const RETIRED_TAGS = {
  /** `<min>/<desired>` before the group was retired. */
  capacity: "stackyard:retired-capacity",
  /** Its attachments. Further tags end in `-2`, `-3` … */
  traffic: "stackyard:retired-traffic",
  at: RELEASE_TAGS.retiredAt,
  /** End of its rollback window. */
  until: "stackyard:retired-until",
  /** Id of the release that replaced it. */
  by: "stackyard:retired-by",
} as const;

/** State that a group needs to return to service. */
export interface FormerService {
  readonly min: number;
  readonly desired: number;
  readonly elbs: readonly string[];
  readonly targetGroupArns: readonly string[];
}

/** Parts of the ARNs of target groups. */
export interface TrafficPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** EC2 user guide, "Tag restrictions": 256 characters. */
const MAX_VALUE_CHARS = 256;
const CLASSIC = "elb/";

/** Formats the state as tags. ARNs are shortened to their resource part, because tag values are short. */
export function toFormerTags({ min, desired, elbs, targetGroupArns }: FormerService): Readonly<Record<string, string>> {
  const words = [...elbs.map((name) => `${CLASSIC}${name}`), ...targetGroupArns.map(toResource)];
  const values = toValues(words).map((value, at) => [toTrafficKey(at), value] as const);
  return { [RETIRED_TAGS.capacity]: `${min}/${desired}`, ...Object.fromEntries(values) };
}

/** Parses these tags. Returns undefined if they are missing or invalid. */
export function parseFormerTags(
  tags: Readonly<Record<string, string>>,
  place: TrafficPlace,
): FormerService | undefined {
  const [, min, desired] = /^(\d{1,6})\/(\d{1,6})$/.exec(tags[RETIRED_TAGS.capacity] ?? "") ?? [];
  if (min === undefined || desired === undefined) return undefined;
  const words: string[] = [];
  for (let at = 0; tags[toTrafficKey(at)] !== undefined; at += 1) {
    words.push(...(tags[toTrafficKey(at)] ?? "").split(" ").filter(Boolean));
  }
  const prefix = `arn:${place.partition}:elasticloadbalancing:${place.region}:${place.account}:`;
  const isClassic = (word: string): boolean => word.startsWith(CLASSIC);
  return {
    min: Number(min),
    desired: Number(desired),
    elbs: words.filter(isClassic).map((word) => word.slice(CLASSIC.length)),
    targetGroupArns: words.filter((word) => !isClassic(word)).map((word) => `${prefix}${word}`),
  };
}

/** Returns the keys of all these tags that a group has, for removing them. */
export function findRetiredKeys(tags: Readonly<Record<string, string>>): readonly string[] {
  const { traffic, ...others } = RETIRED_TAGS;
  const keys: readonly string[] = Object.values(others);
  return Object.keys(tags).filter((key) => keys.includes(key) || key.startsWith(traffic));
}

function toResource(arn: string): string {
  return arn.split(":").slice(5).join(":");
}

function toTrafficKey(at: number): string {
  return at === 0 ? RETIRED_TAGS.traffic : `${RETIRED_TAGS.traffic}-${at + 1}`;
}

function toValues(words: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (const word of words) {
    const last = values.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= MAX_VALUE_CHARS)
      values[values.length - 1] = `${last} ${word}`;
    else values.push(word);
  }
  return values;
}
