import { CloudWatchClient, GetMetricDataCommand, type GetMetricDataCommandInput } from "@aws-sdk/client-cloudwatch";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "../testing/a-world.ts";

const MINUTE = 60_000;
const value = {
  account: ACCOUNT,
  region: "eu-west-1",
  namespace: "AWS/ApplicationELB",
  name: "RequestCount",
  dimensions: { LoadBalancer: "app/a/1", TargetGroup: "targetgroup/a/1" },
};

function createWatch() {
  const { sim, clock, client } = createWorld();
  const now = Math.ceil(clock.now() / MINUTE) * MINUTE;
  const stat = (names: Readonly<Record<string, string>>, Period = 60) => ({
    Id: "r",
    MetricStat: {
      Metric: {
        Namespace: value.namespace,
        MetricName: value.name,
        Dimensions: Object.entries(names).map(([Name, Value]) => ({ Name, Value })),
      },
      Period,
      Stat: "Sum",
    },
  });
  const get = (input: Partial<GetMetricDataCommandInput> = {}) =>
    client(CloudWatchClient).send(
      new GetMetricDataCommand({
        MetricDataQueries: [stat(value.dimensions)],
        StartTime: new Date(now - 60 * MINUTE),
        EndTime: new Date(now),
        ...input,
      }),
    );
  return { sim, now, stat, get };
}

describe("GetMetricData", () => {
  it("sums values by minute, newest first, of exactly the dimensions", async () => {
    const { sim, now, get } = createWatch();
    const add = (minutes: number, other: object = {}) =>
      sim.cloudWatch.addMetric({ ...value, value: 2, at: now - minutes * MINUTE, ...other });
    for (const minutes of [5, 5, 9, 70]) add(minutes);
    add(1, { account: OTHER });
    add(1, { region: "us-east-1" });
    add(1, { dimensions: { TargetGroup: "targetgroup/a/1" } });

    const { MetricDataResults } = await get();

    const Timestamps = [new Date(now - 5 * MINUTE), new Date(now - 9 * MINUTE)];
    expect(MetricDataResults).toEqual([{ Id: "r", StatusCode: "Complete", Timestamps, Values: [4, 2] }]);
  });

  it("says that a page is a part of the data", async () => {
    const { sim, now, get } = createWatch();
    for (const minutes of [5, 9]) sim.cloudWatch.addMetric({ ...value, value: 1, at: now - minutes * MINUTE });

    const { MetricDataResults, NextToken } = await get({ MaxDatapoints: 1 });
    const rest = await get({ MaxDatapoints: 1, NextToken });

    expect(MetricDataResults).toMatchObject([{ StatusCode: "PartialData", Values: [1] }]);
    expect(rest).toMatchObject({ MetricDataResults: [{ StatusCode: "Complete", Values: [1] }] });
  });

  it("refuses what CloudWatch refuses", async () => {
    const { now, stat, get } = createWatch();
    const one = stat({});

    const refused: readonly (readonly [Partial<GetMetricDataCommandInput>, string])[] = [
      [{ MetricDataQueries: Array.from({ length: 501 }, () => one) }, "ValidationException"],
      [{ StartTime: new Date(now) }, "InvalidParameterValueException"],
      [{ MaxDatapoints: 100_801 }, "InvalidParameterValueException"],
      [{ MetricDataQueries: [stat({}, 45)] }, "InvalidParameterValueException"],
      [{ NextToken: "x" }, "InvalidNextToken"],
    ];
    for (const [input, name] of refused) {
      await expect(get(input)).rejects.toMatchObject({ name });
    }
  });
});
