import { type SimCall, textOf } from "../sim-call.ts";
import { type Definition, type DefinitionInput, type EcsState, ecsFaults as faults } from "./ecs-state.ts";

/** A new revision of a family; numbers are never used again ("TaskDefinition", `revision`). */
export function registerDefinition({ definitions }: EcsState, input: DefinitionInput): Definition {
  const { account, region, family } = input;
  const revision = 1 + definitions.filter((each) => isOf(each, input) && each.family === family).length;
  const arn = `arn:aws:ecs:${region}:${account}:task-definition/${family}:${revision}`;
  const definition = { ...input, arn, revision, isActive: true };
  definitions.push(definition);
  return definition;
}

/** By family (its latest active revision), by `family:revision`, or by ARN ("RunTask", `taskDefinition`). */
export function findDefinition({ definitions }: EcsState, name: string, call: SimCall): Definition | undefined {
  const own = definitions.filter((each) => isOf(each, { account: call.identity.account, region: call.region }));
  const short = name.replace(/^arn:[^:]+:ecs:[^:]*:\d*:task-definition\//, "");
  const exact = own.find((each) => each.arn === name || `${each.family}:${each.revision}` === short);
  return exact ?? own.findLast(({ family, isActive }) => family === short && isActive);
}

/** DescribeTaskDefinition: inactive revisions are still described. */
export function describeDefinition(state: EcsState, call: SimCall): unknown {
  const definition = findDefinition(state, textOf(call.input, "taskDefinition"), call);
  if (definition === undefined) throw faults.client("Unable to describe task definition.");
  const { arn, revision, isActive, account: _account, region: _region, tags = [], ...content } = definition;
  const include: unknown = call.input["include"];
  const taskDefinition = {
    ...content,
    taskDefinitionArn: arn,
    revision,
    status: isActive ? "ACTIVE" : "INACTIVE",
    containerDefinitions: content.containerDefinitions.map((each) => ({
      cpu: 0,
      environment: [],
      essential: true,
      image: `${each.name}:latest`,
      ...each,
    })),
  };
  return { taskDefinition, ...(Array.isArray(include) && include.includes("TAGS") ? { tags } : {}) };
}

interface Place {
  readonly account: string;
  readonly region: string;
}

function isOf(definition: Place, { account, region }: Place): boolean {
  return definition.account === account && definition.region === region;
}
