import type { PlantedBug, Sky, Story } from "@stackyard/core/testing";
import { actInLife } from "./alert-changes.ts";
import { type AlertLife, enter, HOUR_MS, LOOK_MS, openAlertLife, STACK, turn } from "./an-alert-life.ts";
import { hearAlerts, judgeEnd, judgeRest } from "./hear-alerts.ts";

const LOOKS = 3;
/** What a channel that was down for a day still has to send is sent within so many turns. */
const MOST_TURNS = 60;
const QUIET_TURNS = 3;

async function look(life: AlertLife, where: string, times: number): Promise<void> {
  const proceed = async () => {
    await life.bench.clock.advance(LOOK_MS);
    await turn(life);
  };
  for (let count = 0; count < times; count += 1) {
    await life.sky.meet(`look.${where}`, {}, proceed, (name) => actInLife(life, name));
    hearAlerts(life);
  }
}

async function live(life: AlertLife, phase: string, state: "LIVE" | "FAILED"): Promise<void> {
  life.sky.phase(phase);
  enter(life, state);
  await look(life, phase, 1);
  // A check of what has failed leaves it where it is, and ends nothing.
  life.bench.add({ stackId: STACK, event: "CHECKED", from: state, to: state });
  await look(life, phase, LOOKS - 1);
  judgeRest(life);
}

/** Lets the server work until it has sent nothing for as long as a channel waits at most. */
async function rest(life: AlertLife): Promise<void> {
  const { bench } = life;
  for (let quiet = 0, count = 0; quiet < QUIET_TURNS && count < MOST_TURNS; count += 1) {
    const before = bench.posts.length;
    await bench.clock.advance(HOUR_MS);
    await turn(life);
    hearAlerts(life);
    quiet = bench.posts.length === before ? quiet + 1 : 0;
  }
}

interface Variant {
  readonly name: string;
  /** Answers of the pager to its first requests. */
  readonly refuses: readonly number[];
  readonly planted: readonly (Omit<PlantedBug, "play"> & { readonly plant: (life: AlertLife) => void })[];
}

/** The life of alerts: a stack fails, is repaired, fails again and is removed, on a pager and in a room. */
export function alertLife({ name, refuses, planted }: Variant): Story {
  const fair = new Map<string, string>();
  const toPlay = (plant?: (life: AlertLife) => void) => async (sky: Sky) => {
    const life = await openAlertLife(sky, plant);
    try {
      life.pager.refuses.push(...refuses);
      await live(life, "fails", "FAILED");
      await live(life, "repaired", "LIVE");
      await live(life, "fails again", "FAILED");
      for (const back of life.backs.splice(0)) {
        life.acts.add("back");
        await back(life);
      }
      sky.phase("removed");
      enter(life, "gone");
      await look(life, "removed", LOOKS);
      for (const back of life.backs.splice(0)) await back(life);
      await sky.clear();
      if (life.process === undefined) life.process = life.bench.start();
      life.pager.down = undefined;
      life.room.isRevoked = false;
      await rest(life);
      const said = judgeEnd(life, fair);
      const nothing = { begun: {}, ended: [], left: [], foreign: [], views: {} };
      return { verdict: "unknown", truth: "succeeded", said, ...nothing, untrue: life.untrue } as const;
    } finally {
      life.bench.remove();
    }
  };
  return { name, play: toPlay(), planted: planted.map(({ plant, ...bug }) => ({ ...bug, play: toPlay(plant) })) };
}
