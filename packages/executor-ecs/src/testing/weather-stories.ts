import { type AwsSim, watchSim } from "@stackyard/aws-sim";
import {
  createFreezableProgram,
  createMemoryRecords,
  type Ending,
  type Story,
  taskStory,
  watchRecordsOf,
} from "@stackyard/core/testing";
import { createEcsTask } from "../custom-resource/create-ecs-task.ts";
import { createEcsExecutor } from "../ecs.ts";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST, toFetch } from "./an-ecs-task-world.ts";
import { createEcsYard, INSTANCE } from "./an-ecs-yard.ts";

const RUNS_MS = 4 * 60_000;
const FAIR_MS = 2 * 3_600_000;

/** Returns the truth about the tasks of one order: ECS knows how they ended. */
function toEnding(sim: AwsSim): Omit<Ending, "verdict" | "said"> {
  const tasks = sim.ecs.tasks();
  const codes = tasks.flatMap(({ containers = [] }) => containers.map(({ exitCode }) => exitCode));
  const isRunning = tasks.some(({ lastStatus }) => lastStatus !== "STOPPED");
  const isDone = codes.includes(0);
  return {
    truth: isDone ? "succeeded" : isRunning || codes.length === 0 ? "unfinished" : "failed",
    begun: { task: tasks.length },
    ended: tasks.filter((task) => isStoppedByUs(sim, task)).map(() => "a running task"),
    left: isRunning ? ["a running task"] : [],
    foreign: [],
    views: {},
  };
}

/** Someone else stops tasks too; `calls` has only ours. */
function isStoppedByUs({ calls }: AwsSim, { stopCode, taskArn }: { stopCode?: string; taskArn?: string }): boolean {
  const isAsked = calls.some(({ operation, input }) => operation === "ECS.StopTask" && input["task"] === taskArn);
  return stopCode === "UserInitiated" && isAsked;
}

/** How the task of a machine runs. */
interface EngineInput {
  readonly exitCode: number;
  /** Runs on one container instance, by StartTask. */
  readonly onInstance?: boolean;
}

/** A migration as the task of a machine. */
function inEngine({ exitCode, onInstance = false }: EngineInput): Story {
  return taskStory({
    name: `ecs-${onInstance ? "instance" : "task"}-exit-${exitCode}`,
    unknown: ["ECS_TASK_LOST"],
    reported: [
      { report: "eksctl-io/eksctl#3514", at: "ECS.DescribeTasks#2", weather: "expired" },
      { report: "aws-amplify/amplify-cli#10026, glomex/gcdt#343", at: "ECS.DescribeTasks#2", weather: "untrusted" },
    ],
    async create(sky) {
      const { sim, clock, aws } = createEcsYard();
      sim.ecs.script("migrate", { runsMs: RUNS_MS, containers: { app: { exitCode } } });
      watchSim(sim, sky);
      const place = onInstance ? { instances: [INSTANCE] } : {};
      return {
        clock,
        executor: createEcsExecutor(),
        config: { cluster: "web", taskDefinition: "migrate", timeout: "3h", ...place },
        aws: (type) => aws(type),
        judge: async () => toEnding(sim),
      };
    },
  });
}

/** Plays `Custom::ECSTask` in a new stack of CloudFormation. `change`: of each answer to it. */
function playResource(change = (answer: string) => answer): Story["play"] {
  return async (sky) => {
    const fetched: { fetch?: typeof globalThis.fetch } = {};
    let call: ((event: unknown) => Promise<unknown>) | undefined;
    const world: EcsTaskWorld = createEcsTaskWorld({
      records: watchRecordsOf(createMemoryRecords(), sky),
      invoke(event, { deps }) {
        call ??= createFreezableProgram(deps.clock, (own) => createEcsTask({ ...deps, clock: own }).handler);
        return call(event);
      },
      fetch: async (url, init) =>
        (await sky.meet("CloudFormation.Response", {}, async () =>
          fetched.fetch?.(url, toChanged(init, change)),
        )) as Response,
    });
    const { sim, clock, life } = world;
    fetched.fetch = toFetch(sim);
    sim.ecs.script("migrate", { runsMs: RUNS_MS });
    sky.under(clock, clock.advance);
    watchSim(sim, sky);
    const { status, reason = "" } = await world.until(life.create(LEAST));
    await sky.clear();
    await world.until(clock.sleep(FAIR_MS / 2));
    const verdict =
      status === "CREATE_COMPLETE" ? "succeeded" : reason.includes("ECS_TASK_LOST") ? "unknown" : "failed";
    return { verdict, said: `${status} ${reason}`, ...toEnding(sim) };
  };
}

function toChanged(init: RequestInit | undefined, change: (answer: string) => string): RequestInit {
  return { ...init, body: change(String(init?.body)) };
}

const asResource: Story = {
  name: "ecs-resource-create",
  decisions: [
    {
      finding: /^(untrusted|denied 20 min) at ECS.DescribeTasks: in work: /,
      reason:
        "A denial of more than two minutes fails the creation. CloudFormation's rollback then deletes the resource, and a deletion stops its tasks.",
    },
    {
      finding: /\bdenied 2 min at ECS.DescribeTasks\b.*: in work: /,
      isOfPairs: true,
      reason:
        "With another failure before or after it, no look succeeds for more than two minutes. That fails the creation, as one denial of this length.",
    },
  ],
  play: playResource(),
  planted: [
    {
      bug: "a success is answered as a failure",
      invariant: "true",
      play: playResource((answer) => answer.replace('"SUCCESS"', '"FAILED"')),
    },
  ],
};

/** The stories of tasks on ECS. */
export const ecsStories: readonly Story[] = [
  inEngine({ exitCode: 0 }),
  inEngine({ exitCode: 3 }),
  inEngine({ exitCode: 0, onInstance: true }),
  asResource,
];
