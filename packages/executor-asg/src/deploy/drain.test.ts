import { SimFault } from "@stackyard/aws-sim";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "../release-errors.ts";
import { createReleaseWorld } from "../testing/release-world.ts";
import {
  type DrainFacts,
  deleteIfThere,
  detachTraffic,
  doAll,
  evaluateDrain,
  isGone,
  loadAttachments,
} from "./drain.ts";
import { findRetiredKeys, parseFormerTags, toFormerTags } from "./kept-group.ts";

function judge(over: Partial<DrainFacts> = {}) {
  return evaluateDrain({
    attachments: [],
    remaining: {},
    now: 100_000,
    beganAt: undefined,
    budgetSeconds: 60,
    ...over,
  });
}

const removing = { group: "old", id: "web", state: "Removing" } as const;

describe("evaluateDrain", () => {
  it("is drained where nothing was attached", () => {
    expect(judge()).toEqual({ kind: "drained" });
  });

  it("is drained when all is removed, and the groups are empty", () => {
    expect(judge({ attachments: [{ ...removing, state: "Removed" }], remaining: { old: 0 } })).toEqual({
      kind: "drained",
    });
  });

  it.each(["Adding", "Added", "InService", "Removing", "unknown"])("waits while a source is %s", (state) => {
    expect(judge({ attachments: [{ ...removing, state }] })).toEqual({
      kind: "waiting",
      message: `Not detached yet: "old" is still ${state} in web.`,
    });
  });

  it("waits while servers end", () => {
    expect(judge({ remaining: { old: 2 } })).toEqual({
      kind: "waiting",
      message: 'Not detached yet: "old" still has 2 instances.',
    });
  });

  it.each([
    [40_001, "waiting"],
    [40_000, "over"],
  ])("began at %i: is %s after its time", (beganAt, kind) => {
    expect(judge({ attachments: [removing], beganAt }).kind).toBe(kind);
  });

  it("has no end of its own when its start was not recorded", () => {
    expect(judge({ attachments: [removing], now: Number.MAX_SAFE_INTEGER }).kind).toBe("waiting");
  });

  it("is drained after its time, too", () => {
    expect(judge({ beganAt: 0 })).toEqual({ kind: "drained" });
  });
});

describe("loadAttachments", () => {
  it("reads all pages of both kinds", async () => {
    const { sim, deps } = createReleaseWorld();
    const classic = [
      { LoadBalancerName: "a", State: "InService" },
      { LoadBalancerName: "b", State: "Removing" },
    ];
    const groups = [{ LoadBalancerTargetGroupARN: "arn:c", State: "Removed" }, { LoadBalancerTargetGroupARN: "arn:d" }];
    for (const [at, each] of classic.entries()) {
      sim.once("AutoScaling.DescribeLoadBalancers", async () => ({
        LoadBalancers: [each],
        ...(at === 0 && { NextToken: "more" }),
      }));
    }
    for (const [at, each] of groups.entries()) {
      sim.once("AutoScaling.DescribeLoadBalancerTargetGroups", async () => ({
        LoadBalancerTargetGroups: [each],
        ...(at === 0 && { NextToken: "more" }),
      }));
    }

    expect(await loadAttachments(deps, "web")).toEqual([
      { group: "web", id: "a", state: "InService" },
      { group: "web", id: "b", state: "Removing" },
      { group: "web", id: "arn:c", state: "Removed" },
      { group: "web", id: "arn:d", state: "unknown" },
    ]);
  });
});

const names = (count: number) => Array.from({ length: count }, (_, at) => `source-${at}`);
const refuse = (message: string) => () => Promise.reject(new SimFault("ValidationError", 400, message));

describe("detachTraffic", () => {
  it("makes no call for a group without load balancers", async () => {
    const { sim, deps } = createReleaseWorld();

    await detachTraffic(deps, { AutoScalingGroupName: "web" } as never);

    expect(sim.calls).toEqual([]);
  });

  it("detaches ten at a time", async () => {
    const { sim, deps } = createReleaseWorld();
    const sizes: number[] = [];
    for (let call = 0; call < 5; call += 1) {
      for (const operation of ["AutoScaling.DetachLoadBalancers", "AutoScaling.DetachLoadBalancerTargetGroups"]) {
        sim.once(operation, async () => {
          sizes.push(call);
          return {};
        });
      }
    }

    const group = { AutoScalingGroupName: "web", LoadBalancerNames: names(21), TargetGroupARNs: names(11) };
    await detachTraffic(deps, group as never);

    expect(sizes).toEqual([0, 1, 2, 0, 1]);
  });

  it.each([
    "Trying to remove Target Groups that are not part of the group",
    "AutoScalingGroup name not found - no such group: web",
  ])("takes what is done for done: %s", async (message) => {
    const { sim, deps } = createReleaseWorld();
    sim.once("AutoScaling.DetachLoadBalancerTargetGroups", refuse(message));

    const group = { AutoScalingGroupName: "web", TargetGroupARNs: ["arn:a"] };

    await expect(detachTraffic(deps, group as never)).resolves.toBeUndefined();
  });

  it("throws what else AWS refuses", async () => {
    const { sim, deps } = createReleaseWorld();
    sim.once("AutoScaling.DetachLoadBalancers", refuse("1 validation error detected"));

    const group = { AutoScalingGroupName: "web", LoadBalancerNames: ["a"] };

    await expect(detachTraffic(deps, group as never)).rejects.toThrow("1 validation error detected");
  });
});

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
  ])("are ignored when they are malformed: %j", (tags: Record<string, string>) => {
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

function anError(name: string, message = "No."): Error {
  return Object.assign(new Error(message), { name });
}

describe("isGone", () => {
  it.each([
    anError("ResourceNotFound"),
    anError("InvalidLaunchTemplateName.NotFoundException"),
    anError("ValidationError", "AutoScalingGroup name not found - no such group: web"),
    anError("ValidationError", "Launch configuration name not found - Launch configuration web not found"),
  ])("knows $name: $message", (error) => {
    expect(isGone(error)).toBe(true);
  });

  it.each([
    anError("AccessDenied"),
    anError("ResourceInUseFault"),
    anError("ValidationError", "1 validation error detected"),
    anError("Throttling", "The rate was not found to be low"),
    "not found",
  ])("takes nothing else for it: %s", (error) => {
    expect(isGone(error)).toBe(false);
  });
});

describe("deleteIfThere", () => {
  it("skips resources that no longer exist", async () => {
    await expect(deleteIfThere(async () => Promise.reject(anError("ResourceNotFound")))).resolves.toBeUndefined();
  });

  it("throws what else went wrong", async () => {
    const error = anError("AccessDenied");

    await expect(deleteIfThere(async () => Promise.reject(error))).rejects.toBe(error);
  });
});

describe("doAll", () => {
  it("does the work for the others when one fails, and throws that one", async () => {
    const done: number[] = [];
    const error = new Error("two");

    const all = doAll([1, 2, 3], async (each) => {
      if (each === 2) throw error;
      done.push(each);
    });

    await expect(all).rejects.toBe(error);
    expect(done).toEqual([1, 3]);
  });

  it("reports everything that failed, under the code of the first failure", async () => {
    const all = doAll(["a", "b"], async (each) => {
      throw new ReleaseError(each === "a" ? "CLEAN_UP_FAILED" : "DETACH_FAILED", `${each}.`);
    });

    await expect(all).rejects.toMatchObject({ releaseCode: "CLEAN_UP_FAILED", message: "a.\nb." });
  });

  it("is done with nothing", async () => {
    await expect(doAll([], async () => Promise.reject(new Error("never")))).resolves.toBeUndefined();
  });
});
