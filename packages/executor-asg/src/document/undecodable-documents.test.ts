import { describe, expect, it } from "vitest";
import { aDocument, type Changes, releaseFixture } from "../testing/builders.ts";
import { parseRelease } from "./parse-release.ts";

const WEB = "/services/web";

function problemsOf(document: unknown) {
  const parsed = parseRelease(document);
  return parsed.kind === "parsed" ? [] : parsed.problems.map(({ class: of, code, pointer }) => [of, code, pointer]);
}

function messageOf(document: unknown): string | undefined {
  const parsed = parseRelease(document);
  return parsed.kind === "parsed" ? undefined : parsed.problems[0]?.message;
}

describe("documents that cannot be decoded", () => {
  it.each([
    ["", "release-not-json", ""],
    ["{", "release-not-json", ""],
    ["release: 1", "release-not-json", ""],
    ["\uFEFF{}", "release-not-json", ""],
    ["null", "release-wrong-type", ""],
    ["[]", "release-wrong-type", ""],
    ['"text"', "release-wrong-type", ""],
    [`{"a": "${"x".repeat(1_048_576)}"}`, "release-too-large", ""],
    [`{"a": "${"é".repeat(600_000)}"}`, "release-too-large", ""],
    ["[".repeat(33), "release-too-deep", ""],
    [`${'{"a":'.repeat(40)}1${"}".repeat(40)}`, "release-too-deep", ""],
    ['{"a": {"ami": 1, "b": [{"x": 1}, {"x": 1, "x": 2}]}, "ami": 2}', "release-duplicate-key", "/a/b/1/x"],
    ['{"a/b": 1, "a\\u002fb": 2}', "release-duplicate-key", "/a~1b"],
  ])("are rejected: %.40j", (text, code, pointer) => {
    expect(problemsOf(text)).toEqual([["UnmarshalError", code, pointer]]);
  });

  it.each([undefined, 1, true, [], () => 1, Symbol("x"), new Map()])("are rejected as values: %s", (value) => {
    expect(problemsOf(value)[0]?.[0]).toMatch(/UnmarshalError|BadReleaseError/);
  });

  it.each([
    ["/timeout", "600"],
    ["/timeout", 10.5],
    ["/timeout", 2 ** 53],
    ["/timeout", true],
    ["/ami", 5],
    ["/subnets", "private-a"],
    ["/subnets/0", 1],
    ["/metadata", ["a"]],
    ["/metadata/count", 1],
    ["/safe_release", "true"],
    ["/services", []],
    [WEB, "t3.small"],
    [`${WEB}/instance_type`, {}],
    [`${WEB}/tags/a`, 1],
    [`${WEB}/ebs_volume_size`, "8"],
    [`${WEB}/associate_public_ip_address`, 0],
    [`${WEB}/autoscaling`, []],
    [`${WEB}/autoscaling/min_size`, "1"],
    [`${WEB}/autoscaling/max_size`, 1.5],
    [`${WEB}/autoscaling/spread`, "0.5"],
    [`${WEB}/autoscaling/spread`, Number.POSITIVE_INFINITY],
    [`${WEB}/autoscaling/policies`, {}],
    [`${WEB}/autoscaling/policies`, { "0": {} }],
    [`${WEB}/autoscaling/steps`, ["5%", true]],
    ["/lifecycle", []],
    ["/lifecycle/a", "hook"],
    ["/created_at", 1_700_000_000],
    ["/created_at", "2026-03-04"],
    ["/created_at", "2026-03-04 05:06:07Z"],
    ["/created_at", "2026-02-29T05:06:07Z"],
    ["/created_at", "2026-03-04T05:06:07"],
    // What a deployer writes is ignored, but its type is still checked.
    ["/uuid", 1],
    ["/started_at", "yesterday"],
    ["/success", "yes"],
    ["/error", "HaltError"],
    [`${WEB}/resources`, []],
    [`${WEB}/Healthy`, "true"],
  ])("hold no other type at %s: %j", (pointer, value) => {
    const [first, ...others] = problemsOf(aDocument({ [pointer]: value }));

    expect(first?.slice(0, 2)).toEqual(["UnmarshalError", "release-wrong-type"]);
    expect(String(first?.[2]).startsWith(pointer)).toBe(true);
    expect(others).toEqual([]);
  });

  it.each([
    "/user_data",
    "/release_sha256",
    "/Ami",
    "/TIMEOUT",
    "/task",
    "/scheduled_policies",
    `${WEB}/service_id`,
    `${WEB}/healthy`,
    `${WEB}/warm_pool`,
    `${WEB}/instance_requirements`,
    `${WEB}/traffic_sources`,
    `${WEB}/autoscaling/instance_maintenance_policy`,
    `${WEB}/resources/owner`,
    `${WEB}/healthy_report/red`,
    "/error/Stack",
  ])("hold no key that is unknown: %s", (pointer) => {
    expect(problemsOf(aDocument({ [pointer]: "x" }))).toEqual([["UnmarshalError", "release-unknown-key", pointer]]);
  });

  it("hold no key that is unknown in hooks, policies, volumes and metrics", () => {
    const document = aDocument({
      "/lifecycle/a": { transition: "autoscaling:EC2_INSTANCE_LAUNCHING", role: "r", sns: "t", metadata: "x" },
      [`${WEB}/autoscaling/policies`]: [
        { type: "cpu_scale_up", unit: "x" },
        {
          type: "target_tracking",
          metric: "custom",
          target_value: 1,
          custom_metric: { namespace: "a", name: "b", statistic: "Sum", unit: "c" },
        },
      ],
      [`${WEB}/volumes`]: [{ device: "/dev/sdf", size: 1, snapshot: "s" }],
    });

    expect(problemsOf(document)).toEqual(
      [
        "/lifecycle/a/metadata",
        `${WEB}/autoscaling/policies/0/unit`,
        `${WEB}/autoscaling/policies/1/custom_metric/unit`,
        `${WEB}/volumes/0/snapshot`,
      ].map((pointer) => ["UnmarshalError", "release-unknown-key", pointer]),
    );
  });

  it.each([
    ["user_data", / no key "user_data". User data is stored separately/],
    ["service", / no key "service". Do you mean "services"\?$/],
    ["Ami", /Do you mean "ami"\?$/],
    ["tiemout", /Do you mean "timeout"\?$/],
    ["xyz", / no key "xyz".$/],
    ["UUID", / no key "UUID".$/],
  ])("describe what to do instead of %s", (key, message) => {
    expect(messageOf(aDocument({ [`/${key}`]: 1 }))).toMatch(message);
  });

  it("have no prototype to set", () => {
    const texts = [
      '{"__proto__": {"ami": "x"}}',
      '{"metadata": {"__proto__": "x"}}',
      '{"services": {"__proto__": {}}}',
    ];

    const codes = texts.map((text) => problemsOf(text)[0]);

    expect(codes).toEqual([
      ["UnmarshalError", "release-unknown-key", "/__proto__"],
      ["UnmarshalError", "release-key-forbidden", "/metadata/__proto__"],
      ["UnmarshalError", "release-key-forbidden", "/services/__proto__"],
    ]);
  });

  it("may bring the name of their task along, at the top only", () => {
    expect(problemsOf(aDocument({ "/Task": "Validate" }))).toEqual([]);
    expect(problemsOf(aDocument({ [`${WEB}/Task`]: "Validate" }))).toHaveLength(1);
  });

  it("report everything that is wrong, and nothing that only follows from it", () => {
    const changes: Changes = {
      "/ami": 1,
      "/timeout": 999_999,
      "/extra": 1,
      "/services/web/autoscaling/max_size": "5",
      "/services/web/autoscaling/min_size": 3,
      "/services/web/security_groups": [],
    };

    expect(problemsOf(aDocument(changes))).toEqual([
      ["UnmarshalError", "release-wrong-type", "/ami"],
      ["UnmarshalError", "release-wrong-type", `${WEB}/autoscaling/max_size`],
      ["UnmarshalError", "release-unknown-key", "/extra"],
      ["BadReleaseError", "release-timeout-too-long", "/timeout"],
      ["BadReleaseError", "release-security-groups-missing", `${WEB}/security_groups`],
    ]);
  });

  it("report at most a hundred errors of each kind", () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`/key${index}`, 1]));

    expect(problemsOf(aDocument(many))).toHaveLength(100);
  });

  it("say what a value was, in a line", () => {
    expect(messageOf(aDocument({ "/subnets": "a" }))).toBe('/subnets must be a list, not "a".');
    expect(messageOf(aDocument({ "/ami": [] }))).toBe("/ami must be a text, not a list.");
    expect(messageOf("[]")).toBe("The release must be an object, not a list.");
    expect(messageOf(aDocument({ "/timeout": "9".repeat(999) }))?.length).toBeLessThan(200);
    expect(messageOf(aDocument({ "/created_at": "now" }))).toMatch(/a time as RFC 3339 has it/);
    expect(messageOf(releaseFixture("odin/one-service").replace('"web"', '"web", "web"'))).toMatch(/is not JSON/);
  });
});

describe("documents that are made to take long", () => {
  const many = (count: number, item: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => item(index));
  const texts = (count: number) => many(count, (index) => `s${index}`);

  it.each<[string, Changes]>([
    ["subnets", { "/subnets": texts(100_000) }],
    ["security groups", { [`${WEB}/security_groups`]: texts(100_000) }],
    ["policies", { [`${WEB}/autoscaling/policies`]: texts(20_000).map((name) => ({ type: "cpu_scale_up", name })) }],
    ["unknown keys", Object.fromEntries(texts(50_000).map((name) => [`/${name}`, 1]))],
    ["tags", { [`${WEB}/tags`]: Object.fromEntries(texts(50_000).map((name) => [name, ""])) }],
    [
      "services in a row",
      {
        "/services": Object.fromEntries(
          texts(10_000).map((name, index) => [name, { depends_on: [`s${index + 1}`], security_groups: [null] }]),
        ),
      },
    ],
  ])("are rejected in no time: %s", (_, changes) => {
    // The judge is the time that a test may take: what compares all with all takes minutes.
    expect(problemsOf(aDocument(changes)).length).toBeGreaterThan(0);
  });
});
