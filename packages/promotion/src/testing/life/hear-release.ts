import type { Stack } from "@stackyard/core";
import { evaluateHealth } from "@stackyard/core/engine";
import { createBoardTally } from "@stackyard/core/services";
import type { LifeInvariant } from "@stackyard/core/testing";
import { findRun, findShop, PAUSE_MS, type ReleaseLife, SOAK_MS, TENANTS, type Wish } from "./a-release-life.ts";

type Values = Wish["values"];

/** Judges each new statement of rows, release and board by what builds had written at the instant that it names. */
export async function hearRelease(life: ReleaseLife): Promise<void> {
  const release = await findShop(life);
  if (release === undefined) return;
  await hearRows(life);
  if (release.state !== "DONE" || release.previousState === "INIT") return;
  const found = await Promise.all(TENANTS.map((id) => life.yard.findStack(id)));
  const tenants = found.filter((stack) => stack !== undefined);
  await hearEnd(life, release, tenants);
  hearBoard(life, release, tenants);
}

async function hearRows(life: ReleaseLife): Promise<void> {
  const { version, task } = life;
  const state = await life.stateOf(version, task);
  for (const { stack, state: end, at } of await life.rowsOf(version, task)) {
    if (end !== "done" && end !== "unchanged") continue;
    const isTrue = fits(findRun(life, stack, at), { ...state?.metadata });
    judge(life, `row ${version} ${stack} ${at}`, {
      isTrue,
      sentence: `a row is ${end}, and its tenant ran another version`,
    });
  }
}

async function hearEnd(life: ReleaseLife, release: Stack, tenants: readonly Stack[]): Promise<void> {
  const { version, wishes } = life;
  const key = `end ${version} ${release.entry}`;
  if (evaluateHealth(release).degraded) return;
  const hasIt = ({ id }: Stack) => findRun(life, id, release.enteredAt)["api"] === version;
  const isNewer = ({ id }: Stack) => wishes.some((each) => isOfPerson(each, id, release.createdAt));
  const others = tenants.filter((each) => !isNewer(each));
  if (release.previousState === "BACK") {
    judge(life, key, {
      isTrue: !others.some(hasIt),
      sentence: "an undo is done and healthy, and tenants run what it was to take back",
    });
    const { length } = await life.rowsOf(version, "undo");
    judge(life, `${key} stacks`, { isTrue: length > 0, sentence: "an undo of no stacks is done" });
    return;
  }
  judge(life, key, {
    isTrue: others.every(hasIt),
    sentence: "a release is done and healthy, and a tenant has not run it",
  });
  const soaked = others.every(({ id }) => findRun(life, id, release.enteredAt - SOAK_MS)["api"] === version);
  judge(life, `${key} soak`, { isTrue: soaked, sentence: "a soak is over before its time" });
}

function hearBoard(life: ReleaseLife, release: Stack, tenants: readonly Stack[]): void {
  const now = life.yard.clock.now();
  const place = { target: { machine: "tenant" }, keys: ["api"], until: ["LIVE"], failed: ["BROKEN"] };
  const board = createBoardTally({ task: life.task, ...place });
  for (const each of tenants) board.add(each);
  for (const { values, standings } of board.list()) {
    const running = tenants.filter(({ id }) => fits(findRun(life, id, now), values)).length;
    judge(life, `board ${release.id} ${release.entry} ${JSON.stringify(values)}`, {
      isTrue: standings.rests <= running,
      sentence: "the board counts tenants at rest that run another version",
    });
  }
}

/** A statement is judged once, when it is new. */
function judge(
  life: ReleaseLife,
  key: string,
  { isTrue, sentence }: { readonly isTrue: boolean; readonly sentence: string },
): void {
  if (!life.judged.has(key) && !isTrue) note(life, "said", sentence);
  life.judged.add(key);
}

function note({ untrue }: ReleaseLife, invariant: LifeInvariant, sentence: string): void {
  if (untrue.every((each) => each.sentence !== sentence)) untrue.push({ invariant, sentence });
}

function fits(run: Values, wanted: Values): boolean {
  return Object.entries(wanted).every(([key, value]) => (run[key] ?? null) === (value ?? null));
}

function isOfPerson({ by, stack, at }: Wish, id: string, since: number): boolean {
  // A person acts in a look of the release, so after its first instant.
  return by === "person" && stack === id && at >= since;
}

/** Judges the end of a life: what was wished last is what runs, or the release says of which tenant it is not. */
export async function judgeEnd(life: ReleaseLife, fair: Map<string, string>): Promise<string> {
  const { version, yard, acts } = life;
  const shop = await findShop(life);
  const said = `${await life.taskOf(version, "undo")} ${shop?.lastFailure?.code ?? ""} | ${await life.tallyOf(version, "undo")}`;
  for (const id of TENANTS) {
    if ((await yard.findStack(id)) !== undefined) judgeTenant(life, id, { shop, said });
  }
  judgePause(life);
  const world = TENANTS.map((id) => [id, String(findRun(life, id, yard.clock.now())["api"])] as const);
  if (acts.size === 0) for (const [id, version] of world) fair.set(id, version);
  if (acts.has("back")) judgeBack(life, world, fair);
  return `${said} | ${JSON.stringify(world.map(([, version]) => version))}`;
}

/** What a person has set meanwhile stays set. */
function judgeBack(
  life: ReleaseLife,
  world: readonly (readonly [string, string])[],
  fair: ReadonlyMap<string, string>,
) {
  for (const [id, version] of world) {
    const isOwn = life.wishes.some(({ by, stack }) => by === "person" && stack === id);
    const expected = fair.get(id) ?? version;
    if (!isOwn && version !== expected) note(life, "back", `${id} runs ${version} instead of ${expected}`);
  }
}

interface Told {
  readonly shop: Stack | undefined;
  readonly said: string;
}

function judgeTenant(life: ReleaseLife, id: string, { shop, said }: Told): void {
  const last = life.wishes.filter(({ stack }) => stack === id).toSorted((a, b) => b.at - a.at)[0];
  const isLater = shop !== undefined && life.wishes.some((each) => isOfPerson(each, id, shop.createdAt));
  if (last === undefined || isLater || hasWish(life, last)) return;
  const isGreen = shop?.state === "DONE" && !evaluateHealth(shop).degraded;
  if (isGreen) note(life, "newest", `the last wish, of a ${last.by}, does not run, and the release is healthy`);
  else if (!life.acts.has("key") && !isNamed(shop)) note(life, "back", `no way back from a release: ${said}`);
}

/** One key that a person has set is that person's, whatever releases do with the other. */
function hasWish(life: ReleaseLife, { stack, values: { web, ...others } }: Wish): boolean {
  const wanted = life.acts.has("key") ? others : { web, ...others };
  return fits(findRun(life, stack, life.yard.clock.now()), wanted);
}

/** An undo gives back what was there, and names a version that never ran there. */
function isNamed(shop: Stack | undefined): boolean {
  return shop?.lastFailure?.code === "RESTORED_FAILED";
}

/** The document has a pause before the second wave, which only an undo does not wait for. */
function judgePause(life: ReleaseLife): void {
  const { builds, wishes, acts } = life;
  if (acts.has("person")) return;
  for (const { stack, at, values } of builds) {
    const canary = builds.find((each) => each.stack === "t0" && each.values["api"] === values["api"]);
    const isFirst = wishes.some((each) => each.by === "release" && each.values["api"] === values["api"]);
    if (stack === "t0" || canary === undefined || !isFirst) continue;
    const isUndo = wishes.some((each) => each.by === "undo" && each.at < at);
    if (!isUndo && at < canary.at + PAUSE_MS)
      note(life, "said", "the document has a pause before a wave, and there was none");
  }
}
