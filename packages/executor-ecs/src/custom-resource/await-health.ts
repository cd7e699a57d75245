import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { toDeadline } from "./deadline.ts";
import { fail } from "./finish-work.ts";
import { configOf, type Turn, type TurnContext } from "./turn.ts";

/** Waits until the target group has a healthy target. */
export async function awaitHealth(context: TurnContext): Promise<Turn> {
  const { deps, signal, work } = context;
  const config = configOf(context);
  const { targetGroupHealthCheck: TargetGroupArn = "", pollInterval } = config;
  const client = deps.aws(ElasticLoadBalancingV2Client, TargetGroupArn.split(":")[3]);
  const answer = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn }), { abortSignal: signal });
  const states = (answer.TargetHealthDescriptions ?? []).map(({ TargetHealth }) => TargetHealth?.State ?? "unknown");
  if (states.includes("healthy")) return { kind: "next", changes: { phase: "start" } };
  const leftMs = toDeadline(config, work) - deps.clock.now();
  if (leftMs > 0) return { kind: "wait", changes: {}, afterMs: Math.min(pollInterval * 1_000, leftMs) };
  const shown = states.length === 0 ? "it has none" : `they are ${[...new Set(states)].join(", ")}`;
  return fail(context, { code: "ECS_TIMEOUT", text: `No target of ${TargetGroupArn} became healthy: ${shown}.` });
}
