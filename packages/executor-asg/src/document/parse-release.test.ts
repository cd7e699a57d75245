import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { aDocument, aSeedDocument, type Changes, releaseFixture } from "../testing/builders.ts";
import { canonicalRelease, hashRelease, parseRelease } from "./parse-release.ts";
import { GATED_STRATEGIES, POLLED_STRATEGIES } from "./schema.ts";

const SEED = { constants: PRESETS["step-asg-deployer"] };

const WEB = "/services/web";

function problemsOf(document: unknown, options = {}) {
  const parsed = parseRelease(document, options);
  return parsed.kind === "parsed" ? [] : parsed.problems.map(({ class: of, code, pointer }) => [of, code, pointer]);
}

function parsedOf(document: unknown, options = {}) {
  const parsed = parseRelease(document, options);
  if (parsed.kind === "refused") throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

const web = (changes: Changes, options = {}) => parsedOf(aDocument(changes), options).release.services["web"];

describe("parseRelease", () => {
  it("fills in what a document of one service leaves out", () => {
    const text = releaseFixture("odin/one-service");

    const parsed = parseRelease(text);

    const { aws_account_id, aws_region, release_id, project_name, config_name, bucket } = JSON.parse(text);
    const { created_at, ami, user_data_sha256, subnets } = JSON.parse(text);
    expect(parsed).toEqual({
      kind: "parsed",
      warnings: [],
      release: {
        aws_account_id,
        aws_region,
        release_id,
        project_name,
        config_name,
        bucket,
        created_at,
        ami,
        user_data_sha256,
        subnets,
        timeout: 600,
        metadata: {},
        safe_release: false,
        lifecycle: {},
        detach_strategy: "Detach",
        wait_for_healthy: 15,
        stable_polls: 1,
        keep_scaled_capacity: false,
        count_terminations: "snapshot",
        drain_timeout: 600,
        drain_timeout_action: "delete",
        drain_hooks: false,
        rollback_window: 0,
        alarms: [],
        services: {
          web: {
            service_name: "web",
            instance_type: "t3.small",
            instance_types: [],
            security_groups: ["shop-web"],
            elbs: [],
            target_groups: [],
            tags: {},
            volumes: [],
            depends_on: [],
            metadata_tokens: "required",
            metadata_hop_limit: 1,
            autoscaling: {
              min_size: 1,
              max_size: 1,
              spread: 0,
              max_terms: 0,
              health_check_grace_period: 600,
              strategy: "AllAtOnce",
              steps: [],
              bake_time: 0,
              policies: [],
            },
          },
        },
      },
    });
  });

  it("accepts every key of old documents, and nothing that a deployer has written", () => {
    const { release } = parsedOf(releaseFixture("odin/every-old-key"));

    expect(release).toMatchObject({ timeout: 3600, wait_for_healthy: 60, safe_release: true });
    for (const key of ["uuid", "started_at", "success", "healthy", "error", "wait_for_detach", "Task"]) {
      expect(release).not.toHaveProperty(key);
    }
    expect(Object.keys(release.services)).toEqual(["web", "worker"]);
    for (const key of ["resources", "created_asg", "previous_desired_capacity", "healthy_report", "Healthy"]) {
      expect(release.services["web"]).not.toHaveProperty(key);
    }
    expect(release.services["web"]).toMatchObject({ service_name: "web", ebs_volume_type: "gp2" });
    expect(release.services["web"]?.autoscaling).toMatchObject({
      health_check_grace_period: 3600,
      policies: [
        { type: "cpu_scale_up", name: "fast", scaling_adjustment: 4, threshold: 75.5, period: 60, cooldown: 30 },
        { type: "cpu_scale_up", scaling_adjustment: 1, threshold: 50, period: 300, evaluation_periods: 2 },
        { type: "cpu_scale_down", scaling_adjustment: -1, threshold: 20, cooldown: 60 },
      ],
    });
  });

  it("makes the ARNs of hooks, unless they are given, and names hooks by their key", () => {
    const { release } = parsedOf(releaseFixture("odin/every-old-key"));

    expect(release.lifecycle).toEqual({
      drain: {
        name: "drain",
        transition: "autoscaling:EC2_INSTANCE_TERMINATING",
        heartbeat_timeout: 300,
        role: "shop-hooks",
        role_arn: "arn:aws:iam::111111111111:role/shop-hooks",
        sns: "shop-drain",
        notification_target_arn: "arn:aws:sns:eu-west-1:111111111111:shop-drain",
      },
      warm: {
        name: "warm",
        transition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        role: "shop-hooks",
        role_arn: "arn:aws:iam::111111111111:role/path/shop-hooks",
        notification_target_arn: "arn:aws:sqs:eu-west-1:111111111111:shop-warm",
      },
    });
  });

  it("makes ARNs in the partition of the region", () => {
    const hook = { transition: "autoscaling:EC2_INSTANCE_LAUNCHING", role: "r", sns: "t" };

    const { release } = parsedOf(aDocument({ "/aws_region": "cn-north-1", "/lifecycle/ready": hook }));

    expect(release.lifecycle["ready"]).toMatchObject({
      role_arn: "arn:aws-cn:iam::000000000000:role/r",
      notification_target_arn: "arn:aws-cn:sns:cn-north-1:000000000000:t",
    });
  });

  it("takes over every key of ours", () => {
    const { release, warnings } = parsedOf(releaseFixture("odin/every-new-key"), { account: "1", region: "eu-west-1" });

    expect(warnings).toEqual([]);
    expect(release).toMatchObject({
      aws_account_id: "1",
      aws_region: "eu-west-1",
      bucket: "stackyard-releases-1",
      subnets: [],
      stable_polls: 3,
      keep_scaled_capacity: true,
      count_terminations: "cumulative",
      drain_timeout: 900,
      drain_timeout_action: "fail",
      drain_hooks: true,
      rollback_window: 3600,
      wait_for_healthy: 120,
    });
    expect(release.services["web"]).toMatchObject({
      ebs_volume_type: "gp3",
      ebs_device_name: "/dev/xvda",
      subnets: ["private-a"],
      lifecycle: {},
      volumes: [{ type: "gp3" }, { type: "io2", delete_on_termination: false }],
      autoscaling: { steps: [1, "25%", "50%"], bake_time: 120, policies: [{ metric: "cpu" }, {}, { name: "queue" }] },
    });
  });

  it("takes defaults from the deployer's account and region, and its bucket from the deployer's own", () => {
    const document = aDocument({ "/aws_account_id": undefined, "/aws_region": undefined, "/bucket": undefined });
    const options = { constants: PRESETS.odin, account: "1", region: "eu-west-1" };

    const { release } = parsedOf(document, { ...options, deployerAccount: "2" });

    expect(release).toMatchObject({ aws_account_id: "1", aws_region: "eu-west-1", bucket: "coinbase-odin-2" });
    expect(parsedOf(document, options).release.bucket).toBe("coinbase-odin-1");
    expect(parsedOf(document, { region: "eu-west-1", deployerAccount: "2" }).release.aws_account_id).toBe("2");
  });

  it.each([
    [1, 15],
    [1799, 15],
    [1800, 60],
    [7199, 60],
    [7200, 120],
    [172_800, 120],
  ])("checks a release of %i s every %i s", (timeout, seconds) => {
    const { release } = parsedOf(aDocument({ "/timeout": timeout, "/wait_for_healthy": 1 }));

    expect(release.wait_for_healthy).toBe(seconds);
  });

  it.each([
    [PRESETS.stackyard, {}, "gp3"],
    [PRESETS.odin, {}, "gp2"],
    [PRESETS.odin, { [`${WEB}/ebs_iops`]: 4000 }, "gp3"],
    [PRESETS.odin, { [`${WEB}/ebs_volume_type`]: "io2" }, "io2"],
  ])("has the type of volume of its preset (case %#)", (constants, changes, type) => {
    const parsed = parseRelease(aDocument({ [`${WEB}/ebs_volume_size`]: 8, ...changes }), { constants });

    expect(parsed).toMatchObject({ release: { services: { web: { ebs_volume_type: type } } } });
  });

  it.each([
    [undefined, 900, 900],
    [60, 900, 60],
    [1000, 900, 900],
  ])("makes of a grace period of %s and a timeout of %i s one of %i s", (given, timeout, seconds) => {
    const changes = { "/timeout": timeout, [`${WEB}/autoscaling/health_check_grace_period`]: given };

    expect(web(changes)?.autoscaling.health_check_grace_period).toBe(seconds);
  });

  it("takes null for absent", () => {
    const nulls = { "/timeout": null, "/metadata": null, [`${WEB}/profile`]: null, [`${WEB}/autoscaling`]: null };

    expect(parseRelease(aDocument(nulls))).toEqual(parseRelease(aDocument()));
  });

  it("takes null in a map of texts for the empty text", () => {
    const { release } = parsedOf(aDocument({ "/metadata/a": null, [`${WEB}/tags/b`]: null }));

    expect([release.metadata, release.services["web"]?.tags]).toEqual([{ a: "" }, { b: "" }]);
  });

  it("ignores a placement without a group name", () => {
    const service = web({ [`${WEB}/placement_group_strategy`]: "odd", [`${WEB}/placement_group_partition_count`]: 0 });

    expect(service).toEqual(web({}));
  });

  it("gives services in order of their names, whatever the document's", () => {
    const service = { instance_type: "t3.small", security_groups: ["a"] };

    const { release } = parsedOf(aDocument({ "/services": { zeta: service, alpha: service, beta: service } }));

    expect(Object.keys(release.services)).toEqual(["alpha", "beta", "zeta"]);
  });

  it("warns of what works and had better not be used", () => {
    const parsed = parsedOf(
      aDocument({
        [`${WEB}/autoscaling/strategy`]: "10AtATimeNoCanary",
        [`${WEB}/elbs`]: ["old"],
        [`${WEB}/ebs_volume_size`]: 8,
        [`${WEB}/ebs_volume_type`]: "gp2",
        [`${WEB}/volumes`]: [{ device: "/dev/sdf", size: 1, type: "gp2" }],
        [`${WEB}/spot_price`]: "1",
        [`${WEB}/metadata_tokens`]: "optional",
      }),
    );

    expect(parsed.warnings.map(({ code, pointer }) => [code, pointer])).toEqual([
      ["release-strategy-ungated", `${WEB}/autoscaling/strategy`],
      ["release-elbs-deprecated", `${WEB}/elbs`],
      ["release-ebs-gp2", `${WEB}/ebs_volume_type`],
      ["release-ebs-gp2", `${WEB}/volumes/0/type`],
      ["release-spot-one-type", `${WEB}/spot_price`],
      ["release-metadata-tokens-optional", `${WEB}/metadata_tokens`],
    ]);
    expect(parsed.warnings[0]?.message).toBe(
      "Service(web): The steps of 10AtATimeNoCanary do not wait for health. Use GatedCanary or GatedSteps.",
    );
  });
});

describe("parseRelease of the first generation", () => {
  it("ignores what it does not know, and keeps the user data", () => {
    const { release } = parsedOf(releaseFixture("step-asg-deployer/one-service"), SEED);

    expect(release).toMatchObject({
      timeout: 31_536_000,
      wait_for_healthy: 15,
      safe_release: false,
      metadata: {},
      detach_strategy: "Detach",
      user_data: "#!/bin/sh\necho {{SERVICE_NAME}} {{RELEASE_DIR}}\n",
      user_data_sha256: "44a1613c5f479f132e3f19ede0fc55f1238a07dfce3f449108f518b046634cc4",
    });
    expect(release).not.toHaveProperty("comment");
    expect(release.services["web"]).not.toHaveProperty("spot_price");
    expect(release.services["web"]?.autoscaling).toMatchObject({
      strategy: "AllAtOnce",
      health_check_grace_period: 300,
      max_size: 3,
      policies: [
        { type: "cpu_scale_up", threshold: 50 },
        { type: "cpu_scale_up", threshold: 90 },
      ],
    });
  });

  it("keeps the grace period of 300 s whatever the timeout", () => {
    const { release } = parsedOf(aSeedDocument({ "/timeout": 60 }), SEED);

    expect(release.services["web"]?.autoscaling.health_check_grace_period).toBe(300);
  });

  it.each([
    ["no user data", { "/user_data": undefined }, "release-user-data-missing"],
    ["empty user data", { "/user_data": "" }, "release-user-data-missing"],
    ["user data above 16 KiB", { "/user_data": "x".repeat(16_385) }, "release-user-data-too-large"],
    [
      "user data above 16 KiB when its values are put in",
      { "/user_data": `${"x".repeat(16_384 - 16)}{{PROJECT_NAME}}`, "/project_name": "a/long/project/name" },
      "release-user-data-too-large",
    ],
  ])("rejects %s", (_, changes, code) => {
    expect(problemsOf(aSeedDocument(changes), SEED)).toEqual([["BadReleaseError", code, "/user_data"]]);
  });

  it("still refuses a wrong type of what it knows", () => {
    expect(problemsOf(aSeedDocument({ "/timeout": "600" }), SEED)).toEqual([
      ["UnmarshalError", "release-wrong-type", "/timeout"],
    ]);
  });
});

describe("the age of a document", () => {
  const at = Date.parse("2026-03-04T05:06:07Z");
  const day = 86_400_000;

  it.each([
    ["odin", -120_000, "release-created-at-in-future"],
    ["odin", -119_999, undefined],
    ["odin", 10 * day - 1, undefined],
    ["odin", 10 * day, "release-created-at-too-old"],
    ["step-asg-deployer", -120_000, "release-created-at-in-future"],
    ["step-asg-deployer", -119_999, undefined],
    ["step-asg-deployer", 299_999, undefined],
    ["step-asg-deployer", 300_000, "release-created-at-too-old"],
  ] as const)("is judged by the deployer's clock: %s, %i ms", (preset, age, code) => {
    const document = preset === "odin" ? aDocument() : aSeedDocument();

    const problems = problemsOf(document, { constants: PRESETS[preset], now: at + age });

    expect(problems).toEqual(code === undefined ? [] : [["BadReleaseError", code, "/created_at"]]);
  });

  it("is reported with both clocks", () => {
    const parsed = parseRelease(aDocument(), { now: at - 200_000 });

    expect(parsed).toMatchObject({
      problems: [
        {
          message:
            "created_at 2026-03-04T05:06:07Z is 200 s ahead; less than 120 s are allowed (the deployer's clock is 2026-03-04T05:02:47.000Z). Set the clock of the client.",
        },
      ],
    });
  });
});

function codesOf(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = parseRelease(aDocument(changes));
  return parsed.kind === "parsed" ? parsed.warnings.map(({ code }) => code) : ["refused"];
}

describe("findWarnings", () => {
  it.each(POLLED_STRATEGIES.filter((strategy) => strategy !== "AllAtOnce"))("warns of %s", (strategy) => {
    expect(codesOf({ [`${WEB}/autoscaling/strategy`]: strategy })).toEqual(["release-strategy-ungated"]);
  });

  it("describes what the canary checks", () => {
    const parsed = parseRelease(aDocument({ [`${WEB}/autoscaling/strategy`]: "OneThenAllWithCanary" }));

    expect(parsed).toMatchObject({
      kind: "parsed",
      warnings: [
        {
          message:
            "Service(web): OneThenAllWithCanary continues at the first healthy check, and succeeds with one instance if one is enough. Use GatedCanary.",
        },
      ],
    });
  });

  it.each(["AllAtOnce", ...GATED_STRATEGIES])("does not warn of %s", (strategy) => {
    const steps = strategy === "GatedSteps" ? { [`${WEB}/autoscaling/steps`]: [1] } : {};

    expect(codesOf({ [`${WEB}/autoscaling/strategy`]: strategy, ...steps })).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["spot capacity of several types", { [`${WEB}/spot_price`]: "1", [`${WEB}/instance_types`]: ["t3a.small"] }],
    ["volumes without a type", { [`${WEB}/ebs_volume_size`]: 8 }],
    ["an empty list of classic load balancers", { [`${WEB}/elbs`]: [] }],
    ["tokens for instance metadata", { [`${WEB}/metadata_tokens`]: "required" }],
  ])("does not warn of %s", (_, changes) => {
    expect(codesOf(changes)).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["a volume's type without its size", { [`${WEB}/ebs_volume_type`]: "gp3" }, "release-ebs-without-size"],
    ["a device without a size", { [`${WEB}/ebs_device_name`]: "/dev/sda1" }, "release-ebs-without-size"],
    [
      "a period that CloudWatch does not take",
      { [`${WEB}/autoscaling/policies`]: [{ type: "cpu_scale_up", period: 45 }] },
      "release-policy-period",
    ],
  ])("takes %s, as the predecessor did, and warns of it", (_, changes, code) => {
    expect(codesOf(changes)).toEqual([code]);
  });

  it.each([
    ["GatedSteps", [1, 2], 299, []],
    ["GatedSteps", [1, 2], 300, ["release-bake-time-above-timeout"]],
    ["GatedCanary", undefined, 599, []],
    ["GatedCanary", undefined, 600, ["release-bake-time-above-timeout"]],
  ])("counts how long %s bakes with the steps %j of %i s", (strategy, steps, bake_time, codes) => {
    expect(codesOf({ [`${WEB}/autoscaling`]: { strategy, steps, bake_time } })).toEqual(codes);
  });
});

const SEED_RELEASE = PRESETS["step-asg-deployer"];

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, shuffled(item)]),
  );
}

describe("hashRelease", () => {
  it.each(["odin/one-service", "odin/every-old-key", "odin/every-new-key"])("does not see the order of %s", (name) => {
    const document = JSON.parse(releaseFixture(name));

    expect(hashRelease(shuffled(document))).toBe(hashRelease(document));
  });

  it("is a SHA-256 in hex", () => {
    expect(hashRelease(aDocument())).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["the name of the task", { "/Task": "Validate" }],
    ["null", { "/profile": null, "/timeout": null }],
    ["keys that are unknown", { "/extra": 1 }],
  ])("leaves out %s", (_, changes) => {
    expect(hashRelease(aDocument(changes))).toBe(hashRelease(aDocument()));
  });

  it.each([
    { "/timeout": 600 },
    { "/metadata": {} },
    { "/metadata/a": "b" },
    { "/ami": "other" },
    { "/subnets": ["private-b", "private-a"] },
    { "/services/web/autoscaling/min_size": 1 },
    { "/services/web/created_asg": "other" },
    { "/services/other": { instance_type: "t3.small", security_groups: ["a"] } },
  ])("sees what differs: %j", (changes) => {
    expect(hashRelease(aDocument(changes))).not.toBe(hashRelease(aDocument()));
  });

  it("sees which service is which", () => {
    const [a, b] = [{ instance_type: "a" }, { instance_type: "b" }];

    const hash = hashRelease(aDocument({ "/services": { "10": a, "9": b } }));

    expect(hash).toBe(hashRelease(aDocument({ "/services": { "9": b, "10": a } })));
    expect(hash).not.toBe(hashRelease(aDocument({ "/services": { "10": b, "9": a } })));
  });

  it("sees the user data of a document that brings it along", () => {
    expect(hashRelease(aSeedDocument({ "/user_data": "x" }), SEED_RELEASE)).not.toBe(
      hashRelease(aSeedDocument(), SEED_RELEASE),
    );
    expect(hashRelease(aSeedDocument({ "/comment": "x" }), SEED_RELEASE)).toBe(
      hashRelease(aSeedDocument(), SEED_RELEASE),
    );
  });

  it("makes something of any value", () => {
    fc.assert(fc.property(fc.anything(), (value) => typeof canonicalRelease(value) === "string"));
  });
});

describe("canonicalRelease", () => {
  it("has known keys in the schema's order, and those of maps as pairs in theirs", () => {
    const document = {
      services: { b: { security_groups: ["z", "a"], instance_type: "t" }, a: null },
      ami: "x",
      extra: 1,
      Task: "Lock",
      metadata: { "10": "a", "9": "b" },
      timeout: null,
      release_id: "r",
    };

    expect(canonicalRelease(document)).toBe(
      '{"release_id":"r","metadata":[["10","a"],["9","b"]],"ami":"x","services":[["a",null],["b",{"instance_type":"t","security_groups":["z","a"]}]]}',
    );
  });

  it("is also a text when the value is not a document", () => {
    expect([undefined, 1n, () => 1, [], "x"].map((value) => canonicalRelease(value))).toEqual([
      ...["null", "null", "null", "null", '"x"'],
    ]);
  });
});
