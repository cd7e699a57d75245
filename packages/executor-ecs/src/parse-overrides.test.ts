import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSecretMask, parseOverrides, withEnvironment } from "./parse-overrides.ts";

function problemsOf(value: unknown): readonly string[] {
  const parsed = parseOverrides(value);
  return "problems" in parsed ? parsed.problems.map(({ path, message }) => `${path} ${message}`) : [];
}

describe("parseOverrides", () => {
  it("reads everything that ECS takes", () => {
    const value = {
      containerOverrides: [
        {
          name: "app",
          command: ["migrate", "up"],
          environment: [{ name: "STAGE", value: "dev" }],
          environmentFiles: [{ type: "s3", value: "arn:aws:s3:::b/k.env" }],
          resourceRequirements: [{ type: "GPU", value: "1" }],
          cpu: 256,
          memory: 512,
          memoryReservation: 128,
        },
      ],
      cpu: "512",
      memory: "1024",
      taskRoleArn: "arn:aws:iam::111122223333:role/task",
      executionRoleArn: "arn:aws:iam::111122223333:role/execution",
      ephemeralStorage: { sizeInGiB: 40 },
    };

    expect(parseOverrides(value)).toEqual({ overrides: value });
  });

  it("converts each value to the type that ECS requires, because CloudFormation passes only text", () => {
    const value = {
      containerOverrides: [
        { name: "app", command: [1, true, "x"], environment: [{ name: "N", value: 5 }], cpu: "256", memory: "0512" },
      ],
      cpu: 512,
      memory: 1024,
      ephemeralStorage: { sizeInGiB: "40" },
    };

    expect(parseOverrides(value)).toEqual({
      overrides: {
        containerOverrides: [
          { name: "app", command: ["1", "true", "x"], environment: [{ name: "N", value: "5" }], cpu: 256, memory: 512 },
        ],
        cpu: "512",
        memory: "1024",
        ephemeralStorage: { sizeInGiB: 40 },
      },
    });
  });

  it("takes first letters in upper case", () => {
    const value = {
      ContainerOverrides: [{ Name: "app", Environment: [{ Name: "A", Value: "ä" }], MemoryReservation: "64" }],
      TaskRoleArn: "arn:aws:iam::111122223333:role/task",
      EphemeralStorage: { SizeInGiB: 21 },
    };

    expect(parseOverrides(value)).toEqual({
      overrides: {
        containerOverrides: [{ name: "app", environment: [{ name: "A", value: "ä" }], memoryReservation: 64 }],
        taskRoleArn: "arn:aws:iam::111122223333:role/task",
        ephemeralStorage: { sizeInGiB: 21 },
      },
    });
  });

  it.each([undefined, {}])("takes %j for no overrides", (value) => {
    expect(parseOverrides(value)).toEqual({ overrides: {} });
  });

  it.each([
    [null, " must be an object, not null"],
    ["{}", " must be an object, not a string"],
    [[], " must be an object, not a list"],
    [
      { Foo: 1 },
      "/Foo is unknown; valid keys are containerOverrides, cpu, memory, taskRoleArn, executionRoleArn, ephemeralStorage",
    ],
    [
      { CPU: "1" },
      "/CPU is unknown; valid keys are containerOverrides, cpu, memory, taskRoleArn, executionRoleArn, ephemeralStorage",
    ],
    [{ cpu: null }, "/cpu must be text, not null"],
    [{ cpu: "1", Cpu: "2" }, "/Cpu is set twice, in two spellings"],
    [
      { ephemeralStorage: { sizeInGiB: "4.5" } },
      "/ephemeralStorage/sizeInGiB must be an integer, or text of digits only",
    ],
    [{ ephemeralStorage: {} }, "/ephemeralStorage/sizeInGiB is required"],
    [{ containerOverrides: {} }, "/containerOverrides must be a list, not an object"],
    [{ containerOverrides: [{ cpu: 1 }] }, "/containerOverrides/0/name is required"],
    [{ containerOverrides: [{ name: "" }] }, "/containerOverrides/0/name must not be empty"],
    [
      { containerOverrides: [{ name: "a", cpu: " 1" }] },
      "/containerOverrides/0/cpu must be an integer, or text of digits only",
    ],
    [
      { containerOverrides: [{ name: "a", cpu: -1 }] },
      "/containerOverrides/0/cpu must be an integer, or text of digits only",
    ],
    [
      { containerOverrides: [{ name: "a", command: "ls" }] },
      "/containerOverrides/0/command must be a list, not a string",
    ],
    [
      { containerOverrides: [{ name: "a", command: [null] }] },
      "/containerOverrides/0/command/0 must be text, not null",
    ],
    [
      { containerOverrides: [{ name: "a", environment: [{ name: "N" }] }] },
      "/containerOverrides/0/environment/0/value is required",
    ],
  ])("rejects %j", (value, problem) => {
    expect(problemsOf(value)).toEqual([problem]);
  });

  it("lists all problems at once", () => {
    const value = { cpu: null, "a/b": 1, containerOverrides: [{ name: "x" }, { memory: "much" }] };

    expect(problemsOf(value).map((problem) => problem.split(" ")[0])).toEqual([
      "/cpu",
      "/a~1b",
      "/containerOverrides/1/memory",
      "/containerOverrides/1/name",
    ]);
  });

  it("allows 8,192 characters of JSON and not one more", () => {
    const value = (chars: number) => ({ containerOverrides: [{ name: "a", command: ["x".repeat(chars)] }] });
    const room = 8_192 - JSON.stringify(value(0)).length;

    expect(parseOverrides(value(room))).toEqual({ overrides: value(room) });
    expect(problemsOf(value(room + 1))).toEqual([" has 8193 characters of JSON, and ECS takes 8192"]);
  });

  it("keeps __proto__ away from objects", () => {
    const value: unknown = JSON.parse('{"__proto__": {"cpu": "1"}, "containerOverrides": []}');

    expect(problemsOf(value)).toHaveLength(1);
  });

  it("never throws, and returns overrides that it parses to the same value again", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anOverride()), (value) => {
        const parsed = parseOverrides(value);
        if ("problems" in parsed) return parsed.problems.length > 0;
        expect(JSON.stringify(parsed.overrides).length).toBeLessThanOrEqual(8_192);
        expect(parseOverrides(parsed.overrides)).toEqual(parsed);
        return true;
      }),
    );
  });
});

function anOverride(): fc.Arbitrary<unknown> {
  const scalar = fc.oneof(fc.string(), fc.nat(), fc.boolean(), fc.constant(null));
  const container = fc.record(
    {
      name: fc.string(),
      Command: fc.array(scalar),
      cpu: scalar,
      environment: fc.array(fc.dictionary(fc.constantFrom("name", "Value"), scalar)),
    },
    { requiredKeys: [] },
  );
  return fc.record({ containerOverrides: fc.array(container), cpu: scalar, Memory: scalar }, { requiredKeys: [] });
}

const environment = [{ name: "A", value: "1" }];

describe("withEnvironment", () => {
  it("goes to the only container, or to the named one", () => {
    expect(withEnvironment({}, { container: undefined, environment }, ["app"])).toEqual({
      overrides: { containerOverrides: [{ name: "app", environment }] },
    });
    expect(withEnvironment({}, { container: "b", environment }, ["a", "b"])).toEqual({
      overrides: { containerOverrides: [{ name: "b", environment }] },
    });
  });

  it("wins over overrides of the same name, and keeps the others", () => {
    const overrides = {
      cpu: "512",
      containerOverrides: [
        { name: "x", cpu: 1 },
        {
          name: "app",
          command: ["up"],
          environment: [
            { name: "A", value: "0" },
            { name: "B", value: "2" },
          ],
        },
      ],
    };

    expect(withEnvironment(overrides, { container: "app", environment }, ["app", "x"])).toEqual({
      overrides: {
        cpu: "512",
        containerOverrides: [
          { name: "x", cpu: 1 },
          {
            name: "app",
            command: ["up"],
            environment: [
              { name: "B", value: "2" },
              { name: "A", value: "1" },
            ],
          },
        ],
      },
    });
  });

  it("changes nothing without variables", () => {
    expect(withEnvironment({ cpu: "1" }, { container: undefined, environment: [] }, ["a", "b"])).toEqual({
      overrides: { cpu: "1" },
    });
  });

  it("needs a name where there are several containers", () => {
    expect(withEnvironment({}, { container: undefined, environment }, ["a", "b"])).toEqual({
      problems: [{ path: "/environment", message: 'needs "container": the definition has 2 containers (a, b)' }],
    });
  });

  it("stays within what ECS takes", () => {
    const long = [{ name: "A", value: "x".repeat(8_192) }];

    expect(withEnvironment({}, { container: "app", environment: long }, ["app"])).toHaveProperty("problems");
  });
});

describe("createSecretMask", () => {
  const mask = createSecretMask(
    [
      {
        secrets: [{ name: "DB_PASS" }, { name: "A.B" }],
        environment: [
          { name: "API_TOKEN", value: "tok-12345" },
          { name: "STAGE", value: "production" },
          { name: "SHORT_SECRET", value: "abc" },
        ],
      },
    ],
    { containerOverrides: [{ name: "app", environment: [{ name: "MASTER_KEY_SECRET", value: "tok-12345-long" }] }] },
  );

  it.each([
    ["DB_PASS=hunter2 next", "DB_PASS=*** next"],
    ["DB_PASS: hunter2, next", "DB_PASS: ***, next"],
    ['{"DB_PASS":"hun ter2","a":1}', '{"DB_PASS":***,"a":1}'],
    ["A.B=x", "A.B=***"],
    ["AxB=x", "AxB=x"],
    ["MY_DB_PASSED=1", "MY_DB_PASSED=1"],
  ])("hides what follows the name of a secret: %s", (line, masked) => {
    expect(mask(line)).toBe(masked);
  });

  it("hides values of variables whose names sound secret, the longest first", () => {
    expect(mask("using tok-12345-long and tok-12345 in production")).toBe("using *** and *** in production");
  });

  it("does not mask values that are too short", () => {
    expect(mask("abc")).toBe("abc");
  });

  it("hides what is secret by its form", () => {
    expect(mask("postgres://app:pw@db/x")).not.toContain("pw@");
  });

  it("leaves lines alone where there is nothing to hide", () => {
    expect(createSecretMask([])("migrated 3 tables")).toBe("migrated 3 tables");
  });
});
