import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand, ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTargetGroupsCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { expect, it } from "vitest";
import { limitAsDocumented } from "./limit-as-documented.ts";
import { createWorld } from "./testing/a-world.ts";

const cases = [
  ["EC2", EC2Client, DescribeInstancesCommand, [100, 20], { name: "RequestLimitExceeded", status: 503 }],
  ["Auto Scaling", AutoScalingClient, DescribeAutoScalingGroupsCommand, [50, 10], { name: "Throttling", status: 400 }],
  ["CloudWatch", CloudWatchClient, DescribeAlarmsCommand, [9, 9], { name: "Throttling", status: 400 }],
  [
    ...(["target groups", ElasticLoadBalancingV2Client, DescribeTargetGroupsCommand] as const),
    ...([[40, 10], { name: "ThrottlingException", status: 400 }] as const),
  ],
  [
    ...(["classic load balancers", ElasticLoadBalancingClient, DescribeLoadBalancersCommand] as const),
    ...([[40, 10], { name: "ThrottlingException", status: 400 }] as const),
  ],
] as const;

it.each(cases)("lets a burst of %s pass, then so many a second", async (_, Client, Command, expected, fault) => {
  const { sim, client, clock } = createWorld();
  limitAsDocumented(sim);
  const sender = client(Client as never) as unknown as { send(command: unknown): Promise<unknown> };
  const Read = Command as new (input: object) => unknown;
  const read = async (count: number) => {
    const answers = await Promise.allSettled(Array.from({ length: count }, () => sender.send(new Read({}))));
    const refused = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    for (const { name, $metadata } of refused) expect({ name, status: $metadata.httpStatusCode }).toEqual(fault);
    return answers.length - refused.length;
  };

  const first = await read(110);
  await clock.advance(1_000);

  expect([first, await read(30)]).toEqual(expected);
});
