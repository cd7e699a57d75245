import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkAlarm } from "./alarms.ts";

const alarm = fc.record({
  AlarmName: fc.string({ minLength: 1, maxLength: 255 }),
  AlarmDescription: fc.string({ maxLength: 1_024 }),
  AlarmActions: fc.array(fc.string({ minLength: 1, maxLength: 100 }), { maxLength: 5 }),
  Dimensions: fc.array(fc.record({ Name: fc.string(), Value: fc.string() }), { maxLength: 30 }),
  ComparisonOperator: fc.constantFrom("GreaterThanThreshold", "LessThanThreshold"),
  MetricName: fc.constant("CPUUtilization"),
  Namespace: fc.constant("AWS/EC2"),
  Statistic: fc.constantFrom("Average", "Maximum"),
  Threshold: fc.double({ noNaN: true }),
  Period: fc.constantFrom(10, 20, 30, 60, 300, 3_600),
  EvaluationPeriods: fc.integer({ min: 1, max: 24 }),
});

const broken = fc.constantFrom<readonly [string, unknown]>(
  ...([
    ["AlarmName", ""],
    ["AlarmName", "a".repeat(256)],
    ["AlarmActions", [""]],
    ["AlarmActions", ["a".repeat(1_025)]],
    ["ComparisonOperator", undefined],
    ["Namespace", ""],
    ["Statistic", "Median"],
    ["Threshold", undefined],
    ["Period", 11],
    ["Period", -60],
    ["EvaluationPeriods", 0],
    ["EvaluationPeriods", 100_000],
  ] as const),
);

describe("checkAlarm", () => {
  it("lets every alarm within the limits pass", () => {
    fc.assert(fc.property(alarm, (input) => checkAlarm(input) === undefined));
  });

  it("refuses each that breaks one rule, whatever else it is", () => {
    fc.assert(
      fc.property(alarm, broken, (input, [field, value]) => {
        expect(() => checkAlarm({ ...input, [field]: value })).toThrow();
      }),
    );
  });
});
