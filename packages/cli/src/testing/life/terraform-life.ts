import type { Ending, PlantedBug, Sky, Story } from "@stackyard/core/testing";
import { ADDRESSES } from "@stackyard/tf-sim";
import type { TerraformBugs } from "../weather/terraform-yard.ts";
import {
  type FailingProgram,
  listOwn,
  MINUTE_MS,
  note,
  openTerraformLife,
  type TerraformLife,
} from "./a-terraform-life.ts";
import { actInLife } from "./terraform-changes.ts";

const LOOK_MS = 30_000;
const MOST_LOOKS = 200;

const find = (life: TerraformLife) => life.findStack("web-1");

async function look(life: TerraformLife, where: string, times = 1): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    const proceed = () => life.advance(LOOK_MS);
    await life.sky.meet(`look.${where}`, {}, proceed, (name) => actInLife(life, name));
    await hear(life);
  }
}

/** Judges each new rest of the stack by the objects that exist. */
async function hear(life: TerraformLife): Promise<void> {
  const stack = await find(life);
  if (stack === undefined || life.judged.has(stack.entry)) return;
  life.judged.add(stack.entry);
  const isUndisturbed = !life.acts.has("removed") && !life.acts.has("moved");
  if (stack.state === "LIVE" && isUndisturbed) {
    const own = listOwn(life).filter((each) => life.cloud.has(each.id, life.document));
    const isThere = ADDRESSES.every((address) => own.some((each) => each.address === address));
    if (!isThere) note(life, "said", "an apply is done, and an object does not exist");
  }
  if (stack.state === "GONE" && (await listLost(life)).length > 0) {
    note(life, "said", "a destroy is done, and an object is left that no list has");
  }
}

/** Returns the objects that exist after a destroy, and that no list of what is left has. */
async function listLost(life: TerraformLife): Promise<readonly string[]> {
  const { named, vanished } = await life.look();
  return listOwn(life)
    .filter(({ id, address }) => !named.some((each) => each === id || each === address))
    .filter(({ id }) => !vanished.some((arn) => arn.endsWith(`:${id}`)))
    .map(({ address, region, account }) => `${address} in ${account}, ${region}`);
}

/** Sends an event, and looks until the stack rests; where it has failed, its person tries again after two minutes, twice. */
async function play(life: TerraformLife, event: string, ends: readonly string[]): Promise<void> {
  life.part = `${event} ${life.judged.size}`;
  life.sky.phase(life.part);
  for (let tries = 0; tries < 3; tries += 1) {
    await life.send(event);
    const state = await lookUntilRest(life);
    if (ends.includes(state)) break;
    life.sky.phase(`${life.part}, failed`);
    await look(life, "failed", 4);
    if (event === "END") await playBacks(life);
  }
  life.sky.phase(`${life.part}, rests`);
  await look(life, "rest", 2);
}

async function playBacks(life: TerraformLife): Promise<void> {
  for (const back of life.backs.splice(0)) await back(life);
}

async function lookUntilRest(life: TerraformLife): Promise<string> {
  for (let count = 0; count < MOST_LOOKS; count += 1) {
    await look(life, "work");
    const { state = "", tasks = [] } = (await find(life)) ?? {};
    if (tasks.every(({ status }) => status !== "PENDING")) return state;
  }
  throw new Error(`The stack does not rest: ${(await find(life))?.state}`);
}

async function judgeEnd(life: TerraformLife): Promise<string> {
  const stack = await find(life);
  const history = JSON.stringify(await life.listHistory("web-1"));
  const codes = [...history.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code = ""]) => code);
  const isTold = stack?.state !== "GONE" && codes.length > 0;
  const own = listOwn(life);
  if (stack?.state !== "GONE" && !isTold)
    note(life, "newest", "a destroy was wished, and it is not said why it is not done");
  const lost = await listLost(life);
  if (lost.length > 0 && !isTold) note(life, "newest", "a destroy was wished, and an object is left that no list has");
  if (life.acts.has("back") && (stack?.state !== "GONE" || own.length > 0)) {
    note(life, "back", "after a change and its way back, the destroy leaves objects");
  }
  return `${stack?.state} ${codes.join(" ")} | ${own.map(({ address, region }) => `${address} ${region}`).join(", ")}`;
}

interface Variant {
  readonly name: string;
  readonly failing: readonly FailingProgram[];
  readonly planted: readonly (Omit<PlantedBug, "play"> & { readonly bugs: TerraformBugs })[];
}

async function playAll(life: TerraformLife): Promise<string> {
  for (const event of ["GO", "GO"]) await play(life, event, ["LIVE"]);
  for (const review of ["REVIEW", "REVIEW"]) {
    await play(life, review, ["READY"]);
    // A plan is applied once: after a failure, another one is made.
    if ((await find(life))?.state === "READY") await play(life, "APPROVE", ["LIVE", "BROKEN"]);
  }
  await playBacks(life);
  await play(life, "END", ["GONE"]);
  await life.sky.clear();
  await life.advance(60 * MINUTE_MS);
  await hear(life);
  return judgeEnd(life);
}

/** The life of a configuration: two applies, two approved plans and a destroy. */
export function terraformLife({ name, failing, planted }: Variant): Story {
  const toPlay =
    (bugs: TerraformBugs) =>
    async (sky: Sky): Promise<Ending> => {
      const life = await openTerraformLife(sky, failing, bugs);
      try {
        const said = await playAll(life);
        const nothing = { begun: {}, ended: [], left: [], foreign: [], views: {} };
        return { verdict: "unknown", truth: "succeeded", said, ...nothing, untrue: life.untrue };
      } finally {
        await life.close();
      }
    };
  return { name, play: toPlay({}), planted: planted.map(({ bugs, ...bug }) => ({ ...bug, play: toPlay(bugs) })) };
}
