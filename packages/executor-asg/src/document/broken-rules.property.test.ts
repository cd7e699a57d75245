import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aDocument, type Changes } from "../testing/builders.ts";
import { parseRelease } from "./parse-release.ts";
import { POLLED_STRATEGIES } from "./schema.ts";

const WEB = "/services/web";
const SCALING = `${WEB}/autoscaling`;

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/);

const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });

/** Documents that break no rule. */
const sound = fc
  .record({
    project: name,
    config: name,
    subnets: names,
    groups: names,
    targets: names,
    timeout: fc.integer({ min: 1, max: 172_800 }),
    sizes: fc.tuple(fc.nat(50), fc.nat(50)),
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    strategy: fc.constantFrom(...POLLED_STRATEGIES, "GatedCanary"),
    terms: fc.nat(5),
    size: fc.integer({ min: 1, max: 500 }),
    tags: fc.dictionary(name, name, { maxKeys: 5 }),
    detach: fc.constantFrom("Detach", "SkipDetach", "SkipDetachCheck"),
  })
  .map(
    (some): Changes => ({
      "/project_name": `org/${some.project}`,
      "/config_name": some.config,
      "/subnets": some.subnets,
      "/timeout": some.timeout,
      "/detach_strategy": some.detach,
      [`${WEB}/tags`]: some.tags,
      [`${WEB}/security_groups`]: some.groups,
      [`${WEB}/target_groups`]: some.targets,
      [`${WEB}/ebs_volume_size`]: some.size,
      [`${SCALING}/strategy`]: some.strategy,
      [`${SCALING}/min_size`]: Math.min(...some.sizes),
      [`${SCALING}/max_size`]: Math.max(...some.sizes),
      [`${SCALING}/spread`]: some.spread,
      [`${SCALING}/max_terms`]: some.terms,
    }),
  );

const text = fc.string({ minLength: 1, maxLength: 20 });

const below = (limit: number) => fc.integer({ max: limit - 1, min: -1_000_000 });

const above = (limit: number) => fc.integer({ min: limit + 1, max: 10_000_000 });

const twice = names.map((list) => [...list, list[0]]);

const known = ["Detach", "SkipDetach", "SkipDetachCheck", "GatedCanary", "GatedSteps", "dedicated", "default"];

const other = text.filter((word) => !known.includes(word) && !POLLED_STRATEGIES.some((strategy) => strategy === word));

const change = (pointer: string, values: fc.Arbitrary<unknown>) =>
  values.map((value): Changes => ({ [pointer]: value }));

/** Changes, each of which breaks one rule whatever else the document says, and the rule's code. */
const BREAKERS: Readonly<Record<string, fc.Arbitrary<Changes>>> = {
  "release-timeout-too-long": change("/timeout", above(172_800)),
  "release-timeout-not-positive": change("/timeout", below(1)),
  "release-detach-strategy-unknown": change("/detach_strategy", other),
  "release-name-too-long": change("/config_name", fc.string({ minLength: 44, maxLength: 80 })),
  "release-strategy-unknown": change(`${SCALING}/strategy`, other),
  "release-min-above-max": change(`${SCALING}/min_size`, above(50)),
  "release-size-negative": change(`${SCALING}/max_terms`, below(0)),
  "release-spread-out-of-range": change(
    `${SCALING}/spread`,
    fc.oneof(fc.double({ min: 1.0001, max: 1e9, noNaN: true }), fc.double({ min: -1e9, max: -0.0001, noNaN: true })),
  ),
  "release-security-group-duplicate": change(`${WEB}/security_groups`, twice),
  "release-elb-duplicate": change(`${WEB}/elbs`, twice),
  "release-target-group-duplicate": change(`${WEB}/target_groups`, twice),
  "release-item-duplicate": change("/subnets", twice),
  "release-tenancy-unknown": change(`${WEB}/placement_tenancy`, other),
  "release-ebs-size": change(`${WEB}/ebs_volume_size`, below(1)),
  "release-ebs-without-size": text.map((key) => ({
    [`${WEB}/ebs_volume_size`]: undefined,
    [`${WEB}/ebs_kms_key`]: key,
  })),
  "release-hook-heartbeat": change("/lifecycle/a/heartbeat_timeout", fc.oneof(below(30), above(7200))),
  "release-hook-transition-unknown": change("/lifecycle/a/transition", text),
  "release-policy-type-unknown": change(
    `${SCALING}/policies`,
    text.map((type) => [{ type }]),
  ),
  "release-policy-sign": change(
    `${SCALING}/policies`,
    below(1).map((scaling_adjustment) => [{ type: "cpu_scale_up", scaling_adjustment }]),
  ),
  "release-unknown-key": name.map((key) => ({ [`${WEB}/x-${key}`]: 1 })),
  "release-wrong-type": change(
    "/timeout",
    fc.oneof(text, fc.double({ min: 0.1, max: 0.9, noNaN: true }), fc.boolean(), names),
  ),
};

describe("a document that breaks no rule", () => {
  it("is parsed", () => {
    fc.assert(fc.property(sound, (changes) => parseRelease(aDocument(changes)).kind === "parsed"));
  });

  it.each(Object.keys(BREAKERS))("is not parsed any more with %s", (code) => {
    const breakers = BREAKERS[code] ?? fc.constant({});
    const property = fc.property(sound, breakers, (changes, breaker) => {
      const parsed = parseRelease(aDocument({ ...changes, ...breaker }));

      expect(parsed.kind === "refused" && parsed.problems.map((problem) => problem.code)).toContain(code);
    });

    fc.assert(property, { numRuns: 40 });
  });
});
