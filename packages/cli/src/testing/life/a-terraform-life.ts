import { type LocatedMachine, type Locator, succeeded } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import type { LifeInvariant, Sky, Untrue } from "@stackyard/core/testing";
import { terraformDefinition } from "@stackyard/executor-terraform";
import { ADDRESSES, type CloudPlace, type Fate } from "@stackyard/tf-sim";
import { createTerraformYard, type TerraformBugs, type TerraformYard } from "../weather/terraform-yard.ts";

/** The failure of the next program of a command, in the part of the life that has this name. */
export interface FailingProgram {
  readonly command: string;
  readonly part: string;
  readonly fate: Fate;
}

/** What the document says now. */
export interface TerraformDocument extends CloudPlace {
  /** The name of the task that builds. */
  readonly task: string;
}

/** Two applies, two approved plans and a destroy: their hands, their ears and the truth of their simulation. */
export interface TerraformLife extends TerraformYard {
  readonly sky: Sky;
  readonly fails: FailingProgram[];
  readonly untrue: Untrue[];
  /** The entries of the stack that were judged. */
  readonly judged: Set<number>;
  readonly acts: Set<string>;
  /** Ways back that are played before the destroy. */
  readonly backs: ((life: TerraformLife) => Promise<void> | void)[];
  document: TerraformDocument;
  /** The part that is played. */
  part: string;
  /** Writes another document, and moves the stack to it. */
  revise(changes: Partial<TerraformDocument>): Promise<void>;
}

export const MINUTE_MS = 60_000;
const FIRST: TerraformDocument = { account: "111122223333", region: "eu-west-1", task: "build" };

function toDocument({ account, region, task }: TerraformDocument): string {
  const source = "{ type: local, location: network }";
  const toTask = (config: string) =>
    `{ executor: terraform, target: here, timeout: 1h, config: ${config.replace("SOURCE", source)}`;
  const always = "GO: BUILD, REVIEW: PLAN, END: CLEAR";
  return `
version: 2
events: { GO: {}, REVIEW: {}, APPROVE: {}, END: {} }
metadata: { plan: { type: string } }
targets: { here: { account: "${account}", region: ${region}, role: deploy } }
states:
  INIT: { on: { GO: BUILD } }
  BUILD: { tasks: [${task}], on: { NEXT: LIVE, FAILED: BROKEN } }
  PLAN: { tasks: [plan], on: { NEXT: READY, FAILED: BROKEN } }
  READY: { on: { APPROVE: APPLY, END: CLEAR } }
  APPLY: { tasks: [approved], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: { on: { ${always} } }
  BROKEN: { on: { ${always} } }
  CLEAR: { tasks: [clear], on: { NEXT: GONE, FAILED: STUCK } }
  GONE: {}
  STUCK: { on: { END: CLEAR } }
tasks:
  ${task}: ${toTask("{ action: apply, source: SOURCE }")} }
  plan: ${toTask("{ action: plan, source: SOURCE }")}, outputs: { plan: plan } }
  approved: ${toTask('{ action: apply, source: SOURCE, plan: "$' + '{metadata.plan}" }')} }
  clear: ${toTask("{ action: destroy, source: SOURCE }")} }
`;
}

const parsed = new Map<string, LocatedMachine>();

function locate(document: TerraformDocument): LocatedMachine {
  const source = toDocument(document);
  const known = parsed.get(source);
  if (known !== undefined) return known;
  const executor = { ...terraformDefinition, start: async () => succeeded({}) };
  const { machine, problems } = parseMachine(source, { name: "web", executors: new Map([["terraform", executor]]) });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const revision = { name: "web", hash: machine.hash, source };
  const found: LocatedMachine = { kind: "found", machine, revision, problems };
  parsed.set(source, found);
  return found;
}

/** Opens a life. Call `close` in any case. */
export async function openTerraformLife(
  sky: Sky,
  failing: readonly FailingProgram[],
  bugs: TerraformBugs,
): Promise<TerraformLife> {
  const fails = [...failing];
  const locator: Locator = {
    find: async (name) => (name === "web" ? locate(life.document) : { kind: "unknown" }),
    list: async () => [{ name: "web", located: locate(life.document), origin: "life" }],
  };
  const fateOf = (command: string) => {
    const place = fails.findIndex((each) => each.command === command && life.part.startsWith(each.part));
    return place < 0 ? undefined : fails.splice(place, 1)[0]?.fate;
  };
  // Calls of services are moments of the stories of the borders: here, only looks are.
  const calm: Sky = { ...sky, meet: (_, __, proceed) => proceed() };
  const yard = await createTerraformYard(calm, "apply", { ...bugs, locator, fateOf });
  const kept = { untrue: [], judged: new Set<number>(), acts: new Set<string>(), backs: [] };
  const life: TerraformLife = {
    ...{ ...yard, ...kept, sky, fails, document: FIRST, part: "" },
    async revise(changes) {
      life.document = { ...life.document, ...changes };
      await yard.send("UPGRADE_STACK").catch(() => undefined);
      await yard.settle();
    },
  };
  return life;
}

/** Returns the objects of the configuration that exist. */
export function listOwn({ cloud }: Pick<TerraformLife, "cloud">) {
  return cloud.list().filter(({ address }) => ADDRESSES.some((each) => each === address));
}

/** Notes a sentence once. */
export function note({ untrue }: TerraformLife, invariant: LifeInvariant, sentence: string): void {
  if (untrue.every((each) => each.sentence !== sentence)) untrue.push({ invariant, sentence });
}
