import { describe, expect, it } from "vitest";
import { parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import { aDocument, type Changes } from "../testing/a-document.ts";
import { compareReleases } from "./compare-releases.ts";
import { toSafeReleaseMessage } from "./to-safe-release-message.ts";

const WEB = "/services/web";
const SCALING = `${WEB}/autoscaling`;

const base: Changes = {
  [`${WEB}/elbs`]: ["a", "b"],
  [`${WEB}/target_groups`]: ["t"],
  [`${WEB}/profile`]: "p",
  [`${WEB}/ebs_volume_size`]: 8,
  [`${WEB}/security_groups`]: ["a", "b"],
  [`${SCALING}/max_size`]: 9,
};

function release(changes: Changes = {}): Release {
  const parsed = parseRelease(aDocument({ ...base, ...changes }));
  if (parsed.kind === "refused") throw new Error(JSON.stringify(parsed.problems));
  return parsed.release;
}

const placesOf = (changes: Changes) => compareReleases(release(), release(changes)).map(({ pointer }) => pointer);

describe("compareReleases", () => {
  it.each<[string, Changes]>([
    ["/subnets", { "/subnets": ["private-a"] }],
    ["/services/web/security_groups", { [`${WEB}/security_groups`]: ["a"] }],
    ["/services/web/elbs", { [`${WEB}/elbs`]: undefined }],
    ["/services/web/target_groups", { [`${WEB}/target_groups`]: ["t", "u"] }],
    ["/services/web/profile", { [`${WEB}/profile`]: undefined }],
    ["/services/web/ebs_volume_size", { [`${WEB}/ebs_volume_size`]: 9 }],
    ["/services/web/ebs_volume_type", { [`${WEB}/ebs_volume_type`]: "gp2" }],
    ["/services/web/ebs_device_name", { [`${WEB}/ebs_device_name`]: "/dev/sda1" }],
    ["/services/web/ebs_iops", { [`${WEB}/ebs_iops`]: 4000 }],
    ["/services/web/ebs_encrypted", { [`${WEB}/ebs_encrypted`]: true }],
    ["/services/web/instance_types", { [`${WEB}/instance_types`]: ["t3a.small"] }],
    ["/services/web/subnets", { [`${WEB}/subnets`]: ["private-a", "private-b"] }],
    ["/services/web/associate_public_ip_address", { [`${WEB}/associate_public_ip_address`]: false }],
    ["/services/web/instance_type", { [`${WEB}/instance_type`]: "t3.large" }],
    ["/services/web/autoscaling/min_size", { [`${SCALING}/min_size`]: 2 }],
    ["/services/web/autoscaling/max_size", { [`${SCALING}/max_size`]: 10 }],
    ["/services/web/autoscaling/max_terms", { [`${SCALING}/max_terms`]: 1 }],
    ["/services/web/autoscaling/default_cooldown", { [`${SCALING}/default_cooldown`]: 300 }],
    ["/services/web/autoscaling/health_check_grace_period", { [`${SCALING}/health_check_grace_period`]: 5 }],
    ["/services/web/autoscaling/spread", { [`${SCALING}/spread`]: 0.5 }],
  ])("sees %s", (pointer, changes) => {
    expect(placesOf(changes)).toEqual([pointer]);
  });

  it.each<[string, Changes]>([
    ["the image", { "/ami": "other" }],
    ["the user data", { "/user_data_sha256": "ff" }],
    ["tags", { [`${WEB}/tags/a`]: "b" }],
    ["the strategy", { [`${SCALING}/strategy`]: "OneThenAllWithCanary" }],
    ["policies", { [`${SCALING}/policies`]: [{ type: "cpu_scale_up" }] }],
    ["hooks", { "/lifecycle/a": { transition: "autoscaling:EC2_INSTANCE_LAUNCHING", role: "r", sns: "t" } }],
    ["the price of spot capacity", { [`${WEB}/spot_price`]: "1" }],
    ["placement", { [`${WEB}/placement_tenancy`]: "dedicated" }],
    ["the detach strategy", { "/detach_strategy": "SkipDetach" }],
    ["metadata", { "/metadata/a": "b" }],
    ["ids and times", { "/release_id": "r2", "/created_at": "2026-03-05T00:00:00Z" }],
    ["the order of lists", { "/subnets": ["private-b", "private-a"], [`${WEB}/elbs`]: ["b", "a"] }],
    ["what is given as it is by default", { "/timeout": 600, [`${SCALING}/min_size`]: 1 }],
  ])("does not see %s", (_, changes) => {
    expect(placesOf(changes)).toEqual([]);
  });

  it("takes null for absent, and no list for an empty one", () => {
    const { services, ...rest } = release({ [`${WEB}/profile`]: undefined, [`${WEB}/elbs`]: undefined });
    const { elbs: _, ...web } = { ...services["web"], profile: null };
    const stored: Release = JSON.parse(JSON.stringify({ ...rest, services: { web } }));

    expect(compareReleases(stored, { ...rest, services })).toEqual([]);
    expect(compareReleases({ ...rest, services }, stored)).toEqual([]);
  });

  it("sees the grace period with the time-out that it comes from", () => {
    expect(placesOf({ "/timeout": 900 })).toEqual(["/timeout", `${SCALING}/health_check_grace_period`]);
  });

  it("sees services that are new, and those that are gone", () => {
    const service = { instance_type: "t3.small", security_groups: ["a"] };

    expect(compareReleases(release(), release({ "/services": { api: service } }))).toEqual([
      { pointer: "/services/api", message: "Service(api) is new." },
      { pointer: "/services/web", message: "Service(web) is gone." },
    ]);
  });

  it("says what was, and what would be, a line each", () => {
    const next = release({ "/subnets": ["b", "c"], [`${WEB}/profile`]: undefined, [`${SCALING}/spread`]: 0.5 });

    expect(toSafeReleaseMessage(compareReleases(release(), next)).split("\n")).toEqual([
      "SafeRelease Error: the release differs from the one before. Leave safe_release out to allow it.",
      '- /subnets was ["private-a","private-b"], and would be ["b","c"].',
      "- /services/web/profile was p, and would be not given.",
      "- /services/web/autoscaling/spread was 0, and would be 0.5.",
    ]);
  });
});
