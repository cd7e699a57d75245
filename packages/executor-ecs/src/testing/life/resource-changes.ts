import type { Weather } from "@stackyard/core/testing";
import { APP_CONTAINER, INSTANCE, PLACE } from "../an-ecs-yard.ts";
import { type LivingResource, MINUTE_MS, OTHER_CLUSTER, RUNS_MS } from "./a-resource-life.ts";

/** What a person, a tool or a provider changes between two looks of CloudFormation at a custom resource. */
interface ResourceChange {
  readonly name: string;
  /** The page of the service, or the public report, in which it happens. */
  readonly source: string;
  act(life: LivingResource): Promise<void> | void;
  /** The documented way back, which is played before the last update. */
  readonly back?: (life: LivingResource) => Promise<void> | void;
}

function set(life: LivingResource, changed: Partial<Pick<LivingResource, "mode" | "properties">>): void {
  Object.assign(life, changed);
}

/** Changes properties of the template: the next update has them. */
function template(name: string, source: string, changed: Readonly<Record<string, unknown>>): ResourceChange {
  return {
    name,
    source,
    act: (life) => set(life, { properties: { ...life.properties, ...changed } }),
    back(life) {
      const kept = Object.entries(life.properties).filter(([key]) => !(key in changed));
      set(life, { properties: { Cluster: "web", ...Object.fromEntries(kept) } });
    },
  };
}

const RESOURCE = "AWS CloudFormation user guide, Custom resources: an update has the new and the old properties";

/** No one cancels an update at the instant at which it begins. */
const A_MOMENT_MS = 1_000;

const resourceChanges: readonly ResourceChange[] = [
  template("another cluster", "copilot-cli#1886", { Cluster: OTHER_CLUSTER }),
  template("the cluster's ARN in the place of its name", "Amazon ECS API reference, RunTask, cluster", {
    Cluster: `arn:aws:ecs:${PLACE.region}:${PLACE.account}:cluster/web`,
  }),
  template("tasks are not waited for", RESOURCE, { Timeout: 0 }),
  template("a limit shorter than the task", RESOURCE, { Timeout: 60 }),
  template("nothing is run", RESOURCE, { Count: 0 }),
  template("two tasks", RESOURCE, { Count: 2 }),
  template("on an instance", "Amazon ECS API reference, StartTask", { Instances: [INSTANCE] }),
  template("updates run nothing", RESOURCE, { RunOnUpdate: false }),
  {
    name: "a new revision of the task definition",
    source: "Amazon ECS developer guide, Updating a task definition: a family means its latest active revision",
    act: ({ world }) => void register(world.sim.ecs, []),
  },
  {
    name: "a sidecar",
    source: "h3poteto/ecs-task#18, amazon-cloudwatch-agent#770",
    act: ({ world }) => void register(world.sim.ecs, [{ ...APP_CONTAINER, name: "agent", essential: false }]),
    back: ({ world }) => void register(world.sim.ecs, []),
  },
  {
    name: "the task definition is deregistered",
    source: "fabfuel/ecs-deploy#92",
    act({ world: { sim } }) {
      const arn = `arn:aws:ecs:${PLACE.region}:${PLACE.account}:task-definition/migrate`;
      for (let revision = 1; revision < 9; revision += 1) sim.ecs.deregisterTaskDefinition(`${arn}:${revision}`);
    },
    back: ({ world }) => void register(world.sim.ecs, []),
  },
  {
    name: "tasks run for two hours",
    source: "a migration of more data than before",
    act: ({ world }) => world.sim.ecs.script("migrate", { runsMs: 120 * MINUTE_MS }),
    back: ({ world }) => world.sim.ecs.script("migrate", { runsMs: RUNS_MS }),
  },
  {
    name: "physical ids are tasks' ARNs",
    source: "docs/ecs.md, PHYSICAL_ID",
    act: (life) => set(life, { mode: "taskArn" }),
    back: (life) => set(life, { mode: "id" }),
  },
  {
    name: "the update is cancelled",
    source: "aws-cdk#31541",
    async act({ steps, world }) {
      // The creation of a stack cannot be cancelled, nor can a deletion.
      if (steps.length !== 1 && steps.length !== 2) return;
      await world.until(world.clock.sleep(A_MOMENT_MS));
      world.life.cancel();
    },
  },
  {
    name: "the function's table is made anew",
    source: "Amazon DynamoDB API reference, DeleteTable",
    act: (life) => life.forget(),
  },
  ...(["RunTask", "ListTasks", "DescribeTasks", "StopTask"] as const).map(
    (operation): ResourceChange => ({
      name: `${operation} is denied`,
      source: "aws-cdk#9840, terraform-provider-cloudtemple#280",
      act: ({ denied }) => void denied.add(operation),
      back: ({ denied }) => void denied.delete(operation),
    }),
  ),
];

function register(
  ecs: LivingResource["world"]["sim"]["ecs"],
  more: Parameters<typeof ecs.registerTaskDefinition>[0]["containerDefinitions"],
): void {
  ecs.registerTaskDefinition({ ...PLACE, family: "migrate", containerDefinitions: [APP_CONTAINER, ...more] });
}

const AND_BACK = ", and back";

/** The changes as weathers: the life plays the one that a look names. */
export const resourceSeasons: readonly Weather[] = resourceChanges.flatMap(({ name, source, back }) =>
  [name, ...(back === undefined ? [] : [`${name}${AND_BACK}`])].map(
    (each): Weather => ({
      name: each,
      source,
      fits: ({ operation }) => operation.startsWith("look."),
      async meet(_, proceed, world) {
        await world.act(each, {});
        return proceed();
      },
    }),
  ),
);

/** Plays the change of a weather's name. */
export async function actInLife(life: LivingResource, name: string): Promise<void> {
  const change = resourceChanges.find((each) => each.name === name.replace(AND_BACK, ""));
  if (change === undefined) return;
  life.acts.add(change.name);
  await change.act(life);
  if (name.endsWith(AND_BACK) && change.back !== undefined) life.backs.push(change.back);
}
