import type { PlantedBug, Sky, Story } from "@stackyard/core/testing";
import { runExecution } from "../run-execution.ts";
import { type ArtifactLife, hearQueues, LOOK_MS, openArtifactLife, publish } from "./an-artifact-life.ts";
import { actInLife } from "./artifact-changes.ts";
import { hearArtifacts, judgeEnd, SETTLE_MS } from "./hear-artifacts.ts";

const LOOKS = 3;

async function turn(life: ArtifactLife): Promise<void> {
  const { fleet, isScheduled } = life;
  await fleet.clock.advance(LOOK_MS);
  if (isScheduled) await fleet.look().catch(() => undefined);
  await hearQueues(life);
  // The state machine runs the initial sets that were started, and tries a step again that failed.
  for (const asked of fleet.executions.slice(life.executed)) {
    const isOver = await runExecution(fleet, asked, () => hearQueues(life)).then(
      () => true,
      () => false,
    );
    if (!isOver) break;
    life.executed += 1;
  }
}

async function look(life: ArtifactLife, where: string, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    await life.sky.meet(
      `look.${where}`,
      {},
      () => turn(life),
      (name) => actInLife(life, name),
    );
    await hearArtifacts(life);
  }
}

async function release(life: ArtifactLife, version: string): Promise<void> {
  life.sky.phase(`publishes ${version}`);
  await publish(life, version);
  await look(life, "announced", 1);
  await hearQueues(life);
  await look(life, "copied", LOOKS - 1);
}

interface Variant {
  readonly name: string;
  readonly lostReceipts: number;
  readonly planted: readonly (Omit<PlantedBug, "play"> & { readonly plant: (life: ArtifactLife) => void })[];
}

/** The life of artifacts: three versions, two consumers in two accounts. */
function artifactLife({ name, lostReceipts, planted }: Variant): Story {
  const fair = new Map<string, string>();
  const toPlay = (plant?: (life: ArtifactLife) => void) => async (sky: Sky) => {
    const life = await openArtifactLife(sky);
    life.lostReceipts = lostReceipts;
    plant?.(life);
    await look(life, "rest", 1);
    await release(life, "1.0.0");
    await release(life, "1.1.0");
    for (const back of life.backs.splice(0)) {
      life.acts.add("back");
      await back(life);
    }
    await release(life, "1.2.0");
    for (const back of life.backs.splice(0)) await back(life);
    await sky.clear();
    life.isScheduled = true;
    for (const consumer of life.consumers) consumer.isStill = false;
    for (let passed = 0; passed < SETTLE_MS; passed += LOOK_MS) await turn(life);
    await hearArtifacts(life);
    const said = judgeEnd(life, fair);
    const nothing = { begun: {}, ended: [], left: [], foreign: [], views: {} };
    return { verdict: "unknown", truth: "succeeded", said, ...nothing, untrue: life.untrue } as const;
  };
  return { name, play: toPlay(), planted: planted.map(({ plant, ...bug }) => ({ ...bug, play: toPlay(plant) })) };
}

const OUT = "an account is let out";
const HOLLOW: Variant["planted"][number] = {
  bug: "a receipt for a file that was not copied",
  invariant: "said",
  plant: (life) => Object.assign(life, { isHollow: true }),
};

/** The lives of artifacts: fair, and one in which the first receipts are lost. */
export const artifactLives: readonly Story[] = [
  artifactLife({
    name: "artifact-life",
    lostReceipts: 0,
    planted: [
      HOLLOW,
      {
        bug: "the list of accounts is not read again",
        run: { at: "look.copied#1", weather: OUT },
        invariant: "newest",
        plant: (life) => Object.assign(life, { isUnheard: true }),
      },
      {
        bug: "an account that is trusted again gets nothing",
        run: { at: "look.copied#1", weather: `${OUT}, and back` },
        invariant: "back",
        plant: (life) => Object.assign(life, { isUpdatedInPart: true }),
      },
    ],
  }),
  artifactLife({ name: "artifact-life-receipts-lost", lostReceipts: 3, planted: [HOLLOW] }),
];
