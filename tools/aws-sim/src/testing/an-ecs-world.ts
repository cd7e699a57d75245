import { ECSClient, RunTaskCommand, type RunTaskCommandInput } from "@aws-sdk/client-ecs";
import type { ClusterInput, DefinitionInput } from "../ecs/ecs-state.ts";
import { ACCOUNT, createWorld } from "./a-world.ts";

/** Where the cluster and the definitions are. */
export const PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

/** Two subnets are enough for awsvpc. */
export const NETWORK = { awsvpcConfiguration: { subnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"] } };

/** A world with the cluster `main` and the families `migrate` (bridge) and `api` (Fargate). */
export function createEcsWorld(cluster: Partial<ClusterInput> = {}) {
  const world = createWorld();
  const { ecs } = world.sim;
  ecs.addCluster({ ...PLACE, name: "main", ...cluster });
  ecs.registerTaskDefinition(aDefinition({ family: "migrate" }));
  ecs.registerTaskDefinition(aDefinition({ family: "api", ...FARGATE }));
  const client = world.client(ECSClient);
  const run = (input: Partial<RunTaskCommandInput> = {}) =>
    client.send(new RunTaskCommand({ cluster: "main", taskDefinition: "migrate", ...input }));
  return { ...world, clientOf: world.client, ecs, client, run };
}

const FARGATE = { networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"], cpu: "256", memory: "512" } as const;

/** One essential container `app` of 256 units and 512 MiB. */
export function aDefinition(input: Partial<DefinitionInput> & { readonly family: string }): DefinitionInput {
  return { ...PLACE, containerDefinitions: [{ name: "app", cpu: 256, memory: 512 }], ...input };
}
