import type { LifeStep } from "@stackyard/aws-sim";
import type { PlantedBug, Sky, Story } from "@stackyard/core/testing";
import { createNeighbor, type LivingResource, MINUTE_MS, openResourceLife, RUNS_MS } from "./a-resource-life.ts";
import { hearAnswer, hearTasks, judgeEnd } from "./hear-resource.ts";
import { actInLife } from "./resource-changes.ts";

/** CloudFormation waits an hour for an answer, and for the way back another one. */
const MOST_LOOKS = 200;
const FAIR_MS = 3_600_000;

async function look(life: LivingResource, where: string, times = 1): Promise<void> {
  const { clock, until } = life.world;
  const proceed = () => until(clock.sleep(MINUTE_MS));
  for (let count = 0; count < times; count += 1) {
    await life.sky.meet(`look.${where}`, {}, proceed, (name) => actInLife(life, name));
    hearTasks(life);
  }
}

/** Plays an operation of CloudFormation, and what is at rest after it. */
async function operate(life: LivingResource, where: string, operation: Promise<LifeStep>): Promise<void> {
  life.sky.phase(where);
  const isOver = { now: false };
  void operation.then(() => Object.assign(isOver, { now: true }));
  for (let looks = 0; looks < MOST_LOOKS && !isOver.now; looks += 1) await look(life, where);
  life.steps.push(await life.world.until(operation));
  life.sky.phase(`${where}, rests`);
  await look(life, "rest");
}

interface Variant {
  readonly name: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  /** How long tasks run. Default: four minutes. */
  readonly runsMs?: number;
  /** The task of the second update fails. */
  readonly hasFailure?: true;
  readonly planted: readonly (Omit<PlantedBug, "play"> & { readonly plant: Partial<LivingResource> })[];
}

/** What nobody may look at is not stopped, because it may be about to succeed. */
const UNSEEN: NonNullable<Story["decisions"]>[number] = {
  finding: /^DescribeTasks is denied.*: newest: two runs of the resource go on beside each other/,
  reason:
    "The failed update says that its task may still run, and names it: it is not stopped, since its work may be done. The way back runs as its properties say; RunOnRollback: false runs nothing.",
};

/** The life of a custom resource: created, updated twice, deleted. */
function resourceLife({ name, properties = {}, runsMs = RUNS_MS, hasFailure, planted }: Variant): Story {
  const fair = new Map<string, string>();
  const toPlay = (plant: Partial<LivingResource>) => async (sky: Sky) => {
    const life = Object.assign(openResourceLife(sky, hearAnswer), plant);
    const { life: resource, sim } = life.world;
    const toTemplate = (run: number) => ({ ...life.properties, ...properties, Triggers: run });
    sim.ecs.script("migrate", { runsMs });
    await createNeighbor(life);
    await look(life, "before");
    await operate(life, "create", resource.create(toTemplate(1)));
    if (life.steps.at(-1)?.status === "CREATE_COMPLETE") {
      await operate(life, "update", resource.update(toTemplate(2)));
      await goBack(life);
      if (hasFailure) sim.ecs.script("migrate", { runsMs: RUNS_MS, containers: { app: 1 } }, 1);
      await operate(life, "again", resource.update(toTemplate(3)));
      await goBack(life);
      await operate(life, "delete", resource.delete());
    }
    await sky.clear();
    await life.world.until(life.world.clock.sleep(FAIR_MS));
    const said = judgeEnd(life, fair);
    const nothing = { begun: {}, ended: [], left: [], foreign: [], views: {} };
    return { verdict: "unknown", truth: "succeeded", said, ...nothing, untrue: life.untrue } as const;
  };
  return {
    name,
    decisions: [UNSEEN],
    play: toPlay({}),
    planted: planted.map(({ plant, ...bug }) => ({ ...bug, play: toPlay(plant) })),
  };
}

async function goBack(life: LivingResource): Promise<void> {
  for (const back of life.backs.splice(0)) {
    life.acts.add("back");
    life.stepsBefore = life.steps.length;
    if (!life.isStuck) await back(life);
  }
}

const WRONG: Variant["planted"][number] = {
  bug: "a success is answered as a failure",
  invariant: "said",
  plant: { isWrong: true },
};

/** The lives of custom resources: fair, with tasks that are not waited for, and with an update that fails. */
export const resourceLives: readonly Story[] = [
  resourceLife({
    name: "resource-life",
    planted: [
      WRONG,
      {
        bug: "the way back changes nothing",
        run: { at: "look.update#1", weather: "the task definition is deregistered, and back" },
        invariant: "back",
        plant: { isStuck: true },
      },
    ],
  }),
  resourceLife({
    name: "resource-life-unwaited",
    properties: { Timeout: 0 },
    runsMs: Number.POSITIVE_INFINITY,
    planted: [{ bug: "a task that is asked to stop runs on", invariant: "newest", plant: { isDeaf: true } }],
  }),
  resourceLife({ name: "resource-life-fails", hasFailure: true, planted: [WRONG] }),
];
