import { RELEASE_TAGS } from "../launch/release-tags.ts";

/** Keys of the tags of a group that is kept for a rollback, beside `RELEASE_TAGS`. */
export const RETIRED_TAGS = {
  /** `<min>/<desired>`, as the group had them. */
  capacity: "stackyard:retired-capacity",
  /** What it was attached to; the second and further tags end in `-2`, `-3` … */
  traffic: "stackyard:retired-traffic",
  at: RELEASE_TAGS.retiredAt,
  /** When its time is over. */
  until: "stackyard:retired-until",
  /** Id of the release that took its place. */
  by: "stackyard:retired-by",
} as const;

/** What a group needs to come back as it was. */
export interface FormerService {
  readonly min: number;
  readonly desired: number;
  readonly elbs: readonly string[];
  readonly targetGroupArns: readonly string[];
}

/** Where ARNs of target groups are. */
export interface TrafficPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** EC2 user guide, "Tag restrictions": 256 characters. */
const MAX_VALUE_CHARS = 256;
const CLASSIC = "elb/";

/** The tags that remember it. ARNs are cut to what differs between them, since a value is short. */
export function toFormerTags({ min, desired, elbs, targetGroupArns }: FormerService): Readonly<Record<string, string>> {
  const words = [...elbs.map((name) => `${CLASSIC}${name}`), ...targetGroupArns.map(toResource)];
  const values = toValues(words).map((value, at) => [toTrafficKey(at), value] as const);
  return { [RETIRED_TAGS.capacity]: `${min}/${desired}`, ...Object.fromEntries(values) };
}

/** What they remember; `undefined` where nothing was noted, or somebody has spoilt it. */
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

/** All keys that a group may have of these, for the call that takes them off. */
export function findRetiredKeys(tags: Readonly<Record<string, string>>): readonly string[] {
  const { capacity, at, until, by, traffic } = RETIRED_TAGS;
  return Object.keys(tags).filter(
    (key) => [capacity, at, until, by].some((each) => each === key) || key.startsWith(traffic),
  );
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
