import { createFakeClock, type FakeClock } from "../fake-clock.ts";
import type { Ending, Sky, Story } from "./story.ts";

/** A bug that can be planted in the program of the toy: two for each invariant. */
export type ToyBug =
  | "a token for each try"
  | "not shown is not begun"
  | "not shown is stopped"
  | "denied is stopped"
  | "an error is the end"
  | "the limit before the look"
  | "an error is thrown"
  | "not shown is forgotten"
  | "a lost answer is given up"
  | "removed once"
  | "the first of the list is mine"
  | "the label is mine"
  | "an old receipt counts"
  | "a late receipt does not count";

interface Kettle {
  readonly id: string;
  readonly token: string;
  readonly doneAt: number;
  status: "boiling" | "done" | "stopped" | "removed";
  wasDone: boolean;
}

const MINUTE_MS = 60_000;
const BOILS_MS = 20 * MINUTE_MS;
const LIMIT_MS = 60 * MINUTE_MS;
const LOOK_EVERY_MS = MINUTE_MS;
const MAX_LOOKS = 300;

/** The simulated service. The first kettle belongs to someone else. */
function createKitchen(clock: FakeClock) {
  const kettles: Kettle[] = [{ id: "k0", token: "x", doneAt: 0, status: "boiling", wasDone: true }];
  const update = () => {
    for (const kettle of kettles) {
      if (kettle.status !== "boiling" || clock.now() < kettle.doneAt) continue;
      kettle.status = "done";
      kettle.wasDone = true;
    }
  };
  return {
    /** Starts one kettle for a token. */
    start(token: string): string {
      const known = kettles.find((kettle) => kettle.token === token);
      if (known !== undefined) return known.id;
      const id = `k${kettles.length}`;
      kettles.push({ id, token, doneAt: clock.now() + BOILS_MS, status: "boiling", wasDone: false });
      return id;
    },
    /** Lists kettles, newest first. */
    list(): readonly Readonly<Kettle>[] {
      update();
      return kettles.filter(({ status }) => status !== "removed").reverse();
    },
    change(id: string, status: "stopped" | "removed"): void {
      update();
      for (const kettle of kettles) if (kettle.id === id) kettle.status = status;
    },
    all(): readonly Readonly<Kettle>[] {
      update();
      return kettles;
    },
  };
}

/** The options of the toy. */
interface ToyInput {
  readonly bug?: ToyBug;
  /** The tea is spilled after an hour. */
  readonly isSpilled?: boolean;
}

/** Boils water for a cup of tea, and checks the cup an hour later. */
export function createToyStory({ bug, isSpilled = false }: ToyInput = {}): Story {
  return {
    name: isSpilled ? "tea-spilled" : "tea",
    async play(sky) {
      const clock = createFakeClock();
      sky.under(clock, clock.advance);
      const toy: Toy = { sky, clock, kitchen: createKitchen(clock), bug, state: createState() };
      await boil(toy);
      await clock.advance(60 * MINUTE_MS);
      await sky.meet("look.cup", {}, async () => {
        const isDone = toy.state.verdict === "succeeded" && !isSpilled;
        toy.state.shelf = { at: clock.now(), shown: isDone ? "succeeded" : "failed" };
      });
      await sky.clear();
      for (let minute = 0; minute < 120; minute += 1) await tidy(toy);
      return toEnding(toy, isSpilled);
    },
  };
}

interface Toy {
  readonly sky: Sky;
  readonly clock: FakeClock;
  readonly kitchen: ReturnType<typeof createKitchen>;
  readonly bug: ToyBug | undefined;
  readonly state: ToyState;
}

/** The state that the program keeps. */
interface ToyState {
  token: number;
  kettle: string | undefined;
  isGivenUp: boolean;
  verdict: Ending["verdict"];
  said: string;
  shelf: { readonly at: number; readonly shown: "succeeded" | "failed" };
  readonly toRemove: Set<string>;
}

function createState(): ToyState {
  const shelf = { at: 0, shown: "failed" } as const;
  return { token: 1, kettle: undefined, isGivenUp: false, verdict: "unknown", said: "", shelf, toRemove: new Set() };
}

async function boil(toy: Toy): Promise<void> {
  const { sky, clock, state } = toy;
  await start(toy);
  if (state.isGivenUp) return;
  await watch(toy);
  if (state.verdict !== "succeeded") return;
  const doneAt = clock.now();
  await sky.meet("delivery.receipt", {}, async () => receive(toy, doneAt));
  state.toRemove.add(state.kettle ?? "");
  await tidy(toy);
}

/** The answer of a start may be lost: the same token finds the kettle. */
async function start({ sky, clock, kitchen, bug, state }: Toy): Promise<void> {
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    if (bug === "a token for each try") state.token = attempt;
    const token = `t${state.token}`;
    try {
      state.kettle = String(await sky.meet("Kitchen.Start", { token }, async () => kitchen.start(token)));
      return;
    } catch {
      state.isGivenUp = bug === "a lost answer is given up";
      if (state.isGivenUp) return;
      await clock.advance(LOOK_EVERY_MS);
    }
  }
}

/** Unwatched time does not count against the limit. */
async function watch(toy: Toy): Promise<void> {
  const { sky, clock, state, bug } = toy;
  const beganAt = clock.now();
  let watchedMs = 0;
  for (let looks = 1; looks <= MAX_LOOKS; looks += 1) {
    await clock.advance(LOOK_EVERY_MS);
    watchedMs += LOOK_EVERY_MS;
    await sky.meet("look.kettle", {}, async () => {
      const passedMs = bug === "the limit before the look" ? clock.now() - beganAt : watchedMs;
      await look(toy, passedMs > LIMIT_MS).catch((error: unknown) => onError(toy, error));
    });
    if (state.said !== "") return;
  }
  throw new Error(`The program has looked ${MAX_LOOKS} times.`);
}

async function look(toy: Toy, isLate: boolean): Promise<void> {
  const { sky, kitchen, bug, state } = toy;
  if (isLate && bug === "the limit before the look") return end(state, "failed", "late");
  const shown = (await sky.meet("Kitchen.List", {}, async () => kitchen.list())) as readonly Kettle[];
  if (bug === "the first of the list is mine") state.kettle = shown[0]?.id;
  const mine = shown.find(({ id }) => id === state.kettle);
  if (mine?.status === "done") return end(state, "succeeded", "done");
  if (mine?.status === "stopped") return end(state, "failed", "stopped");
  if (mine === undefined) await onUnseen(toy, shown);
  if (isLate && bug !== "not shown is forgotten") end(state, "unknown", "late");
}

/** Absence from one list means nothing: the next look comes in a minute. */
async function onUnseen(toy: Toy, shown: readonly Kettle[]): Promise<void> {
  const { kitchen, bug, state } = toy;
  if (bug === "not shown is forgotten") state.kettle = undefined;
  if (bug === "not shown is stopped") kitchen.change(state.kettle ?? "", "stopped");
  if (bug === "the label is mine") for (const { id } of shown) kitchen.change(id, "removed");
  if (bug !== "not shown is not begun") return;
  state.token += 1;
  await start(toy);
}

async function onError({ kitchen, bug, state }: Toy, error: unknown): Promise<void> {
  if (bug === "an error is thrown") throw error;
  if (bug === "denied is stopped" && String(error).includes("denied")) kitchen.change(state.kettle ?? "", "stopped");
  if (bug === "an error is the end") end(state, "succeeded", String(error));
}

function end(state: ToyState, verdict: Ending["verdict"], said: string): void {
  state.verdict = verdict;
  state.said = said;
}

/** Older knowledge does not replace newer. */
function receive({ clock, bug, state }: Toy, at: number): void {
  if (bug === "a late receipt does not count" && at < clock.now()) state.shelf = { at, shown: "failed" };
  else if (at >= state.shelf.at || bug === "an old receipt counts") state.shelf = { at, shown: "succeeded" };
}

async function tidy({ sky, clock, kitchen, bug, state }: Toy): Promise<void> {
  for (const id of state.toRemove) {
    try {
      await sky.meet("Kitchen.Remove", { id }, async () => kitchen.change(id, "removed"));
      state.toRemove.delete(id);
    } catch {
      if (bug === "removed once") state.toRemove.delete(id);
    }
  }
  await clock.advance(MINUTE_MS);
}

function toEnding({ kitchen, state }: Toy, isSpilled: boolean): Ending {
  const [others, ...own] = kitchen.all();
  const isDone = own.some(({ wasDone }) => wasDone) && !isSpilled;
  const isOpen = state.verdict === "unknown" && !state.isGivenUp;
  return {
    verdict: isSpilled ? "unknown" : state.verdict,
    truth: isDone ? "succeeded" : "failed",
    said: state.said,
    begun: { kettle: own.length },
    ended: own.filter(({ status }) => status === "stopped").map(() => "a boiling kettle"),
    left: own.filter(({ status }) => status === "done" && !isOpen).map(() => "a kettle"),
    foreign: others?.status === "done" ? [] : ["the kettle of someone else"],
    views: { shelf: state.shelf.shown },
  };
}
