import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AwsCredentials, type Executor, isMap, type Locator, parseJson, type Target } from "@stackyard/core";
import {
  createSealer,
  findKeptState,
  isBlocking,
  listUnsavedRunsOf,
  loadKeptContent,
  provideSealer,
  TerraformInventory,
  toUnsavedId,
} from "@stackyard/core/services";
import { type ActBeside, createSimulator, type Simulator, type Sky } from "@stackyard/core/testing";
import {
  createTerraformExecutor,
  type ProgramCall,
  type ProgramRunner,
  provideTerraformState,
} from "@stackyard/executor-terraform";
import {
  type CloudObject,
  createTerraform,
  createTerraformCloud,
  type Fate,
  type TerraformCloud,
} from "@stackyard/tf-sim";
import { Value } from "typebox/value";
import { createPacedClock, type PacedClock } from "./paced-clock.ts";
import { createStateRequests, STATES, sendAsOperator, serveStates } from "./state-server.ts";
import { findMachine, type TerraformWay } from "./terraform-machine.ts";

/** The key of the state of the stack. */
const KEY = "web/web-1/local/network";
/** That of another stack, with an object. */
const OTHER_KEY = "web/web-2/local/network";
const MINUTE_MS = 60_000;
const PROGRAM = join(import.meta.dirname, "../../../fixtures/weather/terraform");

/** A yard whose worker runs a simulated Terraform, and whose server has its states. */
export interface TerraformYard extends Simulator {
  readonly clock: PacedClock;
  readonly cloud: TerraformCloud;
  /** Programs that the yard has ended while they worked and their limit had not passed. */
  readonly stopped: readonly string[];
  send(event: string): Promise<void>;
  /** Does what the yard tells a person to do: pushes the states that were not saved. */
  pushStates(): Promise<void>;
  /** Returns what is left, and what the yard lists. */
  look(): Promise<TerraformView>;
  close(): Promise<void>;
}

/** The facts at the end. */
export interface TerraformView {
  /** The objects of the stack that exist. */
  readonly objects: readonly CloudObject[];
  /** The ids in its state. */
  readonly saved: readonly string[];
  /** Ids, or addresses without one, that the yard lists as what runs have left. */
  readonly named: readonly string[];
  /** The objects that the yard lists as gone from the state, which nothing has deleted, by their ARNs. */
  readonly vanished: readonly string[];
  /** The number of resources in the inventory; undefined without one. */
  readonly inventory: number | undefined;
  /** True while a lock keeps a person out. */
  readonly isLocked: boolean;
  /** True while the state of the other stack is as it was. */
  readonly isOtherKept: boolean;
}

/** Replaces the executor, for bugs. */
export interface TerraformBugs {
  readonly wrapExecutor?: (executor: Executor) => Executor;
}

interface TerraformYardInput extends TerraformBugs {
  /** Machines that change while the yard runs, in place of the one of the way. */
  readonly locator?: Locator;
  /** Called at the begin of each program; what it returns is its fate in fair weather. */
  readonly fateOf?: (command: string) => Fate | undefined;
}

/** Creates a yard with the stack `web-1`. Call `close` in any case. */
export async function createTerraformYard(
  sky: Sky,
  way: TerraformWay,
  { wrapExecutor = (executor) => executor, locator, fateOf = () => undefined }: TerraformYardInput = {},
): Promise<TerraformYard> {
  const clock = createPacedClock();
  const dir = mkdtempSync(join(tmpdir(), "terraform-weather-"));
  mkdirSync(join(dir, "network"));
  writeFileSync(join(dir, "network/main.tf"), 'resource "sim_server" "web" {}\n');
  const cloud = createTerraformCloud();
  const stopped: string[] = [];
  const fates = new WeakMap<ProgramCall, Fate>();
  const begun = new WeakMap<ProgramCall, number>();
  const sendToBackend = createStateRequests({ sky, clock, key: KEY });
  const terraform = createTerraform(
    {
      clock,
      cloud,
      send: (program, call) => sendToBackend(`Backend.${call.method}`, toBasic(program), call),
      download: async () => void (await sky.meet("Registry.GET", {}, async () => ({ status: 200 }))),
      onStopped(program) {
        const isLate = clock.now() - (begun.get(program) ?? 0) >= 50 * MINUTE_MS;
        if (!isLate) stopped.push(`terraform ${program.arguments[0]}`);
      },
    },
    (program) => fates.get(program),
  );
  const runProgram: ProgramRunner = async (program) => {
    begun.set(program, clock.now());
    const act: ActBeside = async (_, { fate }) => void fates.set(program, fate as Fate);
    const [command = ""] = program.arguments;
    const fate = fateOf(command);
    if (fate !== undefined) fates.set(program, fate);
    const end = await sky.meet(`Terraform.${command}`, { words: program.arguments }, () => terraform(program), act);
    return end as Awaited<ReturnType<ProgramRunner>>;
  };
  const executor = wrapExecutor(
    createTerraformExecutor(
      { binary: PROGRAM, workDir: join(dir, "work") },
      {
        projectDir: dir,
        dataDir: join(dir, "data"),
        environment: {},
        runProgram,
        fetch: async (_, init) => {
          const call = { method: String(init?.method), ...(init?.body && { body: String(init.body) }) };
          const { status, body } = await sendToBackend(
            `Yard.${call.method}`,
            new Headers(init?.headers).get("authorization"),
            call,
          );
          return new Response(status === 204 ? null : body, { status });
        },
      },
    ),
  );
  const paced = withPace(executor, clock, () => yard.findWorking());
  const yard = openYard({ executor: paced, way, clock, sky, locator });
  serveStates({ store: yard.store, clock });
  const other = JSON.stringify({ version: 4, serial: 1, lineage: "other", outputs: {}, resources: [] });
  await sendAsOperator("POST", `/terraform/state/${OTHER_KEY}`, other);
  sky.under(clock.beside, clock.advance, yard.findWorking);
  let events = 0;
  return {
    ...yard,
    clock,
    cloud,
    stopped,
    async send(event) {
      events += 1;
      await yard.publish({ id: `e${events}`, stackId: "web-1", machine: "web", event });
    },
    async pushStates() {
      for (const run of (await listUnsavedRunsOf({ records: yard.store.records, clock }, KEY)).filter(isBlocking)) {
        await sendAsOperator(
          "POST",
          `/v1/terraform/states/${encodeURIComponent(KEY)}/unsaved/${toUnsavedId(run)}/push`,
          "{}",
        );
      }
    },
    look: () => look({ yard, clock, cloud, other }),
    async close() {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function toBasic({ environment }: ProgramCall): string {
  const { TF_HTTP_USERNAME: user = "", TF_HTTP_PASSWORD: password = "" } = environment;
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function withPace(executor: Executor, clock: PacedClock, findWorking: Simulator["findWorking"]): Executor {
  const { start } = executor;
  return {
    ...executor,
    start(ctx, config) {
      const process = findWorking();
      return clock.run(
        () => process?.frozen() !== undefined,
        () => start(ctx, config),
      );
    },
  };
}

interface OpenInput {
  readonly executor: Executor;
  readonly way: TerraformWay;
  readonly clock: PacedClock;
  readonly sky: Sky;
  readonly locator: Locator | undefined;
}

function openYard({ executor, way, clock, sky, locator }: OpenInput): Simulator {
  const credentials = async (target: Target | undefined) =>
    (await sky.meet("STS.AssumeRole", {}, async () => ({
      accessKeyId: `AKIA${target?.account ?? ""}`,
      secretAccessKey: "s",
    }))) as AwsCredentials;
  const client = () => {
    throw new Error("The story has no clients.");
  };
  return createSimulator({
    ...(locator === undefined ? { machines: [findMachine(way)] } : { machines: [], locator }),
    executors: [executor],
    engines: 1,
    workers: 1,
    clock,
    aws: { client, credentials },
    services: [provideTerraformState(STATES), provideSealer(createSealer([Buffer.alloc(32, 1)]))],
  });
}

interface LookInput {
  readonly yard: Simulator;
  readonly clock: PacedClock;
  readonly cloud: TerraformCloud;
  readonly other: string;
}

async function look({ yard, clock, cloud, other }: LookInput): Promise<TerraformView> {
  const deps = { records: yard.store.records, clock };
  const head = await findKeptState(deps, KEY);
  const text = head && (await loadKeptContent(deps, head));
  const left = (await listUnsavedRunsOf(deps, KEY)).flatMap((run) => run.left?.resources ?? []);
  const lock = JSON.stringify({ ID: "the end", Operation: "OperationTypePlan", Who: "ada@laptop" });
  const { status } = await sendAsOperator("LOCK", `/terraform/state/${KEY}`, lock);
  const inventory = await yard.store.records.list("terraform-inventory/", { limit: 1, now: clock.now() });
  const value = inventory.items[0]?.value;
  return {
    objects: cloud.list().filter(({ address }) => address !== "sim_server.other"),
    saved: listIds(text),
    named: left.map(({ address, id }) => id ?? address),
    vanished: Value.Check(TerraformInventory, value) ? (value.vanished ?? []).flatMap(({ arn }) => arn ?? []) : [],
    inventory: Value.Check(TerraformInventory, value) ? value.count : undefined,
    isLocked: status !== 200,
    isOtherKept: (await sendAsOperator("GET", `/terraform/state/${OTHER_KEY}`)).body === other,
  };
}

function listIds(text: string | undefined): readonly string[] {
  const state = parseJson(text ?? "{}");
  const resources = isMap(state) && Array.isArray(state["resources"]) ? state["resources"] : [];
  return resources.map((resource) => String(Object(resource).instances[0].attributes.id));
}
