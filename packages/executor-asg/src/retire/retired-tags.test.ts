import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRetiredKeys, parseFormerTags, toFormerTags } from "./retired-tags.ts";

const place = { partition: "aws", region: "eu-west-1", account: "111122223333" };
const arn = (name: string) =>
  `arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/${name}/0123456789abcdef`;

describe("the tags of a kept group", () => {
  it("remember its capacity and what it was attached to", () => {
    const tags = toFormerTags({ min: 2, desired: 5, elbs: ["web"], targetGroupArns: [arn("web")] });

    expect(tags).toEqual({
      "stackyard:retired-capacity": "2/5",
      "stackyard:retired-traffic": "elb/web targetgroup/web/0123456789abcdef",
    });
  });

  it("say so where it was attached to nothing", () => {
    const former = { min: 0, desired: 1, elbs: [], targetGroupArns: [] };

    expect(toFormerTags(former)).toEqual({ "stackyard:retired-capacity": "0/1" });
    expect(parseFormerTags(toFormerTags(former), place)).toEqual(former);
  });

  it("fit, however many load balancers there are", () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$/);
    const former = fc.record({
      min: fc.nat({ max: 10_000 }),
      desired: fc.nat({ max: 10_000 }),
      elbs: fc.array(name, { maxLength: 30 }),
      targetGroupArns: fc.array(name.map(arn), { maxLength: 30 }),
    });
    fc.assert(
      fc.property(former, (given) => {
        const tags = toFormerTags(given);

        expect(parseFormerTags(tags, place)).toEqual(given);
        expect(Math.max(...Object.values(tags).map((value) => value.length))).toBeLessThanOrEqual(256);
      }),
    );
  });

  it.each([
    {},
    { "stackyard:retired-capacity": "" },
    { "stackyard:retired-capacity": "2" },
    { "stackyard:retired-capacity": "-1/2" },
  ])("are not read where somebody has spoilt them: %j", (tags: Record<string, string>) => {
    expect(parseFormerTags(tags, place)).toBeUndefined();
  });

  it("are all found to be taken off, and no others", () => {
    const many = Array.from({ length: 20 }, (_, at) => arn(`web-${at}`));
    const tags = {
      ...toFormerTags({ min: 1, desired: 1, elbs: [], targetGroupArns: many }),
      "stackyard:retired-at": "2026-01-01T00:00:00.000Z",
      "stackyard:retired-until": "2026-01-02T00:00:00.000Z",
      "stackyard:retired-by": "release-2",
    };

    expect(findRetiredKeys({ ...tags, Name: "web", "stackyard:fencing-token": "3" })).toEqual(Object.keys(tags));
  });
});
