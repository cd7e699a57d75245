import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOverrides } from "./parse-overrides.ts";

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

  it("gives each place the type that ECS wants there, as CloudFormation hands over text only", () => {
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
      "/Foo is unknown; the keys here are containerOverrides, cpu, memory, taskRoleArn, executionRoleArn, ephemeralStorage",
    ],
    [
      { CPU: "1" },
      "/CPU is unknown; the keys here are containerOverrides, cpu, memory, taskRoleArn, executionRoleArn, ephemeralStorage",
    ],
    [{ cpu: null }, "/cpu must be text, not null"],
    [{ cpu: "1", Cpu: "2" }, "/Cpu is given twice, in two spellings"],
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
  ])("refuses %j", (value, problem) => {
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

  it("never throws, and gives overrides that it reads in the same way again", () => {
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
