import type { Weather } from "@stackyard/core/testing";
import { MINUTE_MS, OLD, type ReleaseLife, toShop, wish } from "./a-release-life.ts";

/** What a person, a tool or a provider changes between two looks of a release. */
interface ReleaseChange {
  readonly name: string;
  /** The public reports in which it happens. */
  readonly source: string;
  fits(life: ReleaseLife): boolean;
  act(life: ReleaseLife): Promise<void>;
  /** The documented way back, which is played before the undo. */
  readonly back?: (life: ReleaseLife) => Promise<void>;
}

/** What a person sets one key to. */
export const BY_HAND = "by hand";

const always = () => true;

async function rename(life: ReleaseLife, task: string): Promise<void> {
  life.task = task;
  life.revise("shop", toShop(life));
  await life.send(`shop-${life.version}`, "UPGRADE_STACK").catch(() => undefined);
}

/** The changes that a release meets. */
const releaseChanges: readonly ReleaseChange[] = [
  {
    name: "a version set by hand, and built",
    source: "kargo#6371",
    fits: always,
    async act(life) {
      life.acts.add("person");
      wish(life, "person", (stack) => (stack === "t1" ? { api: "1.40.9" } : undefined));
      await life.send("t1", "RELEASED", { metadata: { api: "1.40.9" } });
    },
  },
  {
    name: "one key set by hand, nothing built",
    source: "kargo#6371",
    fits: always,
    async act(life) {
      life.acts.add("key");
      await life.send("t1", "PUSHED", { metadata: { web: BY_HAND } });
    },
  },
  {
    name: "a check that succeeds",
    source: "argo-cd#29410, argo-cd#19771",
    fits: always,
    async act(life) {
      life.acts.add("check");
      await life.send("t1", "CHECK");
    },
  },
  {
    name: "the task is renamed",
    source: "octopus#2547, octopus#7242",
    fits: ({ task }) => task === "tenants",
    async act(life) {
      life.acts.add("renamed");
      await rename(life, "customers");
    },
    async back(life) {
      life.acts.add("back");
      await rename(life, "tenants");
    },
  },
  {
    name: "releases bring a new key",
    source: "syndesis#2499, marathon#4046",
    fits: ({ hasJobs }) => !hasJobs,
    async act(life) {
      life.acts.add("jobs");
      life.hasJobs = true;
      life.revise("shop", toShop(life));
    },
  },
  {
    name: "cancelled, and tried again a minute later",
    source: "argo-rollouts#3120",
    fits: always,
    async act(life) {
      life.acts.add("retry");
      const task = life.part === "undo" ? "undo" : life.task;
      await life.send(`shop-${life.version}`, "CANCEL_TASK", { task: { name: task } });
      await life.yard.advance(MINUTE_MS);
      await life.send(`shop-${life.version}`, "RETRY_FAILED_TASKS");
    },
  },
  {
    name: "a tenant is made anew",
    source: "octopus#4014, octopus#6526",
    fits: always,
    async act(life) {
      life.acts.add("person");
      wish(life, "person", (stack) => (stack === "t2" ? OLD : undefined));
      await life.send("t2", "END");
      await life.yard.advance(1_000);
      await life.send("t2", "OPENED", { machine: "tenant", metadata: { ...OLD, ring: "rest" } });
      await life.send("t2", "RELEASED", { metadata: OLD });
    },
  },
  {
    name: "the next build of a tenant fails",
    source: "argo-cd#29410",
    fits: always,
    async act(life) {
      life.acts.add("failed");
      life.fails.push({ stack: "t1", part: "" });
    },
  },
];

const AND_BACK = ", and back";

/** The changes as weathers: the life plays the one that a look names. */
export const releaseSeasons: readonly Weather[] = releaseChanges.flatMap(({ name, source, back }) =>
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

/** Plays the change of a weather's name, where it fits. */
export async function actInLife(life: ReleaseLife, name: string): Promise<void> {
  const change = releaseChanges.find((each) => each.name === name.replace(AND_BACK, ""));
  if (change === undefined || !change.fits(life)) return;
  await change.act(life);
  if (name.endsWith(AND_BACK) && change.back !== undefined) life.backs.push(change.back);
}
